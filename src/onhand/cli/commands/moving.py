"""The command that moves a store: from a file to a database on a server, or back.

Path: ``program`` adds ``migrate`` to the program; ``onhand.moving`` does the work, in this process only.
Promise: nothing is moved before a person has seen what would be, and agreed.
Never: hands the work to a running OnHand: a store that is in use is not moved.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.address import address_of
from onhand.cli import printing
from onhand.cli.console import Call, DryRun, command, in_words, said
from onhand.domain.errors import Refused
from onhand.words import counted, number

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data, Progress

moving = typer.Typer()  # its command is top-level

ROWS_SHOWN_MIN = 1_000  # smaller tables share one line
DOES = {
    "new": "{rows:row} will be copied from {source} to {target}.",
    "resumed": "An interrupted move from {source} to {target} will continue, {rows:row} in all.",
    "replaced": "{target} is an old copy of this store: it will be emptied, then {rows:row} will be copied from {source}.",
    "finished": "Everything was copied from {source} to {target}. The target will be opened.",
}


@command(moving, "migrate")
def migrate(
    call: Call,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PATH",
            help="Where to: a file that does not exist yet, or postgresql://USER@HOST/DATABASE with an empty database.",
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    reopen: Annotated[
        bool,
        typer.Option("--reopen", help="Use a store again that was moved, because the place it was moved to is lost."),
    ] = False,
) -> None:
    """Move a store from a file to a PostgreSQL server, or back. Stop OnHand first."""
    if (to is None) == (not reopen) or (reopen and dry_run):
        raise typer.BadParameter("Give either --to or --reopen.")
    from onhand import moving as work  # noqa: PLC0415
    from onhand.clock import SystemClock  # noqa: PLC0415

    config = call.config()
    if to is None:
        _agree_to_reopen(call, yes)
        words = (
            "{store} is the store again, as it was when it was moved to {to}. Never start OnHand with that one again."
        )
        call.show(work.reopen(config.store), said(words))
        return

    with ExitStack() as ended:
        shown: list[Progress] = [_silent]

        def agree(plan: Data) -> bool:
            if dry_run or not (yes or _agreed(call, plan)):
                return False
            if not call.as_json and sys.stderr.isatty():
                shown[0] = ended.enter_context(printing.bar(printing.console(sys.stderr)))
            return True

        done = work.migrate(
            config.store,
            address_of(to),
            key_file=config.key_file,
            person=call.person,
            clock=SystemClock(),
            agree=agree,
            progress=lambda phase, done, total: shown[0](phase, done, total),  # noqa: PLW0108 - it changes
        )
    call.show(done, _moved if done["moved"] else _preview)


def _silent(phase: str, done: int, total: int) -> None:
    """Show no progress."""


def _agreed(call: Call, plan: Data) -> bool:
    """Show what would be done and ask. Raise Refused if nobody can be asked, Abort if the answer is no."""
    if call.as_json or not sys.stdin.isatty():
        raise Refused(
            "A move changes where the store is, so it has to be confirmed. Nothing was changed: look at what --dry-run says, then"
            " repeat the command with --yes.",
            **(plan | {"reason": "confirm"}),
        )
    _preview(printing.console(sys.stderr), plan)
    return typer.confirm("Move the store?", err=True, abort=True)


def _agree_to_reopen(call: Call, yes: bool) -> None:
    words = (
        "This store will be used again as it was when it was moved. What was booked in the other one since is not in it. If that one"
        " is still in use anywhere, two stores would post to the same shops."
    )
    if yes:
        return
    if call.as_json or not sys.stdin.isatty():
        raise Refused(f"{words} Nothing was changed: repeat the command with --yes.", reason="confirm")
    typer.confirm(f"{words} Use it again?", err=True, abort=True)


def _preview(out: Console, data: Data) -> None:
    tables = data.get("tables", {})
    large = {name: rows for name, rows in tables.items() if rows >= ROWS_SHOWN_MIN}
    if large:
        rest = data["rows"] - sum(large.values())
        rows = sorted(large.items(), key=lambda row: -row[1]) + ([("all others", rest)] if rest else [])
        printing.table(out, ["Table", ">Rows"], [[name.replace("_", " "), number(n)] for name, n in rows], "")
    sentence = in_words(DOES[data["begins"]], data)
    if tables:
        minutes = -(-data["estimated_seconds"] // 60)
        sentence += f" It takes about {counted(minutes, 'minute')}, and OnHand has to stay stopped meanwhile."
    printing.say(out, sentence)
    _remarks(out, data)


def _moved(out: Console, data: Data) -> None:
    printing.say(
        out,
        in_words("The store is in {target} now. Both sides were compared and are equal. ", data)
        + in_words("Next: set ONHAND_STORE to that address, or use it with --store, and start OnHand.", data),
        printing.GOOD,
    )
    printing.say(out, in_words("Its key file is {key_file}. {source} is closed, and can be kept as a copy.", data))
    _remarks(out, data)


def _remarks(out: Console, data: Data) -> None:
    if not data["has_keys"]:
        printing.say(
            out, "The key file of this store is missing, so no cart can be reached until it is restored.", printing.BAD
        )
    if apart := data["clocks_apart_seconds"]:
        printing.say(
            out,
            f"The clocks of this machine and of the database server differ by {counted(abs(apart), 'second')}: set the wrong one,"
            " because times in the history come from this machine.",
            printing.BAD,
        )
