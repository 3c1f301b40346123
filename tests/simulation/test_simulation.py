"""Runs the simulation as the command does: it can be replayed, shrunk and asked for more.

The million operations of a whole test run are in ``make test`` (``onhand simulate``); here are the histories that once failed.
"""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from onhand.cli import app
from onhand.domain.differences import Policy
from onhand.services import collecting
from onhand.simulation.people import Family
from onhand.simulation.plan import Act, Plan, ShopPlan, plan
from onhand.simulation.run import run_world, simulate

OURS = ShopPlan(Family.OSCOMMERCE, transactional=True, allow_checkout=True, policy=Policy.OURS, buffer=0)


def acts(*told: tuple[float, int, str, int, int]) -> tuple[Act, ...]:
    return tuple(Act(*one) for one in told)


# Each is the shortest history of a world that broke a promise; what was wrong is the test's name.
HISTORIES = {
    "evidence of a race is forgotten by a restart": Plan(
        109,
        (OURS, ShopPlan(Family.POSM, transactional=True, allow_checkout=True, policy=Policy.ASK, buffer=0)),
        acts(
            (29.004, 0, "kill", 0, 3342059970),
            (29.701, 0, "kill", 0, 615449625),
            (30.0, 0, "store restored", 1, 127935029),
            (19.096, 1, "kill", 1, 2017629961),
            (30.0, 1, "store restored", 1, 2614933849),
            (0.306, 2, "kill", 1, 21766455),
            (9.809, 2, "kill", 0, 1113053473),
            (14.459, 2, "kill", 0, 1256743344),
            (20.907, 2, "burst", 0, 3332975974),
            (22.246, 2, "kill", 0, 400768826),
            (26.88, 2, "kill", 1, 934850546),
            (28.192, 2, "disk full", 0, 2955197707),
            (28.715, 2, "sale", 0, 4262247768),
            (28.737, 2, "kill", 0, 2090221076),
        ),
    ),
    "an edit is not recognised when our clock is set back": Plan(
        7026,
        (
            ShopPlan(Family.PHOENIX, transactional=False, allow_checkout=True, policy=Policy.THEIRS, buffer=0),
            ShopPlan(Family.PHOENIX, transactional=True, allow_checkout=True, policy=Policy.THEIRS, buffer=0),
        ),
        acts(
            (17.732, 0, "clock set", 0, 3939347041),
            (12.502, 1, "count typed", 0, 1008876840),
            (22.273, 1, "clock set", 1, 3776114912),
        ),
    ),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_no_more(history):
    told = run_world(history)
    assert not told.violations, "\n".join([*told.story, *told.violations])


def test_the_same_seed_is_the_same_history_to_the_byte():
    assert repr(run_world(plan(7))) == repr(run_world(plan(7)))


@pytest.mark.slow
def test_it_does_not_matter_how_many_processes_share_the_work():
    def told(jobs: int) -> str:
        data = simulate(3, 6_000, jobs).data()
        return json.dumps(
            {key: value for key, value in data.items() if "second" not in key or key == "in_step_seconds"}
        )

    assert told(1) == told(2)


def test_acts_can_be_left_out_and_the_others_stay_as_they_are():
    whole = plan(11)
    assert {a.kind for a in whole.acts} >= {"sale", "burst", "receipt"}
    quiet = Plan(whole.seed, whole.shops, ())
    told = run_world(quiet)
    assert not told.violations
    assert not told.acts


def test_every_act_happens_in_enough_worlds():
    """A kind of fault that never happens proves nothing."""
    planned = {act.kind for seed in range(60) for act in plan(seed).acts}
    assert planned == set(_all_kinds())


def _all_kinds() -> list[str]:
    from onhand.simulation import plan as plans  # noqa: PLC0415

    groups = (plans.TRADE, plans.SHOP_FAULTS, plans.OFFICE, plans.BY_HAND, plans.OUR_FAULTS, plans.NETWORK_FAULTS)
    return [kind for group in groups for kind in group] + [kind for kind in plans.AFTER_PHASE if kind]


@pytest.mark.slow
def test_a_world_that_fails_is_shrunk_to_what_matters(monkeypatch):
    monkeypatch.setattr(collecting, "check_place", lambda cart, seen: None)  # a restored shop is not noticed any more
    report = simulate(1, 1_000_000)
    assert not report.holds
    failed = report.failed[0]
    lines = report.history.splitlines()
    acts_left = [line for line in lines if line.startswith("phase ")]
    assert any("restored" in line for line in acts_left)
    assert len(acts_left) < len(plan(failed.seed).acts) / 4
    assert any(failed.violations[0].split(":")[0] in line for line in lines)
    assert lines[-1] == f"See the whole of it again: onhand simulate --seed {failed.seed} --operations 1"


def test_the_command_tells_what_was_done_and_checked():
    result = CliRunner().invoke(app, ["--json", "simulate", "--seed", "5", "--operations", "3000"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["holds"]
    assert told["seed"] == 5
    assert told["operations"] >= 3000
    assert told["operations_per_second"] > 0
    assert set(told["checks"]) == {
        "balances", "differences", "heals", "in step in time", "names", "posts", "sales", "stock", "stops", "targets",
    }  # fmt: skip
    assert min(told["checks"].values()) > 0
    assert told["traffic"]["sales"] > 0


@pytest.mark.slow
def test_a_broken_promise_ends_with_its_exit_code(monkeypatch):
    monkeypatch.setattr(collecting, "check_place", lambda cart, seen: None)
    monkeypatch.setattr("onhand.simulation.run.SHRINK_RUNS_MAX", 3)
    result = CliRunner().invoke(app, ["simulate", "--seed", "1", "--operations", "1000000"])
    assert result.exit_code == 6
    assert "Broken at seed " in result.stdout
    assert "See the whole of it again: onhand simulate --seed " in result.stdout
