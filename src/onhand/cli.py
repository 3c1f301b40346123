"""The command line: one small function per command; those about carts are in ``cartcommands``.

Path: the program ``onhand`` → ``console`` (options, errors, exit codes) → ``door`` → the verb; ``printing`` shows the answer.
Promise: every command does exactly one verb, and `--help` says all there is to it.
Never: imports at the top what `--help` can do without, or decides anything about stock.
"""

from __future__ import annotations

import sys
import time
from base64 import b64encode
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onhand import __version__, cartcommands, countingcommands, printing, provingcommands, taskcommands
from onhand.console import (
    EXITS,
    PUBLIC,
    RETRIABLE,
    AsJson,
    Call,
    DryRun,
    Limit,
    Out,
    Person,
    Store,
    Verbose,
    command,
    pairs,
    read_file,
    said,
    say_more,
    write_file,
)
from onhand.console import main as run_program
from onhand.domain.errors import Refused

if TYPE_CHECKING:
    from onhand.config import Config

WATCH_SECONDS = 1.0

app = typer.Typer(
    name="onhand",
    help="Keeps one true quantity on hand per SKU in step with several web shops.",
    epilog=EXITS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _group(name: str, words: str) -> typer.Typer:
    group = typer.Typer(help=words, no_args_is_help=True, epilog=EXITS)
    app.add_typer(group, name=name)
    return group


item = _group("item", "The things that are sold: add, list, show, import, export.")
param = _group("param", "System parameters: list, get, set.")
app.add_typer(cartcommands.align)
app.add_typer(provingcommands.proving)
app.add_typer(cartcommands.cart, name="cart")
app.add_typer(cartcommands.sync, name="sync")
app.add_typer(countingcommands.count, name="count")
app.add_typer(taskcommands.task, name="task")
order = _group("order", "Orders taken by phone or at the counter, and those collected from the shops.")

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The item's SKU; case and outer blanks do not count.")]
AnyCart = Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")]
Units = Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")]
Note = Annotated[str, typer.Option("--note", help="A remark that is kept with it.")]


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
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    ctx.obj = Call(store, as_json, person, verbose)


@command(app, "init")
def init(
    call: Call,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Bring an older file to this program's schema.")] = False,
) -> None:
    """Make a new store data file, or bring one up to date."""
    path = call.config().store
    from onhand.storage import database  # noqa: PLC0415
    from onhand.storage.owner import Ownership  # noqa: PLC0415

    if not upgrade:
        database.create(path)
        call.show({"store": str(path)}, said("{store} is ready. Next: `onhand cart add`."))
        return
    if not path.exists():
        raise Refused(f"There is no store data file {path}: make one with `onhand init`.", path=str(path))
    with Ownership(path, "init --upgrade"):
        before, after = database.upgrade(path)
    words = "{store} was up to date." if before == after else "{store} went from schema {before} to {after}."
    call.show({"store": str(path), "before": before, "after": after}, said(words))


# Items


@command(item, "add")
def item_add(
    call: Call,
    sku: Sku,
    name: Annotated[str, typer.Option("--name", help="What it is.")] = "",
    on_hand: Annotated[int, typer.Option("--on-hand", help="The opening quantity.")] = 0,
) -> None:
    """Add an item."""
    call.answer(
        "item_add", said("{sku} is added, {on_hand} on hand."), sku=sku, name=name, on_hand=on_hand, person=call.person
    )


@command(item, "list")
def item_list(
    call: Call,
    search: Annotated[str, typer.Argument(metavar="TEXT", help="Only items with this in SKU or name.")] = "",
    after: Annotated[str, typer.Option("--after", metavar="SKU", help="Begin after this SKU.")] = "",
    limit: Limit = 1000,
) -> None:
    """List items: what is on hand, and what each shop shows."""
    found = call.answer("item_list", printing.items, search=search, after=after, limit=limit)
    say_more(call, found["items"], limit, "sku")


@command(item, "show")
def item_show(call: Call, sku: Sku, limit: Limit = 20) -> None:
    """Show one item with its latest movements."""
    call.answer("item_show", printing.item, sku=sku, limit=limit)


@command(item, "import")
def item_import(
    call: Call,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or XLSX with sku, name, on_hand and more; - reads standard input."),
    ],
    dry_run: DryRun = False,
) -> None:
    """Add and update items from a CSV or XLSX file, whole or not at all."""
    content = b64encode(read_file(file)).decode()
    call.answer("item_import", printing.imported, file=content, person=call.person, dry_run=dry_run)


@command(item, "export")
def item_export(
    call: Call,
    out: Out = None,
) -> None:
    """Write all items as CSV, or as XLSX into a file with that ending."""
    call.hand_over("item_export", out, "{items} items are in {out}.")


# System parameters


@command(param, "list")
def param_list(call: Call) -> None:
    """List all system parameters."""
    call.answer("param_list", printing.parameters)


@command(param, "get")
def param_get(call: Call, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Show one system parameter."""
    call.answer("param_get", said("{name} is {value}. {meaning}"), name=name)


@command(param, "set")
def param_set(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> None:
    """Set one system parameter."""
    call.answer("param_set", said("{name} is {value} now."), name=name, value=value, person=call.person)


# Stock


@command(app, "receive")
def receive(
    call: Call,
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Take the lines from a CSV or XLSX file with sku, units."),
    ] = None,
    reference: Annotated[str, typer.Option("--reference", help="The delivery's number; it is booked once.")] = "",
    note: Note = "",
) -> None:
    """Book goods that came in."""
    if bool(lines) == (file is not None):
        raise typer.BadParameter("Give either SKU=N lines or --file.")
    delivery = _delivery_in(file) if file else pairs(lines or [])
    call.answer("receive", printing.on_hand, lines=delivery, reference=reference, person=call.person, note=note)


@command(app, "adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    call: Call,
    sku: Sku,
    change: Annotated[int | None, typer.Argument(metavar="+N|-N", help="How many units more or fewer.")] = None,
    counted: Annotated[
        int | None, typer.Option("--counted", help="What was counted on the shelf, instead of a change.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the movement.")] = "",
    below_zero: Annotated[bool, typer.Option("--below-zero", help="Allow fewer than none on hand.")] = False,
) -> None:
    """Correct a quantity by hand, as in `onhand adjust TEA -3 --reason broken`."""
    call.answer(
        "adjust",
        said("{sku}: {on_hand} on hand now."),
        sku=sku,
        change=change,
        counted=counted,
        reason=reason,
        person=call.person,
        below_zero=below_zero,
    )


@command(order, "add")
def order_add(
    call: Call,
    lines: Units,
    number: Annotated[str, typer.Option("--number", help="Your number for it; it is booked once.")] = "",
    oversell: Annotated[bool, typer.Option("--oversell", help="Take it although there is not enough.")] = False,
    note: Note = "",
) -> None:
    """Book an order taken by phone or at the counter."""
    call.answer(
        "order_add",
        printing.on_hand,
        lines=pairs(lines),
        number=number,
        person=call.person,
        note=note,
        oversell=oversell,
    )


@command(order, "list")
def order_list(call: Call, limit: Limit = 100) -> None:
    """List the latest order lines of all shops and of your own."""
    call.answer("order_list", printing.orders, limit=limit)


@command(app, "movements")
def movements(
    call: Call,
    sku: Annotated[str | None, typer.Argument(metavar="SKU", help="Only this item's.")] = None,
    limit: Limit = 100,
    before: Annotated[
        int | None, typer.Option("--before", min=1, metavar="NO", help="Only movements before this number.")
    ] = None,
    out: Out = None,
) -> None:
    """List movements, newest first; with --out all of them."""
    if out is not None:
        from onhand import sheets  # noqa: PLC0415

        def ask(earlier: int | None) -> dict[str, Any]:
            return call.do("movements", sku=sku, limit=sheets.MOVEMENTS_PAGE, before=earlier or before)

        pieces = sheets.write(sheets.MOVEMENTS, sheets.movement_rows(ask), sheets.Form.of(out.name))
        write_file(out, pieces, PUBLIC)
        call.show({"file": str(out)}, said("The movements are in {file}."))
        return
    call.answer("movements", printing.movements, sku=sku, limit=limit, before=before)


# Differences and posts


@command(app, "differences")
def differences(
    call: Call,
    name: AnyCart = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    limit: Limit = 100,
) -> None:
    """List where a shop and OnHand differed: why, and what was done."""
    call.answer("differences", printing.differences, cart=name, open_only=open_only, limit=limit)


class Side(StrEnum):
    """Whose count wins."""

    OURS = "ours"
    THEIRS = "theirs"


@command(app, "decide")
def decide(
    call: Call,
    difference: Annotated[int, typer.Argument(metavar="ID", min=1, help="The difference's number.")],
    side: Annotated[Side, typer.Argument(help="Whose count wins.")],
) -> None:
    """Decide a difference that asks for it."""
    words = "Difference {difference} is decided: {decided}."
    call.answer("decide", said(words), difference=difference, side=side.value, person=call.person)


@command(app, "posts")
def posts(
    call: Call,
    name: AnyCart = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try this cart's parked posts again.")] = False,
    state: Annotated[str | None, typer.Option("--state", help="Only posts in this state.")] = None,
    limit: Limit = 100,
) -> None:
    """Show the post stack: what waits for a shop, and what was posted."""
    if retry and name is None:
        raise typer.BadParameter("--retry needs the name of a cart.")
    if retry:
        call.answer("posts_retry", said("{cart}: {retried} parked posts are tried again."), cart=name)
    else:
        call.answer("posts", printing.posts, cart=name, state=state, limit=limit)


# The whole


@command(app, "status")
def status(
    call: Call,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every second, until Ctrl-C.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 unless every active cart is in step.")] = False,
) -> None:
    """Show how all carts are doing."""
    found = call.answer("status", printing.status)
    with suppress(KeyboardInterrupt):
        while watch:
            time.sleep(WATCH_SECONDS)
            found = call.do("status")
            if sys.stdout.isatty() and not call.as_json:
                typer.echo("\033[2J\033[H", nl=False)  # from the top of an empty screen
            call.show(found, printing.status)
    states = {cart["state"] for cart in found["carts"]} - {"inactive"}
    if check and states - {"in step"}:
        raise typer.Exit(RETRIABLE)


@command(app, "controller")
def controller(call: Call) -> None:
    """Keep the carts in step, without screens, until Ctrl-C."""
    from onhand import api  # noqa: PLC0415

    api.controller(_staying(call), lambda url: call.show({"url": url}, said("The controller is at work.")))


@command(app, "serve")
def serve(
    call: Call,
    host: Annotated[
        str | None, typer.Option("--host", help="The name or address that people type.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="[default: 8420]")] = None,
) -> None:
    """Keep the carts in step and show the screens, until Ctrl-C."""
    from onhand import api  # noqa: PLC0415

    config = _staying(call, host=host, port=port)
    api.serve(config, lambda url: call.show({"url": f"{url}/"}, said("OnHand is at {url}")))


@command(app, "demo")
def demo(
    call: Call,
    check: Annotated[bool, typer.Option("--check", help="Run a bounded story and check every count.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where the screens are; 0: any free one.")] = 0,
) -> None:
    """Two sample shops with racing buyers and one stock, on a store of their own."""
    from onhand.demo import run  # noqa: PLC0415

    raise typer.Exit(run(check, call.as_json, port))


def main() -> None:
    """The program ``onhand``."""
    run_program(app)


# What commands share


def _delivery_in(file: Path) -> list[tuple[object, object]]:
    from onhand import sheets  # noqa: PLC0415

    table = sheets.read(read_file(file), sheets.RECEIPTS)
    for remark in table.remarks:
        typer.echo(remark, err=True)
    return [(line["sku"], line["units"]) for _, line in table.rows]


def _staying(call: Call, **more: object) -> Config:
    """How a long-lived process is to run; its log begins."""
    from onhand import logs  # noqa: PLC0415

    config = call.config(**more)
    logs.set_up("debug" if call.verbose else config.log_level, as_json=call.as_json or config.json_logs)
    return config
