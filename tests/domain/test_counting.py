"""Holds count sheets to their rule: what is booked between counting and posting stays booked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.counting import (
    COUNTED_AGO_MAX,
    LINES_MAX,
    CountEntry,
    CountLine,
    CountSheet,
    How,
    Moment,
    SheetState,
    check_counted_at,
    correction,
    entered,
)
from onhand.domain.errors import Refused
from onhand.domain.stock import QUANTITY_MAX, Kind

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SHEET = CountSheet(3, "Shelf A", SheetState.OPEN, "Ann", NOON, None, 0)
BLANK = CountLine(7, "TEA", "Green Tea")
units = st.integers(0, 1000)
moves = st.lists(st.integers(-50, 50))


def at(expected: int, minutes: int = 0, person: str = "Ann", revision: int = 4) -> Moment:
    return Moment(NOON + timedelta(minutes=minutes), expected, 100 + minutes, person, revision)


def count(line: CountLine, counted: int | None, moment: Moment, **how: object) -> CountLine:
    after = entered(line, CountEntry("TEA", counted, **how), moment)
    assert after is not None
    return after


@given(on_hand=st.integers(-1000, 1000), shelf=units, before=moves, between=moves)
def test_what_moves_between_counting_and_posting_never_changes_what_posting_books(on_hand, shelf, before, between):
    on_hand += sum(before)
    line = count(BLANK, shelf, at(on_hand))
    booked = correction(SHEET, line, "Bob").quantity
    # At the moment of counting the books become the shelf; all that moved since then stays.
    assert on_hand + booked == shelf
    assert on_hand + sum(between) + booked == shelf + sum(between)


@given(first=units, second=units, on_hand=st.integers(-1000, 1000), between=moves)
def test_what_is_added_belongs_to_the_moment_of_the_first_count(first, second, on_hand, between):
    line = count(BLANK, first, at(on_hand))
    both = count(line, second, at(on_hand + sum(between), 5, "Bob", revision=9), how=How.ADD)
    assert both.variance == first + second - on_hand
    assert (both.counted_at, both.movement) == (line.counted_at, line.movement)
    assert (both.person, both.revision) == ("Bob", 9)


@given(first=units, second=units, then=st.integers(-1000, 1000))
def test_what_is_replaced_is_forgotten(first, second, then):
    line = count(count(BLANK, first, at(5)), second, at(then, 5, "Bob", revision=9), how=How.REPLACE)
    assert line == CountLine(7, "TEA", "Green Tea", second, then, NOON + timedelta(minutes=5), 105, "Bob", revision=9)
    assert line.variance == second - then


def test_a_second_count_without_a_word_is_not_taken():
    line = count(BLANK, 5, at(5, revision=4))
    assert entered(line, CountEntry("TEA", 6), at(5)) is None  # a scanner shows no page
    assert entered(line, CountEntry("TEA", 6, revision=3), at(5)) is None  # the page showed no count
    for how in How:
        assert entered(line, CountEntry("TEA", 6, revision=3, how=how), at(5)) is None  # a third one was quicker


def test_who_saw_the_count_may_correct_it():
    for seen in (4, 8):  # other lines may have changed since
        line = count(count(BLANK, 5, at(5, revision=4)), 6, at(9, revision=9), revision=seen)
        assert (line.counted, line.expected, line.revision) == (6, 9, 9)


def test_a_count_can_be_taken_back():
    line = count(count(BLANK, 5, at(9)), None, at(9, 1, "Bob", revision=5), revision=4)
    assert line == CountLine(7, "TEA", "Green Tea", person="Bob", revision=5)
    assert line.variance == 0
    assert entered(line, CountEntry("TEA", 1, revision=4), at(9)) is None  # that is a change too
    assert count(line, 4, at(9)).counted == 4


def test_an_added_count_on_a_line_that_nobody_counted_is_the_first():
    assert count(BLANK, 5, at(9), how=How.ADD).variance == -4


@pytest.mark.parametrize("counted", [-1, QUANTITY_MAX + 1])
def test_no_shelf_holds_that(counted):
    with pytest.raises(Refused) as refusal:
        entered(BLANK, CountEntry("TEA", counted), at(0))
    assert refusal.value.message == f"TEA cannot have {counted} on its shelf: count 0 to 2,147,483,647."
    assert refusal.value.facts == {"sku": "TEA"}
    with pytest.raises(Refused, match="TEA cannot have 2147483648"):
        entered(count(BLANK, QUANTITY_MAX, at(0)), CountEntry("TEA", 1, how=How.ADD), at(0))
    assert count(BLANK, QUANTITY_MAX, at(0)).counted == QUANTITY_MAX


def test_a_new_line_is_not_counted_and_an_entry_asks():
    assert (BLANK.counted, BLANK.expected, BLANK.counted_at, BLANK.movement) == (None, None, None, None)
    assert (BLANK.person, BLANK.revision, BLANK.variance) == ("", 0, 0)
    assert CountLine(7, "TEA", "", counted=None, expected=5).variance == 0
    assert CountEntry("TEA", 1) == CountEntry("TEA", 1, None, How.ASK)
    assert entered(BLANK, CountEntry("TEA", 1, revision=0), at(0)) is not None


def test_stores_and_programs_have_learned_these_words():
    assert [state.value for state in SheetState] == ["open", "posted", "discarded"]
    assert [how.value for how in How] == ["ask", "replace", "add"]
    assert (10_000, timedelta(days=7)) == (LINES_MAX, COUNTED_AGO_MAX)


def test_the_movement_says_whose_count_it_is():
    line = count(BLANK, 5, at(7))
    movement = correction(SHEET, line, "Bob")
    assert (movement.item, movement.kind, movement.quantity, movement.person) == (7, Kind.COUNT, -2, "Bob")
    assert (movement.origin, movement.reason) == ("count/3/7", "count sheet Shelf A, counted by Ann")
    assert correction(SHEET, line, "Ann").reason == "count sheet Shelf A"
    nobody = count(BLANK, 5, at(7, person=""))
    assert correction(SHEET, nobody, "Bob").reason == "count sheet Shelf A"


def test_a_shelf_was_counted_within_the_last_days():
    week = timedelta(days=7)
    assert check_counted_at(NOON, NOON) == NOON
    assert check_counted_at(NOON - week, NOON) == NOON - week
    for wrong in (NOON + timedelta(seconds=1), NOON - week - timedelta(seconds=1)):
        with pytest.raises(Refused) as refusal:
            check_counted_at(wrong, NOON)
        assert refusal.value.message == ("The time of counting is in the future, or more than 7 days ago: correct it.")
        assert refusal.value.facts == {"counted_at": wrong.isoformat()}
