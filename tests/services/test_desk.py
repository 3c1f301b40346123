"""Holds what people book themselves to its refusals: phone orders, deliveries, adjustments, imports, items, settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onhand.domain.differences import Policy
from onhand.domain.errors import Conflict, Refused
from onhand.domain.stock import QUANTITY_MAX, Kind, Movement
from onhand.services import bookkeeping, items, settings
from onhand.services.counting import adjust
from onhand.services.importing import Entry, import_items
from onhand.services.receiving import receive
from onhand.services.selling import take_order
from tests.builders import World

AT = datetime(2026, 1, 1, tzinfo=UTC)


def order(world: World, *lines: tuple[str, int], number: str = "", oversell: bool = False) -> str:
    return take_order(world.house, lines, number, "clerk", "", oversell)[0]


def test_a_phone_order_is_numbered_booked_and_followed_by_the_shops(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "MUG": 5})
    chosen, on_hand = take_order(world.house, [("tea ", 2), ("TEA", 1), ("MUG", 5)], "", "clerk", "", oversell=False)
    assert (chosen, on_hand) == ("P-1", {"TEA": 7, "MUG": 0})
    amber.tick()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (7, 0)


def test_an_order_is_booked_whole_or_not_at_all(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 1)
    for lines in ([("TEA", 1), ("MUG", 2)], [("TEA", 1), ("CUP", 1)], [("TEA", 6), ("tea", 5)]):
        with pytest.raises(Refused):
            order(world, *lines)
    assert world.movements("TEA") == [("opening", 10)]
    assert order(world, ("MUG", 2), oversell=True) == "P-1"
    assert world.on_hand("MUG") == -1


@pytest.mark.parametrize("lines", [[], [("TEA", 0)], [("TEA", -1)], [("TEA", QUANTITY_MAX + 1)], [("TEA", 1)] * 1001])
def test_an_order_that_cannot_be_is_refused(world: World, lines: list[tuple[str, int]]) -> None:
    world.item("TEA", 10)
    with pytest.raises(Refused):
        order(world, *lines, oversell=True)


def test_an_order_number_is_used_once(world: World) -> None:
    world.item("TEA", 10)
    order(world, ("TEA", 1), number="2026-1")
    with pytest.raises(Refused, match="booked already"):
        order(world, ("TEA", 1), number=" 2026-1 ")
    assert world.on_hand("TEA") == 9


def test_a_number_given_by_hand_does_not_block_the_numbers_to_come(world: World) -> None:
    world.item("TEA", 10)
    order(world, ("TEA", 1), number="P-2")
    assert order(world, ("TEA", 1)) not in ("", "P-2")
    assert order(world, ("TEA", 1))
    assert world.on_hand("TEA") == 7


def test_a_delivery_with_a_reference_is_booked_once(world: World) -> None:
    world.item("TEA", 0)
    world.item("MUG", 0)
    assert receive(world.house, [("TEA", 5), ("MUG", 1), ("tea", 2)], "PO-1", "", "") == {"TEA": 7, "MUG": 1}
    with pytest.raises(Refused, match="booked already"):
        receive(world.house, [("MUG", 9)], " PO-1", "", "")
    receive(world.house, [("TEA", 1)], "", "", "")
    receive(world.house, [("TEA", 1)], "", "", "")
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (9, 1)


@pytest.mark.parametrize("lines", [[], [("TEA", 0)], [("TEA", -1)], [("CUP", 1)], [("TEA", 1), ("CUP", 1)]])
def test_a_delivery_that_cannot_be_is_refused_whole(world: World, lines: list[tuple[str, int]]) -> None:
    world.item("TEA", 3)
    with pytest.raises(Refused):
        receive(world.house, lines, "PO-1", "", "")
    assert world.on_hand("TEA") == 3


def test_a_balance_never_leaves_the_range_a_shop_can_show(world: World) -> None:
    world.item("TEA", QUANTITY_MAX)
    world.item("MUG", 1)
    with pytest.raises(Refused, match="range"):
        receive(world.house, [("MUG", 1), ("TEA", 1)], "", "", "")
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (QUANTITY_MAX, 1)


def test_an_adjustment_has_who_and_why(world: World) -> None:
    world.item("TEA", 10)
    assert adjust(world.house, "tea", -3, None, " broken ", "clerk", below_zero=False) == 7
    entry = world.store.read(lambda books: books.ledger.of_item(None, 1))[0]
    assert (entry.movement.reason, entry.movement.person, entry.movement.quantity) == ("broken", "clerk", -3)


def test_a_count_books_the_difference(world: World) -> None:
    world.item("TEA", 10)
    assert adjust(world.house, "TEA", None, 12, "counted", "", below_zero=False) == 12
    assert adjust(world.house, "TEA", None, 12, "counted", "", below_zero=False) == 12
    assert world.movements("TEA") == [("opening", 10), ("count", 2)]


@pytest.mark.parametrize(
    ("change", "counted", "reason"),
    [
        (None, None, "why"),
        (1, 1, "why"),
        (0, None, "why"),
        (1, None, " "),
        (-11, None, "why"),
        (QUANTITY_MAX + 1, None, "why"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused(
    world: World, change: int | None, counted: int | None, reason: str
) -> None:
    world.item("TEA", 10)
    with pytest.raises(Refused):
        adjust(world.house, "TEA", change, counted, reason, "", below_zero=False)
    with pytest.raises(Refused):
        adjust(world.house, "CUP", 1, None, "why", "", below_zero=True)
    assert world.on_hand("TEA") == 10


def test_below_zero_only_if_that_is_meant_and_up_again_at_any_time(world: World) -> None:
    world.item("TEA", 1)
    assert adjust(world.house, "TEA", -5, None, "why", "", below_zero=True) == -4
    assert adjust(world.house, "TEA", 2, None, "why", "", below_zero=False) == -2


def test_a_sku_names_one_item_whatever_its_case_and_outer_blanks(world: World) -> None:
    added = items.add(world.house, "  Tea 1 ", " Fine tea ", 3, "")
    assert (added.sku, added.name, added.on_hand) == ("Tea 1", "Fine tea", 3)
    with pytest.raises(Refused, match="already"):
        items.add(world.house, "TEA 1", "", 0, "")


@pytest.mark.parametrize("sku", ["", "  ", "a\tb", "x" * 256, "\udcff"])
def test_what_cannot_be_a_sku_is_refused(world: World, sku: str) -> None:
    with pytest.raises(Refused):
        items.add(world.house, sku, "", 0, "")


@pytest.mark.parametrize("on_hand", [-1, QUANTITY_MAX + 1])
def test_an_opening_quantity_is_one_that_can_be(world: World, on_hand: int) -> None:
    with pytest.raises(Refused):
        items.add(world.house, "TEA", "", on_hand, "")


def test_an_import_adds_renames_and_counts_in_one_commit(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 1)
    entries = [Entry(2, "tea", 12, {"name": "Tea"}), Entry(3, "MUG"), Entry(4, "CUP", 4, {"name": "Cup"})]
    dry = import_items(world.house, entries, "", dry_run=True)
    rows = dry.pop("rows")
    assert dry == {"added": 1, "changed": 1, "unchanged": 1, "renamed": 1, "counted": 1, "edited": 0, "overwritten": 1}
    assert [(row["sku"], row["what"], row["changes"]) for row in rows] == [
        ("tea", "changed", {"name": ["", "Tea"], "on_hand": [10, 12]}),
        ("CUP", "added", {"on_hand": [0, 4]}),
    ]
    assert world.on_hand("TEA") == 10
    assert import_items(world.house, entries, "", dry_run=False) == dry | {"rows": rows}
    assert (world.on_hand("TEA"), world.on_hand("MUG"), world.on_hand("CUP")) == (12, 1, 4)
    again = import_items(world.house, entries, "", dry_run=False)
    assert (again["added"], again["changed"], again["unchanged"], again["rows"]) == (0, 0, 3, [])


def test_an_import_is_whole_or_not_at_all(world: World) -> None:
    world.item("TEA", 10)
    with pytest.raises(Refused, match="Lines 2 and 3"):
        import_items(world.house, [Entry(2, "tea", 1), Entry(3, " TEA", 2)], "", dry_run=False)
    with pytest.raises(Refused):
        import_items(world.house, [Entry(2, "TEA", 1), Entry(3, "CUP", QUANTITY_MAX + 1)], "", dry_run=False)
    assert world.on_hand("TEA") == 10
    assert world.store.read(lambda books: books.items.by_key(["cup"])) == {}


def test_an_origin_is_booked_once_and_takes_its_company_with_it(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 10)
    tea, mug = (world.store.read(lambda books, sku=sku: items.find(books, [sku]))[0].id for sku in ("TEA", "MUG"))
    first = Movement(tea, Kind.RECEIPT, 1, "receipt/x/1")
    world.store.write(lambda books: bookkeeping.book(books, [first], AT))
    with pytest.raises(Conflict):
        world.store.write(
            lambda books: bookkeeping.book(books, [Movement(mug, Kind.RECEIPT, 1, "receipt/y/1"), first], AT)
        )
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (11, 10)


def test_a_difference_of_a_removed_cart_never_blocks_one_of_another(world: World) -> None:
    """Numbers of differences stand in the ledger as origins; a number that came again would be booked already."""
    wares = {"TEA": 10}
    amber, birch = world.running("Amber", "Birch", wares=wares)
    for stall in (birch, amber):
        stall.policy(Policy.THEIRS)
    birch.edit("TEA", 11)
    birch.settle()
    world.store.write(lambda books: books.carts.remove(birch.id))
    amber.tick()
    amber.edit("TEA", 15)
    amber.settle()
    assert amber.causes() == [("edit in the shop", 4)]
    assert world.movements("TEA")[1:] == [("adjustment", 1), ("adjustment", 4)]


def test_a_removed_carts_number_is_not_given_to_another(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 1})
    world.store.write(lambda books: books.carts.remove(amber.id))
    assert world.cart("Birch", {"TEA": 1}).id != amber.id


def test_a_parameter_is_set_within_its_bounds_and_a_carts_own_value_goes_first(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 1})
    settings.set_parameter(world.house, " settleseconds ", "5", "")
    amber.set(tick_seconds=0.5)
    pace = world.store.read(lambda books: settings.pace_of(books, amber.cart))
    assert (pace.rules.settle_seconds, pace.tick_seconds, pace.batch_size) == (5.0, 0.5, 1000)
    with pytest.raises(Refused):
        settings.set_parameter(world.house, "BatchSize", "0", "")
    with pytest.raises(Refused, match="SynchQOH"):
        settings.set_parameter(world.house, "nothing", "0", "")
