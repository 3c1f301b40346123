"""Holds the naming of what a counter moved by to the lines that tell of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.differences import Evidence
from onhand.domain.doubts import Doubts, Weighing
from onhand.domain.law import Weighed, units
from onhand.domain.lines import LineChange
from onhand.domain.naming import Named, in_doubt, left_out, may_have_come_back, name, not_sold_again, went_before
from tests.builders import edited, line, listing, row, sold, went

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seen(waiting=(), changed=(), old=(), weighed=Weighed((), (), 0, 0, 0)) -> Weighing:  # noqa: B008
    return Weighing(listing(), row(), weighed, tuple(waiting), tuple(changed), old)


def went_at(number: int, units: int, at: datetime | None, order: int = 1) -> LineChange:
    return LineChange(sold(line(number, units, order=order), gone_at=at), 0, gone=True)


class TestNaming:
    """Which lines tell what a counter moved by."""

    def test_lines_that_fit_are_named(self) -> None:
        sale, gone = line(1, 3), went(line(2, 2))
        weighing = seen([sale, line(3, 9, paid=False)], [gone])
        assert name(weighing, 3, (), True) == Named((sale,), ())
        assert name(weighing, 1, (), True) == Named((sale,), (gone,))
        assert name(weighing, -2, (), True) == Named((), (gone,))

    def test_what_no_line_tells_has_no_name(self) -> None:
        assert name(seen(), 4, (), True) == Named((), (), unsure=0, nameless=4)
        assert name(seen(), -4, (), True) == Named((), (), nameless=-4)
        assert name(seen([line(1, 3)]), 5, (), True) == Named((line(1, 3),), (), nameless=2)

    def test_lines_that_were_there_before_come_last(self) -> None:
        before, since = line(1, 2), line(2, 2)
        assert name(seen([before, since], old={before}), 2, (), True).sold == (since,)
        assert name(seen([before, since], old={before}), 4, (), True).sold == (before, since)
        gone = went(line(3, 2))
        assert name(seen([], [gone], old={gone}), -2, (), True) == Named((), (), nameless=-2)

    def test_lines_that_an_editor_may_have_added_come_last(self) -> None:
        one, two = line(1, 2, paid=False), line(2, 2, paid=False)
        assert name(seen([one, two]), 2, (), True).sold == (one,)
        assert name(seen([one, two]), 2, [one], True).sold == (two,)
        again = name(seen([one, two], old={one, two}), 2, [one], True)
        assert again.sold == (two,), "also of those that were there before"

    def test_sales_and_returns_may_make_up_for_each_other(self) -> None:
        one, gone = line(1, 7, paid=False), went(line(2, 4))
        assert name(seen([one], [gone]), 3, (), True) == Named((one,), (gone,))
        assert name(seen([one], [gone], old={one}), 3, (), True) == Named((one,), (gone,))
        before = line(3, 3, paid=False)
        found = name(seen([before, one], [gone], old={before}), 3, (), True)
        assert found == Named((one,), (gone,)), "rather than one that was there before"

    def test_an_order_comes_back_as_a_whole_where_the_shop_works_so(self) -> None:
        one, two = went(line(1, 2)), went(line(2, 3))
        other, kept = went(line(3, 9, order=2)), edited(line(4, 5), 4)
        weighing = seen(changed=[one, two, other, kept])
        assert name(weighing, -2, (), True) == Named((), (one,))
        assert name(weighing, -2, (), False) == Named((), (one, two), nameless=3)
        assert name(seen(changed=[kept, one]), -1, (), False) == Named((), (kept,)), "an edit brings no order back"

    def test_a_line_that_held_more_came_back_as_a_whole(self) -> None:
        small, large = went(line(1, 5)), went(line(2, 9, order=2))
        found = name(seen(changed=[large, small]), -3, (), True)
        assert found == Named((), (), small, unsure=3, nameless=2)
        assert found.changes == (small,)
        assert name(seen(changed=[edited(line(1, 9), 2)]), -3, (), True).whole is None, "it did not go"
        less = went(line(3, 2, order=3))
        found = name(seen(changed=[less, small]), -3, (), True)
        assert (found.changed, found.whole, found.unsure, found.nameless) == ((less,), small, 1, 4)
        assert found.changes == (less, small)
        exact = went(line(4, 1, order=4))
        assert name(seen(changed=[less, exact]), -3, (), True) == Named((), (less, exact))
        assert name(seen(changed=[less]), -3, (), True) == Named((), (less,), nameless=-1)
        alike = replace(small, sold=replace(small.sold, line=9, units=small.sold.units.give_back(1)[0]))
        assert name(seen(changed=[small, alike]), -3, (), True).whole == alike, "the one of which less is left"


@given(
    st.integers(-20, 20),
    st.lists(st.integers(1, 9), max_size=4),
    st.lists(st.integers(1, 9), max_size=4),
    st.booleans(),
)
def test_every_unit_is_named_or_has_no_name(moved: int, sales, returns, in_part: bool) -> None:
    waiting = [line(n, quantity, paid=n % 2 == 0) for n, quantity in enumerate(sales)]
    gone = [went(line(10 + n, quantity, order=n % 2)) for n, quantity in enumerate(returns)]
    found = name(seen(waiting, gone), moved, (), in_part)
    told = units(found.sold) + sum(change.units for change in found.changes)
    assert told + found.nameless == moved
    assert len(set(found.changes)) == len(found.changes)


def test_what_went_after_the_counter_fell_is_left_out_if_the_rest_tells_exactly() -> None:
    before, at, after = went_at(1, 2, NOON - SECOND), went_at(2, 3, NOON), went_at(3, 2, NOON + SECOND)
    unknown, raised = went_at(4, 9, None), edited(line(5, 1), 4)
    weighing = seen(changed=[before, at, after, unknown, raised])
    assert went_before(weighing, NOON, -5).changed == (before, at, unknown, raised)
    assert went_before(weighing, NOON, -9).changed == (before, at, unknown, raised)
    assert went_before(weighing, NOON, -6) is weighing, "raised lines explain no fall"
    assert went_before(weighing, NOON, 0) is weighing
    assert went_before(weighing, NOON, 3) is weighing


QUIET = Evidence(drift=0, edited=False, quantity=10, sales=0, posts=(), returns=(), past=(), heals=0)
FORM = replace(QUIET, edited=True)


class TestSetBack:
    """What looks like a counter that was set back may be a return that was written over."""

    EARLY, AT, LATE = went_at(1, 2, NOON - SECOND), went_at(2, 3, NOON), went_at(3, 4, NOON + SECOND)

    @pytest.mark.parametrize(
        ("units", "changed", "possible"),
        [
            (7, [EARLY, AT, LATE], True),
            (9, [EARLY, AT, LATE, went_at(4, 9, None)], True),
            (5, [EARLY, AT, LATE], False),
            (2, [EARLY], False),
            (2, [edited(line(1, 3), 1)], False),  # it did not go
            (3, [], False),
        ],
    )
    def test_lines_that_went_lately_may_be_it(self, units: int, changed: list[LineChange], possible: bool) -> None:
        weighing = seen(changed=changed)
        assert may_have_come_back(weighing, units, FORM, NOON) is possible
        assert not may_have_come_back(weighing, units, QUIET, NOON), "nothing has written over it"
        assert not may_have_come_back(weighing, units, replace(QUIET, sales=units), NOON), "that was their own sale"
        assert may_have_come_back(weighing, units, replace(QUIET, sales=units + 1), NOON) is possible

    def test_a_counter_that_was_set_to_nothing_holds_what_was_sold_since(self) -> None:
        weighing = replace(seen([line(1, 5)]), row=row(quantity=9, ordered=5), listing=listing(quantity=9, ordered=8))
        raced = replace(QUIET, sales=2)
        assert not may_have_come_back(weighing, 3, raced, NOON)
        higher = replace(weighing, row=row(quantity=9, ordered=6))
        assert may_have_come_back(higher, 3, raced, NOON)
        assert may_have_come_back(higher, 3, FORM, NOON)
        assert may_have_come_back(higher, 3, replace(QUIET, sales=1), NOON), "one sale is enough for a race"
        assert not may_have_come_back(higher, 3, QUIET, NOON)
        without_lines = replace(higher, row=row(quantity=3, ordered=6))
        assert not may_have_come_back(without_lines, 3, raced, NOON), "all of it was sold since"


class TestReturnsInDoubt:
    """Which units that the counter gave back may not have come back."""

    @pytest.mark.parametrize(
        ("ripe", "lowered", "units"),
        [
            (Doubts(fallen=3), 0, 0),
            (Doubts(fallen=3), 2, 2),
            (Doubts(fallen=3), 5, 3),
            (Doubts(fallen=3, drift=-2), 0, 2),
            (Doubts(fallen=3, drift=-2), 1, 2),
            (Doubts(fallen=3, drift=-1), 2, 2),
            (Doubts(), 2, 0),
        ],
    )
    def test_what_the_quantity_did_not_get_or_the_counter_lost_alone(self, ripe, lowered, units) -> None:
        found = replace(QUIET, drift=ripe.drift)
        assert in_doubt(seen(), ripe, found, lowered) == units

    def test_a_line_came_back_as_a_whole_or_not_at_all(self) -> None:
        ripe, gone = Doubts(fallen=9, drift=-2), [went(line(1, 4)), edited(line(2, 1), 8)]
        raced = replace(QUIET, drift=-2, sales=3)
        assert in_doubt(seen(changed=gone), ripe, raced, 0) == 4
        assert in_doubt(seen(changed=gone), ripe, replace(raced, sales=2), 0) == 4
        assert in_doubt(seen(changed=gone), ripe, replace(raced, sales=1), 0) == 2, "so many sales were not lost"
        assert in_doubt(seen(changed=gone), replace(ripe, fallen=4), raced, 0) == 4
        assert in_doubt(seen(changed=gone), replace(ripe, fallen=3), raced, 0) == 2, "it did not fall by so much"
        assert in_doubt(seen(changed=[went(line(1, 2)), went(line(2, 4))]), ripe, raced, 0) == 2
        assert in_doubt(seen(changed=gone), replace(ripe, drift=0), replace(raced, drift=0), 2) == 2


class TestALineThatWasLeftOut:
    """A shop gave back a part of a deleted order."""

    CAME, LEFT = went(line(1, 2)), went(line(2, 3))

    def test_the_rest_of_the_order_is_told(self) -> None:
        assert left_out(seen(changed=[self.CAME, self.LEFT]), [self.CAME], "e1") == [self.LEFT]
        assert left_out(seen(changed=[self.LEFT]), [self.CAME], "e1") == [self.LEFT]

    def test_nothing_is_said_where_it_is_not_certain(self) -> None:
        came, left = self.CAME, self.LEFT
        assert left_out(seen(changed=[came]), [came], "e1") == []
        assert left_out(seen(changed=[came, left]), [came], "e2") == [], "the shop was put back"
        assert left_out(seen(changed=[came, left]), [], "e1") == []
        assert left_out(seen(changed=[left]), [edited(line(1, 2), 1)], "e1") == [], "no order was deleted"
        assert left_out(seen(changed=[left, went(line(3, 1, order=2))]), [came], "e1") == []
        assert left_out(seen([line(9)], [left]), [came], "e1") == [], "new lines have come as well"
        new = Weighed((line(9),), (), 0, 0, 0)
        assert left_out(seen(changed=[left], weighed=new), [came], "e1") == []

    def test_lines_that_were_edited_are_not_left_out(self) -> None:
        assert left_out(seen(changed=[self.CAME, edited(line(2, 3), 1)]), [self.CAME], "e1") == []


@pytest.mark.parametrize(
    ("trade", "left"),
    [
        ([], []),
        ([3], [3]),
        ([3, -3], [3]),  # sold before it came back
        ([-3, 3], []),  # its order was cancelled, and opened again
        ([-3, 3, 3], [3]),
        ([-2, 3], [3]),
        ([3, -3, 3, 1], [3, 1]),
        ([-2, -2, 2, 2], []),
    ],
)
def test_units_that_came_back_and_were_sold_again_can_come_back_once_more(trade, left) -> None:
    """The newest stands first."""
    assert not_sold_again(trade) == left


class TestGivenBackTwice:
    """An order seems to give units back that came back a moment ago."""

    def test_units_without_a_line_may_have_come_back_before(self) -> None:
        assert name(seen(), -4, (), True, (4,)) == Named((), (), nameless=-4, again=4)
        assert name(seen(), -4, (), True, (1, 3)) == Named((), (), nameless=-4, again=4)
        assert name(seen(), -4, (), True, (3,)) == Named((), (), nameless=-4)
        assert name(seen(), 4, (), True, (4,)) == Named((), (), nameless=4)

    def test_a_sale_of_that_moment_hides_a_part_of_them(self) -> None:
        bought = line(1, 3)
        assert name(seen([bought]), 1, (), True, (2,)) == Named((bought,), (), nameless=-2, again=2)
        assert name(seen([bought]), 2, (), True, (1,)) == Named((bought,), (), nameless=-1, again=1)
        assert name(seen([bought]), 1, (), True, (1, 1)) == Named((bought,), (), nameless=-2, again=2)
        assert name(seen([bought]), 1, (), True, (3,)) == Named((), (), nameless=1), "no such units came back"

    def test_only_what_was_surely_bought_just_now_does(self) -> None:
        one, bought = line(1, 1), line(2, 3)
        assert name(seen([one, bought]), 2, (), True, (2,)).sold == (one, bought)
        for other in (replace(line(3, 9), paid=False), line(3, 0)):
            assert name(seen([bought, other]), 1, (), True, (2,)).sold == (bought,)
        assert name(seen([bought, line(3, 9)], old={line(3, 9)}), 1, (), True, (2,)).sold == (bought,)
        assert name(seen([bought, line(3, 9)]), 1, [line(3, 9)], True, (2,)).sold == (bought,), "an editor's addition"

    def test_the_rest_beside_a_line_that_went_may_have_come_back_before(self) -> None:
        gone = went(line(1, 2))
        assert name(seen(changed=[gone]), -6, (), True, (4,)) == Named((), (gone,), nameless=-4, again=4)
        assert name(seen(changed=[gone]), -6, (), True, (3,)) == Named((), (gone,), nameless=-4)

    def test_lines_that_changed_go_before_it(self) -> None:
        gone = went(line(2, 2))
        assert name(seen([line(1, 9)], [gone]), -1, (), False, (1,)).again == 0


def test_a_line_that_was_gone_before_did_not_come_back_just_now() -> None:
    before, gone = went(line(1, 3)), went(line(2, 5))
    raced = replace(QUIET, drift=-3, sales=3)
    weighing = seen(changed=[before, gone, edited(line(3, 1), 9)], old={before})
    assert in_doubt(weighing, Doubts(fallen=9, drift=-3), raced, 0) == 5
    assert in_doubt(replace(weighing, old=()), Doubts(fallen=9, drift=-3), raced, 0) == 3
