"""Holds the law: what is sold is what the counter moved, what drifted is what the sum moved, and a glance is no fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from time import perf_counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onhand.domain.law import (
    Suspicion,
    Weighed,
    explains,
    name,
    predict,
    set_to_nothing,
    suspect,
    trade,
    units,
    weigh,
)
from onhand.domain.sketch import Sums
from tests.builders import edited, line, row, went

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
lines_of = st.lists(st.integers(-1, 9), max_size=8).map(
    lambda quantities: [line(n, quantity) for n, quantity in enumerate(quantities, 1)]
)


@given(lines_of)
def test_trade_conserves_quantity_and_counter_together(lines) -> None:
    moved = trade(lines)
    assert moved.quantity + moved.ordered == 0
    assert moved.quantity_h + moved.ordered_h == 0
    assert moved.ordered == units(lines)
    assert moved.count == 0, "no product comes or goes"


def test_lines_explain_what_they_predict_and_nothing_else() -> None:
    sold = [line(1, 2), line(2, 1, product=7)]
    assert predict(trade(sold), sold) == tuple(sold)
    assert predict(Sums(), sold) == ()
    assert predict(Sums(), []) == ()
    assert predict(trade(sold[:1]), sold) is None
    assert predict(Sums.of(1, -2, 3), sold) is None
    assert predict(trade(sold) + Sums(count=1), sold) is None


@given(st.integers(0, 40), lines_of)
def test_named_units_never_exceed_what_moved_and_meet_it_where_they_can(moved: int, lines) -> None:
    named, _ = name(moved, lines)
    assert units(named) <= moved
    assert len(set(named)) == len(named)
    assert set(named) <= {candidate for candidate in lines if candidate.quantity > 0}
    real = [candidate for candidate in lines if candidate.quantity > 0]
    reachable = {units(some) for size in range(len(real) + 1) for some in combinations(real, size)}
    assert units(named) == max(total for total in reachable if total <= moved)


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=7))
def test_as_many_units_as_can_be_are_named_whether_their_orders_are_paid_or_not(moved: int, drawn) -> None:
    waiting = [replace(line(n, quantity), paid=paid) for n, (quantity, paid) in enumerate(drawn, 1)]
    named, _ = name(moved, waiting)
    reachable = {units(some) for size in range(len(waiting) + 1) for some in combinations(waiting, size)}
    assert units(named) == max(total for total in reachable if total <= moved)


def test_of_equal_lines_the_oldest_is_named() -> None:
    assert name(2, [line(9, 2), line(4, 2), line(6, 2)]) == ((line(4, 2),), ())


def test_lines_that_a_shop_made_up_to_have_billions_of_combinations_are_named_quickly() -> None:
    waiting = [line(n, 2 * 3**n) for n in range(1, 40)]
    moved = units(waiting) // 2 * 2 - 1
    began = perf_counter()
    named, _ = name(moved, waiting)
    assert perf_counter() - began < 2
    assert 0 < units(named) <= moved
    assert len(set(named)) == len(named)


def test_all_lines_are_named_where_all_of_them_moved() -> None:
    waiting = [line(n, 1 + n % 7) for n in range(1, 10_000)]
    began = perf_counter()
    assert name(units(waiting) + 5, waiting) == (tuple(waiting), ())
    assert perf_counter() - began < 1


def test_naming_among_thousands_of_waiting_lines_is_quick() -> None:
    waiting = [line(n, 1 + n % 7) for n in range(1, 3000)]
    began = perf_counter()
    named, _ = name(500, waiting)
    assert perf_counter() - began < 2
    assert units(named) == 500


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 50), lines_of, lines_of)
def test_a_weighing_accounts_for_every_unit(quantity: int, drift: int, moved: int, waiting, gone) -> None:
    gone = [went(x) for x in gone]
    for signed in (moved, -moved):
        seen = row(quantity=quantity, ordered=100 + signed)
        weighed = weigh(100, seen.sum - drift, seen, waiting, gone)
        reset = weighed.reset
        if reset:
            assert weighed == Weighed((), (), 0, 0, 0, reset), "first things first"
            weighed = weigh(100 - reset, seen.sum - drift - reset, seen, waiting, gone)
        assert (weighed.drift, weighed.reset) == (drift + reset, 0)
        told = units(weighed.sold) + sum(change.units for change in weighed.changed)
        assert told + weighed.unnamed - weighed.fallen == signed + reset
        assert weighed.unnamed >= 0
        assert weighed.fallen >= 0


def test_a_paid_line_is_sold_when_the_counter_moved_by_it() -> None:
    for quantity in (1, 2):
        ordered = line(1, quantity)
        weighed = weigh(0, 10, row(quantity=10 - quantity, ordered=quantity), [ordered], [])
        assert (weighed.sold, weighed.unnamed, weighed.drift) == ((ordered,), 0, 0)


def test_a_line_that_is_not_paid_is_not_named_at_once() -> None:
    weighed = weigh(0, 10, row(quantity=8, ordered=2), [line(1, 2, paid=False)], [])
    assert (weighed.sold, weighed.unnamed, weighed.drift) == ((), 2, 0)


def test_a_line_whose_counter_has_not_moved_is_not_sold() -> None:
    weighed = weigh(0, 10, row(quantity=10, ordered=0), [line(1, 2)], [])
    assert (weighed.sold, weighed.unnamed, weighed.drift) == ((), 0, 0)


def test_a_counter_that_fell_alone_was_reset_and_restocks_nothing() -> None:
    assert weigh(5, 15, row(quantity=10, ordered=0), [], [went(line(1, 5))]) == Weighed((), (), 0, 0, 0, reset=5)
    deleted = went(line(1, 5))
    assert weigh(5, 15, row(quantity=15, ordered=0), [], [deleted]) == Weighed((), (deleted,), 0, 0, 0)


def test_a_quantity_that_fell_or_rose_alone_is_drift() -> None:
    assert weigh(5, 15, row(quantity=4, ordered=5), [], []) == Weighed((), (), 0, 0, -6)
    assert weigh(5, 15, row(quantity=16, ordered=5), [], []) == Weighed((), (), 0, 0, 6)


@pytest.mark.parametrize("before", [1, 3, 5])
def test_a_counter_that_rose_to_its_old_value_or_beyond_was_reset_if_lines_and_quantity_say_so(before: int) -> None:
    since, seen = [line(1, 3), line(2, 2)], row(quantity=5, ordered=5)
    assert weigh(before, 10 + before, seen, since, []) == Weighed((), (), 0, 0, 0, reset=before)
    assert weigh(before, 10 + before, seen, since[:1], []).reset == 0


def test_a_return_that_the_quantity_does_not_bear_out_is_not_booked_at_first_glance() -> None:
    """A race destroyed it, or only the counter was lowered: in the second case the goods are gone."""
    deleted = went(line(1, 5))
    assert weigh(30, 40, row(quantity=10, ordered=25), [], [deleted]) == Weighed((), (), 0, 5, -5)
    assert weigh(30, 40, row(quantity=12, ordered=25), [], [deleted]) == Weighed((), (), 0, 5, -3)
    assert weigh(30, 40, row(quantity=10, ordered=25), [], []) == Weighed((), (), 0, 0, 0, reset=5)


def test_lines_that_were_edited_with_the_counter_tell_of_it() -> None:
    more, less = edited(line(1, 3), 5), edited(line(2, 5), 3)
    assert weigh(40, 50, row(quantity=8, ordered=42), [], [more, less]) == Weighed((), (more,), 0, 0, 0)
    assert weigh(40, 50, row(quantity=12, ordered=38), [], [more, less]) == Weighed((), (less,), 0, 0, 0)


def test_an_edited_line_that_tells_of_the_drift_does_not_tell_of_the_counter_too() -> None:
    """A sale of as many, whose own line is still to come, moved the counter: taken for the edit, the drift would have no cause left."""
    more, deleted = edited(line(1, 3), 4), went(line(2, 1))
    assert weigh(40, 50, row(quantity=8, ordered=41), [], [more]) == Weighed((), (), 1, 0, -1)
    assert weigh(40, 50, row(quantity=8, ordered=41), [], [more, deleted]) == Weighed((), (), 1, 0, -1)


def test_an_edited_line_tells_of_the_counter_only_if_all_of_it_is_explained() -> None:
    """World 773000141: an edit that left the counter alone was taken for a part of a sale whose line was still to come."""
    more = edited(line(1, 2), 3)
    assert weigh(12, 51, row(quantity=36, ordered=15), [], [more]) == Weighed((), (), 3, 0, 0)


def test_an_edit_that_only_makes_up_for_a_line_that_is_gone_is_not_counted() -> None:
    """World 821000094: an edit that left the counter alone and an order that had gone for nothing moved the counter by nothing."""
    more, deleted, bought = edited(line(1, 2), 3), went(line(2, 1)), line(9, 2)
    assert weigh(40, 46, row(quantity=6, ordered=40), [], [more, deleted]) == Weighed((), (), 0, 0, 0)
    assert weigh(40, 46, row(quantity=4, ordered=42), [bought], [more, deleted]) == Weighed((bought,), (), 0, 0, 0)


quantities = st.lists(st.integers(1, 5), max_size=3)


@given(quantities, st.lists(st.integers(-4, 4).filter(bool), min_size=1, max_size=3), quantities, st.data())
def test_what_is_on_a_line_is_a_fact_so_all_that_are_paid_or_edited_are_counted_if_they_can_be(bought, by, back, data):
    """Each line is of an order of its own; some of those that are gone went long ago."""
    n = iter(range(1, 100))
    paid = [line(next(n), quantity) for quantity in bought]
    changed = [edited(line(number := next(n), 5, order=number), 5 + more) for more in by]
    for quantity in back:
        gone = went(line(number := next(n), quantity, order=number))
        gone_at = data.draw(st.sampled_from([None, NOON]))
        changed.append(replace(gone, sold=replace(gone.sold, gone_at=gone_at)))
    came_back = [change for change in changed if change.gone and data.draw(st.booleans())]
    moved = units(paid) + sum(by) + sum(change.units for change in came_back)
    assume(moved != units(paid) or not came_back)  # then the edits need not be counted, nor anything have come back
    weighed = weigh(1000, 2000, row(quantity=1000 - moved, ordered=1000 + moved), paid, changed)
    assert weighed.sold == tuple(paid)
    assert {change.sold.line for change in changed if not change.gone} <= {c.sold.line for c in weighed.changed}
    assert units(paid) + sum(change.units for change in weighed.changed) == moved
    assert (weighed.unnamed, weighed.fallen, weighed.drift, weighed.reset) == (0, 0, 0, 0)


def test_beside_a_drift_an_edited_line_is_counted_with_what_went_just_now() -> None:
    more, deleted = edited(line(1, 3), 5), went(line(2, 4))
    assert weigh(40, 50, row(quantity=17, ordered=38), [], [more, deleted]) == Weighed((), (more,), 0, 4, 5)
    one = edited(line(1, 3), 4)
    assert weigh(40, 50, row(quantity=6, ordered=41), [], [one]) == Weighed((), (one,), 0, 0, -3)


def test_a_drift_that_edited_lines_explain_leaves_nothing_of_them_to_the_counter() -> None:
    more, deleted = edited(line(1, 3), 5), went(line(2, 5))
    assert weigh(40, 50, row(quantity=6, ordered=42), [], [more]) == Weighed((), (), 2, 0, -2)
    assert weigh(40, 50, row(quantity=4, ordered=42), [], [more]) == Weighed((), (more,), 0, 0, -4)
    assert weigh(40, 50, row(quantity=11, ordered=42), [], [more, deleted]) == Weighed((), (), 2, 0, 3)
    long_gone = replace(deleted, sold=replace(deleted.sold, gone_at=NOON))
    assert weigh(40, 50, row(quantity=11, ordered=42), [], [more, long_gone]) == Weighed((), (more,), 0, 0, 3)


def test_whoever_paid_has_bought_if_changes_of_one_kind_make_up_for_the_rest() -> None:
    new, deleted = line(9, 3), went(line(1, 2))
    assert name(1, [new], [deleted]) == ((new,), (deleted,))
    three = went(line(1, 3))
    assert name(0, [new], [three]) == ((new,), (three,)), "the counter did not move at all"
    assert name(0, [new], [deleted]) == ((), ())
    assert name(1, [], [deleted, edited(line(2, 1), 4)]) == ((), ()), "changes of both kinds are not mixed"


def test_one_unit_is_a_unit() -> None:
    sold, unpaid, back = line(9, 3), line(9, 1, paid=False), went(line(1, 1))
    assert name(2, [sold], [back]) == ((sold,), (back,))
    assert name(1, [unpaid]) == ((unpaid,), ())
    assert name(-1, [], [back]) == ((), (back,))


def test_of_several_changes_those_are_named_that_make_up_for_the_rest() -> None:
    new, other, deleted = line(9, 3), went(line(1, 1)), went(line(2, 2))
    assert name(1, [new], [other, deleted]) == ((new,), (deleted,))


def test_of_lines_that_are_not_paid_sales_and_returns_make_up_for_each_other_only_if_asked_for() -> None:
    new, deleted = line(9, 3, paid=False), went(line(1, 2))
    assert name(1, [new], [deleted]) == ((), ())
    assert name(1, [new], [deleted], mixed=True) == ((new,), (deleted,))
    assert name(2, [new], [deleted], mixed=True) == ((), ()), "they do not fit"
    assert name(0, [line(8, 3), line(9, 1, paid=False)], [went(line(1, 4))]) == ((), ())


def test_a_part_of_an_order_comes_back_only_if_it_is_seen_again() -> None:
    gone = [went(line(1, 3, order=7)), went(line(2, 1, order=7))]
    assert weigh(40, 50, row(quantity=13, ordered=37), [], gone) == Weighed((), (), 0, 3, 0)
    assert weigh(40, 50, row(quantity=14, ordered=36), [], gone) == Weighed((), tuple(gone), 0, 0, 0)
    whole = [went(line(1, 3, order=7)), went(line(2, 1, order=8))]
    assert weigh(40, 50, row(quantity=13, ordered=37), [], whole) == Weighed((), (whole[0],), 0, 0, 0)
    beside = line(9, 1, order=9)
    assert weigh(40, 50, row(quantity=13, ordered=37), [beside], gone) == Weighed((beside,), tuple(gone), 0, 0, 0)


def test_a_sale_is_booked_beside_a_return_that_the_quantity_does_not_bear_out() -> None:
    sold, deleted = line(9, 2), went(line(1, 3))
    assert weigh(40, 50, row(quantity=8, ordered=39), [sold], [deleted]) == Weighed((sold,), (), 0, 3, -3)
    assert weigh(40, 50, row(quantity=10, ordered=39), [sold], [deleted]) == Weighed((sold,), (), 0, 3, -1)


@pytest.mark.parametrize(("rise", "reset"), [(0, 9), (-2, 11), (4, 9), (5, 0), (9, 0), (12, 0)])
def test_a_fall_to_nothing_is_goods_coming_back_if_the_quantity_is_nearer_to_that(rise: int, reset: int) -> None:
    weighed = weigh(9, 19, row(quantity=10 + rise, ordered=0), [], [])
    assert weighed == (Weighed((), (), 0, 0, 0, reset) if reset else Weighed((), (), 0, 9, rise - 9))


def test_goods_that_come_back_beside_a_lost_post_or_an_edit_are_no_reset() -> None:
    """A buyer takes one and undoes a post of five, and an order of two is deleted, between two looks."""
    weighed = weigh(40, 55, row(quantity=11, ordered=39), [line(9, 1)], [went(line(1, 2))])
    assert (weighed.reset, weighed.drift) == (0, -5)
    assert weighed.fallen - units(weighed.sold) == 1


def test_a_lost_post_beside_lines_that_are_not_counted_yet_is_drift() -> None:
    assert weigh(3, 13, row(quantity=8, ordered=3), [line(1, 5)], []) == Weighed((), (), 0, 0, -2)


def test_what_was_sold_since_a_reset_is_weighed_once_the_books_have_followed() -> None:
    since, seen = [line(1, 2)], row(quantity=8, ordered=2)
    assert weigh(40, 50, seen, since, []) == Weighed((), (), 0, 0, 0, reset=40)
    assert weigh(0, 10, seen, since, []) == Weighed(tuple(since), (), 0, 0, 0)


def test_a_counter_that_fell_part_of_the_way_was_reset_only_if_the_quantity_did_not_move() -> None:
    assert weigh(40, 50, row(quantity=10, ordered=39), [], []) == Weighed((), (), 0, 0, 0, reset=1)
    assert weigh(40, 50, row(quantity=11, ordered=37), [], []) == Weighed((), (), 0, 3, -2)
    assert weigh(40, 50, row(quantity=9, ordered=37), [], []) == Weighed((), (), 0, 3, -4)


def test_a_counter_that_fell_was_reset_if_the_quantity_moved_by_just_what_was_sold_since() -> None:
    assert weigh(40, 50, row(quantity=8, ordered=37), [line(1, 2)], []) == Weighed((), (), 0, 0, 0, reset=5)
    assert weigh(40, 50, row(quantity=9, ordered=1), [], []) == Weighed((), (), 0, 0, 0, reset=40), "its line is gone"


def test_a_counter_that_began_at_nothing_was_reset_if_a_paid_line_and_the_quantity_say_so() -> None:
    sold = [line(1, 2)]
    assert weigh(0, 10, row(quantity=8, ordered=0), sold, []) == Weighed((), (), 0, 0, 0, reset=2)
    added = weigh(0, 10, row(quantity=8, ordered=0), sold, [], sold)
    beside = line(2, 1)
    told = weigh(0, 10, row(quantity=8, ordered=0), [*sold, beside], [], [beside])
    assert told == Weighed((), (), 0, 0, 0, reset=2), "only the other line tells"
    assert added == Weighed((), (), 0, 0, -2), "an editor takes the units of a line that it adds, without the counter"


def test_a_fall_that_deleted_lines_name_is_no_reset() -> None:
    deleted = [went(line(1, 2))]
    assert weigh(40, 50, row(quantity=10, ordered=38), [], deleted) == Weighed((), (), 0, 2, -2)
    assert weigh(40, 50, row(quantity=10, ordered=37), [], deleted) == Weighed((), (), 0, 0, 0, reset=3)


def test_a_counter_set_to_nothing_was_reset_whatever_was_deleted() -> None:
    since, deleted, seen = line(9, 2), [went(line(1, 38))], row(quantity=8, ordered=2)
    assert weigh(40, 50, seen, [since], deleted) == Weighed((), (), 0, 0, 0, reset=40)
    unpaid = weigh(40, 50, seen, [replace(since, paid=False)], deleted)
    assert unpaid == Weighed((), (), 0, 0, 0, reset=40), "the sum lacks all that the counter held"
    assert weigh(40, 51, seen, [replace(since, paid=False)], deleted) == Weighed((), (), 0, 38, -41)


def test_a_counter_was_set_to_nothing_if_the_sum_lacks_it_with_sales_from_before() -> None:
    """Of six units sold ever, one more is paid for; then the counter is set to nothing, and five are sold, three of them with a line."""
    sold = [line(9, 3), line(8, 1)]
    assert weigh(6, 43, row(quantity=31, ordered=5), sold, []) == Weighed((), (), 0, 0, 0, reset=7)
    assert weigh(6, 43, row(quantity=29, ordered=5), sold, []) == Weighed((), (), 0, 1, -9), (
        "the first sales, not the last"
    )


amounts = st.lists(st.integers(-5, 5), min_size=1, max_size=12)


@given(amounts)
def test_a_suspicion_is_the_smallest_amount_of_one_sign_seen_without_a_break(seen: list[int]) -> None:
    known = None
    for now, amount in enumerate(seen):
        known = suspect(known, amount, float(now))
    run: list[int] = []
    for amount in reversed(seen):
        if amount == 0 or (run and (amount > 0) != (run[0] > 0)):
            break
        run.append(amount)
    if not run:
        assert known is None
    else:
        assert known is not None
        assert (known.since, known.amount) == (float(len(seen) - len(run)), min(run, key=abs))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_what_is_left_of_a_doubt_is_as_old_as_its_first_sight(seen: list[int]) -> None:
    known = None
    for now, amount in enumerate(seen):
        known = suspect(known, amount, float(now))
    assert known is not None
    rest = known.moved(-known.amount)
    after = seen[len(seen) - seen[::-1].index(known.amount) :]  # since it was no larger for the last time
    if not after:
        assert rest is None
    else:
        assert rest is not None
        assert (rest.since, rest.amount) == (float(len(seen) - len(after)), min(after) - known.amount)


def test_a_suspicion_settles_only_after_the_settling_time() -> None:
    first = suspect(None, 4, 10.0)
    assert first is not None
    assert not first.settled(10.0, 3)
    assert not first.settled(12.9, 3)
    assert first.settled(13.0, 3)
    turned = first.again(-4, 12.0)
    assert turned is not None
    assert not turned.settled(13.0, 3), "a change of sign begins anew"


def test_a_line_that_waited_when_all_was_right_explains_only_what_new_ones_do_not() -> None:
    dead, new, gone = line(1, 3), line(9, 5), went(line(2, 3))
    burst = row(quantity=95, ordered=15)
    assert weigh(10, 110, burst, [dead, new], [gone]).sold == (dead, new), (
        "with what went they explain all of it as well"
    )
    told = weigh(10, 110, burst, [dead, new], [gone], old={dead, gone})
    assert (told.sold, told.changed, told.fallen) == ((new,), (), 0)
    assert weigh(10, 110, row(quantity=97, ordered=13), [dead], old={dead}).sold == (dead,), "nothing else explains it"


def test_a_line_that_went_long_ago_explains_nothing() -> None:
    gone = went(line(2, 3))
    assert weigh(20, 120, row(quantity=103, ordered=17), (), [gone]).changed == (gone,)
    told = weigh(20, 120, row(quantity=103, ordered=17), (), [gone], old={gone})
    assert (told.changed, told.fallen) == ((), 3)


def test_whoever_paid_has_bought_where_a_line_went_as_well() -> None:
    """World 774000059: a sale that went before it was seen, an order that came back and a new sale moved the counter by nothing."""
    bought, gone = line(9, 1), went(line(2, 2))
    told = weigh(20, 120, row(quantity=100, ordered=20), [bought], [gone])
    assert (told.sold, told.changed, told.fallen) == ((bought,), (), 1)
    assert weigh(20, 120, row(quantity=100, ordered=20), [bought]).sold == (), "nothing went, so it is not counted yet"


def test_orders_that_came_back_as_a_whole_are_named_before_parts_of_others() -> None:
    """World 773000156: a line of another order, of which nothing was left, was taken for one of the lines that came back."""
    other = went(line(10, 1, order=9))
    whole = [went(line(6, 1, order=6)), went(line(5, 2, order=6))]
    assert name(-3, (), [other, *whole])[1] == tuple(whole)


def test_what_was_paid_for_and_what_went_explain_the_counter_together() -> None:
    assert explains(0, [line(1, 2)], [went(line(2, 2))])
    assert not explains(0, [line(1, 2)], [went(line(2, 1))])
    assert not explains(2, [line(1, 2)], []), "nothing went"


def test_where_the_counter_stood_still_or_fell_no_sale_and_no_edit_is_offset_against_another() -> None:
    sale, unpaid = line(9, 3), line(9, 3, paid=False)
    assert name(0, [sale], [edited(line(1, 3), 5), edited(line(2, 5), 3)]) == ((), ())
    assert name(-2, [unpaid], [went(line(1, 5))]) == ((), ())


def test_a_change_of_one_unit_explains_one_unit() -> None:
    more, gone = edited(line(1, 3), 4), went(line(2, 1))
    assert name(1, [line(9, 3)], [more]) == ((), (more,))
    assert name(-1, [line(9, 3)], [gone]) == ((), (gone,))


def test_a_line_without_units_explains_nothing() -> None:
    gone, empty = went(line(1, 2, order=7)), went(line(2, 0, order=7))
    assert name(-2, [], [gone, empty]) == ((), (gone,))


def test_lines_that_explain_the_counter_exactly_are_kept_where_a_line_went_as_well() -> None:
    """A line of fewer units than none was not bought, so the units of all paid lines are those of one of them here."""
    bought = [line(1, 3), line(2, -1), line(3, 1)]
    told = weigh(40, 50, row(quantity=7, ordered=43), bought, [went(line(4, 5))])
    assert told == Weighed((bought[0],), (), 0, 0, 0)


def test_beside_a_drift_a_line_that_went_long_ago_does_not_complete_what_was_edited() -> None:
    more, gone = edited(line(1, 3), 5), went(line(2, 4))
    long_gone = replace(gone, sold=replace(gone.sold, gone_at=NOON))
    assert weigh(40, 50, row(quantity=17, ordered=38), [], [more, long_gone]) == Weighed((), (), 0, 2, 5)


def test_an_edited_line_that_explains_the_drift_makes_up_for_no_sale() -> None:
    less = edited(line(1, 5), 3)
    assert weigh(40, 50, row(quantity=11, ordered=41), [line(9, 4)], [less]) == Weighed((), (), 1, 0, 2)


def test_where_the_counter_lacks_just_what_an_edit_took_off_all_that_was_paid_is_sold() -> None:
    less, bought = edited(line(1, 5), 3), line(9, 3)
    assert weigh(40, 50, row(quantity=11, ordered=41), [bought], [less]) == Weighed((bought,), (), 0, 2, 2)


def test_a_line_that_an_editor_may_have_added_is_sold_after_all_others() -> None:
    added, bought = line(1, 2), line(2, 2)
    told = weigh(40, 50, row(quantity=8, ordered=42), [added, bought], [], [added])
    assert told == Weighed((bought,), (), 0, 0, 0)


def test_beside_an_edited_line_a_counter_was_reset_unless_all_lines_explain_the_quantity() -> None:
    more = edited(line(1, 3), 5)
    assert weigh(40, 50, row(quantity=10, ordered=37), [], [more]) == Weighed((), (), 0, 0, 0, reset=3)
    assert weigh(40, 50, row(quantity=8, ordered=37), [], [more]) == Weighed((), (), 0, 3, -5)


def test_a_counter_that_stood_still_was_not_reset_in_part() -> None:
    bought = line(9, 1)
    told = weigh(20, 120, row(quantity=99, ordered=20), [bought], [went(line(2, 2))])
    assert told == Weighed((bought,), (), 0, 1, -1)


def test_a_fall_to_nothing_that_lines_account_for_is_no_reset_if_the_quantity_rose_at_all() -> None:
    """The goods came back, and a form undid all but a unit of it."""
    gone = went(line(1, 9))
    assert weigh(9, 19, row(quantity=11, ordered=0), [], [gone]) == Weighed((), (), 0, 9, -8)
    assert weigh(9, 19, row(quantity=10, ordered=0), [], [gone]) == Weighed((), (), 0, 0, 0, reset=9)
    assert weigh(8, 18, row(quantity=14, ordered=0), [], []) == Weighed((), (), 0, 0, 0, reset=8), "half of it rose"


def test_beside_a_drift_a_choice_among_edited_lines_is_not_booked_at_once() -> None:
    more = [edited(line(1, 3), 4), edited(line(2, 3), 8)]
    assert weigh(40, 50, row(quantity=2, ordered=41), [], more) == Weighed((), (), 1, 0, -7)


def test_what_was_paid_for_since_a_reset_was_counted_since_it() -> None:
    """The counter was set to nothing, two were sold, and a race destroyed them in the quantity."""
    assert weigh(10, 20, row(quantity=10, ordered=2), [line(1, 2)]) == Weighed((), (), 0, 0, 0, reset=10)


def test_a_line_with_units_below_nothing_makes_no_reset_smaller() -> None:
    assert weigh(10, 20, row(quantity=11, ordered=4), [line(1, -1)]) == Weighed((), (), 0, 0, 0, reset=6)


def test_an_edit_that_only_the_quantity_followed_hides_no_sale() -> None:
    """The counter fell for other reasons; what was paid for was still sold."""
    bought, raised, gone = line(1, 4, order=2), edited(line(2, 2, order=2), 5), went(line(3, 1, order=3))
    weighed = weigh(12, 22, row(quantity=14, ordered=6), [bought], [gone, raised])
    assert weighed == Weighed((bought,), (), 0, 10, -2)


@pytest.mark.parametrize(("booked", "drift", "sold", "nothing"), [
    (10, -10, [], True), (10, -9, [], False), (10, -12, [2, 3], True), (10, -15, [2, 3], True), (10, -13, [2, 3], False),
    (1, -1, [], True), (0, 0, [], False), (0, -2, [2], False),
])  # fmt: skip
def test_a_counter_was_set_to_nothing_if_the_sum_lacks_what_it_held(booked, drift, sold, nothing) -> None:
    assert set_to_nothing(booked, drift, [line(n, units) for n, units in enumerate(sold, 1)]) is nothing


def test_orders_that_went_explain_a_counter_set_to_nothing_only_beside_a_saved_form() -> None:
    gone, seen = went(line(1, 6)), row(quantity=6, ordered=4)
    assert weigh(10, 20, seen, [], [gone]).reset == 10
    assert weigh(10, 20, seen, [], [gone], form=True).reset == 0
    assert weigh(10, 20, seen, [], [went(line(1, 5))], form=True).reset == 10, "they do not explain it"


class TestDoubtsAboutAmounts:
    """What is left of a doubt is as old as the doubt."""

    def test_the_smaller_amount_counts_and_the_larger_one_is_kept_beside_it(self) -> None:
        known = Suspicion(0.0, 3)
        assert known.again(1, 5.0) == Suspicion(0.0, 1)
        assert known.again(3, 5.0) == Suspicion(0.0, 3)
        assert known.again(4, 5.0) == Suspicion(0.0, 3, Suspicion(5.0, 4))
        assert known.again(4, 5.0).again(6, 7.0) == Suspicion(0.0, 3, Suspicion(5.0, 4, Suspicion(7.0, 6)))
        assert known.again(-1, 5.0) == Suspicion(5.0, -1)

    def test_what_the_books_follow_is_taken_from_all_of_it(self) -> None:
        known = Suspicion(0.0, 5, Suspicion(2.0, 8))
        assert known.moved(-2) == Suspicion(0.0, 3, Suspicion(2.0, 6))
        assert known.moved(-5) == Suspicion(2.0, 3)
        assert known.moved(-8) is None
        assert Suspicion(0.0, 1).moved(0) == Suspicion(0.0, 1)
        assert Suspicion(0.0, -4).moved(3) == Suspicion(0.0, -1)
