"""The commands about tasks: long work that a screen or a program started.

Path: ``program`` adds ``task`` to the program.
Promise: a task shows the same facts here as on its page.
Never: starts a task; at a terminal, `get-qoh` and `send-qoh` do the same work and show their progress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.domain.tasks import TaskState
from onhand.requests import tasks as requests
from onhand.words import label_of

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

task = typer.Typer(
    help="Long work started on a screen or by a program: list, show, cancel.", no_args_is_help=True, epilog=EXITS
)


def _print_tasks(console: Console, data: Data) -> None:
    rows = [
        [
            row["task"],
            row["verb"],
            row["cart"] or "",
            label_of(TaskState, row["state"]),
            printing.at(row["started_at"]),
            row["person"],
        ]
        for row in data["tasks"]
    ]
    printing.table(console, [">No.", "Action", "Cart", "State", "Started", "By"], rows, "No tasks yet.")


def _print_task(console: Console, data: Data) -> None:
    what = f"{data['verb']} {data['cart'] or ''}".strip()
    printing.say(console, f"Task {data['task']} ({what}): {label_of(TaskState, data['state'])}.")
    if data["progress"]:
        how = data["progress"]
        printing.say(console, f"{how['phase']} {how['done']}" + (f" of {how['of']}" if how["of"] else ""))
    if data["message"]:
        printing.say(console, data["message"])
    counts = (data["result"] or {}).get("counts", {})
    if counts:
        printing.say(console, f"{printing.results(counts)}.")
    rows = [
        [
            row["sku"],
            row["name"],
            row["here"],
            row["there"],
            printing.change(row["change"]),
            printing.result(row["result"]),
            row["failure"] or "",
        ]
        for row in data["lines"]
    ]
    if rows:
        printing.table(console, ["SKU", "Name", ">On hand", ">Shop", ">Change", "Result", ""], rows, "")


# Commands derived from their requests

derive(task, "list", requests.TaskList, _print_tasks, more("tasks", "task", "--before"))
derive(task, "show", requests.TaskShow, _print_task, more("lines", "line"))
derive(task, "cancel", requests.TaskCancel, said("Task {task} stops as soon as it can."))
