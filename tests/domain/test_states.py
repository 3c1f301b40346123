"""Holds the one decision on a cart's state to its promise, over all combinations of what it is made of."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from itertools import product

import pytest

from onhand.domain.states import (
    LOOK_SECONDS,
    LOOK_TICKS,
    CartState,
    Facts,
    Pulse,
    Watch,
    all_in_step,
    look_within,
    state,
)

CALM = Facts(
    active=True,
    stopped=False,
    aligned=True,
    synchronize=True,
    controller=True,
    trouble_seconds=None,
    looked_seconds=0.5,
    look_within=look_within(1.0),
    aligning=False,
    in_step=True,
)
# What may be wrong, the word that is then said at least, and the strongest first.
WRONGS: tuple[tuple[CartState, dict[str, object]], ...] = (
    (CartState.INACTIVE, {"active": False}),
    (CartState.STOPPED, {"stopped": True}),
    (CartState.NOT_ALIGNED, {"aligned": False}),
    (CartState.OFF, {"synchronize": False}),
    (CartState.TROUBLE, {"trouble_seconds": 0.0}),
    (CartState.NO_CONTROLLER, {"controller": False}),
    (CartState.UNSEEN, {"looked_seconds": look_within(1.0) + 0.1}),
    (CartState.WAITS, {"to_decide": 1}),
    (CartState.WAITS, {"to_settle": 1}),
    (CartState.WAITS, {"held": 1}),
    (CartState.WAITS, {"parked": 1}),
    (CartState.WAITS, {"not_aligned": 1}),
    (CartState.WORKING, {"in_step": False}),
    (CartState.WORKING, {"suspicions": 1}),
    (CartState.WORKING, {"healing": 1}),
    (CartState.WORKING, {"waiting": 1}),
    (CartState.WORKING, {"in_flight": 1}),
)
WRONGS_OF_BOOKS = [field.name for field in fields(Facts) if field.default is not MISSING]  # how many of each are open


def test_a_cart_of_which_nothing_is_wrong_is_in_step() -> None:
    assert state(CALM) is CartState.IN_STEP


def test_in_step_is_said_of_no_other_and_the_strongest_wrong_gives_the_word() -> None:
    for chosen in product((False, True), repeat=len(WRONGS)):
        wrongs = [wrong for wrong, holds in zip(WRONGS, chosen, strict=True) if holds]
        facts = replace(CALM, **{name: value for _, what in wrongs for name, value in what.items()})
        assert state(facts) is (wrongs[0][0] if wrongs else CartState.IN_STEP), wrongs


def test_every_fact_but_how_long_a_look_may_take_is_tried_above() -> None:
    tried = {name for _, what in WRONGS for name in what}
    assert tried == set(Facts.__dataclass_fields__) - {"look_within", "aligning"}


def test_what_nobody_has_said_yet_is_nothing() -> None:
    open_things = {name: getattr(CALM, name) for name in WRONGS_OF_BOOKS}
    assert open_things == dict.fromkeys(WRONGS_OF_BOOKS, 0)
    assert Pulse() == Pulse(
        looked_at=None,
        in_step_at=None,
        in_step=False,
        trouble=None,
        trouble_since=None,
        failures=0,
        suspicions=0,
        hinted_at=None,
        looked=0.0,
        late_seconds=0.0,
    )
    assert list(Watch(datetime(2026, 1, 5, tzinfo=UTC), 0.0, None).aligning) == []


def test_at_one_tick_a_second_a_look_says_nothing_after_ten_seconds() -> None:
    assert look_within(1.0) == 10.0


@pytest.mark.parametrize("tick", [0.1, 1.0, 60.0])
def test_a_look_may_be_a_few_ticks_old_and_a_request_and_no_older(tick: float) -> None:
    within = look_within(tick)
    assert within == LOOK_TICKS * tick + LOOK_SECONDS
    facts = replace(CALM, look_within=within)
    assert state(replace(facts, looked_seconds=within)) is CartState.IN_STEP
    assert state(replace(facts, looked_seconds=within + 0.001)) is CartState.UNSEEN


def test_a_cart_that_no_driver_looks_at_yet_or_that_is_being_aligned_is_being_worked_on() -> None:
    assert state(replace(CALM, looked_seconds=None)) is CartState.WORKING
    assert state(replace(CALM, aligning=True)) is CartState.WORKING
    assert state(replace(CALM, aligning=True, looked_seconds=1000.0)) is CartState.WORKING


def test_a_shop_is_down_for_as_long_as_looks_fail_or_do_not_end() -> None:
    assert CALM.down_seconds == 0
    assert replace(CALM, trouble_seconds=70.0).down_seconds == 70
    assert replace(CALM, looked_seconds=80.0).down_seconds == 80
    assert replace(CALM, looked_seconds=80.0, trouble_seconds=3.0).down_seconds == 3
    assert replace(CALM, looked_seconds=None).down_seconds == 0


def test_a_shop_that_is_not_to_be_looked_at_is_not_watched() -> None:
    assert CALM.watched
    for off in ("active", "aligned", "synchronize", "controller"):
        assert not replace(CALM, **{off: False}).watched


def test_all_are_in_step_if_every_active_one_is() -> None:
    for one in CartState:
        assert all_in_step([CartState.IN_STEP, one]) == (one in {CartState.IN_STEP, CartState.INACTIVE})
    assert all_in_step([])
