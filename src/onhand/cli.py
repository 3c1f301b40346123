"""The command line: one small function per command.

Path: the program ``onhand`` → ``console`` (options, errors, exit codes) → ``door`` → the verb; ``printing`` shows the answer.
Promise: every command does exactly one verb, and `--help` says all there is to it.
Never: imports at the top what `--help` can do without, or decides anything about stock.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from contextlib import nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand import __version__, printing
from onhand.console import (
    BROKEN,
    EXITS,
    RETRIABLE,
    AsJson,
    Call,
    Person,
    Printer,
    Store,
    Verbose,
    command,
)
from onhand.console import main as run_program
from onhand.domain.errors import Permanent, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.config import Config
    from onhand.door import Data

WATCH_SECONDS = 1.0
PUBLIC = 0o666  # as the user's umask says

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
cart = _group("cart", "Connected shops: add, list, show, edit, remove, test, products, key.")
sync = _group("sync", "Switch real-time synchronization of a cart on and off.")
order = _group("order", "Orders taken by phone or at the counter, and those collected from the shops.")

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The item's SKU; case and outer blanks do not count.")]
CartName = Annotated[str, typer.Argument(metavar="CART", help="The cart's name.")]
AnyCart = Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; change nothing.")]
Units = Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")]
Note = Annotated[str, typer.Option("--note", help="A remark that is kept with it.")]


@app.callback()
def root(
    ctx: typer.Context,
    *,
    store: Store = None,
    as_json: AsJson = False,
    person: Person = None,
    verbose: Verbose = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"onhand {__version__}")
        raise typer.Exit
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
        call.show({"store": str(path)}, _said("{store} is ready. Next: `onhand cart add`."))
        return
    if not path.exists():
        raise Refused(f"There is no store data file {path}: make one with `onhand init`.", path=str(path))
    with Ownership(path, "init --upgrade"):
        before, after = database.upgrade(path)
    words = "{store} was up to date." if before == after else "{store} went from schema {before} to {after}."
    call.show({"store": str(path), "before": before, "after": after}, _said(words))


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
        "item_add", _said("{sku} is added, {on_hand} on hand."), sku=sku, name=name, on_hand=on_hand, person=call.person
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
    _say_more(call, found["items"], limit, "sku")


@command(item, "show")
def item_show(call: Call, sku: Sku, limit: Limit = 20) -> None:
    """Show one item with its latest movements."""
    call.answer("item_show", printing.item, sku=sku, limit=limit)


@command(item, "import")
def item_import(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with sku, name, on_hand; - reads standard input.")],
    dry_run: DryRun = False,
) -> None:
    """Add and update items from a CSV file, whole or not at all."""
    text = _text_of(file)
    call.answer("item_import", printing.imported, text=text, person=call.person, dry_run=dry_run)


@command(item, "export")
def item_export(
    call: Call,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the screen.")] = None,
) -> None:
    """Write all items as CSV."""
    found = call.do("item_export")
    if out is not None:
        _write(out, found["text"].encode(), PUBLIC)
        call.show(found, lambda console, data: printing.say(console, f"{data['items']} items are in {out}."))
    else:
        call.show(found, printing.text)


# System parameters


@command(param, "list")
def param_list(call: Call) -> None:
    """List all system parameters."""
    call.answer("param_list", printing.parameters)


@command(param, "get")
def param_get(call: Call, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Show one system parameter."""
    call.answer("param_get", _said("{name} is {value}. {meaning}"), name=name)


@command(param, "set")
def param_set(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
) -> None:
    """Set one system parameter."""
    call.answer("param_set", _said("{name} is {value} now."), name=name, value=value, person=call.person)


# Carts


class PolicyChoice(StrEnum):
    """What an edit in the shop means."""

    OURS = "ours"
    THEIRS = "theirs"
    ASK = "ask"
    DEFAULT = "default"


AllowHttp = typer.Option("--allow-http/--no-allow-http", help="Allow plain HTTP: the key stays secret, counts do not.")


@command(cart, "add")
def cart_add(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call this shop.")],
    url: Annotated[str, typer.Option("--url", help="Where onhand.php is, as in https://www.example.com/onhand.php.")],
    allow_http: Annotated[bool, AllowHttp] = False,
) -> None:
    """Add a shop."""
    words = "{name} is added. Next: `onhand cart key` gives the two files for the shop."
    call.answer("cart_add", _said(words), name=name, url=url, allow_http=allow_http)


@command(cart, "list")
def cart_list(call: Call) -> None:
    """List all carts."""
    call.answer("cart_list", printing.carts)


@command(cart, "show")
def cart_show(call: Call, name: CartName) -> None:
    """Show everything about one cart."""
    call.answer("cart_show", printing.cart, cart=name)


@command(cart, "edit")
def cart_edit(
    call: Call,
    cart_name: CartName,
    name: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="A new address.")] = None,
    allow_http: Annotated[bool | None, AllowHttp] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether it is used at all.")] = None,
    policy: Annotated[
        PolicyChoice | None, typer.Option("--policy", help="What a count typed into the shop means.")
    ] = None,
    buffer: Annotated[int | None, typer.Option("--buffer", help="Units withheld from this shop.")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Maximum number of items per send; 0: the system's.")
    ] = None,
    tick_seconds: Annotated[
        float | None, typer.Option("--tick-seconds", help="How often it is looked at; 0: the system's.")
    ] = None,
    settle_seconds: Annotated[
        float | None, typer.Option("--settle-seconds", help="How long a difference must last; 0: the system's.")
    ] = None,
) -> None:
    """Change a cart's settings; what is not given stays."""
    call.answer(
        "cart_edit",
        printing.cart,
        cart=cart_name,
        name=name,
        url=url,
        allow_http=allow_http,
        active=active,
        policy=policy.value if policy else None,
        buffer=buffer,
        batch_size=batch_size,
        tick_seconds=tick_seconds,
        settle_seconds=settle_seconds,
    )


@command(cart, "remove")
def cart_remove(
    call: Call, name: CartName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name.")] = False
) -> None:
    """Remove a cart with its listings, posts and differences; movements stay."""
    confirm = name if yes else "" if call.as_json else typer.prompt(f"To remove it, type its name ({name})", err=True)
    call.answer("cart_remove", _said("{removed} is removed."), cart=name, confirm=confirm)


@command(cart, "test")
def cart_test(
    call: Call,
    name: CartName,
    sku: Annotated[str | None, typer.Option("--sku", help="Also send one unit of this SKU there and back.")] = None,
) -> None:
    """Try the connection: who answers, how fast, and what stands in the way."""
    call.answer("cart_test", printing.tested, cart=name, sku=sku)


@command(cart, "products")
def cart_products(
    call: Call,
    name: CartName,
    problem: Annotated[
        str | None,
        typer.Option("--problem", help="Only unmatched, blank, duplicate, fraction, download, deleted, or any."),
    ] = None,
    after: Annotated[
        int, typer.Option("--after", min=0, metavar="PRODUCT", help="Begin after this product number.")
    ] = 0,
    limit: Limit = 1000,
) -> None:
    """List the products of a cart and the item each belongs to."""
    found = call.answer("cart_products", printing.products, cart=name, problem=problem, after=after, limit=limit)
    _say_more(call, found["products"], limit, "product")


@command(cart, "key")
def cart_key(
    call: Call,
    name: CartName,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write both files there, ready to upload.")
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", help="The shop's table prefix, if it is not found by itself.")
    ] = "",
    renew: Annotated[bool, typer.Option("--renew", help="Make a new key; the old one ends.")] = False,
) -> None:
    """Give the two files that go into the shop, and say where."""
    made = call.do("cart_key", cart=name, prefix=prefix, renew=renew)
    connector = _connector()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "onhand.php", connector.read_bytes(), 0o644)
        _write(out / made["file"], made["text"].encode(), 0o600)
    call.show(made, lambda console, data: _say_key(console, data, connector, out))


# Align and switch


@command(app, "get-qoh")
def get_qoh(
    call: Call,
    name: CartName,
    create: Annotated[bool, typer.Option("--create", help="Make items for SKUs that no item has.")] = False,
    dry_run: DryRun = False,
) -> None:
    """The cart is right: take its quantities over."""
    call.answer("get_qoh", printing.planned, cart=name, create=create, dry_run=dry_run)


@command(app, "send-qoh")
def send_qoh(
    call: Call,
    name: CartName,
    dry_run: DryRun = False,
    most: Annotated[
        int | None, typer.Option("--max", min=1, max=2000, help="Maximum number of items per send.")
    ] = None,
) -> None:
    """We are right: make the cart show our quantities."""
    call.answer("send_qoh", printing.planned, cart=name, dry_run=dry_run, batch_size=most)


@command(sync, "on")
def sync_on(
    call: Call,
    name: CartName,
    force: Annotated[str, typer.Option("--force", metavar="REASON", help="Although counts differ: ours win.")] = "",
) -> None:
    """Keep a cart in step from now on."""
    words = "{cart} is kept in step from now on; {posted_at_once} changes are posted at once."
    call.answer("sync_on", _said(words), cart=name, force=force, person=call.person)


@command(sync, "off")
def sync_off(call: Call, name: CartName) -> None:
    """Leave a cart alone until it is switched on again."""
    call.answer("sync_off", _said("{cart} is left alone until it is switched on again."), cart=name, person=call.person)


# Stock


@command(app, "receive")
def receive(
    call: Call,
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="CSV", help="Take the lines from a file with sku, units.")
    ] = None,
    reference: Annotated[str, typer.Option("--reference", help="The delivery's number; it is booked once.")] = "",
    note: Note = "",
) -> None:
    """Book goods that came in."""
    if bool(lines) == (file is not None):
        raise typer.BadParameter("Give either SKU=N lines or --file.")
    from onhand import csvfiles  # noqa: PLC0415

    delivery = csvfiles.read_delivery(_text_of(file)) if file else _pairs(lines or [])
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
        _said("{sku}: {on_hand} on hand now."),
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
        lines=_pairs(lines),
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
) -> None:
    """List movements, newest first."""
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
    call.answer("decide", _said(words), difference=difference, side=side.value, person=call.person)


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
        call.answer("posts_retry", _said("{cart}: {retried} parked posts are tried again."), cart=name)
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


@command(app, "prove")
def prove(call: Call) -> None:
    """Add up every movement again and compare with the balances."""
    if not call.answer("prove", printing.proof)["holds"]:
        raise typer.Exit(BROKEN)


@command(app, "controller")
def controller(call: Call) -> None:
    """Keep the carts in step, without screens, until Ctrl-C."""
    from onhand import api  # noqa: PLC0415

    api.controller(_staying(call))


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

    api.serve(_staying(call, host=host, port=port))


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


def _said(words: str) -> Printer:
    """A printer that says one sentence with facts of the answer in it."""
    return lambda console, data: printing.say(console, words.format_map(data))


def _say_more(call: Call, rows: list[Data], limit: int, key: str) -> None:
    """A list that was cut says so, and how to go on."""
    if len(rows) == limit and not call.as_json:
        typer.echo(f"… there may be more: --after {rows[-1][key]!r}, or a larger --limit.", err=True)


def _pairs(words: list[str]) -> list[tuple[str, int]]:
    """SKU=N words as lines. The last = divides, so that a SKU may have one."""
    return [_pair(word) for word in words]


def _pair(word: str) -> tuple[str, int]:
    form = re.fullmatch(r"(.+)=([+-]?[0-9]{1,20})", word, re.DOTALL)
    if form is None:
        raise typer.BadParameter(f"{word!r} is not of the form SKU=N, as in TEA=12.")
    return form[1], int(form[2])


def _text_of(file: Path) -> str:
    """What a file holds; - is standard input. Raises Refused if it cannot be read or is no text."""
    from onhand import csvfiles  # noqa: PLC0415

    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as opened:
            return csvfiles.decoded(opened.read(csvfiles.BYTES_MAX + 1))
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.", path=str(file)) from error


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file with these rights, also if it is there already."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(opened, "wb") as file:
            if mode != PUBLIC:
                os.fchmod(opened, mode)
            file.write(content)
    except OSError as error:
        raise Permanent(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error


def _connector() -> Path:
    """The file for the shop: beside the installed package, or in the checkout."""
    package = Path(__file__).parent
    found = [path for path in (package, package.parents[1]) if (path / "connector" / "onhand.php").is_file()]
    if not found:
        raise Permanent("connector/onhand.php is missing from this installation: install OnHand again.")
    return found[0] / "connector" / "onhand.php"


def _say_key(console: Console, made: Data, connector: Path, out: Path | None) -> None:
    """What goes where."""
    printing.say(console, f"Copy two files to where {made['url']} is to be, next to the shop's index.php:")
    if out is not None:
        printing.say(console, f"  {out / 'onhand.php'}")
        printing.say(console, f"  {out / made['file']}   (secret; the shop's web server must be able to read it there)")
    else:
        printing.say(console, f"  {connector}")
        printing.say(console, f"  {made['file']}, a file with the text below (secret); `--out DIR` writes both.")
        printing.say(console, "")
        printing.text(console, made)
    printing.say(console, f"Then: onhand cart test {shlex.quote(made['cart'])}")


def _staying(call: Call, **more: object) -> Config:
    """How a long-lived process is to run; its log begins."""
    from onhand import logs  # noqa: PLC0415

    config = call.config(**more)
    logs.set_up("debug" if call.verbose else config.log_level, as_json=call.as_json or config.json_logs)
    return config
