"""Holds `make bench ARGS=rivals` to what makes its table fair: one trade for all, one outcome for a seed, and rivals that can be read.

Path: pytest; short days with the run's own seed, in simulated time.
Promise: perfect knowledge is never wrong, and OnHand is right in the end, on every day that is played here.
Never: judges how far apart they are: that is what the bench is for.
"""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from bench.rivals import KEEPERS, Task, findings, perform, table
from bench.rivals.connector import Connector
from bench.rivals.day import play
from bench.rivals.hosted import Hosted
from bench.rivals.older import Older
from bench.rivals.ours import OnHand
from bench.rivals.perfect import Perfect
from bench.rivals.shops import Headers
from bench.rivals.trade import Delivery, plan
from bench.rivals.turns import Turns

RATE, HOURS = 1200, 0.1
LINES_MAX = 100


@pytest.fixture(scope="module")
def task(seed):
    return Task(seed, RATE, HOURS, OnHand.name, Headers())


@pytest.fixture(scope="module")
def day(task):
    return {name: perform(replace(task, keeper=name)) for name in KEEPERS}


@pytest.mark.slow
def test_all_get_the_same_trade(day, seed):
    trade = plan(seed, RATE, HOURS)
    assert {(outcome.trade, outcome.came) for outcome in day.values()} == {(trade.digest(), trade.wanted)}
    assert plan(seed + 1, RATE, HOURS).digest() != trade.digest()


@pytest.mark.slow
def test_perfect_knowledge_never_oversells_is_never_wrong_and_turns_nobody_away(day):
    perfect = day[Perfect.name]
    assert (perfect.oversold, perfect.wrong, perfect.wrong_minutes, perfect.turned_away) == (0, 0, 0, 0)
    assert 0 < perfect.sold <= perfect.came


@pytest.mark.slow
def test_onhand_is_right_in_the_end(day):
    assert day[OnHand.name].wrong == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", KEEPERS)
def test_a_seed_has_one_outcome(day, task, name):
    assert perform(replace(task, keeper=name)) == day[name]


@pytest.mark.long
def test_a_tick_that_is_only_counted_changes_nothing_in_the_end(task, monkeypatch):
    quiet = replace(task, rate=60)
    counted = perform(quiet)
    monkeypatch.setattr("bench.rivals.house.COUNTED_SECONDS", 0.0)
    monkeypatch.setattr("bench.rivals.day.QUIET_SECONDS", 600.0)
    assert perform(quiet).wrong == counted.wrong == 0


@pytest.mark.slow
def test_each_rate_and_keeper_has_a_line(day):
    found = [*day.values()]
    assert len(table(found).splitlines()) == 2 + len(KEEPERS)
    assert len(findings(found, 1)) == len(KEEPERS) + 1
    assert findings(found, 1)[-1].met is (day[OnHand.name].wrong == 0)


@pytest.mark.parametrize("kind", [Older, Hosted, Connector, Perfect, OnHand])
def test_a_keeper_can_be_read_in_a_minute(kind):
    lines = sum(len(inspect.getsource(inspect.getmodule(part)).splitlines()) for part in kind.__mro__[:-3])
    assert lines < LINES_MAX


# The rivals do what their sellers' pages say


def _goods_only(*deliveries):
    """A day without buyers."""
    return replace(plan(1, 60, 1.0), buyers=(), deliveries=deliveries, down_at=3e6)


def test_the_older_product_makes_a_change_twice_whose_answer_was_lost(monkeypatch):
    goods = _goods_only(Delivery(100.0, ((0, 5),)))
    assert play(goods, Older, Headers()).wrong == 0
    monkeypatch.setattr("bench.rivals.shops.LOST_ANSWERS", 0.5)
    wrong = [play(replace(goods, seed=seed), Older, Headers()).wrong for seed in range(10)]
    assert any(wrong)
    assert all(units % 5 == 0 for units in wrong)


@pytest.mark.parametrize(("kind", "seconds"), [(Hosted, 900.0), (Connector, 60.0), (Older, 20.0)])
def test_goods_show_in_all_shops_after_one_round(kind, seconds):
    outcome = play(_goods_only(Delivery(100.0, ((0, 5),))), kind, Headers())
    assert (outcome.wrong, outcome.oversold) == (0, 0)
    assert 0 < outcome.wrong_minutes * 60 <= 3 * (seconds + 1)


@pytest.mark.parametrize("kind", [Hosted, Connector])
def test_absolute_counts_that_got_no_answer_do_no_harm(kind, monkeypatch):
    monkeypatch.setattr("bench.rivals.shops.LOST_ANSWERS", 0.3)
    assert play(_goods_only(Delivery(100.0, ((0, 5), (1, 3)))), kind, Headers()).wrong == 0


# The clock


def test_work_that_waits_long_delays_no_other():
    ended = []
    with Turns() as time:

        def work(name, seconds):
            time.run_until(time.now + seconds)
            ended.append((name, time.now))

        time.at(1.0, lambda: time.begin(lambda: work("short", 1.0)))
        time.begin(lambda: work("long", 10.0))
        time.run_until(20.0)
    assert ended == [("short", 2.0), ("long", 10.0)]


def test_a_fault_in_work_is_raised_where_time_passes():
    def work():
        time.run_until(1.0)
        raise KeyError("a column")

    with Turns() as time:
        time.begin(work)
        with pytest.raises(KeyError):
            time.run_until(2.0)
