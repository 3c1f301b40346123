"""Holds what processes tell each other to its promise: it arrives whole, and how old a look is does not depend on anybody's time of day."""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.duties import Process
from onhand.domain.states import Pulse
from onhand.running import reports

AT = datetime(2026, 1, 1, tzinfo=UTC)
THERE, HERE = 5_000.0, 17.0  # the monotonic clocks of two machines have nothing in common


def process(said: str, age: float = 0.0) -> Process:
    return Process("a1", "cellar", "controller", 7, True, AT, ("cart:1",), json.loads(said), age)


def some_pulse(chance: random.Random) -> Pulse:
    def when() -> datetime | None:
        return chance.choice(
            [None, AT + timedelta(seconds=chance.randrange(1000), microseconds=chance.randrange(10**6))]
        )

    return Pulse(
        when(), when(), chance.random() < 0.5, chance.choice([None, "The shop does not answer."]), when(),
        chance.randrange(5), chance.randrange(5), when(), THERE - chance.random() * 100,
    )  # fmt: skip


def test_pulses_arrive_whole_and_are_as_old_here_as_there(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        pulses = {cart: some_pulse(chance) for cart in range(chance.randrange(4))}
        age = chance.random() * 6
        told = reports.told([process(reports.written(pulses, {}, THERE), age)], HERE)
        assert told.pulses.keys() == pulses.keys()
        for cart, pulse in pulses.items():
            assert HERE - told.pulses[cart].looked == pytest.approx(THERE - pulse.looked + age)
            assert replace(told.pulses[cart], looked=pulse.looked) == pulse


def test_the_gist_moves_with_what_people_should_see_and_not_with_time() -> None:
    calm = Pulse(AT, AT, True, looked=THERE)
    gist = reports.gist({1: calm}, {})
    assert reports.gist({1: replace(calm, looked=THERE + 1, looked_at=AT + timedelta(1))}, {}) == gist
    for change in ({"in_step": False}, {"trouble": "Down."}, {"failures": 1}):
        assert reports.gist({1: replace(calm, **change)}, {}) != gist
    task = {"cart": 1, "phase": "reading", "done": 1, "of": 2, "stopping": False}
    assert reports.gist({1: calm}, {7: task}) != reports.gist({1: calm}, {7: {**task, "done": 2}})


def test_a_process_that_has_not_said_anything_yet() -> None:
    told = reports.told([replace(process("{}"), report=None)], HERE)
    assert (told.pulses, told.tasks, told.drives, told.duties) == ({}, {}, True, {"cart:1"})


def test_every_part_of_a_pulse_is_told() -> None:
    told = json.loads(reports.written({1: Pulse()}, {}, THERE))["pulses"]["1"]
    assert told.keys() == {known.name for known in fields(Pulse)}
