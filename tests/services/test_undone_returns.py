"""Holds what happens where an old form undoes a return of a product of which few were ever sold.

Path: between two looks goods come back properly, and a form that was opened before is saved.
Promise: on hand errs to too little until a person has said whether the goods are there; no return is taken for a lost sale.
Never: looks at a sentence.
"""

from __future__ import annotations

import pytest

from onhand.services import reconciling
from tests.builders import Stall, World
from tests.services.test_edited_orders import move, settle, shown

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 20, "POT": 20}


def save(stall: Stall, quantity: int, dated: bool) -> None:
    """A form is saved. Where the database dates every write, as in Gambio, that says nothing of it."""
    if dated:
        stall.edit("TEA", quantity)
    else:
        stall.sql("UPDATE products SET products_quantity = ? WHERE products_model = 'TEA'", quantity)


@pytest.mark.parametrize("came_back", [True, False])
def test_a_return_that_a_form_undid_is_asked_about(world: World, came_back: bool) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 4)
    amber.sample.buy("POT", 1)
    amber.tick()
    opened = amber.shows("TEA")
    amber.sample.delete_order(order, restock=True)
    save(amber, opened, dated=True)
    settle(amber)
    assert shown(world, amber) == {16}
    assert amber.causes() == [("return in doubt", -4)]
    (question,) = amber.differences(open_only=True)
    reconciling.decide(world.house, question["id"], ours=not came_back, person="Ida")
    settle(amber)
    assert shown(world, amber) == {20 if came_back else 16}


def test_a_return_that_was_undone_without_a_trace_looks_like_a_reset_and_adds_nothing(world: World) -> None:
    """As when a shop is cleaned up before it opens: orders deleted, counters set to nothing."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 4)
    amber.sample.buy("POT", 1)
    amber.tick()
    opened = amber.shows("TEA")
    amber.sample.delete_order(order, restock=True)
    save(amber, opened, dated=False)
    settle(amber)
    assert amber.causes() == [("counter reset", -4)]
    assert shown(world, amber) == {16}


@pytest.mark.parametrize("dated", [True, False])
def test_of_two_returns_the_one_that_a_form_undid_is_asked_about(world: World, dated: bool) -> None:
    """What the second gave back was taken for a lost sale, and posted away."""
    (amber,) = world.running("Amber", wares=WARES)
    first, second = (amber.sample.buy("TEA", 3) for _ in range(2))
    amber.sample.buy("POT", 1)
    amber.tick()
    opened = amber.shows("TEA")
    amber.sample.delete_order(second, restock=True)
    save(amber, opened, dated)
    amber.sample.delete_order(first, restock=True)
    settle(amber)
    assert amber.causes() == [("return in doubt", -3)]
    assert shown(world, amber) == {17}
    (question,) = amber.differences(open_only=True)
    reconciling.decide(world.house, question["id"], ours=False, person="Ida")
    settle(amber)
    assert shown(world, amber) == {20}


@pytest.mark.parametrize("came_back", [True, False])
@pytest.mark.parametrize("seen_first", [True, False])
def test_a_return_that_a_sale_undid_while_its_order_stays_is_asked_about(
    world: World, came_back: bool, seen_first: bool
) -> None:
    """A deletion that breaks off has given the goods back and left the lines; a buyer's write may undo just that."""
    (amber,) = world.running("Amber", wares=WARES)
    for _ in range(2):
        amber.sample.buy("TEA", 4)
    amber.tick()
    amber.sample.buy("TEA", 1)
    if seen_first:
        amber.tick()
    move(amber, "TEA", 0, -4)
    settle(amber)
    assert shown(world, amber) == {11}
    assert amber.causes() == [("return in doubt", -4)]
    (question,) = amber.differences(open_only=True)
    reconciling.decide(world.house, question["id"], ours=not came_back, person="Ida")
    settle(amber)
    assert shown(world, amber) == {15 if came_back else 11}


def test_a_counter_set_to_nothing_beside_sales_is_a_reset(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for _ in range(2):
        amber.sample.buy("TEA", 4)
    amber.tick()
    amber.sample.buy("TEA", 1)
    amber.tick()
    amber.sql("UPDATE products SET products_ordered = 0 WHERE products_model = 'TEA'")
    amber.sample.buy("TEA", 2)
    settle(amber)
    assert amber.causes() == [("counter reset", -9)]
    assert shown(world, amber) == {9}


def test_a_reset_beside_an_order_that_went_long_ago_is_a_reset(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 4)
    amber.sample.buy("POT", 1)
    amber.tick()
    amber.sample.delete_order(order, restock=False)
    settle(amber)
    world.clock.advance(3600)
    amber.tick()
    amber.sql("UPDATE products SET products_ordered = 0 WHERE products_model = 'TEA'")
    settle(amber)
    assert amber.causes() == [("counter reset", -4)]
    assert shown(world, amber) == {16}
