"""Holds order lines to what they took: no more comes back of one, whatever happens to it and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.lines import (
    SUMS_MAX,
    LineChange,
    LineUnits,
    SoldLine,
    changes,
    edited_before,
    least_left,
    others_gone,
    subset,
    whole_orders,
)
from tests.builders import edited, line, sold, went

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
signed = st.integers(-9, 9).filter(bool)
events = st.lists(st.tuples(st.sampled_from(["take", "back"]), st.integers(0, 9)), max_size=20)


@given(events)
def test_no_more_comes_back_than_was_taken_in_any_order(what) -> None:
    units, taken, back = LineUnits(), 0, 0
    for kind, n in what:
        if kind == "take":
            units, taken = units.take(n), taken + n
        else:
            before = units.left
            units, fresh = units.give_back(n)
            assert fresh == min(n, before), "all that can come back does, and nothing twice"
            back += fresh
        assert (units.taken, units.back, units.left) == (taken, back, taken - back)
        assert 0 <= units.left <= taken


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_an_edited_line_gives_back_at_most_what_is_off_it(taken: int, back: int, before: int, now: int) -> None:
    units = LineUnits(taken, min(back, taken))
    after, fresh = units.give_back(before - now, now)
    assert 0 <= fresh <= max(0, min(before - now, taken - now, units.left))
    assert after == LineUnits(taken, units.back + fresh)


def test_a_line_changed_if_it_is_gone_lowered_raised_or_another_one() -> None:
    books = [sold(line(n, 5, order=n)) for n in range(1, 6)]
    there = [line(1, 5, order=1), line(2, 3, order=2), line(3, 8, order=3), line(4, 5, order=9)]
    found = {c.sold.line: (c.units, c.gone) for c in changes(books, {told.line: told for told in there})}
    assert found == {2: (-2, False), 3: (3, False), 4: (-5, True), 5: (-5, True)}
    elsewhere = {1: replace(line(1, 5, order=1), product=7)}
    assert changes(books[:1], elsewhere) == [went(line(1, 5, order=1))], "its product was changed in place"


def test_what_went_last_and_has_least_left_is_the_first_choice() -> None:
    long_gone = sold(line(1, 2), gone_at=NOON - timedelta(hours=1))
    whole, given_back = sold(line(2, 2), gone_at=NOON), sold(line(3, 2), gone_at=NOON, units=LineUnits(2, 2))
    assert [c.sold.line for c in changes([long_gone, whole, given_back], {})] == [3, 2, 1]
    assert [c.sold.line for c in changes([long_gone, sold(line(9, 2))], {})] == [9, 1], "this went just now"


def test_a_sold_line_is_there_and_its_number_was_never_used_before_unless_the_books_say_so() -> None:
    plain = SoldLine("e1", 1, 1, 1, 7, 2, LineUnits())
    assert (plain.gone_at, plain.run) == (None, 0)
    assert (plain.units.taken, plain.units.back) == (0, 0)


def test_units_of_a_change_are_what_the_line_takes_more() -> None:
    assert [change.units for change in (edited(line(1, 3), 5), edited(line(1, 5), 3), went(line(1, 4)))] == [2, -2, -4]
    assert LineChange(sold(line(1, 4)), 0).units == -4


@given(st.integers(-20, 20), st.lists(signed, max_size=8))
def test_an_exact_subset_is_found_if_there_is_one(total: int, amounts: list[int]) -> None:
    chosen = subset(total, amounts, exact=True)
    sums = {
        sum(amounts[i] for i in some) for n in range(len(amounts) + 1) for some in combinations(range(len(amounts)), n)
    }
    assert (chosen is not None) == (total in sums)
    if chosen is not None:
        assert sum(amounts[index] for index in chosen) == total
        assert len(set(chosen)) == len(chosen)


@given(st.integers(1, 20), st.lists(st.integers(1, 9), max_size=8), st.sampled_from([1, -1]))
def test_the_nearest_subset_does_not_pass_the_total(total: int, amounts: list[int], sign: int) -> None:
    chosen = subset(sign * total, [sign * amount for amount in amounts])
    assert chosen is not None
    sums = {
        sum(amounts[i] for i in some) for n in range(len(amounts) + 1) for some in combinations(range(len(amounts)), n)
    }
    assert sum(amounts[index] for index in chosen) == max(s for s in sums if s <= total)


def test_all_amounts_are_chosen_if_they_do_not_pass_the_total_however_many_there_are() -> None:
    for amounts in ([1] * (2 * SUMS_MAX), [-1] * (2 * SUMS_MAX)):
        for total in (sum(amounts), 2 * sum(amounts)):
            assert subset(total, amounts) == tuple(range(len(amounts)))


def test_a_line_that_nobody_watched_went_at_an_unknown_time() -> None:
    just_now = NOON - timedelta(seconds=1)
    unwatched, watched = sold(line(1, 2)), sold(line(300, 2), gone_at=just_now)
    since = NOON - timedelta(seconds=10)
    assert [c.sold.line for c in changes([unwatched, watched], {}, since=since, watched=range(200, 400))] == [300, 1]
    assert [c.sold.line for c in changes([unwatched, watched], {}, since=since)] == [1, 300], "both are watched"


def test_a_line_that_was_edited_and_then_went_changed_in_two_steps() -> None:
    change = went(line(1, 2))
    edit, deletion = edited_before([change], {1: 4})
    assert (edit.units, edit.gone) == (2, False)
    assert (deletion.units, deletion.gone, deletion.sold.units) == (-4, True, change.sold.units)
    assert edited_before([change], {1: 2}) == [change], "it was put back before it went"
    assert edited_before([change], {2: 4}) == [change]
    assert edited_before([edited(line(1, 2), 5)], {1: 4}) == [edited(line(1, 2), 5)]


def test_lines_of_the_same_order_or_of_the_same_look_may_have_come_back_instead() -> None:
    def gone_from(number: int, order: int, at: datetime | None) -> LineChange:
        return LineChange(sold(line(number, 1, order=order), gone_at=at), 0, gone=True)

    chosen = gone_from(1, 1, NOON)
    same_order, same_look = gone_from(2, 1, None), gone_from(3, 2, NOON)
    other = gone_from(4, 3, NOON - timedelta(hours=1))
    found = [chosen, same_order, same_look, other, edited(line(5, 2, order=1), 3)]
    assert others_gone([chosen], found) == [same_order, same_look]
    assert others_gone([edited(line(5, 2, order=1), 3)], found) == []
    later, now = gone_from(6, 4, NOON + timedelta(seconds=1)), gone_from(7, 5, None)
    assert others_gone([chosen], [later, now, other]) == [later, now]
    assert others_gone([now], [chosen, later]) == []
    assert others_gone([edited(line(5, 2, order=9), 3)], [now, later]) == []


def gone_with(number: int, units: int, left: int, order: int = 1) -> LineChange:
    """A line that went in the last look, of which only some units had not come back before."""
    return LineChange(sold(line(number, units, order=order), units=LineUnits(units, units - left)), 0, gone=True)


class TestLeastLeft:
    """Several sets of lines that went are worth the same: the fewest units that can come back count."""

    FRESH, BACK = gone_with(1, 2, 2, order=1), gone_with(2, 2, 0, order=2)

    def test_lines_that_came_back_before_count_first(self) -> None:
        assert least_left([self.FRESH], [self.FRESH, self.BACK], in_part=False) == ((self.BACK,), [self.FRESH])

    def test_of_equal_sets_the_chosen_one_stays(self) -> None:
        other = gone_with(3, 2, 2, order=3)
        assert least_left([self.FRESH], [other], in_part=False) == ((self.FRESH,), [other])
        assert least_left([self.BACK], [self.FRESH], in_part=False) == ((self.BACK,), [self.FRESH])

    def test_of_several_sets_with_the_fewest_left_the_first_counts(self) -> None:
        more, back = gone_with(3, 2, 2, order=3), gone_with(4, 2, 0, order=4)
        found = [self.BACK, more, back]
        assert least_left([self.FRESH], found, in_part=False) == ((self.BACK,), [self.FRESH, more, back])

    def test_a_line_of_an_order_that_is_worth_more_as_a_whole_stays(self) -> None:
        other = gone_with(3, 1, 1, order=1)
        assert least_left([self.FRESH], [other], in_part=False) == ((self.FRESH,), [other])

    def test_what_is_worth_something_else_gave_nothing_instead(self) -> None:
        other = gone_with(3, 1, 0, order=3)
        assert least_left([self.FRESH], [other], in_part=False) == ((self.FRESH,), [other])

    def test_orders_come_back_whole_unless_the_shop_gives_back_some_of_their_lines(self) -> None:
        two, one = gone_with(1, 2, 0, order=1), gone_with(2, 1, 1, order=1)
        other = gone_with(3, 1, 0, order=2)
        assert least_left([two, one], [two, one, other], in_part=True) == ((two, other), [one])
        assert least_left([two, one], [two, one, other], in_part=False) == ((two, one), [other])

    def test_edits_stay_and_alone_have_no_others(self) -> None:
        edit = edited(line(9, 3, order=9), 1)
        assert least_left([edit, self.FRESH], [self.BACK], in_part=False) == ((edit, self.BACK), [self.FRESH])
        assert least_left([edit], [self.BACK], in_part=False) == ((edit,), [])

    def test_of_each_line_no_more_comes_back_than_is_left_or_was_on_it(self) -> None:
        more_left = replace(gone_with(3, 1, 0, order=3), sold=sold(line(3, 1, order=3), units=LineUnits(5, 0)))
        fewer = gone_with(4, 1, 1, order=4)
        assert least_left([fewer], [more_left], in_part=False) == ((fewer,), [more_left]), "one comes back of either"

    def test_very_many_lines_are_not_tried_in_every_way(self) -> None:
        many = [gone_with(number, 2**number, 0, order=number) for number in range(2, 20)]
        assert least_left([self.FRESH], many, in_part=False)[0] == (self.FRESH,)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), max_size=6), st.integers(-12, 0))
def test_orders_come_back_as_a_whole_if_they_can(told: list[tuple[int, int]], total: int) -> None:
    found = [went(line(number, quantity, order=order)) for number, (order, quantity) in enumerate(told, 1)]
    chosen = whole_orders(total, found)
    orders = {order: -sum(units for of, units in told if of == order) for order, _ in told}
    possible = any(sum(orders[o] for o in some) == total for n in range(4) for some in combinations(orders, n))
    assert (chosen is not None) == possible
    if chosen is not None:
        assert sum(found[index].units for index in chosen) == total
        picked = {found[index].sold.order for index in chosen}
        assert len(chosen) == sum(1 for change in found if change.sold.order in picked)


def test_an_edited_line_is_no_order_that_came_back() -> None:
    assert whole_orders(-2, [edited(line(1, 5), 3)]) is None


CANCELLED = 99


def test_a_line_whose_order_was_cancelled_may_have_given_all_of_it_back() -> None:
    books = [sold(line(n, 5, order=n), status=status) for n, status in ((1, 1), (2, None), (3, CANCELLED), (4, 1))]
    there = {n: replace(line(n, 5, order=n), status=CANCELLED) for n in (1, 2, 3)} | {4: line(4, 5, order=4)}
    found = changes(books, there, {CANCELLED})
    assert found == [LineChange(books[n - 1], 0, gone=True, cancelled=there[n]) for n in (2, 1)], "3 was known to be"
    assert [(change.units, change.deleted) for change in found] == [(-5, False)] * 2
    assert changes(books, there) == [], "this shop keeps no lines of an order that it cancels"
    lowered = {3: replace(line(3, 2, order=3), status=CANCELLED)}
    assert changes(books[2:3], lowered, {CANCELLED}) == [LineChange(books[2], 2)], "it was edited afterwards"


def test_of_lines_deleted_at_one_time_the_one_with_the_fewest_units_left_is_first() -> None:
    given_back, whole = sold(line(2, 2), gone_at=NOON, units=LineUnits(2, 2)), sold(line(3, 2), gone_at=NOON)
    assert [change.sold.line for change in changes([whole, given_back], {})] == [2, 3]
    again = [sold(line(n, 2), gone_at=NOON) for n in (3, 2)]
    assert [change.sold.line for change in changes(again, {})] == [2, 3]


def test_cancelled_lines_come_after_those_deleted_at_the_same_time_the_newest_first() -> None:
    books = [sold(line(n, 2)) for n in (4, 6, 5)]
    there = {n: replace(line(n, 2), status=CANCELLED) for n in (4, 5, 6)}
    assert [change.sold.line for change in changes(books, there, {CANCELLED}, since=NOON)] == [6, 5, 4]
    deleted, before = sold(line(7, 2), gone_at=NOON), sold(line(8, 2), gone_at=NOON - timedelta(seconds=1))
    found = changes([*books, before, deleted], there, {CANCELLED}, since=NOON)
    assert [change.sold.line for change in found] == [7, 6, 5, 4, 8]
    found = changes([*books, before, deleted], there, {CANCELLED})
    assert [change.sold.line for change in found] == [7, 8, 6, 5, 4], "it is not known since when"


def test_each_line_that_was_edited_and_then_went_changed_in_two_steps() -> None:
    gone = [went(line(1, 2)), edited(line(2, 2), 1), went(line(3, 5))]
    steps = edited_before(gone, {1: 4, 3: 1})
    assert [(step.sold.line, step.units, step.gone) for step in steps] == [
        (1, 2, False),
        (1, -4, True),
        (2, -1, False),
        (3, -4, False),
        (3, -1, True),
    ]
