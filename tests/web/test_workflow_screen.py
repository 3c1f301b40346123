"""What Getting started does: seven steps, each ticked off by what the store shows."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import NAMES, eventually, states, text

pytestmark = pytest.mark.slow  # the steps are walked with real shops


def steps(house) -> list[str]:
    """The state of each step."""
    return states(house.browser.shown("/start"))


def test_an_empty_store_has_no_step_done_and_says_where_to_begin(house):
    assert steps(house) == ["next", *["open"] * 6]
    page = house.browser.shown("/start")
    assert "0 of 7" in text(page)
    assert '<a href="/carts/new">Connect your first shop</a>' in page
    assert '<a href="/parameters#SynchQOH">' in page


def test_each_step_is_ticked_off_by_evidence(connected):
    assert steps(connected)[0] == "next"
    assert 'href="/carts/1"' in connected.browser.shown("/start")
    for name in NAMES:
        connected.do("cart_test", cart=name)
    assert steps(connected)[:2] == ["done", "next"]
    connected.do("get_qoh", cart=NAMES[0], create=True)
    assert steps(connected)[1] == "next"
    connected.do("send_qoh", cart=NAMES[1])
    assert steps(connected)[1:4] == ["done", "done", "next"]
    page = text(connected.browser.shown("/start"))
    assert re.search(r"Amber: Get QOH, \d\d:\d\d:\d\d\.", page)
    assert re.search(r"Birch & Sons: Send QOH, \d\d:\d\d:\d\d\.", page)
    connected.do("param_set", name="SynchQOH", value="True")
    assert steps(connected)[3:5] == ["done", "next"]
    for name in NAMES:
        connected.do("sync_on", cart=name)
    assert steps(connected)[4:6] == ["done", "next"]
    connected.app.start_controller()
    eventually(lambda: steps(connected)[6] == "done")
    assert steps(connected)[5] == "next"
    sku = connected.shops["Amber"].stock()[0].sku
    connected.shops["Amber"].buy(sku, 2)
    eventually(lambda: f"Sale of {sku} (−2) in Amber" in text(connected.browser.shown("/start")))
    page = text(connected.browser.shown("/start"))
    assert re.search(r"Birch & Sons \w+ by −2 within", page)
    assert 'href="/receive"' in connected.browser.shown("/start").partition("<main")[2], (
        "Amber has followed nothing yet"
    )
    connected.do("receive", lines=[(sku, 3)], reference="PO-1")
    eventually(lambda: steps(connected) == ["done"] * 7)
    assert "7 of 7" in text(connected.browser.shown("/start"))


def test_a_step_that_no_longer_holds_is_open_again(connected):
    connected.begin()
    assert steps(connected)[4] == "done"
    connected.do("sync_off", cart=NAMES[1])
    assert steps(connected)[4] == "next"
    page = connected.browser.shown("/start")
    assert 'href="/carts/2#synchronize-box"' in page


def test_a_shop_with_products_of_its_own_has_a_step_left_until_they_are_items_or_ignored(connected):
    connected.shops[NAMES[1]].add_product("CUP", "Cup", 4)
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    assert steps(connected)[2] == "next"
    assert 'href="/carts/2/listings/create"' in connected.browser.shown("/start")
    connected.do("listing_create", cart=NAMES[1])
    assert steps(connected)[2] == "done"


def test_a_counted_shelf_is_no_evidence_that_a_shop_followed(connected):
    connected.begin()
    assert steps(connected)[5] == "next"
