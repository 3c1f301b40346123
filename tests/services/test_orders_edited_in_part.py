"""Holds what is booked and what is asked where an edited order is not all that happened to a product.

Path: each test does to the sample shop what order editors, POSM and product forms write, statement by statement, between two looks.
Promise: what the lines say is booked under the numbers of their orders, and a person is asked about the rest only.
Never: looks at a sentence, but for the numbers in it.
"""

from __future__ import annotations

import pytest

from onhand.domain.differences import Policy
from onhand.services import receiving, reconciling
from tests.builders import Stall, World
from tests.services.test_edited_orders import add_line, edit_line, move, order_of, settle, shown

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 20, "POT": 20}


@pytest.fixture
def shops(world: World) -> tuple[Stall, Stall]:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    return amber, birch


def left(world: World, stall: Stall, *orders: int) -> list[int]:
    """Units that can still come back of the first line of each order."""
    return [order_of(world, stall, order).lines[0].left for order in orders]


def named(stall: Stall, *orders: int) -> bool:
    """Whether the first difference names these orders."""
    note = str(stall.differences()[0]["note"])
    return all(str(order) in note for order in orders)


def answer(world: World, stall: Stall, ours: bool) -> None:
    """A person answers the one question that is open."""
    (question,) = stall.differences(open_only=True)
    reconciling.decide(world.house, question["id"], ours=ours, person="Ida")


# Two things at once


def test_units_that_an_added_line_took_twice_are_booked_once_and_asked_about_once(world: World, shops) -> None:
    """POSM takes the units of a line that Edit Orders adds a second time."""
    amber, birch = shops
    order = amber.sample.buy("POT", 1)
    settle(amber, birch)
    add_line(amber, order, 2)
    move(amber, "TEA", -2, 0)
    settle(amber, birch)
    assert amber.causes() == [("order edited", -2), ("unknown", -2)]
    assert named(amber, order)
    assert shown(world, birch) == {18}
    answer(world, amber, ours=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {18}


def test_a_line_taken_out_of_an_order_just_sold_is_booked_under_its_order(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 3), ("POT", 1)])
    amber.tick()
    edit_line(amber, order, 0, counter=False)
    settle(amber, birch)
    assert amber.causes() == [("order edited", 3)]
    assert named(amber, order)
    assert shown(world, amber, birch) == {20}


@pytest.mark.parametrize(("first", "second"), [(5, 1), (1, 5), (1, 2), (5, 4)])
def test_two_orders_edited_at_once_by_two_kinds_of_editors_are_booked_under_both(
    world: World, shops, first: int, second: int
) -> None:
    """One moves the quantity alone, the other the counter too. The quantity and the lines agree, so they are what happened."""
    amber, birch = shops
    one, other = amber.sample.buy("TEA", 3), amber.sample.buy("TEA", 3)
    amber.sample.buy("POT", 1)
    settle(amber, birch)
    edit_line(amber, one, first, counter=False)
    edit_line(amber, other, second, counter=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20 - first - second}
    assert {cause for cause, _ in amber.causes()} == {"order edited"}
    assert left(world, amber, one, other) == [first, second]
    assert not amber.differences(open_only=True)


@pytest.mark.parametrize("gone", [True, False])
def test_an_order_edited_by_two_kinds_of_editors_is_no_lost_sale(world: World, shops, gone: bool) -> None:
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 2), ("POT", 1)])
    amber.tick()
    edit_line(amber, order, 5, counter=True)
    edit_line(amber, order, 0 if gone else 4, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20 if gone else 16}
    assert {cause for cause, _ in amber.causes()} == {"order edited"}


def test_a_sale_that_was_edited_before_a_look_beside_another_edit_is_booked_as_its_line_says(
    world: World, shops
) -> None:
    amber, birch = shops
    first = amber.sample.buy("TEA", 2)
    amber.tick()
    edit_line(amber, first, 3, counter=False)
    second = amber.sample.buy("TEA", 1)
    edit_line(amber, second, 4, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {13}
    assert amber.causes() == [("order edited", -4)]
    assert named(amber, first, second)


# Edits that make up for each other


@pytest.mark.parametrize("counter", [True, False])
def test_edits_that_make_up_for_each_other_beside_a_lost_sale_are_booked_on_their_lines(
    world: World, shops, counter: bool
) -> None:
    amber, birch = shops
    first, second = amber.sample.buy("TEA", 3), amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    move(amber, "TEA", 1, 0)
    edit_line(amber, first, 5, counter=counter)
    edit_line(amber, second, 1, counter=counter)
    settle(amber, birch)
    assert amber.causes() == [("lost sale", 1)]
    assert shown(world, amber, birch) == {10}
    assert left(world, amber, first, second) == [5, 1]
    sold = [n for kind, n in world.movements("TEA") if kind in ("sale", "cancellation")]
    assert sorted(sold) == [-4, -3, -3, -2, 2]


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_edits_that_make_up_for_each_other_over_some_looks_are_booked_on_their_lines(
    world: World, shops, looks: int
) -> None:
    amber, birch = shops
    first, second = amber.sample.buy("TEA", 3), amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, first, 5, counter=False)
    for _ in range(looks):
        amber.tick()
    edit_line(amber, second, 1, counter=False)
    settle(amber, birch)
    assert amber.causes() == []
    assert left(world, amber, first, second) == [5, 1]
    assert shown(world, amber, birch) == {14}


# A form beside an edited order


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("now", [5, 1])
def test_a_form_that_undoes_an_edited_order_is_asked_about(world: World, shops, policy: Policy, now: int) -> None:
    """Counter and quantity stand where they were: only the line tells."""
    amber, birch = shops
    amber.policy(policy)
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    opened = amber.shows("TEA")
    edit_line(amber, order, now, counter=False)
    amber.edit("TEA", opened)
    settle(amber, birch)
    assert amber.causes() == [("order edited", 3 - now), ("unknown", now - 3)]
    assert named(amber, order)
    assert shown(world, birch) == {20 - now}
    answer(world, amber, ours=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20 - now}


@pytest.mark.parametrize("policy", list(Policy))
def test_an_edited_order_and_a_count_typed_by_hand_are_not_one_edit(world: World, shops, policy: Policy) -> None:
    amber, birch = shops
    amber.policy(policy)
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False)
    amber.edit("TEA", 12)
    settle(amber, birch)
    assert amber.causes() == [("order edited", -2), ("unknown", -3)]
    answer(world, amber, ours=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {12}


def test_a_form_saved_without_a_new_count_leaves_an_edited_order_as_it_is(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False)
    amber.edit("TEA", amber.shows("TEA"))
    settle(amber, birch)
    assert amber.causes() == [("order edited", -2)]
    assert shown(world, amber, birch) == {15}


# One after the other, before either has settled


@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_an_edited_order_that_is_deleted_with_restock_before_it_has_settled_comes_back_once(
    world: World, shops, looks: int
) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    amber.sample.buy("TEA", 9)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False)
    for _ in range(looks):
        amber.tick()
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {11}


@pytest.mark.parametrize("looks", [0, 1, 2, 3])
def test_a_line_added_to_an_order_that_is_deleted_before_it_has_settled_is_no_lost_post(
    world: World, shops, looks: int
) -> None:
    """The counter gives back what the added line never told it. Then a post of that moment is not made good a second time."""
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 4), ("POT", 1)])
    amber.sample.buy("TEA", 5)
    settle(amber, birch)
    amber.sample.buy("TEA", 2)
    amber.tick()
    add_line(amber, order, 2)
    for _ in range(looks):
        amber.tick()
    amber.sample.delete_order(order, restock=True)
    receiving.receive(world.house, [("TEA", 4)], "", "", "")
    settle(amber, birch)
    assert shown(world, amber, birch) <= {15, 17}
    assert world.on_hand("TEA") == 17 or amber.differences(open_only=True)


def test_a_sale_beside_an_added_line_that_the_counter_does_not_tell_of_is_the_one_that_it_tells_of(
    world: World, shops
) -> None:
    """The counter of the sale was credited to the added line, so the units taken twice looked like a lost post."""
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 4), ("POT", 1)])
    settle(amber, birch)
    add_line(amber, order, 1)
    move(amber, "TEA", -1, 0)
    receiving.receive(world.house, [("TEA", 4)], "", "", "")
    sale = amber.sample.buy("TEA", 1)
    settle(amber, birch)
    assert amber.causes() == [("order edited", -1), ("unknown", -1)]
    assert named(amber, order)
    assert shown(world, birch) == {18}
    assert left(world, amber, sale) == [1]
