"""Files of items: what was booked since an export is kept, and nothing is overwritten unseen."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onhand.domain.errors import Conflict, Refused
from onhand.domain.importing import Base, Change, Since, change
from onhand.domain.stock import QUANTITY_MAX, check_sku, is_sku, sku_key
from onhand.files import sheets
from onhand.services import items
from onhand.services.counting import adjust
from onhand.services.importing import Entry, import_items
from onhand.services.receiving import receive
from onhand.services.selling import take_order
from tests.builders import World


def export(world: World, form: sheets.Form = sheets.Form.CSV) -> bytes:
    """A file as ``item_export`` makes it."""
    told = [column.name for column in sheets.ITEMS.columns if column.told]
    newest, rows = world.store.read(lambda books: (books.ledger.last(), books.inventory.rows(told)))
    return sheets.written(sheets.ITEMS, [(*row, row[2], newest) for row in rows], form)


def entries(content: bytes, **changed: object) -> list[Entry]:
    """Its lines, with one cell changed: ``TEA=12``."""
    found = [Entry.of(line, values) for line, values in sheets.read(content, sheets.ITEMS).rows]
    return [
        Entry(**{**{f: getattr(e, f) for f in e.__dataclass_fields__}, "on_hand": changed.get(e.sku, e.on_hand)})
        for e in found
    ]


def sell(world: World, sku: str, units: int) -> None:
    take_order(world.house, [(sku, units)], "", "", "", True)


def test_what_was_sold_since_an_export_stays_sold(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 10)
    content = export(world)
    sell(world, "TEA", 3)
    sell(world, "MUG", 3)
    receive(world.house, [("MUG", 4)], "", "", "")
    done = import_items(world.house, entries(content, TEA=12), "Ida", dry_run=False, overwrite=False)
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (9, 11)
    (row,) = done["rows"]
    assert (row["sku"], row["changes"], row["exported"], row["sold"]) == ("TEA", {"on_hand": [7, 9]}, 10, 3)
    assert done["overwritten"] == 0


def test_the_same_file_twice_changes_nothing_the_second_time(world: World) -> None:
    world.item("TEA", 10)
    content = export(world)
    sell(world, "TEA", 3)
    for _ in range(3):
        import_items(world.house, entries(content, TEA=12), "", dry_run=False, overwrite=False)
        assert world.on_hand("TEA") == 9
    import_items(world.house, entries(content, TEA=11), "", dry_run=False, overwrite=False)
    assert world.on_hand("TEA") == 8, "a person who corrects their own file means the new number"
    import_items(world.house, entries(content), "", dry_run=False, overwrite=False)
    assert world.on_hand("TEA") == 8, "a number that nobody changed says nothing"


def test_a_count_by_somebody_else_since_the_export_is_not_overwritten(world: World) -> None:
    world.item("TEA", 10)
    content = export(world)
    adjust(world.house, "TEA", None, 8, "counted", "Max", below_zero=False)
    with pytest.raises(Conflict) as refused:
        import_items(world.house, entries(content, TEA=9), "", dry_run=False, overwrite=False)
    assert refused.value.facts["skus"] == ["TEA"]
    import_items(world.house, entries(content), "", dry_run=False, overwrite=False)
    assert world.on_hand("TEA") == 8


@pytest.mark.parametrize("spoil", [{"exported_movement": 999}, {"exported_on_hand": 11}, {"exported_movement": None}])
def test_a_file_of_another_store_is_asked_about(world: World, spoil: dict[str, int | None]) -> None:
    world.item("TEA", 10)
    sell(world, "TEA", 3)
    entry = Entry(2, "TEA", on_hand=10, **{"exported_on_hand": 10, "exported_movement": 1, **spoil})
    assert import_items(world.house, [entry], "", dry_run=True)["overwritten"] == 1


def test_an_old_file_is_asked_about_with_what_was_sold_of_late(world: World) -> None:
    world.item("TEA", 10)
    sell(world, "TEA", 2)
    world.clock.advance(25 * 3600)
    sell(world, "TEA", 3)
    old = [Entry(2, "TEA", 10, {"name": "New name"})]
    with pytest.raises(Refused) as refused:
        import_items(world.house, old, "", dry_run=False, overwrite=False)
    assert refused.value.facts["reason"] == "overwrites"
    (row,) = refused.value.facts["rows"]
    assert (row["changes"]["on_hand"], row["sold"]) == ([5, 10], 3)
    assert world.on_hand("TEA") == 5
    assert import_items(world.house, old, "", dry_run=True, overwrite=False)["rows"] == [row]
    import_items(world.house, old, "", dry_run=False, overwrite=True)
    assert world.on_hand("TEA") == 10


def test_what_is_below_zero_goes_out_and_comes_back(world: World) -> None:
    world.item("NEG", 1)
    adjust(world.house, "NEG", -3, None, "x", "", below_zero=True)
    content = export(world)
    assert import_items(world.house, entries(content), "", dry_run=True)["changed"] == 0
    assert import_items(world.house, [Entry(2, "NEG", on_hand=-2)], "", dry_run=True)["changed"] == 0
    with pytest.raises(Refused) as refused:
        import_items(world.house, [Entry(2, "NEG", on_hand=-1)], "", dry_run=True)
    assert refused.value.facts["line"] == 2
    import_items(world.house, entries(content, NEG=4), "", dry_run=False, overwrite=False)
    assert world.on_hand("NEG") == 4
    import_items(world.house, [Entry(2, "FROM ELSEWHERE", on_hand=-5)], "", dry_run=False, overwrite=False)
    assert world.on_hand("FROM ELSEWHERE") == -5


@pytest.mark.parametrize(
    ("there", "brought"), [("00123", "123"), ("0123", "00123"), ("TEA", "TЕA"), ("A-1", "A–1"), ("TEA", "ＴＥＡ")]
)
def test_a_sku_that_a_spreadsheet_or_an_eye_takes_for_another_is_no_new_item(
    world: World, there: str, brought: str
) -> None:
    world.item(there, 1)
    with pytest.raises(Refused) as refused:
        import_items(world.house, [Entry(7, brought, on_hand=5)], "", dry_run=True)
    assert (refused.value.facts["line"], refused.value.facts["looks_like"]) == (7, there)


@pytest.mark.parametrize("look", ["TЕA", "ＴＥＡ", "ΤΕΑ"])
def test_no_two_items_look_the_same(world: World, look: str) -> None:
    world.item("TEA", 1)
    world.item("MUG", 1)
    with pytest.raises(Refused) as refused:
        items.add(world.house, look, "", 0, "")
    assert refused.value.facts["looks_like"] == "TEA"
    with pytest.raises(Refused) as refused:
        items.edit(world.house, "MUG", {}, look, None, "")
    assert refused.value.facts["looks_like"] == "TEA"
    with pytest.raises(Refused) as refused:
        receive(world.house, [(look, 1)], "", "", "")
    assert refused.value.facts["looks_like"] == {look: "TEA"}
    assert items.edit(world.house, "TEA", {}, look, None, "")["sku"] == look, "an item may be spelled otherwise"
    with pytest.raises(Refused):
        items.add(world.house, "TEA", "", 0, "")
    receive(world.house, [(f"\u200b{look.lower()}\u00a0", 2)], "", "", "")
    assert world.on_hand(look) == 3


letters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"]) | st.sampled_from(
    "=+-@'\"＝;,\t 01E.\u00a0\u200b"
)
skus = (
    st.text(letters, max_size=12) | st.sampled_from(["1E5", "1.00E-05", "00123", "2-Jan", "'x", "=1", ";=1"])
).filter(is_sku)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(skus, st.text(letters, max_size=12), st.integers(0, 1000), st.integers(1, 2000), st.sampled_from(sheets.Form))
def test_an_export_comes_back_with_no_change(
    world: World, drawn: str, name: str, on_hand: int, sold: int, form: sheets.Form
) -> None:
    sku = check_sku(drawn)
    if not world.store.read(lambda books: books.items.look_alikes([sku]) or books.items.by_key([sku_key(sku)])):
        items.add(world.house, sku, name, on_hand, "")
    known = items_of(world)
    adjust(world.house, known[-1], 1, None, "x", "", below_zero=True)
    sell(world, known[0], sold)
    done = import_items(world.house, entries(export(world, form)), "", dry_run=True, overwrite=False)
    assert (done["added"], done["changed"], done["unchanged"]) == (0, 0, len(known))


def items_of(world: World) -> list[str]:
    return [row[0] for row in world.store.read(lambda books: books.inventory.rows(["sku"]))]


numbers = st.integers(0, 1000)


@given(numbers, numbers, st.integers(-500, 500), st.integers(-100, 100))
def test_only_what_a_person_changed_in_the_file_counts(then: int, wanted: int, moved: int, imported: int) -> None:
    here = then + moved
    found = change(wanted, here, Base(then, 1), Since(moved=moved, imported=imported))
    assert found.units == (0 if wanted == then else wanted - then - imported)
    assert not found.overwrites
    bare = change(wanted, here, None, Since())
    assert bare == Change(wanted - here, overwrites=wanted != here)
    with pytest.raises(Refused):
        change(-QUANTITY_MAX, here, None, Since())
