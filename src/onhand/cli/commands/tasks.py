"""The commands about tasks: long work that a screen or a program began.

Path: ``program`` adds ``task`` to the program.
Promise: what is shown is what the task's page shows.
Never: begins a task; at a terminal, `get-qoh` and `send-qoh` do the same work and show how far they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.requests import tasks as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

task = typer.Typer(
    help="Long work begun on a screen or by a program: list, show, cancel.", no_args_is_help=True, epilog=EXITS
)


def _print_tasks(console: Console, data: Data) -> None:
    rows = [
        [row["task"], row["verb"], row["cart"] or "", row["state"], printing.at(row["started_at"]), row["person"]]
        for row in data["tasks"]
    ]
    printing.table(console, [">No", "What", "Cart", "State", "Since", "Who"], rows, "No tasks yet.")


def _print_task(console: Console, data: Data) -> None:
    printing.say(console, f"Task {data['task']}: {data['verb']} {data['cart'] or ''} is {data['state']}.")
    if data["progress"]:
        how = data["progress"]
        printing.say(console, f"{how['phase']} {how['done']}" + (f" of {how['of']}" if how["of"] else ""))
    if data["message"]:
        printing.say(console, data["message"])
    counts = (data["result"] or {}).get("counts", {})
    if counts:
        printing.say(console, ", ".join(f"{number} {word}" for word, number in counts.items()) + ".")
    rows = [
        [
            row["sku"],
            row["name"],
            row["here"],
            row["there"],
            printing.signed(row["change"]),
            row["result"],
            row["failure"] or "",
        ]
        for row in data["lines"]
    ]
    if rows:
        printing.table(console, ["SKU", "Name", ">On hand", ">Shop", ">Change", "Result", ""], rows, "")


# Commands of which a declaration says everything

derive(task, "list", requests.TaskList, _print_tasks, more("tasks", "task", "--before"))
derive(task, "show", requests.TaskShow, _print_task, more("lines", "line"))
derive(task, "cancel", requests.TaskCancel, said("Task {task} stops as soon as it can."))
