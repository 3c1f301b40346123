"""Runs long work on threads of the process that owns the store, and keeps what came of it.

Path: ``verbs.task_start`` hands in the work; the task's page and ``onhand task`` ask how far it is, cancel it, and read its result.
Promise: a cart is aligned by one task at a time; a task that this process did not end itself is marked as interrupted by the next.
Never: knows a verb; stops a thread but where the work tells how far it is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from onhand.domain.errors import Cancelled, Conflict, OnHandError, Refused
from onhand.domain.tasks import INTERRUPTED, UNTOUCHED, TaskLine, TaskState
from onhand.services.ports import Books, House, Store
from onhand.wire import Data

RUNNING_MAX = 8  # tasks at work at once
LINES_COMMIT = 5_000  # lines of a result in one commit, so that nobody waits long for the next
CLOSE_SECONDS = 3.0  # how long the end of the program waits for tasks to come to a point where they can stop

Progress = Callable[[str, int, int], None]  # phase, done, of how many (0: not known)
Work = Callable[[Progress], Data]  # its answer's ``lines`` are kept one by one, its ``message`` is for people

log = structlog.get_logger()


@dataclass(slots=True)
class Running:
    """How far a task is. Written by its own thread; who reads it gets what was true a moment ago."""

    cart: int | None
    phase: str = "starting"
    done: int = 0
    of: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Tasks:
    """The long work of one open house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._running: dict[int, Running] = {}
        self._door = threading.Lock()
        self._closing = False
        self.version = 0  # grows whenever a task goes on: a watcher knows at no cost that it may look again
        try:
            if house.store.read(lambda books: books.tasks.running()):
                house.store.write(self._interrupt)
        except OnHandError as error:  # a full disk must not keep the house closed
            log.warning("tasks.not_marked", trouble=error.message)

    def start(self, store: Store, verb: str, cart: int | None, arguments: str, person: str, work: Work) -> int:
        """Begin work on a thread; returns the task's number. ``store`` is the caller's, with his name and his key: the same
        request twice is one task. Raises Conflict if the cart is being aligned or too much is running already."""
        fresh: list[int] = []

        def write(books: Books) -> int:
            self._check_room(cart)
            fresh.append(books.tasks.start(verb, cart, arguments, person, self._house.clock.now()))
            return fresh[0]

        with self._door:
            task = store.write(write)
            if fresh:
                running = self._running[task] = Running(cart)
                running.thread = threading.Thread(
                    target=self._run, args=(task, running, work), name=f"onhand-task-{task}", daemon=True
                )
                running.thread.start()
        self.version += 1
        return task

    def progress(self, task: int) -> Data | None:
        """How far a running task is; None if it is not running here."""
        running = self._running.get(task)
        if running is None:
            return None
        return {
            "phase": running.phase,
            "done": running.done,
            "of": running.of,
            "stopping": running.stop.is_set(),
        }

    def aligning(self, cart: int) -> int | None:
        """The task that is at work on a cart, if one is."""
        return next((task for task, running in list(self._running.items()) if running.cart == cart), None)

    def at_work_on(self) -> frozenset[int]:
        """The carts that some task is at work on."""
        return frozenset(running.cart for running in list(self._running.values()) if running.cart is not None)

    def cancel(self, task: int) -> None:
        """Ask a task to stop where it can. Raises Refused if it has ended."""
        running = self._running.get(task)
        if running is None:
            raise Refused(f"Task {task} has ended already: look what came of it.", task=task)
        running.stop.set()
        self.version += 1

    def close(self) -> None:
        """Stop all tasks where they can; what cannot stop in time is cut, and marked at the next start."""
        with self._door:
            self._closing = True
            left = list(self._running.values())
        for running in left:
            running.stop.set()
        until = self._house.clock.monotonic() + CLOSE_SECONDS
        for running in left:
            if running.thread is not None:
                running.thread.join(max(0.0, until - self._house.clock.monotonic()))

    def _check_room(self, cart: int | None) -> None:
        if self._closing:
            raise Conflict("OnHand is ending: try again when it runs again.", reason="closed")
        busy = self.aligning(cart) if cart is not None else None
        if busy is not None:
            raise Conflict(f"Task {busy} is at work on this cart: wait for it, or cancel it.", reason="busy", task=busy)
        if len(self._running) >= RUNNING_MAX:
            raise Conflict(f"{RUNNING_MAX} tasks are at work already: wait until one has ended.", reason="busy")

    def _interrupt(self, books: Books) -> None:
        at = self._house.clock.now()
        for task in books.tasks.running():
            books.tasks.end(task, TaskState.INTERRUPTED, None, INTERRUPTED, at)

    def _run(self, task: int, running: Running, work: Work) -> None:
        """The thread of one task."""

        def progress(phase: str, done: int, of: int) -> None:
            running.phase, running.done, running.of = phase, done, of
            self.version += 1
            if running.stop.is_set():
                raise Cancelled(UNTOUCHED)

        answer: Mapping[str, Any] = {}
        try:
            answer = work(progress)
            state, message = TaskState.DONE, str(answer.get("message", ""))
            if answer.get("cancelled"):
                state = TaskState.CANCELLED
        except Cancelled as error:
            state, message = TaskState.CANCELLED, error.message
        except OnHandError as error:
            state, message = TaskState.FAILED, error.message
        except Exception:
            # The outermost frame of this thread: a fault of ours must reach the person who waits for it.
            log.exception("task.broke", task=task)
            state, message = (
                TaskState.FAILED,
                "Fault in OnHand: its log says what broke. Report it; to try again is safe.",
            )
        if state is TaskState.CANCELLED and self._closing:
            state, message = TaskState.INTERRUPTED, f"OnHand was ended. {message}"
        self._end(task, state, answer, message)

    def _end(self, task: int, state: TaskState, answer: Mapping[str, Any], message: str) -> None:
        """Keep what came of it. If the disk is full, the next start marks it as interrupted."""
        store = self._house.store
        try:
            lines = answer.get("lines", ())
            for start in range(0, len(lines), LINES_COMMIT):
                told = [TaskLine.of(line) for line in lines[start : start + LINES_COMMIT]]
                store.write(lambda books: books.tasks.add_lines(task, start + 1, told))  # noqa: B023 - done before the next
            rest = {name: value for name, value in answer.items() if name != "lines"}
            result = json.dumps(rest) if rest else None
            at = self._house.clock.now()
            store.write(lambda books: books.tasks.end(task, state, result, message, at))
        except OnHandError as error:
            log.warning("task.not_kept", task=task, trouble=error.message)
        finally:
            with self._door:
                del self._running[task]
            self.version += 1
        log.info("task.ended", task=task, state=state.value)
