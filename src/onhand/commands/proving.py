"""The commands that prove what is promised: on the store at hand, and on a simulated house.

Path: ``cli`` adds ``prove`` and ``simulate`` to the program.
Promise: a promise that does not hold ends with the exit code for broken, and says how to see it again.
Never: changes a store.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onhand import printing
from onhand.console import BROKEN, Call, command

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.door import Data

proving = typer.Typer()  # its commands stand on the first level

OPERATIONS = 100_000  # less than a minute


@command(proving, "prove")
def prove(call: Call) -> None:
    """Add up every movement again and compare with the balances."""
    if not call.answer("prove", printing.proof)["holds"]:
        raise typer.Exit(BROKEN)


@command(proving, "simulate")
def simulate(
    call: Call,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Where to begin: the same seed, the same history.")] = 1,
    operations: Annotated[int, typer.Option("--operations", min=1, help="How many, at least.")] = OPERATIONS,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Processes to share the work.")] = 1,
) -> None:
    """Simulate houses, shops, people, network and disk, break all of them, and check every promise. Needs no store."""
    from onhand.simulation.run import simulate as run  # noqa: PLC0415

    def progress(done: int) -> None:
        if sys.stderr.isatty() and not call.as_json:
            typer.echo(f"\r{done:,} of {operations:,} operations", nl=False, err=True)

    report = run(seed, operations, jobs, progress)
    call.show(report.data(), _report)
    if not report.holds:
        raise typer.Exit(BROKEN)


def _report(out: Console, data: Data) -> None:
    words = "{operations:,} operations in {worlds:,} worlds from seed {seed}, {operations_per_second:,} a second."
    printing.say(out, words.format_map(data))
    for title in ("traffic", "faults", "differences", "checks"):
        printing.table(
            out, [title.capitalize(), ">How often"], [[k, f"{n:,}"] for k, n in data[title].items()], "None."
        )
    if data["holds"]:
        longest = data["in_step_seconds"]["longest"]
        printing.say(
            out,
            f"Every promise held. In step {longest} simulated seconds after trade ended, at the latest.",
            printing.GOOD,
        )
        return
    typer.echo(data["history"])
    for failed in data["failed"]:
        printing.say(out, f"Broken at seed {failed['seed']}: {failed['violations'][0]}", printing.BAD)
