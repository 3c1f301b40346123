"""Runs long work on threads of a process that has the store open, and keeps the results.

Path: ``verbs.task_start`` hands in the work; the task's page and ``onhand task`` read its progress and result, and cancel it, on this
process or on another one that shares the store.
Promise: one task at a time aligns a cart; a task whose process died is marked as interrupted, by the next process or by one that lives.
Never: knows a verb; stops a thread except where the work reports progress.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from onhand.domain.errors import Cancelled, Conflict, OnHandError, Refused
from onhand.domain.tasks import INTERRUPTED, UNTOUCHED, Task, TaskLine, TaskState
from onhand.services.ports import Books, House, Store
from onhand.wire import Data

RUNNING_MAX = 8  # tasks running at the same time
LINES_COMMIT = 5_000  # lines of a result in one commit, so that other writers do not wait long
CLOSE_SECONDS = 3.0  # how long the end of the program waits for tasks to reach a point where they can stop

Progress = Callable[[str, int, int], None]  # phase, done, of how many (0: not known)
Living = Callable[[Books], Collection[str]]  # the processes that have the store open
Work = Callable[[Progress], Data]  # of the answer, ``lines`` are stored one by one and ``message`` is shown to people

log = structlog.get_logger()


@dataclass(slots=True)
class Running:
    """The progress of a running task. Its own thread writes it; readers may see it a moment late."""

    cart: int | None
    phase: str = "starting"
    done: int = 0
    of: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Tasks:
    """The long work of one process."""

    def __init__(self, house: House, holder: str, living: Living) -> None:
        self._house, self._holder, self._living = house, holder, living
        self._running: dict[int, Running] = {}
        self._door = threading.Lock()
        self._closing = False
        self.version = 0  # grows with each step of a task, so that watchers know cheaply when to read again
        try:
            self.interrupt_left(house)
        except OnHandError as error:  # a full disk must not keep OnHand from starting
            log.warning("tasks.not_marked", trouble=error.message)

    def start(
        self, store: Store, verb: str, cart: int | None, arguments: str, person: str, work: Work, caller: str = ""
    ) -> int:
        """Start work on a thread and return the task's number. If its process dies, ``caller`` goes on with it; blank: nobody does.

        ``store`` belongs to the caller and has their name and idempotency key, so the same request twice is one task. Raise Conflict
        if the cart is being aligned or too many tasks are running.
        """
        fresh: list[int] = []

        def write(books: Books) -> int:
            self._check_room(books, cart)
            at = self._house.clock.now()
            fresh.append(books.tasks.start(verb, cart, arguments, person, self._holder, at, caller))
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
        """Return the progress of a task; None if it is not running here."""
        running = self._running.get(task)
        if running is None:
            return None
        return {
            "phase": running.phase,
            "done": running.done,
            "of": running.of,
            "stopping": running.stop.is_set(),
        }

    def running(self) -> dict[int, Data]:
        """Return the progress of all tasks that run here, and their carts."""
        return {
            task: {"cart": running.cart, **(self.progress(task) or {})} for task, running in list(self._running.items())
        }

    def aligning(self, cart: int) -> int | None:
        """Return the task that is aligning a cart; None if there is none."""
        return next((task for task, running in list(self._running.items()) if running.cart == cart), None)

    def at_work_on(self) -> frozenset[int]:
        """Return the carts that tasks are aligning."""
        return frozenset(running.cart for running in list(self._running.values()) if running.cart is not None)

    def cancel(self, books: Books, task: int) -> Task:
        """Note that a task should stop where it can, in whichever process runs it. Raise Refused if it has ended. ``obey`` follows."""
        found = books.tasks.get(task)
        if found.state is not TaskState.RUNNING:
            raise Refused(f"Task {task} has already ended: see its result.", task=task)
        books.tasks.stop(task)
        return found

    def obey(self) -> None:
        """Stop the tasks that run here and that a person wants to stop. Called after every commit of another process."""
        if not self._running:
            return
        for task in self._house.store.read(lambda books: books.tasks.running()):
            running = self._running.get(task.id)
            if task.stopping and running is not None and not running.stop.is_set():
                running.stop.set()
                self.version += 1

    def interrupt_left(self, house: House) -> list[Task]:
        """Mark the tasks whose process died as interrupted, and return them. ``house``: that of whose duty it is."""

        def left(books: Books) -> list[Task]:
            return [task for task in books.tasks.running() if self._is_left(books, task)]

        def write(books: Books) -> list[Task]:
            found = left(books)
            for task in found:
                books.tasks.end(task.id, TaskState.INTERRUPTED, None, INTERRUPTED, house.clock.now())
            return found

        with self._door:  # a task that is just being started is not left
            return house.store.write(write) if house.store.read(left) else []

    def close(self) -> None:
        """Stop all tasks where they can. Cut off those that do not stop in time; the next start marks them."""
        with self._door:
            self._closing = True
            left = list(self._running.values())
        for running in left:
            running.stop.set()
        until = self._house.clock.monotonic() + CLOSE_SECONDS
        for running in left:
            if running.thread is not None:
                running.thread.join(max(0.0, until - self._house.clock.monotonic()))

    def _check_room(self, books: Books, cart: int | None) -> None:
        if self._closing:
            raise Conflict("OnHand is shutting down: try again when it has restarted.", reason="closed")
        of_cart = [task for task in books.tasks.running() if task.cart == cart] if cart is not None else []
        busy = next((task.id for task in of_cart if not self._is_left(books, task)), None)
        if busy is not None:
            raise Conflict(f"Task {busy} is aligning this cart: wait for it, or cancel it.", reason="busy", task=busy)
        if len(self._running) >= RUNNING_MAX:
            raise Conflict(f"{RUNNING_MAX} tasks are already running: wait until one has ended.", reason="busy")

    def _is_left(self, books: Books, task: Task) -> bool:
        """Return whether nobody works on a running task any more: its process died, or its end could not be stored."""
        return task.id not in self._running if task.holder == self._holder else task.holder not in self._living(books)

    def _run(self, task: int, running: Running, work: Work) -> None:
        """Run one task on its thread."""

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
            # The outermost frame of this thread: the person who waits must learn of a fault in OnHand.
            log.exception("task.broke", task=task)
            state, message = (
                TaskState.FAILED,
                "Fault in OnHand: its log says what broke. Report it. It is safe to try again.",
            )
        if state is TaskState.CANCELLED and self._closing:
            state, message = TaskState.INTERRUPTED, f"OnHand was shut down. {message}"
        self._end(task, state, answer, message)

    def _end(self, task: int, state: TaskState, answer: Mapping[str, Any], message: str) -> None:
        """Save the result. If the disk is full, the next start marks the task as interrupted."""
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
