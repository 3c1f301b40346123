"""Holds the reading of order lines to its rule: a line is its number, its order and its product together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.numbering import WINDOW_LINES, Place, compare, same
from tests.builders import line


@pytest.mark.parametrize(
    ("place", "low"),
    [
        (Place(0, 9), 0),
        (Place(5, 9), 5),
        (Place(5, 5 + WINDOW_LINES), 5),
        (Place(5, 6 + WINDOW_LINES), 6),
        (Place(50, 9, restart=3), 3),
        (Place(50, 3, restart=3), 3),
        (Place(50, 2), 2),
    ],
)
def test_the_window_begins_above_history_and_not_far_below_the_cursor(place: Place, low: int) -> None:
    assert place.low == low


@pytest.mark.parametrize(
    ("place", "last", "after"),
    [
        (Place(5, 9), 9, Place(5, 9)),
        (Place(5, 9), 12, Place(5, 9)),
        (Place(5, 9), 8, Place(5, 8)),
        (Place(5, 9), 5, Place(5, 5)),
        (Place(5, 9), 4, Place(5, 4, restart=4)),
        (Place(5, 9), 0, Place(5, 0, restart=0)),
        (Place(5, 4, restart=4), 2, Place(5, 2, restart=2)),
        (Place(5, 4, restart=2), 3, Place(5, 3, restart=2)),
        (Place(5, 4, restart=4), 6, Place(5, 4, restart=4)),
    ],
)
def test_numbers_that_are_lower_than_the_cursor_may_come_again(place: Place, last: int, after: Place) -> None:
    assert place.after(last) == after


def test_a_table_that_was_empty_for_a_while_is_no_new_trade() -> None:
    emptied = Place(1000, 1005).after(0)
    assert emptied == Place(1000, 0, restart=0)
    assert emptied.after(999) == emptied, "not all of it is back"
    assert emptied.after(1000) == Place(1000, 1000)
    assert emptied.after(1005) == Place(1000, 1000)
    climbing = replace(emptied, cursor=1000 - WINDOW_LINES)
    assert climbing.after(1000) == climbing
    assert climbing.after(1001) == Place(1000, 1000)
    assert Place(0, 0).after(5000) == Place(0, 0), "an outage is no restart"


@pytest.mark.parametrize("place", [Place(5, 9), Place(50, 2), Place(5, 4, restart=4), Place(50, 50, restart=3)])
def test_a_look_that_sees_the_same_highest_number_changes_nothing(place: Place) -> None:
    assert place.after(place.cursor) == place


def test_numbers_that_climbed_back_to_the_baseline_stay_new() -> None:
    climbed = Place(50, 50, restart=3)
    assert climbed.after(51 + WINDOW_LINES) == climbed


def test_a_line_is_told_by_its_order_and_its_product() -> None:
    known = line(9, 2, product=1, order=4)
    assert same(known, replace(known, quantity=1, status=3, paid=False, model="new"))
    assert not same(known, replace(known, order=1))
    assert not same(known, replace(known, product=2))
    assert same(replace(known, product=0), known), "the shop had not said yet which product it is"
    assert not same(replace(known, product=0), replace(known, order=5))


def test_what_is_new_what_is_gone_and_what_has_the_number_of_another() -> None:
    known = {n: line(n, order=n) for n in (6, 7, 8)}
    place = Place(5, 8)
    there = [line(6, order=6), line(8, order=8)]
    found = compare(known, there, place, ())
    assert (found.new, found.gone, found.reused) == ((), (7,), False)
    found = compare(known, [*there, line(9, order=9)], place, ())
    assert (found.new, found.gone, found.reused) == ((line(9, order=9),), (7,), False)
    other = line(7, order=70)
    found = compare(known, [*there, other], place, ())
    assert (found.new, found.gone, found.reused) == ((other,), (7,), True)


def test_history_is_new_only_where_a_counter_says_so() -> None:
    place = Place(50, 4, restart=4)
    there = [line(3, product=1, order=3), line(4, product=2, order=4)]
    assert compare({}, there, place, ()).new == ()
    assert compare({}, there, place, {2}).new == (there[1],)
    assert compare({}, [line(5, order=5)], place, ()).new == (line(5, order=5),)


some_lines = st.builds(
    line, st.integers(1, 9), st.integers(0, 2), product=st.sampled_from([0, 1, 2]), order=st.integers(1, 2)
)
known_lines = st.dictionaries(st.integers(1, 9), some_lines).map(
    lambda found: {number: replace(one, line=number) for number, one in found.items()}
)
there_lines = known_lines.map(lambda found: list(found.values()))
places = st.builds(Place, st.integers(0, 9), st.just(9), st.none() | st.integers(0, 9))


@given(known_lines, there_lines, places, st.sets(st.sampled_from([0, 1, 2])))
def test_every_line_is_known_edited_new_gone_or_history(known, there, place: Place, doubted: set[int]) -> None:
    found = compare(known, there, place, doubted)
    again = {one.line for one in there if one.line in known and same(known[one.line], one)}
    unknown = [one for one in there if one.line not in known]
    new = {one.line for one in unknown if one.line > place.floor or one.product in doubted}
    reused = {one.line for one in there} - again - {one.line for one in unknown}
    assert list(found.new) == [one for one in there if one.line in new | reused]
    assert found.gone == tuple(sorted(known.keys() - again))
    assert list(found.edited) == [
        one for one in there if one.line in again and one.quantity != known[one.line].quantity
    ]
    assert found.reused == bool(reused)
