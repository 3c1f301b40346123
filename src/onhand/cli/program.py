"""The command line: one small function per command; those about one noun are in ``commands``.

Path: the program ``onhand`` → ``console`` (options, errors, exit codes) → ``door`` → the verb; ``printing`` shows the answer.
Promise: every command runs exactly one verb, and `--help` explains it completely.
Never: imports anything at the top that `--help` does not need; decides anything about stock.
"""

from __future__ import annotations

import sys
import time
from base64 import b64encode
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand import __version__
from onhand.cli import printing, summary
from onhand.cli.commands import (
    buying,
    carts,
    counting,
    files,
    moving,
    orders,
    people,
    proving,
    settling,
    stock,
    tasks,
    webhooks,
)
from onhand.cli.commands.files import DecimalOption, MapOption, mapping
from onhand.cli.console import EXITS, AsJson, Call, Person, Store, Verbose, command, pairs, read_file, said
from onhand.cli.console import main as run_program
from onhand.cli.deriving import derive
from onhand.domain.errors import Refused
from onhand.requests import office
from onhand.requests.stock import Receive, ReceiveImport
from onhand.wire import RETRIABLE

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.config import Config
    from onhand.wire import Data

WATCH_SECONDS = 1.0

app = typer.Typer(
    name="onhand",
    help="Keep one true quantity on hand per SKU in sync with several web shops.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _group(name: str, words: str) -> typer.Typer:
    group = typer.Typer(help=words, no_args_is_help=True, epilog=EXITS)
    app.add_typer(group, name=name)
    return group


param = _group("param", "System parameters: list, get, set.")
app.add_typer(stock.item, name="item")
app.add_typer(stock.stock)
app.add_typer(orders.order, name="order")
app.add_typer(files.files)
app.add_typer(carts.align)
app.add_typer(proving.proving)
app.add_typer(moving.moving)
app.add_typer(carts.cart, name="cart")
app.add_typer(carts.sync, name="sync")
app.add_typer(counting.count, name="count")
app.add_typer(tasks.task, name="task")
app.add_typer(webhooks.webhook, name="webhook")
app.add_typer(buying.supplier, name="supplier")
app.add_typer(buying.purchase, name="purchase")
app.add_typer(people.user, name="user")
app.add_typer(people.token, name="token")
app.add_typer(people.people)
app.add_typer(settling.settling)
app.add_typer(settling.listing, name="listing")

Note = Annotated[str, typer.Option("--note", help="A note to keep with it.")]


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onhand {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    store: Store = None,
    as_json: AsJson = False,
    person: Person = None,
    verbose: Verbose = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    ctx.obj = Call(store, as_json, person, verbose)


@command(app, "init")
def init(
    call: Call,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Update an older file to this version's schema.")] = False,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With --upgrade: encrypt its secrets with a new key.")
    ] = False,
) -> None:
    """Create a store data file and its key file, or upgrade an existing one."""
    config = call.config()
    path = config.store
    from onhand.lock import Ownership  # noqa: PLC0415
    from onhand.storage import database  # noqa: PLC0415

    if not upgrade:
        database.create(path, config.key_file)
        call.show({"store": str(path)}, said("{store} was created. Next: `onhand cart add`."))
        return
    if isinstance(path, Path) and not path.exists():
        raise Refused(f"There is no store data file {path}: create one with `onhand init`.", path=str(path))
    with Ownership(path, "init --upgrade") if isinstance(path, Path) else nullcontext():
        before, after = database.upgrade(path)
        locked = database.reseal(path, config.key_file, new_key)
    words = "{store} is up to date." if before == after else "{store} was upgraded from schema {before} to {after}."
    if locked:
        words += (
            " {locked:secret is|secrets are} encrypted with a key that is not in the key file: restore the old key file,"
            " or create those keys and passwords again."
        )
    call.show({"store": str(path), "before": before, "after": after, "locked": locked}, said(words))


# System parameters

derive(param, "list", office.ParamList, printing.parameters)
derive(param, "get", office.ParamGet, said("{name} is {value}. {meaning}"))
derive(param, "set", office.ParamSet, said("{name} is now {value}."))


# Stock


@command(app, "receive", asks=(Receive, ReceiveImport))
def receive(
    call: Call,
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="SKU=N...", help="A SKU and a number of units, such as TEA=12.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Receive the lines of a CSV or XLSX file with sku and units."),
    ] = None,
    reference: Annotated[
        str, typer.Option("--reference", help="The delivery's number; the same number is booked once.")
    ] = "",
    note: Note = "",
    map_: MapOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Receive goods, as SKU=N lines or from a file."""
    if bool(lines) == (file is not None):
        raise typer.BadParameter("Give either SKU=N lines or --file.")
    said = {"reference": reference, "person": call.person, "note": note}
    if file is None:
        call.answer("receive", printing.on_hand, lines=pairs(lines or []), **said)
        return
    content = b64encode(read_file(file)).decode()
    how = {"mapping": mapping(map_), "decimal": decimal.value if decimal else None}
    call.answer("receive_import", _received, file=content, **said, **how)


# The whole


@command(app, "status", asks=office.Status)
def status(
    call: Call,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh every second, until Ctrl-C.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 unless every active cart is in sync.")] = False,
) -> None:
    """Show the state of all carts and what needs attention."""
    found = call.answer("status", summary.status)
    with suppress(KeyboardInterrupt):
        while watch:
            time.sleep(WATCH_SECONDS)
            found = call.do("status")
            if sys.stdout.isatty() and not call.as_json:
                typer.echo("\033[2J\033[H", nl=False)  # clear the screen
            call.show(found, summary.status)
    if check and not found["in_step"]:
        raise typer.Exit(RETRIABLE)


@command(app, "controller")
def controller(call: Call) -> None:
    """Synchronize the carts, without screens, until Ctrl-C."""
    from onhand.serving import server  # noqa: PLC0415

    server.controller(
        _staying(call), lambda url, _: call.show({"url": url}, said("Sync is running. Stop it with Ctrl-C."))
    )


@command(app, "serve")
def serve(
    call: Call,
    host: Annotated[
        str | None, typer.Option("--host", help="The host name or address that people type.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="The port.  [default: 8420]")] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="The address that people type, if a web server with TLS is in front of OnHand."),
    ] = None,
    no_controller: Annotated[
        bool,
        typer.Option(
            "--no-controller", help="Serve the screens only; `onhand controller` runs elsewhere. PostgreSQL only."
        ),
    ] = False,
) -> None:
    """Synchronize the carts and serve the screens, until Ctrl-C."""
    from onhand.serving import server  # noqa: PLC0415

    config = _staying(call, host=host, port=port, url=url)
    run = server.pages if no_controller else server.serve
    run(config, lambda url, first: call.show({"url": f"{url}/", "first": first}, printing.served))


@command(app, "demo")
def demo(
    call: Call,
    check: Annotated[bool, typer.Option("--check", help="Run a short scenario, check every count, and exit.")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port of the screens; 0: any free port.")
    ] = 0,
) -> None:
    """Run two sample shops with racing customers and one stock, on a temporary store."""
    from onhand.cli.demo import run  # noqa: PLC0415

    raise typer.Exit(run(check, call.as_json, port))


def main() -> None:
    """Run the program ``onhand``."""
    run_program(app)


# Shared by commands


def _received(out: Console, data: Data) -> None:
    for remark in data["remarks"]:
        printing.say(out, remark)
    printing.on_hand(out, data)


def _staying(call: Call, **more: object) -> Config:
    """Return the configuration of a long-lived process, and set up its log."""
    from onhand import logs  # noqa: PLC0415

    config = call.config(**more)
    logs.set_up("debug" if call.verbose else config.log_level, as_json=call.as_json or config.json_logs)
    return config
