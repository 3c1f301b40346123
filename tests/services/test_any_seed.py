"""Holds what simulated worlds with new seeds brought to light, on a real shop: docs/decisions/0014-any-seed.md."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onhand.domain.differences import Policy
from onhand.domain.errors import Refused
from onhand.domain.sketch import weight
from onhand.services import reconciling, settling
from onhand.services.counting import adjust
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}
SKUS = [f"S{n:02}" for n in range(1, 14)]
LEFT, MIDDLE, RIGHT = SKUS[10], SKUS[11], SKUS[12]  # the weights of these three lie at equal distances, as their ids do


def test_the_three_neighbours_hide_from_the_sums() -> None:
    assert weight(11) + weight(13) == 2 * weight(12)


def finish(sale) -> None:
    for _ in sale:
        pass


def until(sale, step: str) -> None:
    while next(sale) != step:
        pass


def buy(amber: Stall, sku: str, units: int) -> int:
    """A sale that is booked, and another after it, so that its line number does not come again; returns its order."""
    finish(amber.checkout(sku, units))
    order = amber.sql("SELECT max(orders_id) FROM orders")[0][0]
    finish(amber.checkout("MUG", 1))
    amber.tick()
    return order


@pytest.mark.parametrize(("sold", "given_back"), [(2, 3), (3, 3), (4, 3)])
def test_a_sale_and_a_return_between_two_looks_are_both_booked(world: World, sold: int, given_back: int) -> None:
    """Seeds 5000378, 5000437, 5000466, 5000519: the counter moves by the difference alone, or not at all."""
    (amber,) = world.running("Amber", wares=WARES)
    buy(amber, "TEA", 4)  # its counter is not young any more
    order = buy(amber, "TEA", given_back)
    late = amber.checkout("TEA", sold)
    until(late, "read")
    amber.sample.delete_order(order, restock=True)
    finish(late)  # its literal destroys the return
    amber.settle()
    assert amber.causes() == [("return in doubt", -given_back)]  # a race, or a counter that was lowered alone
    assert amber.shows("TEA") == world.on_hand("TEA") == 6 - given_back - sold
    (waiting,) = amber.differences(open_only=True)
    reconciling.decide(world.house, waiting["id"], False, "me")
    amber.tick()
    assert [n for _, n in world.movements("TEA")[1:]] == [-4, -given_back, -sold, given_back]
    assert amber.shows("TEA") == world.on_hand("TEA") == 6 - sold
    assert amber.differences(open_only=True) == []


def test_a_form_that_undid_a_return_beside_a_sale_resets_no_counter(world: World) -> None:
    """Seed 5000378: the quantity stood where it was and the counter one lower, so the counter was said to be reset."""
    (amber,) = world.running("Amber", wares=WARES)
    buy(amber, "TEA", 4)
    order = buy(amber, "TEA", 3)
    amber.sample.delete_order(order, restock=True)
    finish(amber.checkout("TEA", 2))
    amber.edit("TEA", 3)  # as it was before both
    amber.settle(12)
    assert amber.causes()[0] == ("return in doubt", -3), "an order comes back as a whole"
    assert [n for _, n in world.movements("TEA")[1:]] == [-4, -3, -2]
    assert amber.shows("TEA") == world.on_hand("TEA") == 1
    (question,) = amber.differences(open_only=True)
    reconciling.decide(world.house, question["id"], False, "Ada")
    amber.settle()
    assert amber.shows("TEA") == world.on_hand("TEA") == 4


def test_a_return_is_partial_only_if_it_is_still_so_after_the_settling_time(world: World) -> None:
    """Seed 5000306: a sale whose line was still to come made a whole return look like one in part."""
    (amber,) = world.running("Amber", wares=WARES)
    order = buy(amber, "TEA", 3)
    product = amber.sample.find("TEA").product
    amber.sql(
        "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price, final_price,"
        " products_quantity) VALUES (?, ?, 'TEA', '', 1, 1, 1)",
        order,
        product,
    )
    amber.sql("UPDATE products SET products_quantity = products_quantity - 1, products_ordered = products_ordered + 1"
              " WHERE products_model = 'TEA'")  # fmt: skip
    amber.tick()
    late = amber.checkout("TEA", 1)
    until(late, "counter")
    amber.sample.delete_order(order, restock=True)
    amber.tick()
    finish(late)
    amber.settle()
    assert amber.causes() == []
    assert sorted(n for _, n in world.movements("TEA")[1:]) == [-3, -1, -1, 1, 3]
    assert amber.shows("TEA") == world.on_hand("TEA") == 9


def test_sales_are_booked_although_another_movement_makes_the_sums_agree(world: World) -> None:
    """Seed 5000237: one of each outer neighbour is sold while two of the middle one come back."""
    amber, birch = world.running("Amber", "Birch", wares=dict.fromkeys(SKUS, 10))
    for sku in (LEFT, RIGHT):
        finish(amber.checkout(sku, 1))
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity + 2, products_ordered = products_ordered - 2"
        " WHERE products_model = ?",
        MIDDLE,
    )
    amber.tick()
    birch.tick()
    assert (birch.shows(LEFT), birch.shows(RIGHT)) == (9, 9)
    amber.settle()
    birch.tick()
    assert birch.shows(MIDDLE) == world.on_hand(MIDDLE) == 12


def test_a_suspicion_ends_by_its_own_row_and_not_by_sums_that_agree(world: World) -> None:
    (amber,) = world.running("Amber", wares=dict.fromkeys(SKUS, 10))
    amber.sql("UPDATE products SET products_quantity = products_quantity - 2 WHERE products_model = ?", MIDDLE)
    amber.tick()
    assert amber.memory.suspicions
    for sku in (LEFT, RIGHT):
        amber.sql("UPDATE products SET products_quantity = products_quantity + 1 WHERE products_model = ?", sku)
    amber.settle()
    assert ("unknown", -2) in amber.causes()


def test_a_suspicion_of_a_product_that_left_step_ends(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sql("UPDATE products SET products_quantity = products_quantity - 2 WHERE products_model = 'TEA'")
    amber.tick()
    assert amber.memory.suspicions
    settling.ignore(world.house, amber.cart, [amber.listing("TEA").product], "me")
    amber.settle()
    assert (amber.memory.suspicions, amber.memory.witnessed) == ({}, {})
    amber.wire.asked.clear()
    amber.tick()
    assert amber.wire.asked == ["look"]


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("restarted", [False, True])
def test_an_edit_is_recognised_although_our_clock_was_set_while_nothing_was_seen(
    world: World, hours: int, restarted: bool
) -> None:
    """Seed 5000650: the clock went back between the last good look and the edit, so the edit seemed too old to be the cause."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.THEIRS)
    pulse = world.clock.now()
    world.store.write(lambda books: books.carts.report(amber.id, pulse, pulse, None, None))
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity + 6, products_last_modified = datetime('now', '-50 seconds')"
        " WHERE products_model = 'TEA'"
    )
    world.clock.advance(60)
    world.clock._now += timedelta(hours=hours)
    if restarted:
        amber.restart()
    amber.settle()
    assert amber.causes() == [("edit in the shop", 6)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 16


def test_a_get_that_is_refused_leaves_a_stopped_cart_stopped(world: World) -> None:
    """A baseline without its alignment would let the cart go on as if it were in step."""
    (amber,) = world.running("Amber", wares=WARES)
    adjust(world.house, "TEA", None, -2_000_000_000, "inventory", "", below_zero=True)
    amber.tick()
    world.parameter("BrakeListings", "1")
    amber.sql("UPDATE products SET products_quantity = 2000000000")
    amber.settle()
    assert amber.cart.halted is not None
    with pytest.raises(Refused):
        amber.get()  # no movement can be so large
    assert amber.cart.halted is not None
    amber.send()
    assert amber.cart.halted is None
    assert amber.shows("TEA") == world.on_hand("TEA") == -2_000_000_000
