"""Defines tasks: long work, such as a Send of thousands of listings, that continues while its page is closed.

Path: ``running.tasks`` runs them; the task's page and ``onhand task`` show them.
Promise: a task ends in exactly one of the states below, and its message says what that means.
Never: knows how the work is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

INTERRUPTED = (
    "OnHand ended while this was at work. What was done until then is kept. Look at the cart, then do it again: "
    "Send QOH and Get QOH are safe to repeat."
)
CONTINUED = "The process that worked on this ended. Task {task} goes on with it."
UNTOUCHED = "It was cancelled before any count was changed on either side."


class TaskState(StrEnum):
    """The stages of a task."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the process that worked on it ended


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of long work. ``arguments`` and ``result`` are JSON; the result per SKU is kept apart."""

    id: int
    verb: str
    cart: int | None
    arguments: str
    person: str
    state: TaskState
    result: str | None
    message: str
    started_at: datetime
    ended_at: datetime | None
    holder: str = ""  # the process that runs it
    caller: str = ""  # whose it is; blank: nobody goes on with it if its process dies
    stopping: bool = False  # a person wants it to stop


@dataclass(frozen=True, slots=True)
class TaskLine:
    """The result for one SKU. ``here`` is what was on hand, ``there`` what the shop showed; ``change`` was added to one of them."""

    product: int
    sku: str
    name: str
    here: int | None
    there: int
    change: int
    result: str
    failure: str | None  # or what a person should know about it although it did not fail

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> TaskLine:
        """Return what is kept of a line of an answer. Its remark is kept if nothing failed."""
        told = dict(line)
        remark = told.pop("remark", None)
        return cls(**{**told, "failure": told["failure"] or remark or None})
