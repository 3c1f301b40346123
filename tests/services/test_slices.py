"""Many order lines at once: a look reads and books a part of them, nobody waits for long, and nothing is lost or unnamed."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Retriable
from onhand.services import ticking
from onhand.services.looking import PAGES_MAX
from onhand.services.ports import ROWS_MAX
from tests.builders import Stall, World

pytestmark = pytest.mark.long

SLICE = PAGES_MAX * ROWS_MAX


def sell_many(stall: Stall, product: int, orders: int) -> None:
    """So many paid orders of one unit each, as the shop's own checkout leaves them."""
    with stall.sample.connection() as db:
        db.execute("BEGIN")
        before = db.execute("SELECT coalesce(max(orders_id), 0) FROM orders").fetchone()[0]
        numbers = [(order,) for order in range(before + 1, before + orders + 1)]
        db.executemany(
            "INSERT INTO orders (orders_id, customers_name, payment_method, date_purchased, orders_status)"
            " VALUES (?, 'B. Buyer', 'Cash', datetime('now'), 1)",
            numbers,
        )
        db.executemany(
            "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added) VALUES (?, 1, datetime('now'))",
            numbers,
        )
        db.executemany(
            "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price,"
            f" final_price, products_quantity) VALUES (?, {product:d}, 'S', '', 1, 1, 1)",
            numbers,
        )
        db.execute(
            "UPDATE products SET products_quantity = products_quantity - ?, products_ordered = products_ordered + ?"
            " WHERE products_id = ?",
            (orders, orders, product),
        )
        db.execute("COMMIT")


def test_a_long_absence_is_booked_in_slices_and_every_sale_has_its_name(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 100_000, "MUG": 50})
    sell_many(amber, 1, 2 * SLICE + 700)
    amber.sample.buy("MUG", 1)
    booked, done = [], []
    for _ in range(3):
        before = len(world.movements("TEA"))
        done.append(amber.tick())
        booked.append(len(world.movements("TEA")) - before)
        assert not amber.memory.suspicions, "what was not read yet is no reason to suspect anything"
    assert booked == [SLICE, SLICE, 700]
    assert done == [False, False, True]
    assert world.on_hand("TEA") == 100_000 - 2 * SLICE - 700
    assert world.on_hand("MUG") == 49
    assert {kind for kind, _ in world.movements("TEA")[1:]} == {"sale"}
    assert amber.listing("TEA").unnamed == 0
    assert amber.differences() == []
    birch.tick()
    assert birch.shows("TEA") == world.on_hand("TEA")
    assert amber.tick()


def test_a_slice_that_takes_longer_than_the_settling_time_is_no_suspicion(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 100_000})
    sell_many(amber, 1, SLICE + 1)
    amber.tick(60)
    amber.tick(60)
    assert world.on_hand("TEA") == 100_000 - SLICE - 1
    assert len(world.movements("TEA")) == 1 + SLICE + 1, "each under its order's number"
    assert amber.differences() == []


def test_lines_that_waited_are_booked_in_slices_too(world: World) -> None:
    """Lines first, and the counters of all of them in one go."""
    (amber,) = world.running("Amber", wares={"TEA": 100_000})
    sell_many(amber, 1, SLICE + 100)
    amber.sql("UPDATE products SET products_quantity = products_quantity + ?, products_ordered = 0", SLICE + 100)
    amber.tick()
    amber.tick()
    assert world.on_hand("TEA") == 100_000
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity - ?, products_ordered = ?", SLICE + 100, SLICE + 100
    )
    amber.tick()
    assert world.on_hand("TEA") == 100_000 - SLICE
    amber.tick()
    assert world.on_hand("TEA") == 100_000 - SLICE - 100
    assert amber.differences() == []


def test_a_person_waits_until_all_lines_are_read(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 100_000})
    sell_many(amber, 1, 2 * SLICE + 5)
    assert amber.enable() == 0
    assert world.on_hand("TEA") == 100_000 - 2 * SLICE - 5


def test_an_alignment_names_what_it_can_and_books_the_rest_by_the_counter(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 100_000})
    sell_many(amber, 1, SLICE + 10)
    amber.send()
    assert world.on_hand("TEA") == amber.shows("TEA") == 100_000 - SLICE - 10


def test_a_shop_whose_lines_never_end_keeps_nobody_waiting_for_ever(world: World, monkeypatch) -> None:
    monkeypatch.setattr(ticking, "LOOKS_MAX", 2)
    (amber,) = world.running("Amber", wares={"TEA": 1_000_000})
    sell_many(amber, 1, 10)
    world_lines = amber.wire.before["look"]

    def more() -> None:
        sell_many(amber, 1, SLICE + 1)
        world_lines.extend([more])

    world_lines.append(more)
    with pytest.raises(Retriable) as refusal:
        amber.enable()
    assert refusal.value.facts["reason"] == "busy"
