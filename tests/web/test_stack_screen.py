"""Holds the Post Stack screen to what waits, is in flight and is parked, over HTTP and without scripts."""

from __future__ import annotations

import pytest

from onhand.domain.people import Role
from tests.web.conftest import NAMES, flash, is_empty, text


@pytest.fixture
def stacked(connected):
    """Both carts are aligned, and nothing drives them: what is booked waits."""
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    return connected


LISTS = ("parked", "sent", "waiting", "posted")


def sku_of(house) -> str:
    return house.do("cart_products", cart=NAMES[0], limit=1)["products"][0]["sku"]


def section(html: str, name: str) -> str:
    return text(html.partition(f'<div id="{name}">')[2].partition("</section>")[0])


def test_an_empty_stack_says_so(stacked) -> None:
    html = stacked.browser.shown("/stack")
    assert all(is_empty(html.partition(f'<div id="{name}">')[2].partition("</section>")[0]) for name in LISTS)
    stacked.browser.shown("/stack?cart=99", 404)


def test_what_waits_is_shown_with_its_change_and_then_as_posted(stacked) -> None:
    sku = sku_of(stacked)
    before = stacked.do("item_show", sku=sku)["on_hand"]
    stacked.do("receive", lines=[(sku, 5)])
    waiting = section(stacked.browser.shown("/stack?cart=1"), "waiting")
    assert f"{sku}" in waiting
    assert f"{before} +5" in waiting
    assert NAMES[1] not in waiting
    stacked.do("send_qoh", cart=NAMES[0])
    html = stacked.browser.shown("/stack?cart=1")
    assert sku not in section(html, "waiting")
    assert f"{sku}" in section(html, "posted")
    assert "+5" in section(html, "posted")


def test_an_item_is_parked_with_a_reason_and_released(stacked) -> None:
    sku = sku_of(stacked)
    answer = stacked.browser.fill("/stack?cart=1", "/stack/park", cart="1", sku=sku, reason="the shelf is counted")
    assert "Amber" in flash(answer.text)
    parked = section(answer.text, "parked")
    assert "the shelf is counted" in parked
    assert "Ann the administrator" in parked
    stacked.do("receive", lines=[(sku, 5)])
    stacked.do("send_qoh", cart=NAMES[0])
    assert "+5" in section(stacked.browser.shown("/stack"), "parked")
    answer = stacked.browser.fill("/stack?cart=1", "/stack/retry")
    assert flash(answer.text).startswith("0 "), "that is for what the shop did not take"
    answer = stacked.browser.fill("/stack", "/stack/release")
    assert "Product 1" in flash(answer.text)
    assert sku not in section(answer.text, "parked")


def test_what_the_shop_did_not_take_is_tried_again_one_by_one(stacked) -> None:
    sku = sku_of(stacked)
    stacked.app.house.store.write(
        lambda books: books.listings.park(
            1, "The shop's quantity column cannot hold the result.", stacked.app.clock.now()
        )
    )
    assert "cannot hold the result" in section(stacked.browser.shown("/stack"), "parked")
    forms = stacked.browser.shown("/stack").count('action="/stack/retry"')
    assert forms == 1
    answer = stacked.browser.fill("/stack", "/stack/retry")
    assert flash(answer.text).startswith("1 parked update of Amber")
    assert sku in section(answer.text, "waiting")


def test_a_fault_is_said_by_its_field_and_what_was_typed_stays(stacked) -> None:
    answer = stacked.browser.fill("/stack", "/stack/park", cart="", sku="x", reason="because")
    assert answer.status_code == 422
    assert "Choose a cart." in text(answer.text)
    assert 'value="because"' in answer.text
    answer = stacked.browser.fill("/stack", "/stack/park", cart="1", sku="nobody", reason="because")
    assert answer.status_code == 422
    assert "No item has the SKU &#39;nobody&#39;" in answer.text
    answer = stacked.browser.fill("/stack", "/stack/park", cart="1", sku=sku_of(stacked), reason=" ")
    assert "Say why nothing is to be posted" in text(answer.text)
    assert "/stack/release" not in stacked.browser.shown("/stack")


def test_who_may_only_look_is_offered_no_button(stacked) -> None:
    for role in (Role.VIEWER, Role.CLERK):
        person = stacked.client(role)
        html = person.shown("/stack?cart=1")
        assert "/stack/park" not in html
        assert "/stack/retry" not in html


def test_a_long_list_is_paged_by_its_key(stacked) -> None:
    skus = [row["sku"] for row in stacked.do("cart_products", cart=NAMES[0])["products"]]
    for _ in range(2):
        stacked.do("receive", lines=[(sku, 1) for sku in skus])
        stacked.do("send_qoh", cart=NAMES[0])
    posts = stacked.do("posts", cart=NAMES[0], state="settled", limit=50)
    rest = stacked.do("posts", cart=NAMES[0], state="settled", limit=50, before=posts["more_posts"])
    numbers = [row["seq"] for row in posts["posts"] + rest["posts"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == len(set(numbers)) == 2 * len(skus)
    html = stacked.browser.shown("/stack?cart=1")
    assert "before=" in html
    stacked.do("receive", lines=[(sku, 1) for sku in skus])
    first = stacked.do("posts", state="waiting", limit=20)
    second = stacked.do("posts", state="waiting", limit=50, after=first["more_waiting"])
    assert len({row["id"] for row in first["waiting"] + second["waiting"]}) == 2 * len(skus)
    assert stacked.browser.get("/stack?before=x").status_code == 404
