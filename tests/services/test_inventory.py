"""Holds what people know of items to its rules: edits, imports, lists, statements, history."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from onhand.domain.errors import Conflict, Refused
from onhand.domain.inventory import Particulars
from onhand.domain.stock import QUANTITY_MAX, Kind
from onhand.services import items
from onhand.services.counting import adjust
from onhand.services.importing import Entry, import_items
from onhand.services.receiving import receive
from onhand.services.selling import take_order
from onhand.storage.office_tables import suppliers
from tests.builders import World


def edit(world: World, sku: str, new_sku: str | None = None, revision: int | None = None, **changes: object) -> dict:
    return items.edit(world.house, sku, changes, new_sku, revision, "Max")


def known(world: World, sku: str) -> Particulars:
    def read(books):
        item = items.find(books, [sku])[0].id
        return books.inventory.of([item])[item]

    return world.store.read(read)


def supplier(world: World, name: str) -> None:
    values = {"name": name, "name_key": name.casefold(), "email": "", "phone": "", "note": "", "active": True}
    world.store.write(lambda books: books._connection.execute(suppliers.insert().values(values)))


def skus(world: World, limit: int = 50, **wanted: object) -> list[str]:
    return [row["sku"] for row in world.store.read(lambda books: books.inventory.page(limit, **wanted))]


def test_an_edit_changes_what_is_given_and_nothing_else(world: World) -> None:
    world.item("TEA", 10)
    supplier(world, "Leaf & Co")
    assert edit(world, "tea", name="Tea", reorder_point=3)["revision"] == 1
    edit(world, "TEA", supplier="leaf & co ", reorder_to=9)
    assert known(world, "TEA") == Particulars("Tea", False, False, 3, 9, "Leaf & Co", revision=2)
    assert edit(world, "TEA", name="Tea") == {"sku": "TEA", "revision": 2, "retied": 0}
    edit(world, "TEA", reorder_point=None, reorder_to=None, supplier="")
    assert known(world, "TEA") == Particulars("Tea", revision=3)
    assert world.on_hand("TEA") == 10


def test_an_edit_of_a_stale_page_is_refused_with_the_current_values(world: World) -> None:
    world.item("TEA", 10)
    edit(world, "TEA", revision=0, name="Tea")
    with pytest.raises(Conflict) as refused:
        edit(world, "TEA", revision=0, name="Chai")
    assert refused.value.facts["reason"] == "stale"
    assert refused.value.facts["current"]["name"] == "Tea"
    assert known(world, "TEA").name == "Tea"


@pytest.mark.parametrize(
    "changes",
    [
        {"reorder_point": -2},
        {"reorder_to": QUANTITY_MAX + 1},
        {"reorder_point": 5, "reorder_to": 4},
        {"supplier": "Nobody"},
    ],
)
def test_what_does_not_fit_an_item_is_refused(world: World, changes: dict) -> None:
    world.item("TEA", 10)
    with pytest.raises(Refused):
        edit(world, "TEA", **changes)
    assert known(world, "TEA") == Particulars("")


def test_an_item_that_is_set_aside_is_left_alone_in_every_shop_until_it_is_aligned_again(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 10, "MUG": 5})
    assert edit(world, "TEA", ignore_qoh=True)["retied"] == 2
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.sample.buy("TEA", 1)
    for shop in (amber, birch):
        shop.settle()
    assert (amber.shows("TEA"), birch.shows("TEA"), world.on_hand("TEA")) == (9, 10, 15)
    assert edit(world, "TEA", ignore_qoh=False)["retied"] == 2
    for shop in (amber, birch):
        shop.send()
        shop.tick()
    assert (amber.shows("TEA"), birch.shows("TEA")) == (15, 15)


def test_another_sku_at_our_side_keeps_what_is_in_step_in_step(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "MUG": 5})
    assert edit(world, "TEA", new_sku=" Tea-1 ")["sku"] == "Tea-1"
    amber.sample.buy("TEA", 2)
    amber.tick()
    assert world.on_hand("tea-1") == 8
    with pytest.raises(Refused, match="already"):
        edit(world, "TEA-1", new_sku="mug")
    for wrong in ("", "a\tb", "x" * 256):
        with pytest.raises(Refused):
            edit(world, "TEA-1", new_sku=wrong)


def test_a_count_that_was_compared_with_another_number_is_refused(world: World) -> None:
    world.item("TEA", 10)
    take_order(world.house, [("TEA", 1)], "", "", "", False)
    with pytest.raises(Conflict) as refused:
        adjust(world.house, "TEA", None, 12, "found", "", False, seen=10)
    assert refused.value.facts["current"] == {"on_hand": 9}
    assert adjust(world.house, "TEA", None, 12, "found", "", False, seen=9) == 12
    assert adjust(world.house, "TEA", -1, None, "lost", "", False, seen=10) == 11, "a change needs no comparison"


def test_an_import_changes_all_that_is_known_in_one_commit(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "MUG": 5})
    supplier(world, "Leaf & Co")
    entries = [
        Entry.of(
            2,
            {"sku": "TEA", "name": "Tea", "on_hand": 10, "reorder_point": 3, "reorder_to": 9, "supplier": "leaf & co"},
        ),
        Entry.of(3, {"sku": "MUG", "name": "", "drop_ship": True}),
        Entry.of(4, {"sku": "CUP", "name": "Cup", "on_hand": 4, "reorder_point": 1, "ignore_qoh": True}),
    ]
    done = import_items(world.house, entries, "", dry_run=False)
    assert (done["added"], done["changed"], done["edited"], done["counted"]) == (1, 2, 2, 0)
    assert done["rows"][1]["changes"] == {"drop_ship": [False, True]}
    assert known(world, "TEA") == Particulars("Tea", False, False, 3, 9, "Leaf & Co", revision=1)
    assert known(world, "CUP").ignore_qoh
    assert amber.listing("MUG").problem == "set aside"
    again = import_items(world.house, entries, "", dry_run=False)
    assert (again["changed"], again["unchanged"]) == (0, 3)


def test_barcodes_and_locations_are_kept_searched_and_brought_by_files(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 5)
    edit(world, "TEA", barcode=" 4006381333931 ", location="A-03-2")
    assert (known(world, "TEA").barcode, known(world, "TEA").location) == ("4006381333931", "A-03-2")
    assert skus(world, search="4006381333931") == ["TEA"]
    assert skus(world, search="400638133393") == [], "a barcode is scanned whole"
    with pytest.raises(Refused) as refused:
        edit(world, "MUG", barcode="4006381333931")
    assert refused.value.facts["sku"] == "TEA"
    for wrong in ({"barcode": "1" * 65}, {"barcode": "4006\n381"}, {"barcode": "ä"}, {"location": "x" * 61}):
        with pytest.raises(Refused):
            edit(world, "MUG", **wrong)
    swapped = [
        Entry.of(2, {"sku": "TEA", "barcode": "4006381333948", "location": ""}),
        Entry.of(3, {"sku": "MUG", "barcode": "4006381333931"}),
    ]
    assert import_items(world.house, swapped, "", dry_run=False)["changed"] == 2
    assert (known(world, "TEA").barcode, known(world, "MUG").barcode) == ("4006381333948", "4006381333931")
    assert known(world, "TEA").location == ""
    twice = [Entry.of(line, {"sku": sku, "barcode": "1"}) for line, sku in ((2, "TEA"), (3, "MUG"))]
    with pytest.raises(Refused):
        import_items(world.house, twice, "", dry_run=False)


@pytest.mark.parametrize(
    "entry",
    [
        Entry(3, "CUP", fields={"supplier": "Nobody"}),
        Entry(3, "CUP", fields={"reorder_point": 5, "reorder_to": 4}),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_with_a_line_that_does_not_fit_books_nothing(world: World, entry: Entry, dry_run: bool) -> None:
    world.item("TEA", 10)
    with pytest.raises(Refused):
        import_items(world.house, [Entry(2, "TEA", 11), entry], "", dry_run)
    assert world.on_hand("TEA") == 10
    assert skus(world) == ["TEA"]


def test_a_list_of_items_is_narrowed_and_paged_both_ways(world: World) -> None:
    supplier(world, "Leaf & Co")
    for n in range(5):
        world.item(f"TEA-{n}", n)
    edit(world, "TEA-1", reorder_point=1, supplier="Leaf & Co")
    edit(world, "TEA-2", reorder_point=1, ignore_qoh=True)
    edit(world, "TEA-0", reorder_point=1, drop_ship=True)
    adjust(world.house, "TEA-3", -9, None, "why", "", below_zero=True)
    assert skus(world, below_zero=True) == ["TEA-3"]
    assert skus(world, reorder=True) == ["TEA-1"], "nobody orders what the supplier ships himself"
    assert skus(world, set_aside=True) == ["TEA-0", "TEA-2"]
    assert skus(world, supplier="LEAF & CO") == ["TEA-1"]
    assert skus(world, supplier="nobody") == []
    assert skus(world, 2, after="tea-1") == ["TEA-2", "TEA-3"]
    assert skus(world, 2, before="tea-4") == ["TEA-2", "TEA-3"]


def test_a_statement_is_narrowed_by_what_how_where_and_who(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "MUG": 5})
    amber.sample.buy("TEA", 1)
    amber.tick()
    take_order(world.house, [("TEA", 2)], "", "Ida", "", False)
    receive(world.house, [("MUG", 3)], "", "Max", "")

    def units(**wanted: object) -> list[int]:
        found = world.store.read(lambda books: books.ledger.of_item(None, 50, **wanted))
        return [entry.movement.quantity for entry in found]

    assert units(kind=Kind.SALE) == [-2, -1]
    assert units(kind=Kind.RECEIPT) == [3]
    assert units(kind=Kind.COUNT) == []
    assert units(cart=amber.id, kind=Kind.SALE) == [-1]
    assert units(person="Ida") == [-2]
    assert units(person="Ida", kind=Kind.RECEIPT) == []


def test_history_is_exact_at_every_point_and_ends_with_what_is_on_hand(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 10)
    balances = [10]
    for n in range(1, 30):
        world.clock.advance(60)
        adjust(world.house, "TEA", n if n % 2 else -n, None, "why", "", below_zero=True)
        adjust(world.house, "MUG", 1, None, "why", "", below_zero=True)
        balances.append(balances[-1] + (n if n % 2 else -n))
    item = world.store.read(lambda books: items.find(books, ["TEA"]))[0].id
    whole = world.store.read(lambda books: books.ledger.history(item, 500))
    assert [balance for _, balance in whole] == balances
    assert all(later - earlier > timedelta(seconds=59) for (earlier, _), (later, _) in pairwise(whole))
    for points in (2, 3, 7, 29, 30):
        part = world.store.read(lambda books, points=points: books.ledger.history(item, points))
        assert len(part) <= points
        assert set(part) <= set(whole)
        assert (part[0], part[-1]) == (whole[0], whole[-1])
    world.item("POT", 0)
    assert world.store.read(lambda books: books.ledger.history(items.find(books, ["POT"])[0].id, 9)) == []
