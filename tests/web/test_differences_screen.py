"""Holds the Differences screen to its words and its three buttons, over HTTP and without scripts."""

from __future__ import annotations

import pytest

from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.people import Role
from onhand.domain.sketch import Counters
from tests.web.conftest import NAMES, eventually, text


@pytest.fixture
def asked(connected):
    """Somebody typed a count into Amber, which asks about such edits."""
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("param_set", name="SynchQOH", value="True")
    connected.do("cart_edit", cart=NAMES[0], policy="ask")
    connected.do("sync_on", cart=NAMES[0])
    connected.app.start_controller()
    shop = connected.shops[NAMES[0]]
    connected.count = shop.find(sku_of(connected)).quantity
    shop.admin_set(sku_of(connected), quantity=connected.count + 3)
    eventually(lambda: connected.do("differences", open_only=True)["differences"])
    return connected


def sku_of(house) -> str:
    return house.do("cart_products", cart=NAMES[0], limit=1)["products"][0]["sku"]


def shown_there(house) -> int:
    return house.shops[NAMES[0]].find(sku_of(house)).quantity


def test_without_any_the_page_says_what_that_means(house) -> None:
    assert "None so far" in text(house.browser.shown("/differences"))
    house.browser.shown("/differences?cart=7", 404)
    assert "No such difference." in text(house.browser.shown("/differences?open=yes"))


def test_a_difference_says_what_was_seen_why_and_what_is_done(asked) -> None:
    said = text(asked.browser.shown("/differences"))
    assert "+3 edit in the shop" in said
    assert "A person typed another count into the shop." in said
    assert f"The shop showed {asked.count + 3} where both sides should have held {asked.count}." in said
    assert "waits for you The amount is held until you decide" in said


def test_ours_brings_the_shop_back(asked) -> None:
    answer = asked.browser.fill("/differences?open=yes", "/differences/1/ours")
    assert "The shop is brought back to our count." in text(answer.text)
    assert answer.url.query == b"open=yes", "the list as it was filtered"
    assert "No such difference." in text(answer.text)
    eventually(lambda: shown_there(asked) == asked.count)
    closed = text(asked.browser.shown("/differences?open=no"))
    assert "Ours, decided by Ann the administrator" in closed


def test_theirs_is_booked(asked) -> None:
    asked.browser.fill("/differences", "/differences/1/theirs")
    assert asked.do("item_show", sku=sku_of(asked))["on_hand"] == asked.count + 3
    assert shown_there(asked) == asked.count + 3


def test_a_re_check_says_what_is_there_and_closes_what_was_put_right(asked) -> None:
    answer = asked.browser.fill("/differences", "/differences/1/recheck")
    assert f"Difference 1: The shop shows {asked.count + 3}, we want {asked.count}" in text(answer.text)
    asked.shops[NAMES[0]].admin_set(sku_of(asked), quantity=asked.count)
    answer = asked.browser.fill("/differences", "/differences/1/recheck")
    assert "Difference 1: Closed: undone in the shop." in text(answer.text)


def test_a_difference_that_was_decided_meanwhile_is_refused_with_a_reason(asked) -> None:
    page = asked.browser.shown("/differences")
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    asked.do("decide", difference=1, side="ours")
    answer = asked.browser.post("/differences/1/theirs", data={"csrf": csrf, "back": "open=yes&x=y"})
    assert answer.status_code == 422
    assert "Difference 1 does not wait for a decision." in text(answer.text)
    answer = asked.browser.post("/differences/x/recheck", data={"csrf": csrf})
    assert answer.status_code == 422


def test_they_are_filtered_by_cart_and_cause(asked) -> None:
    assert "No 1," in text(asked.browser.shown("/differences?cart=1&cause=edit+in+the+shop"))
    for query in ("cart=2", "cause=lost+sale", "open=no"):
        assert "No such difference." in text(asked.browser.shown(f"/differences?{query}"))


def test_who_may_only_look_is_offered_no_button(asked) -> None:
    viewer = asked.client(Role.VIEWER)
    html = viewer.shown("/differences")
    assert "<button" not in html.partition('id="list"')[2]


def test_a_long_list_is_paged_by_its_key(asked) -> None:
    def many(books) -> None:
        nothing = Counters(0, 0)
        for _ in range(60):
            finding = Finding(Cause.NEW_LISTING, Remedy.SHOW)
            books.differences.open(1, 1, finding, 0, nothing, nothing, asked.app.clock.now(), "note")

    asked.app.house.store.write(many)
    html = asked.browser.shown("/differences?cart=1")
    following = html.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "No 1," in text(asked.browser.shown(following))
