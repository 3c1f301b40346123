"""Holds the booking of shop sales to its promise: each is booked once, named where a line names it, never invented."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from onhand.domain.errors import Retriable
from onhand.domain.numbering import WINDOW_LINES
from onhand.services import items, looking, memory
from onhand.services.looking import INCOMPLETE_SECONDS
from tests.builders import World, failing

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def named(world: World, sku: str) -> list[tuple[str | None, int]]:
    """The sales of an item, oldest first: order number and units."""
    item = world.store.read(lambda books: items.find(books, [sku]))[0].id
    entries = world.store.read(lambda books: books.ledger.of_item(item, 1000))
    return [(e.movement.order, e.movement.quantity) for e in reversed(entries) if e.movement.kind == "sale"]


def test_a_sale_is_named_booked_and_shown_by_the_other_shop(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.tick()
    birch.tick()
    assert world.on_hand("TEA") == 7
    assert birch.shows("TEA") == 7
    last = world.store.read(lambda books: books.ledger.of_item(None, 1))[0]
    assert (last.movement.order, last.movement.cart, last.movement.quantity) == (str(order), amber.id, -3)
    assert amber.differences() == birch.differences() == []


def test_a_tick_without_trade_is_in_step_and_asks_once(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"]


@pytest.mark.parametrize("later_line", [False, True])
def test_a_line_without_a_product_yet_is_read_again_and_names_its_sale(world: World, later_line: bool) -> None:
    """Gambio GX4 inserts a line with product 0 and updates it in its next statement."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.sql("UPDATE orders_products SET products_id = 0 WHERE orders_id = ?", order)
    if later_line:
        amber.sample.buy("MUG", 1)
    for _ in range(3):
        amber.tick(0.1)
    amber.sql("UPDATE orders_products SET products_id = ? WHERE orders_id = ?", amber.sample.find("TEA").product, order)
    amber.tick(0.1)
    assert named(world, "TEA") == [(str(order), -3)]
    found = world.store.read(lambda books: books.orders.find(str(order), amber.id))
    assert [(line.sku, line.state) for line in found.lines] == [("TEA", "sold")]
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"], "nothing is read again any more"


@pytest.mark.parametrize("newer", [0, 2 * WINDOW_LINES])
def test_the_wait_for_a_product_of_a_line_is_bounded(world: World, newer: int) -> None:
    """Some admins write lines without a product, for fees; those are kept, and cost nothing for long."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 1)
    amber.sql("UPDATE orders_products SET products_id = 0, products_model = 'FEE' WHERE orders_id = ?", order)
    for _ in range(newer):
        amber.sample.buy("MUG", 1)
    amber.settle()
    amber.tick(0 if newer else INCOMPLETE_SECONDS)
    amber.settle()
    found = world.store.read(lambda books: books.orders.find(str(order), amber.id))
    assert [(line.sku, line.state) for line in found.lines] == [("FEE", "waiting")]
    assert world.on_hand("TEA") == 9, "the counter is the truth"
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"]


def test_an_order_of_several_lines_is_booked_line_by_line(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy_all([("TEA", 1), ("MUG", 2), ("TEA", 3)])
    amber.tick()
    assert world.on_hand("TEA") == 6
    assert world.on_hand("MUG") == 18
    assert world.movements("TEA")[1:] == [("sale", -1), ("sale", -3)]


@pytest.mark.parametrize("line_first", [False, True])
def test_looks_between_all_statements_of_a_sale_invent_nothing(world: World, line_first: bool) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    for _ in amber.checkout("TEA", 2, line_first):
        amber.tick(0.5)
        birch.tick(0.0)
        assert amber.differences() == []
    amber.tick()
    birch.tick()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    assert amber.shows("TEA") == birch.shows("TEA") == 8
    assert amber.memory.suspicions == {}
    assert amber.tick()


@pytest.mark.parametrize("line_first", [False, True])
@pytest.mark.parametrize("restart_at", range(8))
def test_a_restart_between_any_two_statements_of_a_sale_loses_nothing(
    world: World, line_first: bool, restart_at: int
) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    for step, _ in enumerate(amber.checkout("TEA", 2, line_first)):
        if step == restart_at:
            amber.restart()
        amber.tick(0.3)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    assert amber.shows("TEA") == 8
    assert amber.differences() == []


def test_two_sales_interleaved_at_every_statement(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    tea, mug = amber.checkout("TEA", 2), amber.checkout("MUG", 1)
    running = [tea, mug]
    while running:
        for sale in list(running):
            if next(sale, None) is None:
                running.remove(sale)
            amber.tick(0.1)
    amber.tick()
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (8, 19)
    assert amber.differences() == []


def test_a_line_whose_counter_has_not_moved_waits(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.prepare("TEA", 2)
    amber.settle()
    assert world.on_hand("TEA") == 10
    assert amber.differences() == []


def test_a_redirect_order_is_a_sale_when_it_is_paid(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    order = amber.sample.prepare("TEA", 2)
    amber.settle()
    amber.sample.pay(order)
    amber.tick()
    birch.tick()
    assert birch.shows("TEA") == 8
    last = world.store.read(lambda books: books.ledger.of_item(None, 1))[0]
    assert last.movement.order == str(order)


def test_a_redirect_order_that_is_never_paid_is_never_a_sale(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.prepare("TEA", 2)
    amber.tick()
    amber.sample.abandon(order)
    amber.sample.buy("TEA", 2)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    assert world.on_hand("TEA") == amber.shows("TEA") == 8


def test_of_two_waiting_orders_the_paid_one_is_named(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.prepare("TEA", 2)
    second = amber.sample.prepare("TEA", 2)
    amber.tick()
    amber.sample.pay(second)
    amber.tick()
    last = world.store.read(lambda books: books.ledger.of_item(None, 1))[0]
    assert last.movement.order == str(second)


def test_a_counter_that_moved_with_no_line_is_a_sale_after_the_settling_time(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity - 2, products_ordered = products_ordered + 2"
        " WHERE products_model = 'TEA'"
    )
    amber.tick()
    amber.tick()
    assert world.on_hand("TEA") == 10, "not before it was seen twice, the settling time apart"
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    assert world.store.read(lambda books: books.ledger.of_item(None, 1))[0].movement.line is None


def test_a_line_that_comes_after_its_unnamed_sale_is_not_booked_again(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    steps = amber.checkout("TEA", 2)
    while next(steps) != "counter":
        pass
    amber.settle()
    next(steps)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2), ("sale", -1)]


@pytest.mark.parametrize("other_sale", [None, "TEA", "MUG"])
def test_a_line_that_comes_late_names_the_sale_that_was_booked_without_it(world: World, other_sale: str | None) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    steps = amber.checkout("TEA", 2)
    while next(steps) != "counter":
        pass
    amber.settle()
    if other_sale:
        amber.sample.buy(other_sale, 2)
    next(steps)
    amber.settle()
    assert {state for _, state in lines(world)} == {"sold"}
    assert amber.listing("TEA").unnamed == 0
    assert world.on_hand("TEA") == amber.shows("TEA") == (6 if other_sale == "TEA" else 8)
    assert sum(1 for kind, _ in world.movements("TEA") if kind == "sale") == (2 if other_sale == "TEA" else 1)


@pytest.mark.parametrize("ticks", range(4))
@pytest.mark.parametrize("beside", ["a part of an order", "a sale without a line"])
def test_a_late_line_explains_no_drift_because_it_is_booked_already(world: World, beside: str, ticks: int) -> None:
    """A line names units that were booked without one, beside a lost post of as many units that is about to settle."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("MUG", 1)
    amber.tick()
    steps = amber.checkout("TEA", 2)
    while next(steps) != "counter":
        pass
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2)]
    sale = "products_quantity = products_quantity - 1, products_ordered = products_ordered + 1"
    if unnamed := beside == "a sale without a line":
        amber.sql(f"UPDATE products SET {sale} WHERE products_model = 'TEA'")
    amber.sql("UPDATE products SET products_quantity = products_quantity - 2 WHERE products_model = 'TEA'")
    for _ in range(ticks):
        amber.tick()
    next(steps)
    if not unnamed:
        amber.sql("UPDATE orders_products SET orders_id = ? WHERE products_model = 'TEA'", order)
    amber.settle()
    sold = 2 + unnamed
    assert amber.listing("TEA").ordered == sold
    assert -sum(units for kind, units in world.movements("TEA") if kind == "sale") == sold
    assert "order edited" not in {cause for cause, _ in amber.causes()}


def test_a_redirect_order_that_is_not_paid_is_not_taken_for_a_late_line(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    steps = amber.checkout("TEA", 2)
    while next(steps) != "counter":
        pass
    amber.settle()
    order = amber.sample.prepare("TEA", 2)
    amber.settle()
    assert lines(world) == [(str(order), "waiting")]
    amber.sample.pay(order)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2), ("sale", -2)]


def test_units_that_came_back_wait_for_no_name_any_more(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for units in (2, -2):
        amber.sql(
            "UPDATE products SET products_quantity = products_quantity - ?, products_ordered = products_ordered + ?"
            " WHERE products_model = 'TEA'",
            units,
            units,
        )
        amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2), ("cancellation", 2)]
    assert amber.listing("TEA").unnamed == 0


@pytest.mark.parametrize("was_sold", [True, False])
def test_a_line_number_that_is_used_again_is_counted_once_more(world: World, was_sold: bool) -> None:
    """InnoDB before MySQL 8 and MariaDB 10.2.4 gives the number of the newest line again, if that was deleted before a restart."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3) if was_sold else amber.sample.prepare("TEA", 3)
    amber.settle()
    amber.sample.delete_order(order, restock=False)
    amber.settle()
    amber.sql("UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'orders_products'")
    amber.sample.buy("TEA", 2)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -3), ("sale", -2)][0 if was_sold else 1 :]
    assert world.on_hand("TEA") == amber.shows("TEA")
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"], "the window fits again"


def test_an_order_with_the_numbers_of_a_deleted_one_gives_back_what_it_took_itself(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 1)
    amber.settle()
    amber.sample.delete_order(order, restock=False)
    amber.settle()
    for table in ("orders", "orders_products"):
        amber.sql(f"UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = '{table}'")
    assert amber.sample.buy("TEA", 3) == order
    amber.memory.sums_due = math.inf  # a look that sees lines and no sums comes first
    amber.tick()
    amber.memory.sums_due = 0.0
    amber.settle()
    amber.sample.delete_order(order, restock=True)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -1), ("sale", -3), ("cancellation", 3)]
    assert amber.causes() == []


def lines(world: World) -> list[tuple[str, str]]:
    """Order and state of every collected line."""
    found = world.store.read(lambda books: books.orders.page(100))
    return [(order.number, line.state.value) for order in found for line in reversed(order.lines)]


def test_a_deleted_order_with_restock_is_a_cancellation(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.tick()
    amber.sample.delete_order(order, restock=True)
    amber.tick()
    birch.tick()
    assert world.movements("TEA")[1:] == [("sale", -3), ("cancellation", 3)]
    assert birch.shows("TEA") == 10


def test_a_deleted_order_without_restock_changes_nothing(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.tick()
    amber.sample.delete_order(order, restock=False)
    amber.settle()
    assert world.on_hand("TEA") == amber.shows("TEA") == 7
    assert amber.differences() == []


@pytest.mark.parametrize(
    ("family", "booked"),
    [
        ("phoenix", [("cancellation", 1)]),  # gives back only one of two lines of a product
        (
            "oscommerce",
            [("cancellation", 2), ("cancellation", 1), ("sale", -2)],
        ),  # all; then something was sold that has no line
    ],
)
def test_of_an_order_restocked_in_part_the_given_back_units_are_cancelled(
    world: World, family: str, booked: list[tuple[str, int]]
) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    hello = replace(amber.cart.hello, family=family)
    world.store.write(lambda books: books.carts.greet(amber.id, hello))
    order = amber.sample.buy_all([("TEA", 2), ("TEA", 1)])
    amber.tick()
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity + 1, products_ordered = products_ordered - 1"
        " WHERE products_model = 'TEA'"
    )
    amber.sample.delete_order(order, restock=False)
    amber.settle()
    assert sorted(world.movements("TEA")[1:]) == sorted([("sale", -2), ("sale", -1), *booked])
    assert world.on_hand("TEA") == amber.shows("TEA") == 8


def test_looks_between_the_statements_of_a_restock_invent_nothing(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy_all([("TEA", 2), ("MUG", 1)])
    amber.tick()
    for sku, n in (("TEA", 2), ("MUG", 1)):
        amber.sql(
            "UPDATE products SET products_quantity = products_quantity + ?, products_ordered = products_ordered - ?"
            " WHERE products_model = ?",
            n,
            n,
            sku,
        )
        amber.tick(0.5)
    for table in ("orders", "orders_products", "orders_status_history", "orders_total"):
        amber.sql(f"DELETE FROM {table} WHERE orders_id = ?", order)
        amber.tick(0.3)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2), ("cancellation", 2)]
    assert world.on_hand("MUG") == amber.shows("MUG") == 20
    assert amber.differences() == []


def test_an_order_sold_and_deleted_with_restock_between_two_looks_never_was(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.delete_order(amber.sample.buy("TEA", 3), restock=True)
    amber.settle()
    assert world.movements("TEA") == [("opening", 10)]


def test_an_order_from_before_the_alignment_that_is_restocked_is_a_cancellation(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    order = amber.sample.buy("TEA", 3)
    amber.get()
    amber.enable()
    assert world.on_hand("TEA") == 7, "what was sold before the alignment is history"
    amber.sample.delete_order(order, restock=True)
    amber.settle()
    assert world.movements("TEA") == [("opening", 7), ("cancellation", 3)]


def test_ids_that_commit_out_of_order_are_booked(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("MUG", 1)
    amber.tick()
    amber.sql("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'orders_products'")
    amber.sample.buy("MUG", 1)
    amber.tick()
    newest = amber.cart.cursor_line
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity - 2, products_ordered = products_ordered + 2"
        " WHERE products_model = 'TEA'"
    )
    amber.sql(
        "INSERT INTO orders_products (orders_products_id, orders_id, products_id, products_model, products_name,"
        " products_price, final_price, products_quantity) VALUES (?, 1, 1, 'TEA', '', 1, 1, 2)",
        newest - 3,
    )
    amber.tick()
    last = world.store.read(lambda books: books.ledger.of_item(None, 1))[0].movement
    assert (last.line, last.quantity) == (newest - 3, -2)
    assert amber.cart.cursor_line == newest


def test_more_new_lines_than_one_answer_holds(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10_000})
    with amber.sample.connection() as db:
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price,"
            " final_price, products_quantity) VALUES (?, 1, 'TEA', '', 1, 1, 1)",
            [(order,) for order in range(1, 4502)],
        )
        db.execute("UPDATE products SET products_quantity = products_quantity - 4501, products_ordered = 4501")
        db.execute("COMMIT")
    amber.tick()
    assert world.on_hand("TEA") == 10_000 - 4501
    assert len(world.movements("TEA")) == 4502


def test_an_oversold_sale_is_booked_and_shown_below_zero_everywhere(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 2})
    amber.sample.buy("TEA", 2)
    birch.sample.buy("TEA", 1)
    for _ in range(2):
        amber.tick()
        birch.tick()
    assert world.on_hand("TEA") == amber.shows("TEA") == birch.shows("TEA") == -1


def test_a_look_that_fails_leaves_everything_for_the_next(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 1)
    amber.wire.after["look"].append(failing(Retriable("The line broke.")))
    with pytest.raises(Retriable):
        amber.tick()
    amber.tick()
    assert world.movements("TEA")[1:] == [("sale", -1)]


def test_a_reopened_store_goes_on_where_it_was(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 1)
    amber.tick()
    world.reopen()
    amber.sample.buy("TEA", 2)
    amber.tick()
    assert world.movements("TEA")[1:] == [("sale", -1), ("sale", -2)]


def test_lines_deleted_below_the_window_are_found_by_the_counter(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 1000, "MUG": 5})
    first = amber.sample.buy("TEA", 4)
    amber.tick()
    amber.sql(
        f"UPDATE sqlite_sequence SET seq = seq + {WINDOW_LINES + 10} WHERE name = 'orders_products'",
    )
    amber.sample.buy("MUG", 1)
    amber.tick()
    amber.sample.delete_order(first, restock=True)
    amber.tick()
    assert world.movements("TEA")[1:] == [("sale", -4), ("cancellation", 4)]


def test_a_sale_of_a_product_that_came_with_no_stock_while_another_went(world: World) -> None:
    """Nothing in the five sums tells that one product without stock or sales took another's place."""
    (amber,) = world.running("Amber", wares={"TEA": 10, "GONE": 0})
    amber.sample.delete_product("GONE")
    amber.sample.add_product("FRESH", "Fresh", 0)
    amber.sample.buy("FRESH", 1)
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert world.on_hand("TEA") == 9
    assert amber.listing("FRESH").agreed == -1


def test_a_counter_reset_with_its_orders_deleted_is_no_cancellation(world: World) -> None:
    """Cleaning up before opening day: the orders are gone and the counters are zero; no goods came back."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.tick()
    amber.sample.delete_order(order, restock=False)
    amber.sql("UPDATE products SET products_ordered = 0")
    amber.settle()
    assert world.on_hand("TEA") == amber.shows("TEA") == 7
    assert amber.causes() == [("counter reset", -3)]


def test_sums_are_taken_less_often_on_a_slow_shop_but_not_because_one_waited_for_a_lock() -> None:
    known = memory.Memory()
    pauses = [looking._sums_pause_seconds(known, ms) for ms in (20.0, 20.0, 8000.0, 20.0, 20.0, 20.0)]
    assert pauses == [0.0, 0.0, 0.0, 0.0, 2.0, 2.0]
    for _ in range(4):
        looking._sums_pause_seconds(known, 300.0)
    assert looking._sums_pause_seconds(known, 300.0) == 30.0
