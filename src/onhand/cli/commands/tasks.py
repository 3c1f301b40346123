"""The commands about tasks: long work that a screen or a program began.

Path: ``program`` adds ``task`` to the program.
Promise: what is shown is what the task's page shows.
Never: begins a task; at a terminal, `get-qoh` and `send-qoh` do the same work and show how far they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, command, said, say_more

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

task = typer.Typer(
    help="Long work begun on a screen or by a program: list, show, cancel.", no_args_is_help=True, epilog=EXITS
)

Number = Annotated[int, typer.Argument(metavar="NO", min=1, help="The task's number.")]
PageLimit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]


@command(task, "list")
def task_list(
    call: Call,
    cart: Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")] = None,
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="NO", help="Only older ones.")] = None,
    limit: PageLimit = 20,
) -> None:
    """List tasks, the newest first."""
    call.answer("task_list", _print_tasks, cart=cart, before=before, limit=limit)


@command(task, "show")
def task_show(
    call: Call,
    number: Number,
    result: Annotated[
        str | None, typer.Option("--result", metavar="WORD", help="Only lines with this result, such as failed.")
    ] = None,
    after: Annotated[int, typer.Option("--after", min=0, metavar="LINE", help="Go on after this line.")] = 0,
    limit: PageLimit = 50,
) -> None:
    """Show how far a task is, or what came of each SKU."""
    found = call.answer("task_show", _print_task, task=number, result=result, after=after, limit=limit)
    say_more(call, found["lines"], limit, "line")


@command(task, "cancel")
def task_cancel(call: Call, number: Number) -> None:
    """Ask a task to stop where that leaves everything in order."""
    call.answer("task_cancel", said("Task {task} stops as soon as it can."), task=number)


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
