"""Holds the naming of suspects to the rows themselves: cells may point at the wrong product, and nothing stays hidden by that."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.domain.sketch import FIRST_SIZE, Counters, Sums, cells_of, decode
from onhand.services.ticking import CELLS_SECONDS
from tests.builders import Stall, World

# These three share all their cells at the first size, and the weight of the second is halfway between the others'.
OUTER, MIDDLE, OTHER = 403, 1664, 2925


def misleading(world: World, middle: bool) -> Stall:
    """A shop in step, in which equal drifts of the two outer products look like one of the product between."""
    amber = world.cart("Amber", {"OUTER": 50, "OTHER": 50, **({"MIDDLE": 50} if middle else {}), "TEA": 9})
    for sku, product in (("OUTER", OUTER), ("OTHER", OTHER), ("MIDDLE", MIDDLE)):
        amber.sql("UPDATE products SET products_id = ? WHERE products_model = ?", product, sku)
    world.parameter("SynchQOH", "true")
    amber.get()
    amber.enable()
    amber.tick()
    return amber


def test_two_drifts_can_have_the_cells_of_a_third() -> None:
    drifts = {OUTER: Counters(1, 0), OTHER: Counters(1, 0)}
    assert decode(cells_of(drifts, FIRST_SIZE)) == {MIDDLE: Counters(2, 0)}


@pytest.mark.parametrize("middle", [True, False], ids=["the third exists", "the third does not exist"])
def test_drifts_that_look_like_another_products_are_named_all_the_same(world: World, middle: bool) -> None:
    amber = misleading(world, middle)
    amber.edit("OUTER", 51)
    amber.edit("OTHER", 51)
    assert amber.tick() is False, "the sums differ, whatever the cells say"
    amber.settle()
    assert amber.causes() == [("edit in the shop", 1)] * 2
    assert amber.shows("OUTER") == amber.shows("OTHER") == 50
    assert amber.tick() is True


def test_a_cart_is_not_switched_on_over_drifts_that_look_like_another_products(world: World) -> None:
    amber = misleading(world, middle=True)
    amber.edit("OUTER", 51)
    amber.edit("OTHER", 51)
    with pytest.raises(Refused):
        amber.enable()


def test_once_in_step_the_small_question_comes_first_again(world: World) -> None:
    amber = misleading(world, middle=True)
    amber.edit("OUTER", 51)
    amber.edit("OTHER", 51)
    amber.settle()
    assert amber.tick() is True
    asked = len(amber.wire.asked)
    amber.edit("TEA", 7)
    amber.tick()
    assert amber.memory.misled == 0
    assert amber.wire.asked[asked:].count("cells") == 1


def test_drifts_that_cancel_each_other_in_the_sums_are_found_by_the_next_look_at_the_cells(world: World) -> None:
    (amber,) = world.running("Amber", wares=dict.fromkeys(("ONE", "TWO", "SMALL", "MEDIUM", "LARGE"), 50))
    hidden = {3: Counters(1, 0), 4: Counters(-2, 0), 5: Counters(1, 0)}
    assert not Sums.total(Sums.of(product, drift.quantity, 0) for product, drift in hidden.items())
    for sku, quantity in (("SMALL", 51), ("MEDIUM", 48), ("LARGE", 51)):
        amber.edit(sku, quantity)
    amber.settle()
    assert amber.causes() == []
    amber.tick(CELLS_SECONDS)
    amber.settle()
    assert amber.causes() == [("edit in the shop", 1), ("edit in the shop", -2), ("edit in the shop", 1)]
    assert [amber.shows(sku) for sku in ("SMALL", "MEDIUM", "LARGE")] == [50, 50, 50]
    asked = len(amber.wire.asked)
    amber.settle()
    assert "cells" not in amber.wire.asked[asked:]
