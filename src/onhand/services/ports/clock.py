"""The port for time.

Path: ``clock`` implements it, and the simulation holds it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A clock, passed in so that a simulation can control it."""

    def now(self) -> datetime:
        """Return the time, UTC-aware, for people and evidence."""

    def monotonic(self) -> float:
        """Return seconds that never jump, for waiting and settling."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
