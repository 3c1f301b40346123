"""Writes what a process says of its carts and tasks, and reads what the others say.

Path: ``storage.processes`` sends ``written`` with each sign of life; ``app`` shows what ``pulses`` and ``tasks`` found, on any process.
Promise: how long ago a look was is told in seconds, so it does not depend on two machines having the same time.
Never: is the record: the books keep what has to last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from onhand.domain.duties import Process
from onhand.domain.states import Pulse

_TIMES = ("looked_at", "in_step_at", "trouble_since", "hinted_at")
_KNOWN = {field.name for field in fields(Pulse)}

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


def pulses(processes: Iterable[Process], since: float, now: float) -> dict[int, Pulse]:
    """Return the pulses that other processes report, by cart. ``since``: when they were read, ``now``: both monotonic, here."""
    found = {}
    for process in processes:
        for cart, told in (process.report or {}).get("pulses", {}).items():
            values = {name: value for name, value in told.items() if name in _KNOWN}
            times = {name: datetime.fromisoformat(values[name]) for name in _TIMES if values[name]}
            ago = float(values["looked"]) + process.age + now - since
            found[int(cart)] = Pulse(**{**values, **times, "looked": now - ago})
    return found


def tasks(processes: Iterable[Process]) -> dict[int, dict[str, Any]]:
    """Return the running tasks that other processes report, by number."""
    return {int(task): told for process in processes for task, told in (process.report or {}).get("tasks", {}).items()}
