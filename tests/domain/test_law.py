"""Holds the law: what is sold is what the counter moved, what drifted is what the sum moved, and a glance is no fact."""

from __future__ import annotations

from itertools import combinations
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.law import Suspicion, name, predict, suspect, trade, units, weigh
from onhand.domain.sketch import Sums
from tests.builders import line, row

lines_of = st.lists(st.integers(-1, 9), max_size=8).map(
    lambda quantities: [line(n, quantity) for n, quantity in enumerate(quantities, 1)]
)


@given(lines_of)
def test_trade_conserves_quantity_and_counter_together(lines) -> None:
    moved = trade(lines)
    assert moved.quantity + moved.ordered == 0
    assert moved.quantity_h + moved.ordered_h == 0
    assert moved.ordered == units(lines)


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
    named = name(moved, lines)
    assert units(named) <= moved
    assert len(set(named)) == len(named)
    assert set(named) <= {candidate for candidate in lines if candidate.quantity > 0}
    real = [candidate for candidate in lines if candidate.quantity > 0]
    reachable = {units(some) for size in range(len(real) + 1) for some in combinations(real, size)}
    assert units(named) == max(total for total in reachable if total <= moved)


def test_of_equal_lines_the_oldest_is_named() -> None:
    assert name(2, [line(9, 2), line(4, 2), line(6, 2)]) == (line(4, 2),)


def test_naming_among_thousands_of_waiting_lines_is_quick() -> None:
    waiting = [line(n, 1 + n % 7) for n in range(1, 3000)]
    began = perf_counter()
    named = name(500, waiting)
    assert perf_counter() - began < 2
    assert units(named) == 500


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 50), lines_of, lines_of)
def test_a_weighing_accounts_for_every_unit(quantity: int, drift: int, moved: int, waiting, gone) -> None:
    for signed in (moved, -moved):
        seen = row(quantity=quantity, ordered=100 + signed)
        weighed = weigh(100, seen.sum - drift, seen, waiting, gone)
        assert weighed.drift == drift
        assert units(weighed.sold) + weighed.unnamed - units(weighed.restocked) - weighed.fallen == signed
        assert weighed.unnamed >= 0
        assert weighed.fallen >= 0


def test_a_line_that_is_not_paid_is_not_named_at_once() -> None:
    weighed = weigh(0, 10, row(quantity=8, ordered=2), [line(1, 2, paid=False)], [])
    assert (weighed.sold, weighed.unnamed, weighed.drift) == ((), 2, 0)


def test_a_line_whose_counter_has_not_moved_is_not_sold() -> None:
    weighed = weigh(0, 10, row(quantity=10, ordered=0), [line(1, 2)], [])
    assert (weighed.sold, weighed.unnamed, weighed.drift) == ((), 0, 0)


def test_a_counter_that_fell_alone_was_reset_and_restocks_nothing() -> None:
    weighed = weigh(5, 15, row(quantity=10, ordered=0), [], [line(1, 5)])
    assert (weighed.restocked, weighed.fallen, weighed.drift) == ((), 5, -5)
    given_back = weigh(5, 15, row(quantity=15, ordered=0), [], [line(1, 5)])
    assert (given_back.restocked, given_back.fallen, given_back.drift) == ((line(1, 5),), 0, 0)


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
        assert known == Suspicion(float(len(seen) - len(run)), min(run, key=abs))


def test_a_suspicion_settles_only_after_the_settling_time() -> None:
    first = suspect(None, 4, 10.0)
    assert first is not None
    assert not first.settled(10.0, 3)
    assert not first.settled(12.9, 3)
    assert first.settled(13.0, 3)
    turned = first.again(-4, 12.0)
    assert turned is not None
    assert not turned.settled(13.0, 3), "a change of sign begins anew"
