"""Holds every way in to one word for a cart, and Home to what it says of stock and of products that are left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import onhand
from onhand.domain.people import Role
from onhand.domain.states import CartState
from onhand.words import label
from tests.web.conftest import NAMES, eventually, states, text

pytestmark = pytest.mark.slow  # shops are aligned and settle

AMBER = NAMES[0]


def words(house) -> dict[str, str]:
    """Amber's state by each way in."""
    cards = house.page().partition('id="cart-1"')[2]
    rows = house.browser.shown("/carts").partition('href="/carts/1"')[2]
    own = house.browser.shown("/carts/1")
    return {
        "status": next(cart["state"] for cart in house.do("status")["carts"] if cart["name"] == AMBER),
        "cart_list": house.do("cart_list")["carts"][0]["state"],
        "cart_show": house.do("cart_show", cart=AMBER)["state"],
        "home": states(cards)[0],
        "carts": states(rows)[0],
        "cart": states(own)[0],
    }


def says(house, state: CartState) -> None:
    """All ways in say this, and Home and ``status --check`` are in step only if that is the word."""

    def all_say() -> bool:
        calm = 'class="verdict ok"' in house.page() or 'class="verdict warn"' in house.page()
        headline = re.search(r"<h1>(.*?)</h1>", house.page(), re.DOTALL)[1]
        in_step = state is CartState.IN_STEP
        return set(words(house).values()) == {state.value} and (calm and text(headline) == label(state)) == in_step

    eventually(all_say, 12)
    assert house.do("status")["in_step"] == (state is CartState.IN_STEP)


def a_difference_asks(house, shop, ware) -> None:
    house.do("cart_edit", cart=AMBER, policy="ask")
    shop.admin_save(ware.sku, ware.quantity + 7)


def a_post_is_parked(house, shop, ware) -> None:
    house.do("posts_park", cart=AMBER, sku=ware.sku, reason="a test")


def a_product_is_gone(house, shop, ware) -> None:
    shop.delete_product(ware.sku)


def a_new_product_is_not_aligned(house, shop, ware) -> None:
    house.do("item_add", sku="CUP", name="Cup", on_hand=3)
    shop.add_product("CUP", "Cup", 9)
    house.shops[NAMES[1]].add_product("X", "makes it be read again", 0)


def the_brake_stops_it(house, shop, ware) -> None:
    house.app.database.write(lambda books: books.carts.halt(1, "25 of 30 products are gone from the shop."))


def it_is_switched_off(house, shop, ware) -> None:
    house.do("sync_off", cart=AMBER)


def the_program_is_switched_off(house, shop, ware) -> None:
    house.do("param_set", name="SynchQOH", value="False")


def it_does_not_answer(house, shop, ware) -> None:
    house.do("cart_edit", cart=AMBER, url="http://127.0.0.1:9/onhand.php")


@pytest.mark.parametrize(
    ("what", "state"),
    [
        (a_difference_asks, CartState.WAITS),
        (a_post_is_parked, CartState.WAITS),
        (a_product_is_gone, CartState.WAITS),
        (a_new_product_is_not_aligned, CartState.WAITS),
        (the_brake_stops_it, CartState.STOPPED),
        (it_is_switched_off, CartState.OFF),
        (the_program_is_switched_off, CartState.OFF),
        (it_does_not_answer, CartState.TROUBLE),
    ],
)
def test_all_ways_in_say_the_same_and_never_in_step_when_something_is_open(connected, what, state):
    connected.begin()
    says(connected, CartState.IN_STEP)
    shop = connected.shops[AMBER]
    what(connected, shop, shop.stock()[3])
    says(connected, state)


def test_without_a_controller_nothing_is_in_step(connected):
    connected.do("get_qoh", cart=AMBER, create=True)
    says(connected, CartState.OFF)
    connected.do("param_set", name="SynchQOH", value="True")
    connected.do("sync_on", cart=AMBER)
    says(connected, CartState.NO_CONTROLLER)


def test_nothing_else_in_the_program_decides_a_carts_state():
    """What a driver saw last is read by the one decision; and a cart's own words stand in no other module."""
    own = {CartState.NO_CONTROLLER.value, CartState.UNSEEN.value}
    source = Path(onhand.__file__).parent
    for path in source.rglob("*.py"):
        name = str(path.relative_to(source))
        if name == "domain/states.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant):
                assert node.value not in own, f"{name}:{node.lineno}"
            if isinstance(node, ast.Attribute) and node.attr == "in_step" and "pulse" in ast.unparse(node.value):
                at_home = {"services/standing.py", "running/controller.py", "running/reports.py"}
                assert name in at_home or name.startswith("simulation/"), f"{name}:{node.lineno}"


# What breaks no step and still needs somebody


def test_home_and_status_name_what_is_oversold_and_what_is_low(connected):
    connected.begin()
    sku, other = (ware.sku for ware in connected.shops[AMBER].stock()[:2])
    on_hand = connected.do("item_show", sku=sku)["on_hand"]
    connected.do("order_add", lines=[(sku, on_hand + 11)], oversell=True)
    connected.do("item_edit", sku=other, reorder_point=100_000)
    says(connected, CartState.IN_STEP)
    eventually(lambda: "oversold" in connected.page())
    page = connected.page()
    assert f"1 item is oversold: {sku} −11." in text(page)
    assert "1 item is at or below its reorder point" in text(page)
    for address in ("/inventory?below_zero=yes", "/inventory?reorder=yes"):
        assert f'href="{address}"' in page
        assert connected.browser.shown(address).count('<th scope="row"') == 1
    stock = connected.do("status")["stock"]
    assert (stock["oversold"], stock["low"]) == (1, 1)
    assert [row["sku"] for row in stock["oversold_items"]] == [sku]
    assert [row["sku"] for row in stock["low_items"]] == [other]


def test_home_names_products_of_one_shop_alone_and_leads_to_items_for_them(connected):
    for sku in ("CUP", "JUG"):
        connected.shops[NAMES[1]].add_product(sku, sku.title(), 4)
    connected.begin()
    page = connected.page()
    assert "2 products of Birch &amp; Sons" in page
    (address,) = re.findall(r'href="(/carts/2/listings/create)"', page)
    connected.browser.fill(address, address)
    eventually(lambda: "not synchronized" not in connected.page())
    says(connected, CartState.IN_STEP)
    connected.shops[NAMES[1]].buy("CUP", 1)
    eventually(lambda: connected.do("item_show", sku="CUP")["on_hand"] == 3)


def test_a_preview_never_says_that_all_matches_above_products_that_are_left_out(connected):
    connected.do("get_qoh", cart=AMBER, create=True)
    page = connected.browser.shown("/functions?cart=2&preview=send")
    assert "left out" not in page
    connected.shops[NAMES[1]].add_product("CUP", "Cup", 4)
    page = text(connected.browser.shown("/functions?cart=2&preview=send"))
    assert "1 product of Birch & Sons is left out" in page
    assert "All counts match" not in page


def test_a_product_that_sold_out_and_is_off_is_switched_on_from_home(connected):
    connected.begin()
    shop = connected.shops[AMBER]
    ware = shop.stock()[0]
    shop.set_switch("STOCK_ALLOW_CHECKOUT", "true")
    shop.buy(ware.sku, ware.quantity)
    eventually(lambda: connected.do("item_show", sku=ware.sku)["on_hand"] == 0)
    shop.admin_set(ware.sku, status=0)
    with connected.app.at_cart(connected.app.read(lambda books: books.carts.get(1))) as (_, _, memory):
        memory.catalogue_due = 0.0  # what is off is looked for twice a minute
    eventually(lambda: "1 product of Amber sold out and is still switched off." in text(connected.page()))
    says(connected, CartState.IN_STEP)
    connected.do("receive", lines=[(ware.sku, 3)], reference="PO-1")
    eventually(lambda: shop.find(ware.sku).quantity == 3)
    assert not shop.find(ware.sku).status
    page = "/carts/1/listings?problem=switched+off"
    assert f'href="{page}"' in connected.page()
    assert 'formaction="/carts/1/listings/leave-off"' in connected.browser.shown(page)
    html = connected.browser.shown(page)
    csrf = re.search(r'name="csrf" value="([^"]*)"', html)[1]
    sent = {"csrf": csrf, "key": "one", "products": str(ware.product), "problem": "switched off"}
    assert connected.client(Role.CLERK).get(page).text.count("switch-on") == 0
    assert connected.browser.post("/carts/1/listings/switch-on", data=sent).status_code == 200
    eventually(lambda: shop.find(ware.sku).status == 1)
    eventually(lambda: "switched off" not in text(connected.page()))
