"""Writes what a process says of its carts and tasks, and reads what the others say.

Path: ``storage.processes`` sends ``written`` with each sign of life; ``app`` shows what ``told`` finds, on every process.
Promise: how long ago a look was is told in seconds, so it does not depend on two machines having the same time.
Never: is the record: the books keep what has to last.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from onhand.domain.duties import Process
from onhand.domain.states import Pulse

_TIMES = ("looked_at", "in_step_at", "trouble_since", "hinted_at")
_KNOWN = {known.name for known in fields(Pulse)}

Running = Mapping[int, Mapping[str, Any]]  # running tasks: the cart, the phase, how much is done


def written(pulses: Mapping[int, Pulse], tasks: Running, now: float) -> str:
    """Return the report of a process, as JSON. ``now``: monotonic."""
    told = {}
    for cart, pulse in pulses.items():
        values = asdict(pulse)
        times = {name: values[name].isoformat() for name in _TIMES if values[name] is not None}
        told[cart] = {**values, **dict.fromkeys(_TIMES), **times, "looked": now - pulse.looked}
    return json.dumps({"pulses": told, "tasks": tasks})


def gist(pulses: Mapping[int, Pulse], tasks: Running) -> tuple[Any, ...]:
    """Return what everybody should see at once when it changes."""
    states = tuple((cart, pulse.in_step, pulse.trouble, pulse.failures) for cart, pulse in sorted(pulses.items()))
    return states, tuple((task, *told.values()) for task, told in sorted(tasks.items()))


@dataclass(frozen=True, slots=True)
class Told:
    """What other processes said, as last read."""

    pulses: Mapping[int, Pulse] = field(default_factory=dict)  # by cart
    tasks: Running = field(default_factory=dict)
    drives: bool = False  # whether one of them drives carts
    duties: frozenset[str] = frozenset()
    gist: tuple[Any, ...] = ()


def told(processes: Collection[Process], at: float) -> Told:
    """Read what processes report. ``at``: when it was read from the store, by the monotonic clock here."""
    pulses: dict[int, Pulse] = {}
    tasks: dict[int, Mapping[str, Any]] = {}
    for process in processes:
        report = process.report or {}
        pulses |= {int(cart): _pulse(said, at - process.age) for cart, said in report.get("pulses", {}).items()}
        tasks |= {int(task): said for task, said in report.get("tasks", {}).items()}
    duties = frozenset(duty for process in processes for duty in process.duties)
    drives = any(process.drives for process in processes)
    names = tuple((process.holder, process.duties) for process in processes)
    return Told(pulses, tasks, drives, duties, (names, drives, gist(pulses, tasks)))


def _pulse(said: Mapping[str, Any], written_at: float) -> Pulse:
    values = {name: value for name, value in said.items() if name in _KNOWN}
    times = {name: datetime.fromisoformat(values[name]) for name in _TIMES if values[name]}
    return Pulse(**{**values, **times, "looked": written_at - float(values["looked"])})
