"""What the services need of time.

Path: ``clock`` implements it, and the simulation holds it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, passed in so that a simulation can hold it."""

    def now(self) -> datetime:
        """The time, UTC-aware, for people and evidence."""

    def monotonic(self) -> float:
        """Seconds that never jump, for waiting and settling."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
