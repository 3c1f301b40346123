"""Verbs about tasks: begin long work, see how far it is, cancel it, read what came of it.

Path: called by name through ``verbs.run``; the work itself is another verb, done as the same caller.
Promise: nobody begins with a task what his scopes do not let him do at once.
Never: waits for a task.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from onhand.app import App
from onhand.domain.people import Scope
from onhand.domain.tasks import Task
from onhand.wire import Data, Progress

from .registry import VERBS, Invalid, Number, Text, cart_named, cart_names, check_scope, iso, redacted, run, verb

ARGUMENTS_LENGTH_MAX = 10_000  # characters, as JSON

PageLimit = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.MANAGE, books=True)
def task_start(app: App, verb: Text, arguments: dict[str, Any]) -> Data:
    """Begin a verb that takes long, such as send_qoh, as a task."""
    wanted = VERBS.get(verb)
    if wanted is None or not wanted.long:
        long = ", ".join(sorted(name for name, known in VERBS.items() if known.long))
        raise Invalid(f"{verb[:100]!r} is no long work: it is one of {long}.", verb=verb[:100])
    check_scope(app.caller, wanted.scope, verb)
    unknown = sorted(arguments.keys() - wanted.parameters.keys())
    kept = json.dumps(redacted(arguments), sort_keys=True, default=str)
    if unknown or len(kept) > ARGUMENTS_LENGTH_MAX:
        raise Invalid(f"{verb} takes {', '.join(wanted.parameters)}.", arguments=[_unknown(name) for name in unknown])
    cart = cart_named(app, str(arguments["cart"])).id if "cart" in arguments else None
    caller = app.caller

    def work(progress: Progress) -> Data:
        return run(app, verb, arguments, progress, caller)

    return {"task": app.tasks.start(app.house.store, verb, cart, kept, caller.name, work)}


@verb(Scope.READ)
def task_list(
    app: App,
    cart: Text | None = None,
    before: Number | None = None,
    limit: PageLimit = 50,
) -> Data:
    """List tasks, newest first, before a number; of one cart if named."""
    found = cart_named(app, cart).id if cart else None
    names = cart_names(app)
    tasks = app.read(lambda books: books.tasks.latest(limit, before, found))
    return {"tasks": [_shown(app, task, names) for task in tasks]}


@verb(Scope.READ)
def task_show(
    app: App,
    task: Number,
    result: Text | None = None,
    after: Annotated[int, Field(ge=0, le=2**62)] = 0,
    limit: PageLimit = 50,
) -> Data:
    """One task with a page of its result per SKU: what follows line ``after``, with this ``result`` only if named."""
    names = cart_names(app)
    found, lines = app.read(
        lambda books: (books.tasks.get(task), books.tasks.lines(task, result or None, after, limit))
    )
    return {**_shown(app, found, names), "lines": [{"line": number, **asdict(line)} for number, line in lines]}


@verb(Scope.MANAGE)
def task_cancel(app: App, task: Number) -> Data:
    """Ask a task to stop at the next point where that leaves everything in order."""

    def write(books: Any) -> Task:
        found: Task = books.tasks.get(task)
        app.tasks.cancel(task)
        return found

    return _shown(app, app.house.store.write(write), cart_names(app))


def _shown(app: App, task: Task, names: dict[int, str]) -> Data:
    return {
        "task": task.id,
        "verb": task.verb,
        "cart": names.get(task.cart) if task.cart is not None else None,
        "cart_id": task.cart,
        "arguments": json.loads(task.arguments),
        "person": task.person,
        "state": task.state.value,
        "message": task.message,
        "started_at": iso(task.started_at),
        "ended_at": iso(task.ended_at) if task.ended_at else None,
        "progress": app.tasks.progress(task.id),
        "result": json.loads(task.result) if task.result else None,
    }


def _unknown(name: str) -> dict[str, str]:
    return {"argument": name[:100], "fault": "There is no such argument."}
