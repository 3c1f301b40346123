"""A hacked shop that sells everything out, slowly enough for every single look: the brake counts over minutes."""

from __future__ import annotations

import pytest

from tests.builders import World

pytestmark = pytest.mark.long

WARES = {f"SKU-{n:02}": 10 for n in range(60)}


def grab(stall, sku: str) -> None:
    """All units are gone, the counter moved, and no order says who bought them."""
    stall.sql(
        "UPDATE products SET products_ordered = products_ordered + products_quantity, products_quantity = 0"
        " WHERE products_model = ?",
        sku,
    )


@pytest.mark.parametrize("pause", [1.0, 4.0, 12.0])
def test_units_that_no_order_names_stop_a_cart_at_any_pace(world: World, pause: float) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    for sku in WARES:
        grab(amber, sku)
        amber.tick(pause)
        birch.tick(pause / 10)
        if amber.cart.halted:
            break
    assert amber.cart.halted
    left = [sku for sku in WARES if birch.shows(sku) == 10]
    assert len(left) >= len(WARES) - 21, "more than BrakeListings"
    assert [cause for cause, _ in amber.causes()] == ["brake"]


def test_lines_that_come_a_little_later_do_not_count(world: World) -> None:
    """The counter first, the order's line some seconds after it, for more products than the brake allows."""
    amber, _ = world.running("Amber", "Birch", wares=WARES)
    for number, sku in enumerate(WARES):
        product = amber.sample.find(sku).product
        amber.sql(
            "UPDATE products SET products_ordered = products_ordered + 1, products_quantity = products_quantity - 1"
            " WHERE products_id = ?",
            product,
        )
        amber.settle(5)
        assert world.on_hand(sku) == 9, "booked by the counter"
        amber.sql(
            "INSERT INTO orders (orders_id, customers_name, payment_method, date_purchased, orders_status)"
            " VALUES (?, 'B', 'Cash', datetime('now'), 1)",
            number + 1,
        )
        amber.sql(
            "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added) VALUES (?, 1, datetime('now'))",
            number + 1,
        )
        amber.sql(
            "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price,"
            " final_price, products_quantity) VALUES (?, ?, ?, '', 1, 1, 1)",
            number + 1,
            product,
            sku,
        )
        amber.tick()
        assert amber.listing(sku).unnamed == 0
    assert amber.cart.halted is None
    assert amber.causes() == []


def test_a_few_now_and_then_do_not_stop_a_cart(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for sku in list(WARES)[:40]:
        grab(amber, sku)
        amber.settle(5)
        amber.tick(60)
    assert amber.cart.halted is None
    assert all(world.on_hand(sku) == 0 for sku in list(WARES)[:40])
