"""The commands that check OnHand's promises: on this store, and in simulated worlds.

Path: ``program`` adds ``prove`` and ``simulate`` to the program.
Promise: a broken promise ends with the exit code for broken, and the output says how to reproduce it.
Never: changes a store.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.address import Server, address_of
from onhand.cli import printing
from onhand.cli.console import Call, command, in_words
from onhand.domain.differences import Cause
from onhand.requests.office import Prove
from onhand.wire import BROKEN
from onhand.words import counted, label, number

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

proving = typer.Typer()  # its commands are top-level

OPERATIONS = 100_000  # less than a minute
CAUSES = {cause.value: label(cause) for cause in Cause}
SEEDS_SHOWN = 20  # per broken promise; the JSON has all


@command(proving, "prove", asks=Prove)
def prove(call: Call) -> None:
    """Add up every movement again and compare the result with the balances."""
    if not call.answer("prove", printing.proof)["holds"]:
        raise typer.Exit(BROKEN)


@command(proving, "simulate")
def simulate(
    call: Call,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", min=0, help="The first world's seed; each next world adds 1. A new seed each time if left out."
        ),
    ] = None,
    operations: Annotated[int, typer.Option("--operations", min=1, help="The fewest operations to run.")] = OPERATIONS,
    worlds: Annotated[
        int | None, typer.Option("--worlds", min=1, help="The number of worlds to run, instead of operations.")
    ] = None,
    tolerate: Annotated[
        float,
        typer.Option("--tolerate", min=0, max=100, help="Percent of worlds that may fail before the exit code is 6."),
    ] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="The number of parallel processes.")] = 1,
) -> None:
    """Simulate stores, shops, people, network and disk, break all of them, and check every promise.

    Needs no store. With --store postgresql://…, the simulated stores are in schemas of that database, which are dropped in the end.
    """
    from onhand.simulation.run import fresh_seed  # noqa: PLC0415
    from onhand.simulation.run import simulate as run  # noqa: PLC0415

    if seed is None:
        seed = fresh_seed()
    if not call.as_json:  # first, so that a run that is cut off can be repeated too
        typer.echo(f"Seed {seed}; repeat it with --seed {seed}.", err=True)

    def progress(done: int) -> None:
        if sys.stderr.isatty() and not call.as_json:
            typer.echo(f"\r{done:,} operations", nl=False, err=True)

    place = None if call.store is None else address_of(call.store)
    server = place if isinstance(place, Server) else None
    report = run(seed, operations, jobs, progress, worlds, server)
    call.show(report.data(), _report)
    if len(report.failed) > report.worlds * tolerate / 100:
        raise typer.Exit(BROKEN)


def _report(out: Console, data: Data) -> None:
    words = "{operations:operation} in {worlds:world} from seed {seed}, {operations_per_second:operation} per second."
    printing.say(out, in_words(words, data))
    for title in ("traffic", "faults", "differences", "checks"):
        printing.table(
            out,
            [title.capitalize(), ">Count"],
            [[CAUSES.get(k, k), number(n)] for k, n in data[title].items()],
            "None.",
        )
    if data["holds"]:
        longest = data["in_step_seconds"]["longest"]
        printing.say(
            out,
            f"Every promise held. In sync at most {longest} simulated seconds after trade ended.",
            printing.GOOD,
        )
        return
    for history in data["histories"]:
        typer.echo(f"{history}\n")
    out_of = f"{number(data['worlds_failed'])} of {counted(data['worlds'], 'world')} broke a promise."
    printing.say(out, out_of, printing.BAD)
    for promise, seeds in data["broken"].items():
        shown = ", ".join(map(str, seeds[:SEEDS_SHOWN])) + (" …" if len(seeds) > SEEDS_SHOWN else "")
        printing.say(out, f"{promise}: {number(len(seeds))}, at seed {shown}", printing.BAD)
