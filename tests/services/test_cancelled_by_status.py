"""Holds what happens where a shop cancels an order by its status and keeps the lines, as Gambio does with status 99.

Path: the sample shop says that it is a Gambio; each test writes what its admin pages write, statement by statement.
Promise: goods that the shop gives back come back once, under their order's number, also if the order is deleted later.
Never: looks at a sentence.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from onhand.domain.differences import Policy
from tests.builders import Stall, World
from tests.services.test_edited_orders import edit_line, move, order_of, settle, shown, take_back

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 20, "POT": 20}
CANCELLED = 99


@pytest.fixture
def shops(world: World) -> tuple[Stall, Stall]:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    hello = replace(amber.cart.hello, family="gambio")
    world.store.write(lambda books: books.carts.greet(amber.id, hello))
    amber.policy(Policy.OURS)
    return amber, birch


def cancel(stall: Stall, order: int, *, restock: bool = True, counter: bool = True, status: int = CANCELLED) -> None:
    """An admin cancels an order: first the status, then quantity and counter of each line."""
    stall.sql("UPDATE orders SET orders_status = ? WHERE orders_id = ?", status, order)
    if restock:
        lines = "SELECT products_model, products_quantity FROM orders_products WHERE orders_id = ?"
        for sku, units in stall.sql(lines, order):
            move(stall, sku, units, -units if counter else 0)


def back(world: World, sku: str = "TEA") -> list[tuple[str, int]]:
    """What came back of a SKU."""
    return [(kind, units) for kind, units in world.movements(sku) if kind in ("cancellation", "return")]


@pytest.mark.parametrize("counter", [True, False])
@pytest.mark.parametrize("beside", ["", "a sale before", "a sale of something else"])
def test_a_cancelled_order_comes_back_once_and_by_its_name(world: World, shops, counter: bool, beside: str) -> None:
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 3), ("POT", 1)])
    settle(amber, birch)
    if beside:
        amber.sample.buy("TEA" if beside == "a sale before" else "POT", 4)
        amber.tick()
    cancel(amber, order, counter=counter)
    settle(amber, birch)
    left = 16 if beside == "a sale before" else 20
    assert shown(world, amber, birch) == {left}
    assert back(world) == [("cancellation", 3)]
    assert amber.causes() == ([] if counter else [("order cancelled", 3), ("order cancelled", 1)])
    assert not amber.differences(open_only=True)
    found = order_of(world, amber, order)
    assert (found.word, {line.left for line in found.lines}) == ("cancelled", {0})


@pytest.mark.parametrize("counter", [True, False])
@pytest.mark.parametrize("again", [True, False])
def test_a_cancelled_order_that_is_deleted_later_comes_back_once(
    world: World, shops, counter: bool, again: bool
) -> None:
    """Gambio gives the goods back a second time, if its admin ticks the box: the next post takes them away again."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    amber.sample.buy("TEA", 5)
    settle(amber, birch)
    cancel(amber, order, counter=counter)
    settle(amber, birch)
    before = len(amber.causes())
    amber.sample.delete_order(order, restock=again)
    settle(amber, birch)
    assert shown(world, amber, birch) == {15}
    assert back(world) == [("cancellation", 3)]
    assert amber.causes()[before:] == ([("given back twice", 3)] if again else [])
    assert not amber.differences(open_only=True)


@pytest.mark.parametrize("counter", [True, False])
def test_goods_that_came_back_here_are_not_given_back_by_a_cancellation_too(world: World, shops, counter: bool) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    take_back(world, amber, order, 3)
    settle(amber, birch)
    cancel(amber, order, counter=counter)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    assert back(world) == [("return", 3)]
    assert ("given back twice", 3) in amber.causes()


def test_an_order_cancelled_without_restock_gives_nothing_back_until_its_goods_come(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    cancel(amber, order, restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {17}
    assert amber.causes() == []
    take_back(world, amber, order, 3)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}


def test_a_deleted_order_is_named_before_one_that_was_cancelled_for_nothing(world: World, shops) -> None:
    amber, birch = shops
    first, second = (amber.sample.buy("TEA", 3) for _ in range(2))
    amber.sample.buy("TEA", 1)
    settle(amber, birch)
    cancel(amber, first, restock=False)
    settle(amber, birch)
    amber.sample.delete_order(second, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {16}
    assert order_of(world, amber, second).word == "cancelled"
    assert order_of(world, amber, first).lines[0].left == 3


def test_a_shop_says_which_status_of_its_own_cancels(world: World, shops) -> None:
    amber, birch = shops
    hello = replace(
        amber.cart.hello, switches={**amber.cart.hello.switches, "gm_configuration/GM_ORDER_STATUS_CANCEL_ID": "7"}
    )
    world.store.write(lambda books: books.carts.greet(amber.id, hello))
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    cancel(amber, order, status=7)
    settle(amber, birch)
    assert order_of(world, amber, order).word == "cancelled"


def test_another_familys_status_means_nothing(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    settle(amber)
    cancel(amber, order)
    settle(amber)
    assert shown(world, amber) == {20}
    assert order_of(world, amber, order).word == "sold", "the counter fell, and no line says why"


def test_an_order_edited_and_cancelled_between_two_looks_comes_back_once(world: World, shops) -> None:
    """The line that stays has other units on it: they were taken for another sale, and posted away."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 1)
    amber.sample.buy("TEA", 5)
    settle(amber, birch)
    edit_line(amber, order, 4, counter=True)
    cancel(amber, order)
    settle(amber, birch)
    assert shown(world, amber, birch) == {15}
    assert amber.causes() == []
    assert order_of(world, amber, order).lines[0].left == 0
