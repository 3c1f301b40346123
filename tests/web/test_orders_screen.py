"""Holds the Orders screens to what a clerk does there: take, find, cancel, take back; and to what nobody may."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onhand.domain.people import Role
from onhand.domain.stock import QUANTITY_MAX, Kind
from onhand.words import ORDER_LABELS, label
from tests.web.conftest import NAMES, House, alert, eventually, flash, is_empty, text


@pytest.fixture
def shelf(house: House) -> House:
    for sku, on_hand in (("MUG", 4), ("TEA", 10)):
        house.do("item_add", sku=sku, name=f"A {sku.lower()}", on_hand=on_hand)
    return house


@pytest.fixture
def shop(connected: House) -> House:
    """Two shops, aligned; lines are booked by a controller."""
    connected.begin()
    return connected


def on_hand(house: House, sku: str) -> int:
    return house.do("item_show", sku=sku)["on_hand"]


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', html)
    return unescape(found[1]) if found else ""


def rows(html: str) -> list[str]:
    return [text(row) for row in re.findall(r"<tr>.*?</tr>", html.partition("<tbody>")[2], re.DOTALL)]


# Taking one by phone


def test_a_phone_order_of_several_lines_is_booked_and_shown(shelf: House) -> None:
    assert is_empty(shelf.browser.shown("/orders"))
    clerk = shelf.client(Role.CLERK)
    typed = {"sku-0": "tea", "units-0": "2", "sku-3": "MUG", "units-3": "4", "note": "for Mrs. Low"}
    answer = clerk.fill("/orders/new", "/orders/new", **typed)
    assert (answer.url.path, answer.url.params["number"]) == ("/order", "P-1")
    page = text(answer.text)
    assert "P-1" in flash(answer.text)
    assert "by Ann the clerk" in page
    assert "for Mrs. Low" in page
    assert (on_hand(shelf, "TEA"), on_hand(shelf, "MUG")) == (8, 0)
    (row,) = rows(clerk.shown("/orders"))
    assert row.startswith("P-1 ")
    assert row.endswith(f"2 × TEA 4 × MUG {ORDER_LABELS['sold']}")


def test_more_lines_are_offered_and_what_is_typed_stays(shelf: House) -> None:
    before = shelf.browser.shown("/orders/new")
    after = shelf.browser.fill("/orders/new", "/orders/new", **{"sku-5": "TEA", "units-5": "2", "more": "yes"}).text
    assert after.count('name="sku-') > before.count('name="sku-')
    assert (field(after, "sku-5"), field(after, "units-5")) == ("TEA", "2")
    assert field(shelf.browser.shown("/orders/new?sku=TEA"), "sku-0") == "TEA"


@pytest.mark.parametrize(
    ("typed", "said", "where"),
    [
        ({}, "An order has 1 to 1000 lines.", None),
        ({"sku-0": "TEA"}, "Enter a value.", "units-0"),
        ({"units-2": "1"}, "Enter a value.", "sku-2"),
        ({"sku-1": "LAMP", "units-1": "1"}, "No item has this SKU.", "sku-1"),
        ({"sku-1": "TEA", "units-1": "lots"}, "Give a whole number.", "units-1"),
        ({"sku-0": "MUG", "units-0": "1", "sku-1": "TEA", "units-1": "0"}, "at least one unit of TEA", "units-1"),
        ({"sku-1": "TEA", "units-1": "-1"}, "at least one unit of TEA", "units-1"),
        ({"sku-1": "TEA", "units-1": str(QUANTITY_MAX + 1)}, "Give at most", "units-1"),
        ({"sku-1": "TEA", "units-1": "11"}, "TEA has 10 on hand", "units-1"),
        ({"sku-0": "TEA", "units-0": "6", "sku-4": "tea", "units-4": "5"}, "the order needs 11", "units-4"),
        ({"sku-1": "x" * 400, "units-1": "1"}, "at most 300 characters", "sku-1"),
        ({"sku-1": "TEA", "units-1": "1", "note": "x" * 501}, "at most 500 characters", "note"),
    ],
)
def test_an_order_that_cannot_be_says_why_by_its_line_and_keeps_what_was_typed(
    shelf: House, typed: dict, said: str, where: str | None
) -> None:
    answer = shelf.browser.fill("/orders/new", "/orders/new", number="T-1", **typed)
    assert answer.status_code == 422
    assert said in text(answer.text)
    if where:
        assert said in text(re.search(rf'<span class="fault" id="{where}-fault">.*?</span>', answer.text, re.DOTALL)[0])
    assert all(field(answer.text, name) == value for name, value in {"number": "T-1", **typed}.items())
    assert (on_hand(shelf, "TEA"), on_hand(shelf, "MUG")) == (10, 4)


def test_to_oversell_has_to_be_said(shelf: House) -> None:
    typed = {"sku-0": "TEA", "units-0": "11"}
    assert shelf.browser.fill("/orders/new", "/orders/new", **typed).status_code == 422
    answer = shelf.browser.fill("/orders/new", "/orders/new", oversell="yes", **typed)
    assert "P-1" in flash(answer.text)
    assert on_hand(shelf, "TEA") == -1
    again = shelf.browser.fill("/orders/new", "/orders/new", number="P-1", oversell="yes", **typed)
    assert "booked already" in text(again.text)
    assert on_hand(shelf, "TEA") == -1


def test_an_order_that_is_sent_twice_is_booked_once(shelf: House) -> None:
    html = shelf.browser.shown("/orders/new").split('action="/orders/new"')[1]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
    for _ in range(2):
        answer = shelf.browser.post("/orders/new", data={**hidden, "sku-0": "TEA", "units-0": "1"})
        assert answer.url.params["number"] == "P-1"
    assert on_hand(shelf, "TEA") == 9


# Cancelling, and goods that come back


def test_a_line_or_the_whole_of_a_phone_order_is_cancelled(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    shelf.do("order_add", lines=[("TEA", 2), ("MUG", 1)], number="A/1 #2")
    page = "/order?number=A%2F1+%232"
    nothing = clerk.fill(page, "/order/cancel")
    assert nothing.status_code == 422
    assert alert(nothing.text)
    answer = clerk.fill(page, "/order/cancel", lines="2", reason="changed his mind")
    assert "1 line cancelled, 1 unit" in flash(answer.text)
    assert rows(answer.text)[1].endswith(f"MUG A mug 1 {ORDER_LABELS['cancelled']} 1")
    answer = clerk.fill(page, "/order/cancel", whole="yes")
    assert "2 units" in flash(answer.text)
    assert "/order/cancel" not in answer.text
    assert (on_hand(shelf, "TEA"), on_hand(shelf, "MUG")) == (10, 4)
    last = shelf.do("movements", sku="MUG")["movements"][0]
    assert (last["kind"], last["reason"], last["person"]) == ("cancellation", "changed his mind", "Ann the clerk")
    assert rows(clerk.shown("/orders?state=restocked"))[0].endswith(ORDER_LABELS["cancelled"])


def test_goods_of_a_phone_order_come_back(shelf: House) -> None:
    shelf.do("order_add", lines=[("TEA", 3), ("MUG", 1)], number="T-1")
    answer = shelf.browser.fill("/order?number=T-1", "/order/return", **{"back-1": "2", "reason": "too small"})
    assert "2 units" in flash(answer.text)
    assert rows(answer.text)[0].endswith(f"TEA A tea 3 {ORDER_LABELS['partly returned']} 2")
    for typed, said in (
        ({}, "how many units"),
        ({"back-1": "2"}, "at most 1 of 3 can come back, not 2"),
        ({"back-1": "1", "back-2": "x"}, "Give a whole number."),
        ({"back-1": "-1"}, "at most 1 of 3"),
        ({"back-9": "1"}, "has no line 9"),
        ({"back-1": "9" * 30}, "Give at most"),
    ):
        refused = shelf.browser.fill("/order?number=T-1", "/order/return", **typed)
        assert refused.status_code == 422, typed
        assert said in text(refused.text)
        assert all(field(refused.text, name) == value for name, value in typed.items() if name != "back-9")
    assert on_hand(shelf, "TEA") == 9


def test_who_may_only_look_sees_no_form_and_is_refused(shelf: House) -> None:
    shelf.do("order_add", lines=[("TEA", 3)], number="T-1")
    viewer = shelf.client(Role.VIEWER)
    html = viewer.shown("/order?number=T-1")
    assert "/order/cancel" not in html
    assert "/order/return" not in html
    assert "/orders/new" not in viewer.shown("/orders")
    token = re.search(r'name="csrf" value="([^"]*)"', html)[1]
    for path, typed in (("/order/cancel", {"whole": "yes"}), ("/order/return", {"back-1": "1"}), ("/orders/new", {})):
        assert viewer.post(path, data={"csrf": token, "number": "T-1", **typed}).status_code == 403
    assert on_hand(shelf, "TEA") == 7


def test_an_order_that_is_not_there_is_said(shelf: House) -> None:
    for path in ("/order?number=NO", "/order", "/order?number=1&cart=Zinc", "/order?number=" + "9" * 600):
        assert shelf.browser.get(path).status_code == 404
    for path in ("/orders?before=x", "/orders?state=stolen", "/orders?cart=Zinc", "/orders?q=" + "x" * 600):
        assert shelf.browser.get(path).status_code == 404


# The list, and orders of shops


def test_orders_are_filtered_and_paged(shelf: House) -> None:
    for n in range(55):
        shelf.do("order_add", lines=[("MUG" if n == 7 else "TEA", 1)], number=f"N-{n}", oversell=True)
    first = shelf.browser.shown("/orders")
    second = shelf.browser.shown(unescape(re.search(r'href="([^"]*)" rel="next"', first)[1]))
    numbers = [row.split()[0] for row in rows(first) + rows(second)]
    assert numbers == [f"N-{n}" for n in reversed(range(55))]
    assert [row.split()[0] for row in rows(shelf.browser.shown("/orders?q=mug"))] == ["N-7"]
    assert [row.split()[0] for row in rows(shelf.browser.shown("/orders?q=N-9&cart=%28by+phone%29"))] == ["N-9"]
    assert is_empty(shelf.browser.shown("/orders?state=waiting"))


def test_a_long_order_is_cut_in_the_list_only(shelf: House) -> None:
    shelf.do("order_add", lines=[("TEA", 1)] * 200, oversell=True)
    page = shelf.browser.shown("/orders")
    assert "and 196 more lines" in text(page)
    assert len(rows(shelf.browser.shown("/order?number=P-1"))) == 200


@pytest.mark.slow
def test_orders_of_shops_say_what_waits_and_take_goods_back(shop: House) -> None:
    amber = shop.shops["Amber"]
    ware = amber.stock()[0]
    had = on_hand(shop, ware.sku)
    sold, waiting = amber.buy(ware.sku, 2), amber.prepare(ware.sku, 1)
    eventually(lambda: len(rows(shop.browser.shown("/orders"))) == 2)
    eventually(lambda: on_hand(shop, ware.sku) == had - 2)
    page = shop.browser.shown("/orders?state=waiting")
    (row,) = rows(page)
    assert row.startswith(f"{waiting} ")
    assert row.endswith(f"Amber 1 × {ware.sku} {ORDER_LABELS['waiting']}")
    (row,) = rows(shop.browser.shown(f"/orders?q={sold}&cart=Amber"))
    assert row.endswith(ORDER_LABELS["sold"])
    address = unescape(re.search(rf'href="(/order\?number={sold}&[^"]*)"', shop.browser.shown("/orders"))[1])
    html = shop.browser.shown(address)
    assert 'id="cancel-there"' in html
    line = re.search(r'name="(back-[0-9]+)"', html)[1]
    answer = shop.browser.fill(address, "/order/return", **{line: "1"})
    assert "1 unit" in flash(answer.text)
    assert on_hand(shop, ware.sku) == had - 1
    after = shop.browser.shown(address)
    assert 'id="cancel-there"' not in after, "restocked there as well, it would come back twice"
    assert 'id="returned-here"' in after
    eventually(lambda: amber.find(ware.sku).quantity == had - 1)
    assert shop.do("differences")["differences"] == []
    assert f"{label(Kind.RETURN)} +1 Amber, Ann the administrator order {sold}" in text(
        shop.browser.shown("/movements?kind=return")
    )
    token = re.search(r'name="csrf" value="([^"]*)"', html)[1]
    refused = shop.browser.post("/order/cancel", data={"csrf": token, "number": sold, "cart": NAMES[0], "whole": "yes"})
    assert refused.status_code == 422
    assert "delete it in that shop" in text(refused.text)
