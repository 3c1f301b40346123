"""The ports for the books of parameters and long work.

Path: ``storage.office`` and ``storage.tasks`` implement them.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.tasks import Task, TaskLine, TaskState


class ParameterBook(Protocol):
    """System parameters, as texts."""

    def get(self) -> dict[str, str]:
        """Return the parameters that were set, by name."""

    def set(self, name: str, value: str, person: str, at: datetime) -> None:
        """Keep a value."""


class TaskBook(Protocol):
    """Long work."""

    def start(
        self, verb: str, cart: int | None, arguments: str, person: str, holder: str, at: datetime, caller: str = ""
    ) -> int:
        """Start a task, running in the process ``holder``; return its id. The oldest are deleted."""

    def end(self, task: int, state: TaskState, result: str | None, message: str, at: datetime) -> None:
        """Note how a task ended."""

    def running(self) -> list[Task]:
        """Return the running tasks, and those whose process died without a word."""

    def stop(self, task: int) -> None:
        """Note that a person wants a task to stop."""

    def add_lines(self, task: int, first: int, lines: Sequence[TaskLine]) -> None:
        """Record the results of some SKUs, numbered from ``first``."""

    def get(self, task: int) -> Task:
        """Return a task. Raise Refused if there is none."""

    def latest(self, limit: int, before: int | None = None, cart: int | None = None) -> list[Task]:
        """Return tasks, newest first, from below a number; of one cart if named."""

    def lines(self, task: int, result: str | None, after: int, limit: int) -> list[tuple[int, TaskLine]]:
        """Return numbered lines above ``after``, with this result if named."""
