"""Tests that pages stay readable with more carts than fit on one: the rest is a click away."""

from __future__ import annotations

import re

import pytest

from onhand.domain.carts import Settings
from onhand.domain.states import CartState
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.verbs.figures import SERIES
from onhand.web import view
from onhand.web.screens import carts
from tests.web.conftest import House, states, text

pytestmark = pytest.mark.slow
MANY = carts.ROWS + view.CARDS + 1
KB_MAX = 100


@pytest.fixture
def crowded(house: House) -> House:
    """A house with many carts that were never aligned, and one that is inactive."""
    at = house.app.clock.now()

    def write(books) -> None:
        for n in range(MANY):
            books.carts.add(Settings(f"Shop {n:03}", f"http://127.0.0.1:1/{n}/onhand.php", active=n > 0), at)

    house.app.database.write(write)
    return house


def listed(page: str) -> list[str]:
    return re.findall(r'<a href="/carts/\d+">(Shop \d+)</a>', page)


def test_home_shows_the_carts_that_need_attention_and_says_how_many_more_there_are(crowded):
    page = crowded.page()
    assert len(re.findall(r'<li class="card', page)) == view.CARDS
    assert f"{MANY - view.CARDS} more carts" in text(page)
    assert len(page.encode()) < KB_MAX * 1000
    verdict = page.partition('<div id="verdict">')[2].partition("<section")[0]
    assert verdict.count("is not aligned yet") + verdict.count("Synchronization is off") <= view.SAYS
    assert f"And {MANY - view.SAYS:,} more." in text(verdict)


def test_all_carts_are_on_pages_of_shopping_carts(crowded):
    first = crowded.browser.shown("/carts")
    assert listed(first) == [f"Shop {n:03}" for n in range(carts.ROWS)]
    (onward,) = re.findall(r'<a href="([^"]+)" rel="next">', first)
    second = crowded.browser.shown(onward.replace("&amp;", "&"))
    assert listed(second) == [f"Shop {n:03}" for n in range(carts.ROWS, MANY)]
    assert len(first.encode()) < KB_MAX * 1000


def test_carts_are_found_by_name_and_by_status(crowded):
    assert listed(crowded.browser.shown("/carts?q=shop+07")) == [f"Shop {n:03}" for n in range(70, MANY)]
    inactive = crowded.browser.shown(f"/carts?state={CartState.INACTIVE}")
    assert listed(inactive) == ["Shop 000"]
    assert "Shop 000" not in listed(crowded.browser.shown(f"/carts?state={carts.NOT_IN_STEP}"))
    assert states(inactive) == [CartState.INACTIVE]
    assert "No carts match." in crowded.browser.shown("/carts?q=nowhere")


def test_a_store_with_few_carts_has_no_pages_and_no_search(connected):
    page = connected.browser.shown("/carts")
    assert 'role="search"' not in page
    assert 'class="pager"' not in page


def test_a_chart_has_a_line_for_few_carts_and_one_for_all_others(crowded):
    at = crowded.app.clock.now()
    busy, quiet = 70, range(1, MANY + 1)

    def trade(books) -> None:
        item = books.items.add("TEA", "Tea", at)
        sales = [Movement(item, Kind.SALE, -9 if cart == busy else -1, f"sale/{cart}", cart) for cart in quiet]
        bookkeeping.book(books, sales, at)

    crowded.app.database.write(trade)
    found = crowded.do("chart", what="sales")["series"]
    assert len(found) == SERIES
    sold = {series["label"]: sum(series["values"]) for series in found}
    assert sold[f"Shop {busy - 1:03}"] == 9
    assert sold["other carts"] == MANY - SERIES + 1
    assert len(crowded.do("chart", what="stack")["series"]) == SERIES
