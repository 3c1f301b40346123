"""Verbs about tasks: start long work, see its progress, cancel it, read its results.

Path: called by name through ``verbs.run``; the work is another verb, run for the same caller.
Promise: no caller can start a task for a verb outside its scopes.
Never: waits for a task.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from onhand.app import App
from onhand.domain.tasks import CONTINUED, Task, TaskState
from onhand.requests import tasks as requests
from onhand.services import people
from onhand.wire import Data, Progress

from .registry import VERBS, Invalid, cart_named, cart_names, check_scope, iso, redacted, run, verb

ARGUMENTS_LENGTH_MAX = 10_000  # characters, as JSON
RESUMED = ("send_qoh", "get_qoh")  # safe to repeat: they begin with what both sides show now


@verb(requests.TaskStart)
def task_start(app: App, asked: requests.TaskStart) -> Data:
    wanted = VERBS.get(asked.verb)
    if wanted is None or not wanted.long:
        long = ", ".join(sorted(name for name, known in VERBS.items() if known.long))
        raise Invalid(f"{asked.verb[:100]!r} cannot be a task: give one of {long}.", verb=asked.verb[:100])
    check_scope(app.caller, wanted.scope, asked.verb)
    unknown = sorted(asked.arguments.keys() - set(wanted.takes))
    kept = json.dumps(redacted(asked.arguments), sort_keys=True, default=str)
    if unknown or len(kept) > ARGUMENTS_LENGTH_MAX:
        raise Invalid(f"{asked.verb} takes {', '.join(wanted.takes)}.", arguments=[_unknown(name) for name in unknown])
    cart = cart_named(app, str(asked.arguments["cart"])).id if "cart" in asked.arguments else None
    caller = app.caller

    def work(progress: Progress) -> Data:
        return run(app, asked.verb, asked.arguments, progress, caller)

    return {"task": app.tasks.start(app.house.store, asked.verb, cart, kept, caller.name, work, caller.id)}


def resume(app: App, left: Task) -> int | None:
    """Go on with a Send or Get whose process died, for the same caller with today's rights; return the new task.

    Return None for other work, if the caller may not do it any more, and for work that was resumed before: it may be what kills processes.
    """
    caller = people.caller_again(app.house, left.caller, left.person) if left.verb in RESUMED else None
    if caller is None or not caller.may(VERBS[left.verb].scope):
        return None

    def work(progress: Progress) -> Data:
        return run(app, left.verb, json.loads(left.arguments), progress, caller)

    task = app.tasks.start(app.house.store, left.verb, left.cart, left.arguments, left.person, work)
    now, words = app.clock.now(), CONTINUED.format(task=task)
    app.house.store.write(lambda books: books.tasks.end(left.id, TaskState.INTERRUPTED, None, words, now))
    return task


@verb(requests.TaskList)
def task_list(app: App, asked: requests.TaskList) -> Data:
    found = cart_named(app, asked.cart).id if asked.cart else None
    names = cart_names(app)
    tasks = app.read(lambda books: books.tasks.latest(asked.limit, asked.before, found))
    return {"tasks": [_shown(app, task, names) for task in tasks]}


@verb(requests.TaskShow)
def task_show(app: App, asked: requests.TaskShow) -> Data:
    names = cart_names(app)
    found, lines = app.read(
        lambda books: (
            books.tasks.get(asked.task),
            books.tasks.lines(asked.task, asked.result or None, asked.after, asked.limit),
        )
    )
    return {**_shown(app, found, names), "lines": [{"line": number, **asdict(line)} for number, line in lines]}


@verb(requests.TaskCancel)
def task_cancel(app: App, asked: requests.TaskCancel) -> Data:
    found = app.house.store.write(lambda books: app.tasks.cancel(books, asked.task))
    app.tasks.obey()
    return _shown(app, found, cart_names(app))


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
        "progress": app.progress(task.id),
        "result": json.loads(task.result) if task.result else None,
    }


def _unknown(name: str) -> dict[str, str]:
    return {"argument": name[:100], "fault": "There is no such argument."}
