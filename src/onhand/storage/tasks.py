"""Tasks and their results per SKU.

Path: ``running.tasks`` writes; the task's page and its downloads read page by page.
Promise: lines are in the order of the work; the stored results are limited.
Never: knows the progress of a running task: its process reports it (``running.reports``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from onhand.domain.errors import Refused
from onhand.domain.tasks import Task, TaskLine, TaskState

from .office_tables import task_lines, tasks
from .times import micros, moment

TASKS_KEPT = 500  # of the newest tasks
REPORTS_KEPT = 20  # of the newest tasks, with their results per SKU: one can have 100,000 lines


class Tasks:
    """Tasks and their results."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(
        self, verb: str, cart: int | None, arguments: str, person: str, holder: str, at: datetime, caller: str = ""
    ) -> int:
        who = {"person": person, "holder": holder, "caller": caller}
        values = {"verb": verb, "cart_id": cart, "arguments": arguments, "started_at": micros(at), **who}
        statement = insert(tasks).values(**values, state=TaskState.RUNNING.value, message="").returning(tasks.c.id)
        task = int(self._connection.execute(statement).scalar_one())
        self._connection.execute(delete(task_lines).where(task_lines.c.task_id <= task - REPORTS_KEPT))
        self._connection.execute(delete(tasks).where(tasks.c.id <= task - TASKS_KEPT))
        return task

    def end(self, task: int, state: TaskState, result: str | None, message: str, at: datetime) -> None:
        values = {"state": state.value, "result": result, "message": message, "ended_at": micros(at)}
        self._connection.execute(update(tasks).where(tasks.c.id == task).values(values))

    def running(self) -> list[Task]:
        query = select(tasks).where(tasks.c.state == TaskState.RUNNING.value).order_by(tasks.c.id)
        return [_task(row) for row in self._connection.execute(query)]

    def stop(self, task: int) -> None:
        self._connection.execute(update(tasks).where(tasks.c.id == task).values(stopping=True))

    def add_lines(self, task: int, first: int, lines: Sequence[TaskLine]) -> None:
        rows = [{"task_id": task, "line": first + n, **asdict(line)} for n, line in enumerate(lines)]
        if rows:
            self._connection.execute(insert(task_lines), rows)

    def get(self, task: int) -> Task:
        row = self._connection.execute(select(tasks).where(tasks.c.id == task)).one_or_none()
        if row is None:
            raise Refused(f"There is no task number {task}: see the list of tasks.", task=task)
        return _task(row)

    def latest(self, limit: int, before: int | None = None, cart: int | None = None) -> list[Task]:
        query = select(tasks).order_by(tasks.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tasks.c.id < before)
        if cart is not None:
            query = query.where(tasks.c.cart_id == cart)
        return [_task(row) for row in self._connection.execute(query)]

    def lines(self, task: int, result: str | None, after: int, limit: int) -> list[tuple[int, TaskLine]]:
        query = select(task_lines).where(task_lines.c.task_id == task, task_lines.c.line > after)
        if result:
            query = query.where(task_lines.c.result == result)
        query = query.order_by(task_lines.c.line).limit(limit)
        return [_line(row) for row in self._connection.execute(query)]


def _task(row: Row[Any]) -> Task:
    values = row._asdict()
    cart, started_at, ended_at = values.pop("cart_id"), moment(row.started_at), moment(row.ended_at)
    return Task(
        **{**values, "cart": cart, "state": TaskState(row.state), "started_at": started_at, "ended_at": ended_at}
    )


def _line(row: Row[Any]) -> tuple[int, TaskLine]:
    values = row._asdict()
    number = int(values.pop("line"))
    del values["task_id"]
    return number, TaskLine(**values)
