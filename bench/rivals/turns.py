"""A simulated clock on which several pieces of work can wait at once, as threads do on a real one.

The simulation's own timeline runs what happens in a wait inside that wait, so a request that waits long for a lost answer also
delays whatever it interrupted. That does no harm to proofs, but it would to measured times. Here each piece of work is a thread
of its own, and exactly one of them runs at any moment: the same seed gives the same day, to the last request.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import Self

from onhand.simulation.timeline import Timeline


class Stopped(BaseException):
    """Ends work that still waits when the day is over."""


class Turns(Timeline):
    """Simulated time for work that waits. A context manager: it ends all work that is left."""

    def __init__(self) -> None:
        super().__init__()
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._at_work: _Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def begin(self, work: Callable[[], None]) -> None:
        """Begin work now, from an event; return when it waits for the first time, or has ended."""
        if not self._idle:
            self._idle.append(_Worker())
            self._workers.append(self._idle[-1])
        worker = self._idle.pop()
        worker.work = work
        self._go_on(worker)

    def run_until(self, time: float) -> None:
        """Let time pass: for the work that calls this, or, from outside, for everything."""
        worker = self._at_work
        if worker is None:
            super().run_until(time)
            return
        self.at(time, lambda: self._go_on(worker))
        worker.wait()

    def _go_on(self, worker: _Worker) -> None:
        self._at_work = worker
        worker.go_on()
        self._at_work = None
        if worker.problem is not None:
            raise worker.problem
        if worker.work is None:
            self._idle.append(worker)


class _Worker:
    """A thread that runs only between ``go_on`` and its next ``wait``."""

    def __init__(self) -> None:
        self.work: Callable[[], None] | None = None
        self.problem: BaseException | None = None
        self._mine, self._theirs = Lock(), Lock()
        self._mine.acquire()
        self._theirs.acquire()
        self._stopping = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let the work run; return when it waits or has ended."""
        self._mine.release()
        self._theirs.acquire()

    def wait(self) -> None:
        """Called by the work: let the others run."""
        self._theirs.release()
        self._mine.acquire()
        if self._stopping:
            raise Stopped

    def stop(self) -> None:
        self._stopping = True
        self._mine.release()
        self._thread.join()

    def _run(self) -> None:
        self._mine.acquire()
        while not self._stopping:
            try:
                if self.work is not None:
                    self.work()
            except Stopped:
                return
            except BaseException as problem:  # noqa: BLE001 - the caller raises it
                self.problem = problem
            self.work = None
            self._theirs.release()
            self._mine.acquire()
