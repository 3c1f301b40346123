"""Keeps simulated time: the planned events, and the clock that all parts read.

Path: ``world`` puts events on it; ``wire`` lets it run while a request is on its way.
Promise: events happen in the order of their times, those of one time in the order they were planned.
Never: reads a real clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

Process = Generator[float, None, None]  # a program: yields the seconds until its next statement


class Timeline:
    """Simulated time and the events on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.operations = 0  # statements of the shops' programs, requests, and transactions of OnHand
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self.processes = 0  # programs that have not ended

    def at(self, time: float, event: Callable[[], None]) -> None:
        """Plan an event; not before now."""
        self._planned += 1
        heapq.heappush(self._events, (max(time, self.now), self._planned, event))

    def run_until(self, time: float) -> None:
        """Run all events that are planned up to this time. Events may advance the timeline themselves."""
        while self._events and self._events[0][0] <= time:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = max(self.now, time)

    def start(self, process: Process, ended: Callable[[], bool] | None = None) -> None:
        """Run a process statement by statement; it dies before the statement at which ``ended`` is true."""
        self.processes += 1

        def step() -> None:
            if ended is not None and ended():
                self.processes -= 1
                process.close()
                return
            pause = next(process, None)
            self.operations += 1
            if pause is None:
                self.processes -= 1
            else:
                self.at(self.now + pause, step)

        step()


class SimClock:
    """The clock of one machine: monotonic time is the timeline's, the time of day can be set wrong."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._told = 0
        self.wrong_seconds = 0.0

    def now(self) -> datetime:
        # No two moments are equal: bookings have them in their names.
        self._told += 1
        return EPOCH + timedelta(seconds=self._timeline.now + self.wrong_seconds, microseconds=self._told)

    def monotonic(self) -> float:
        return self._timeline.now

    def sleep(self, seconds: float) -> None:
        self._timeline.run_until(self._timeline.now + seconds)
