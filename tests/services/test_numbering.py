"""Holds orders to their names where a shop's numbers begin again: each is read, named and can come back, none is lost."""

from __future__ import annotations

import pytest

from onhand.services import items, selling
from onhand.services.looking import INCOMPLETE_SECONDS
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def truncate(amber: Stall) -> None:
    """As test orders are removed before a shop opens."""
    for table in ("orders", "orders_products", "orders_status_history"):
        amber.sql(f"DELETE FROM {table}")
        amber.sql("DELETE FROM sqlite_sequence WHERE name = ?", table)


def drop_newest(amber: Stall, order: int) -> None:
    """The newest order is deleted, and the next number is set to what is free."""
    for table, column in (("orders", "orders_id"), ("orders_products", "orders_products_id")):
        amber.sql(f"DELETE FROM {table} WHERE orders_id = ?", order)
        amber.sql(
            f"UPDATE sqlite_sequence SET seq = (SELECT coalesce(max({column}), 0) FROM {table}) WHERE name = ?", table
        )
    amber.sql("DELETE FROM orders_status_history WHERE orders_id = ?", order)


def orders(world: World, amber: Stall) -> list[tuple[str, list[tuple[str, int, str, bool]]]]:
    """Every order, newest first: number, and of each line SKU, units, state and whether the shop has it."""
    found = world.store.read(lambda books: books.orders.page(100, cart=amber.id))
    return [(o.number, [(x.sku, x.quantity, x.state.value, x.present) for x in o.lines]) for o in found]


def sales(world: World, sku: str) -> list[tuple[str | None, int]]:
    item = world.store.read(lambda books: items.find(books, [sku]))[0].id
    entries = world.store.read(lambda books: books.ledger.of_item(item, 1000))
    return [(e.movement.order, e.movement.quantity) for e in reversed(entries) if e.movement.kind == "sale"]


@pytest.mark.parametrize("looked_between", [False, True])
@pytest.mark.parametrize("history", [0, 3])
def test_orders_after_a_truncate_are_read_named_and_can_come_back(
    world: World, looked_between: bool, history: int
) -> None:
    amber = world.cart("Amber", WARES)
    for _ in range(history):
        amber.sample.buy("POT", 1)
    world.parameter("SynchQOH", "true")
    amber.get()
    amber.enable()
    for _ in range(9):
        amber.sample.buy("MUG", 1)
        amber.tick()
    truncate(amber)
    if looked_between:
        amber.tick()
    first = amber.sample.buy("TEA", 2)
    amber.settle()
    second = amber.sample.buy("TEA", 1)
    amber.settle()
    assert (first, second) == (1, 2)
    assert sales(world, "TEA") == [("1", -2), ("2", -1)]
    assert world.on_hand("TEA") == 7
    found = orders(world, amber)
    assert found[:2] == [("2", [("TEA", 1, "sold", True)]), ("1", [("TEA", 2, "sold", True)])]
    assert [lines for _, lines in found[2:]] == [[("MUG", 1, "sold", False)]] * 9, "deleted in the shop, each one"
    order = world.store.read(lambda books: books.orders.find("1", amber.id))
    assert [(line.sku, line.left) for line in order.lines] == [("TEA", 2)]
    selling.take_back(world.house, "1", amber.id, "", [(1, 2)], "", "")
    assert world.on_hand("TEA") == 9
    order = world.store.read(lambda books: books.orders.find("1", amber.id))
    assert order.lines[0].returned == 2
    if not history:
        old = next(o for o in world.store.read(lambda books: books.orders.page(100, cart=amber.id)) if "~" in o.epoch)
        assert all(line.returned == 0 for line in old.lines), "another order had this number"
    assert amber.causes() == []


def test_the_same_order_again_after_a_truncate_is_another_sale(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 2)
    amber.settle()
    truncate(amber)
    amber.settle()
    amber.sample.buy("TEA", 2)
    amber.settle()
    assert sales(world, "TEA") == [("1", -2), ("1", -2)]
    assert [(number, lines[0][3]) for number, lines in orders(world, amber)] == [("1", True), ("1", False)]


@pytest.mark.parametrize("looked_between", [False, True])
def test_the_newest_order_is_deleted_and_its_number_used_again(world: World, looked_between: bool) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("MUG", 1)
    newest = amber.sample.buy("MUG", 4)
    amber.tick()
    drop_newest(amber, newest)
    if looked_between:
        amber.tick()
        assert orders(world, amber)[0][1] == [("MUG", 4, "sold", False)]
    assert amber.sample.buy("TEA", 3) == newest
    amber.settle()
    assert sales(world, "TEA") == [(str(newest), -3)]
    assert [lines for _, lines in orders(world, amber)] == [
        [("TEA", 3, "sold", True)],
        [("MUG", 4, "sold", False)],
        [("MUG", 1, "sold", True)],
    ]
    assert world.on_hand("MUG") == 15


def test_numbers_that_begin_again_twice(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for sku in ("TEA", "MUG", "POT"):
        amber.sample.buy(sku, 1)
        amber.settle()
        truncate(amber)
        amber.tick()
    assert [sales(world, sku) for sku in ("TEA", "MUG", "POT")] == [[("1", -1)]] * 3
    assert [lines[0][0] for _, lines in orders(world, amber)] == ["POT", "MUG", "TEA"]


def test_a_long_table_that_begins_again_while_nobody_looks(world: World) -> None:
    """Its numbers pass what is watched, and even the old highest one, before the next look."""
    (amber,) = world.running("Amber", wares={"TEA": 1000, "MUG": 1000})
    amber.sample.buy_all([("MUG", 1)] * 230)
    amber.tick()
    truncate(amber)
    amber.sample.buy_all([("TEA", 1)] * 240)
    amber.settle()
    assert world.on_hand("TEA") == 760
    assert {order for order, _ in sales(world, "TEA")} == {"1"}
    assert sum(units for _, units in sales(world, "TEA")) == -240


def test_a_deleted_newest_order_makes_no_history_new(world: World) -> None:
    amber = world.cart("Amber", WARES)
    old = [amber.sample.buy("POT", 1) for _ in range(3)]
    world.parameter("SynchQOH", "true")
    amber.get()
    amber.enable()
    drop_newest(amber, old[-1])
    amber.tick()
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert orders(world, amber) == [(str(old[-1]), [("TEA", 1, "sold", True)])]


def test_a_table_that_was_empty_for_a_while_is_nothing_new(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 1000})
    amber.sample.buy_all([("TEA", 1)] * 300)
    world.parameter("SynchQOH", "true")
    amber.get()
    amber.enable()
    number = amber.sample.buy("TEA", 1)
    amber.tick()
    amber.sql("CREATE TABLE kept AS SELECT * FROM orders_products")
    amber.sql("DELETE FROM orders_products")
    amber.settle()
    assert orders(world, amber) == [(str(number), [("TEA", 1, "sold", False)])]
    amber.sql("INSERT INTO orders_products SELECT * FROM kept")
    amber.settle()
    assert orders(world, amber) == [(str(number), [("TEA", 1, "sold", True)])]
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"]


def test_a_line_without_a_product_under_a_number_used_before(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("MUG", 1)
    amber.tick()
    truncate(amber)
    amber.tick()
    order = amber.sample.buy("TEA", 1)
    amber.sql("UPDATE orders_products SET products_id = 0")
    amber.tick(0.1)
    amber.sql("UPDATE orders_products SET products_id = ?", amber.sample.find("TEA").product)
    amber.tick(0.1)
    assert sales(world, "TEA") == [(str(order), -1)]
    amber.tick(INCOMPLETE_SECONDS)
    assert amber.memory.incomplete == {}
