"""Holds the page where SKUs are settled to what a person does there, over HTTP and without scripts."""

from __future__ import annotations

import pytest

from onhand.domain.listings import Problem
from onhand.domain.people import Role
from onhand.words import label
from tests.web.conftest import NAMES, alert, flash, is_empty, states, text


@pytest.fixture
def aligned(connected):
    """Amber has one product of each kind that no SKU settles. Nothing drives it."""
    shop = connected.shops[NAMES[0]]
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("item_add", sku="CUP-1", name="A cup", on_hand=4)
    for sku, name in (("CUP 1", "Cup"), ("TWICE", "First"), ("twice", "Second"), (None, "Nameless")):
        shop.add_product(sku, name, 9)
    connected.do("send_qoh", cart=NAMES[0])
    return connected


PAGE = "/carts/1/listings"


def product(house, name: str) -> int:
    rows = house.do("cart_products", cart=NAMES[0], search=name)["products"]
    return next(row["product"] for row in rows if row["name"] == name)


def test_what_no_sku_settles_is_listed_with_what_is_the_matter(aligned) -> None:
    said = text(aligned.browser.shown(PAGE))
    for words in (
        "Cup",
        label(Problem.UNMATCHED),
        "First",
        "Second",
        label(Problem.DUPLICATE),
        "Nameless",
        label(Problem.BLANK),
    ):
        assert words in said
    assert "1 unmatched, 2 duplicate, 1 without" in said
    assert "Second" not in text(aligned.browser.shown(f"{PAGE}?problem=blank"))
    assert is_empty(aligned.browser.shown(f"{PAGE}?search=lamp"))


def test_the_item_of_a_product_is_chosen_among_those_that_are_alike(aligned) -> None:
    number = product(aligned, "Cup")
    page = f"{PAGE}/{number}"
    assert "CUP-1 A cup 4 same SKU but for signs" in text(aligned.browser.shown(page))
    answer = aligned.browser.fill(page, f"{page}/choose")
    assert answer.url.path == PAGE
    assert "CUP-1" in flash(answer.text)
    assert f'action="{PAGE}/release"' in aligned.browser.shown(page)
    aligned.do("send_qoh", cart=NAMES[0])
    assert aligned.shops[NAMES[0]].find("CUP 1").quantity == 4
    assert f"{PAGE}/{number}" in aligned.browser.shown(f"{PAGE}?problem=chosen")
    aligned.browser.fill(page, f"{PAGE}/release", products=str(number))
    assert "unmatched" in states(aligned.browser.shown(PAGE))


def test_an_item_that_another_product_has_is_not_offered_and_not_given(aligned) -> None:
    taken = aligned.do("cart_products", cart=NAMES[0], limit=1)["products"][0]
    page = f"{PAGE}/{product(aligned, 'Nameless')}"
    assert "product 1" in text(aligned.browser.shown(f"{page}?search={taken['sku']}"))
    form = f"{PAGE}/{product(aligned, 'Cup')}"
    answer = aligned.browser.fill(form, f"{form}/choose", sku=taken["sku"])
    assert answer.status_code == 422
    assert f"product {taken['product']}" in text(answer.text)
    assert aligned.browser.fill(form, f"{form}/choose", sku="nobody").status_code == 422


def test_our_item_takes_the_sku_of_the_shop(aligned) -> None:
    page = f"{PAGE}/{product(aligned, 'Cup')}"
    answer = aligned.browser.fill(page, f"{page}/rename")
    assert "CUP 1" in flash(answer.text)
    assert aligned.do("item_show", sku="cup 1")["on_hand"] == 4
    (row,) = aligned.do("cart_products", cart=NAMES[0], search="CUP 1")["products"]
    assert (row["sku"], row["problem"], row["aligned"]) == ("CUP 1", None, False)
    assert "/rename" not in aligned.browser.shown(page)


def test_many_are_ignored_at_once_and_that_is_undone(aligned) -> None:
    numbers = [str(product(aligned, name)) for name in ("First", "Second", "Nameless")]
    answer = aligned.browser.fill(PAGE, f"{PAGE}/ignore", products=numbers)
    assert "3 products of Amber" in flash(answer.text)
    assert "0 duplicate, 0 without" in text(answer.text)
    ignored = f"{PAGE}?problem=ignored"
    assert "Nameless" in aligned.browser.shown(ignored)
    hidden = aligned.browser.shown(ignored)
    assert f'formaction="{PAGE}/release"' in hidden
    csrf = hidden.partition('name="csrf" value="')[2].partition('"')[0]
    answer = aligned.browser.post(f"{PAGE}/release", data={"csrf": csrf, "products": numbers, "problem": "ignored"})
    assert "3 products of Amber" in flash(answer.text)
    assert "2 duplicate, 1 without" in text(aligned.browser.shown(PAGE))


def test_nothing_ticked_is_said_and_the_list_stays_as_it_was(aligned) -> None:
    answer = aligned.browser.fill(f"{PAGE}?problem=blank", f"{PAGE}/ignore")
    assert answer.status_code == 422
    assert alert(answer.text)
    assert "Second" not in text(answer.text)
    assert aligned.browser.fill(PAGE, f"{PAGE}/ignore", products="x").status_code == 422
    assert aligned.browser.fill(PAGE, f"{PAGE}/ignore", products="99999").status_code == 422


def test_a_cart_that_was_never_aligned_says_what_to_do(connected) -> None:
    said = connected.browser.shown(PAGE)
    assert is_empty(said)
    assert 'href="/functions?cart=1"' in said
    connected.browser.shown("/carts/99/listings", 404)
    connected.browser.shown(f"{PAGE}/1", 404)


def test_who_may_only_look_is_offered_nothing_and_refused(aligned) -> None:
    viewer = aligned.client(Role.VIEWER)
    html = viewer.shown(PAGE)
    assert 'type="checkbox"' not in html
    assert "<button" not in html.partition("<main")[2].partition("</table>")[2]
    answer = viewer.fill(PAGE, f"{PAGE}/ignore", products="1")
    assert answer.status_code == 403


def test_a_long_list_is_paged_by_its_key(aligned) -> None:
    shop = aligned.shops[NAMES[0]]
    for n in range(60):
        shop.add_product(f"odd-{n}", f"Odd {n}", 1)
    aligned.do("send_qoh", cart=NAMES[0])
    html = aligned.browser.shown(f"{PAGE}?problem=unmatched")
    assert "Odd 48" in html
    assert "Odd 49" not in html
    following = html.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "Odd 59" in aligned.browser.shown(following)


def test_items_are_created_for_what_only_this_shop_sells_after_a_look_at_them(aligned) -> None:
    assert 'href="/carts/1/listings/create"' in aligned.browser.shown(PAGE)
    preview = text(aligned.browser.shown(f"{PAGE}/create"))
    assert "CUP 1 Cup 9" in preview
    assert "TWICE" not in preview
    aligned.browser.fill(f"{PAGE}/create", f"{PAGE}/create")
    assert aligned.do("item_show", sku="CUP 1")["on_hand"] == 9
    assert aligned.do("cart_show", cart=NAMES[0])["unmatched"] == 0
    assert f'action="{PAGE}/create"' not in aligned.browser.shown(f"{PAGE}/create")
    assert 'href="/carts/1/listings/create"' not in aligned.browser.shown(PAGE)


def test_creating_items_needs_the_right_to_manage(aligned) -> None:
    clerk = aligned.client(Role.CLERK)
    assert "listings/create" not in clerk.shown(PAGE)
    clerk.shown(f"{PAGE}/create", status=403)


def test_a_sku_that_only_looks_like_an_items_and_broken_texts_are_said(connected) -> None:
    shop = connected.shops[NAMES[0]]
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("item_add", sku="CUP", on_hand=4)
    for sku, name in (("СUP", "Strange"), ("GRÃœN", "TÃ¤sschen"), ("BAD", "Kaf\ufffd")):
        shop.add_product(sku, name, 9)
    connected.do("send_qoh", cart=NAMES[0])
    cart = connected.do("cart_show", cart=NAMES[0])
    assert cart["texts"] == {"mended": 1, "doubtful": 1, "look_alikes": 1}
    assert 'id="texts"' in connected.browser.shown("/carts/1")
    assert "Looks like CUP" in text(connected.browser.shown(f"{PAGE}?problem=unmatched"))
    assert "Tässchen" in text(connected.browser.shown(f"{PAGE}?problem=mended"))
    page = text(connected.browser.shown(f"{PAGE}/{product(connected, 'Strange')}"))
    assert "CUP" in page
    assert "looks the same" in page
    assert {
        row["name"]: row["result"] for row in connected.do("get_qoh", cart=NAMES[0], create=True, dry_run=True)["lines"]
    }["Strange"] == "looks alike"
