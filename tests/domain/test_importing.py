"""Holds files of quantities to their promise: what was booked since an export is kept, and only what a person changed counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.errors import Refused
from onhand.domain.importing import (
    FILE_BYTES_MAX,
    IMPORTED,
    NOTHING,
    RECENT,
    Base,
    Change,
    FileKind,
    Form,
    Since,
    change,
    is_ours,
)

counts = st.integers(0, 1000)
signed = st.integers(-1000, 1000)
sinces = st.builds(Since, signed, counts, counts, signed, st.booleans())


def test_since_an_export_nothing_was_booked_and_a_change_is_harmless_unless_somebody_says_so() -> None:
    assert Since(moved=0, sold=0, received=0, imported=0, counted=False) == NOTHING
    assert Change(1) == Change(1, overwrites=False, overtaken=False)


def test_a_store_knows_its_own_imports_again_and_names_the_sales_of_a_day() -> None:
    assert IMPORTED == "import/export/", "origins of counts that are booked begin with it"
    assert timedelta(days=1) == RECENT


@given(counts, counts, sinces)
@example(then=5, wanted=6, since=Since(counted=True))
@example(then=5, wanted=4, since=Since(counted=True))
def test_only_what_a_person_changed_in_the_file_counts(then: int, wanted: int, since: Since) -> None:
    found = change(wanted, then + since.moved, Base(then, 1), since)
    assert found.units == (0 if wanted == then else wanted - then - since.imported)
    assert not found.overwrites
    assert found.overtaken == (found.units != 0 and since.counted)


@given(counts, counts, signed)
def test_the_same_file_twice_changes_nothing_the_second_time(then: int, wanted: int, moved: int) -> None:
    base = Base(then, 1)
    first = change(wanted, then + moved, base, Since(moved=moved))
    here = then + moved + first.units
    assert change(wanted, here, base, Since(moved=moved + first.units, imported=first.units)).units == 0


@given(counts, signed, sinces)
def test_a_count_without_a_base_replaces_what_is_here_and_says_so(wanted: int, here: int, since: Since) -> None:
    assert change(wanted, here, None, since) == Change(wanted - here, overwrites=wanted != here)


@pytest.mark.parametrize("base", [None, Base(5, 1)])
def test_no_shelf_holds_less_than_nothing(base: Base | None) -> None:
    assert change(0, 5, base, NOTHING).units == -5
    with pytest.raises(Refused, match=r"-1\b.*\b5\b") as refused:
        change(-1, 5, base, NOTHING)
    assert refused.value.facts == {"on_hand": -1}


def test_an_oversold_item_that_nobody_changed_in_the_file_stays_as_it_is() -> None:
    assert change(-3, -3, Base(-3, 1), NOTHING) == Change(0)
    assert change(-3, -9, Base(-3, 1), Since(moved=-6, sold=6)) == Change(0)
    assert change(-3, -3, None, NOTHING) == Change(0)
    assert change(-3, 0, Base(-2, 1), Since(imported=-1)) == Change(0), "that was imported already"


@given(counts, st.integers(1, 100), sinces, st.integers(0, 100), st.integers(1, 1000))
def test_an_export_is_ours_if_it_and_what_moved_since_make_up_what_is_here(
    then: int, movement: int, since: Since, later: int, off: int
) -> None:
    base, here, newest = Base(then, movement), then + since.moved, movement + later
    assert is_ours(base, here, since, newest)
    assert not is_ours(base, here + off, since, newest)
    assert not is_ours(base, here - off, since, newest)
    assert not is_ours(base, here, since, movement - 1), "a movement that is not booked here yet"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("items.xlsx", Form.XLSX),
        ("ITEMS.XLSX", Form.XLSX),
        ("items.csv", Form.CSV),
        ("items.xlsx.csv", Form.CSV),
        ("xlsx", Form.CSV),
        ("", Form.CSV),
    ],
)
def test_a_file_has_the_format_that_its_name_ends_with(name: str, form: Form) -> None:
    assert Form.of(name) is form


def test_programs_have_learned_these_words_of_files() -> None:
    assert [kind.value for kind in FileKind] == ["items", "counts", "receipts"]
    assert [form.value for form in Form] == ["csv", "xlsx"]
    assert Form.CSV.media_type == "text/csv; charset=utf-8"
    assert Form.XLSX.media_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert FILE_BYTES_MAX == 2**25
