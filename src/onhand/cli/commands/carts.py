"""The commands about carts: connecting, aligning, switching on.

Path: ``program`` adds ``cart``, ``sync`` and ``align`` to the program.
Promise: what goes into a shop is written ready to upload, and a key only where its owner can read it.
Never: anything about stock that is not about a cart; that is ``program``.
"""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, DryRun, Limit, command, said, say_more, write_file
from onhand.domain.carts import DIRECT
from onhand.files import shopfiles

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

cart = typer.Typer(
    help="Connected shops: add, list, names, show, evidence, edit, remove, test, products, key, password, grants.",
    no_args_is_help=True,
    epilog=EXITS,
)
sync = typer.Typer(help="Switch real-time synchronization of a cart on and off.", no_args_is_help=True, epilog=EXITS)
align = typer.Typer()  # its commands stand on the first level

CartName = Annotated[str, typer.Argument(metavar="CART", help="The cart's name.")]


class PolicyChoice(StrEnum):
    """What an edit in the shop means."""

    OURS = "ours"
    THEIRS = "theirs"
    ASK = "ask"
    DEFAULT = "default"


AllowHttp = typer.Option(
    "--allow-http/--no-allow-http",
    help="Allow plain HTTP: the key stays secret, counts do not. For a database: allow a plain connection.",
)


@command(cart, "add")
def cart_add(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call this shop.")],
    url: Annotated[
        str,
        typer.Option(
            "--url",
            help="Where onhand.php is, as in https://www.example.com/onhand.php; or the shop's database, as in mysql://user@db.example/shop.",
        ),
    ],
    allow_http: Annotated[bool, AllowHttp] = False,
) -> None:
    """Add a shop. For a database, its password is asked for; without a terminal it is the first line of standard input, or
    `onhand cart password` gives it later."""
    if url.strip().startswith(DIRECT):
        words = "{name} is added. Next: `onhand cart grants` prints the rights that its user needs."
        password = _password("Password, or Enter to give it later", default="")
        call.answer("cart_add", said(words), name=name, url=url, allow_http=allow_http, secret=password)
        return
    words = "{name} is added. Next: `onhand cart key` gives the two files for the shop."
    call.answer("cart_add", said(words), name=name, url=url, allow_http=allow_http)


@command(cart, "list")
def cart_list(call: Call) -> None:
    """List all carts."""
    call.answer("cart_list", printing.carts)


@command(cart, "names")
def cart_names(call: Call) -> None:
    """List the number and name of each cart, however many products they have."""
    call.answer("cart_names", _print_names)


def _print_names(console: Console, data: Data) -> None:
    rows = [[one["id"], one["name"]] for one in data["carts"]]
    printing.table(console, [">No", "Name"], rows, "No carts yet: add one with `onhand cart add`.")


@command(cart, "show")
def cart_show(call: Call, name: CartName) -> None:
    """Show everything about one cart."""
    call.answer("cart_show", printing.cart, cart=name)


@command(cart, "evidence")
def cart_evidence(
    call: Call, name: Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")] = None
) -> None:
    """Show by what can be seen that carts are kept in step: the newest movement elsewhere that each followed, and its newest difference."""
    call.answer("cart_evidence", _print_evidence, cart=name)


def _print_evidence(console: Console, data: Data) -> None:
    rows = []
    for one in data["carts"]:
        seen, differed = one["followed"], one["differed"]
        moved = f"{seen['kind']} of {seen['sku']}, {printing.signed(seen['quantity'])}" if seen else "nothing yet"
        change = printing.signed(seen["change"]) if seen else ""
        when = printing.at(seen["settled_at"]) if seen else ""
        state = f"{differed['cause']}, {'closed' if differed['closed_at'] else 'open'}" if differed else "none so far"
        rows.append([one["name"], moved, change, when, state])
    heads = ["Cart", "Followed", ">By", "At", "Newest difference"]
    printing.table(console, heads, rows, "No carts yet: add one with `onhand cart add`.")


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
    call.answer("cart_remove", said("{removed} is removed."), cart=name, confirm=confirm)


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
        typer.Option(
            "--problem",
            help="Only unmatched, blank, duplicate (all three: unsettled), fraction, download, derived, deleted, ignored, 'set aside', "
            "chosen, parked, 'not aligned', 'switched off', or any.",
        ),
    ] = None,
    search: Annotated[str, typer.Option("--search", help="Only those with this in SKU or name.")] = "",
    after: Annotated[
        int, typer.Option("--after", min=0, metavar="PRODUCT", help="Begin after this product number.")
    ] = 0,
    limit: Limit = 1000,
) -> None:
    """List the products of a cart and the item each belongs to."""
    asked = {"cart": name, "problem": problem, "search": search, "after": after, "limit": limit}
    found = call.answer("cart_products", printing.products, **asked)
    say_more(call, found["products"], limit, "product")


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
    connector = shopfiles.connector()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / "onhand.php", connector.read_bytes(), 0o644)
        write_file(out / made["file"], made["text"].encode(), 0o600)
        for path, content in shopfiles.hint_files().items() if made["hint_url"] else ():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            write_file(out / path, content, 0o644)
    call.show(made, lambda console, data: _say_key(console, data, connector, out))


@command(cart, "password")
def cart_password(call: Call, name: CartName) -> None:
    """Give the password of a cart that is reached through its database: it is asked for, or read as the first line of standard input."""
    words = "The password of {cart} is kept, sealed. Next: `onhand cart test`."
    call.answer("cart_password", said(words), cart=name, password=_password("Password"))


@command(cart, "grants")
def cart_grants(
    call: Call,
    name: CartName,
    host: Annotated[str, typer.Option("--host", help="From where the user logs in; % is anywhere.")] = "%",
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="Of the shop's tables, if the cart's address does not say it.")
    ] = None,
) -> None:
    """Print the rights that the user of a cart that is reached through its database needs there, and no others."""
    call.answer("cart_grants", printing.text, cart=name, host=host, prefix=prefix)


# Align and switch


@command(align, "get-qoh")
def get_qoh(
    call: Call,
    name: CartName,
    create: Annotated[bool, typer.Option("--create", help="Make items for SKUs that no item has.")] = False,
    dry_run: DryRun = False,
) -> None:
    """The cart is right: take its quantities over."""
    call.answer("get_qoh", printing.planned, cart=name, create=create, dry_run=dry_run)


@command(align, "send-qoh")
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
    call.answer("sync_on", said(words), cart=name, force=force, person=call.person)


@command(sync, "off")
def sync_off(call: Call, name: CartName) -> None:
    """Leave a cart alone until it is switched on again."""
    call.answer("sync_off", said("{cart} is left alone until it is switched on again."), cart=name, person=call.person)


# The files for the shop, and passwords


def _password(prompt: str, default: str | None = None) -> str:
    """Asked for on a terminal, without showing it; else the first line of standard input. Never an argument, which others can see."""
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, err=True, default=default, show_default=False))
    return sys.stdin.readline().rstrip("\r\n")


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
    if made["hint_url"]:
        where = out or connector.parent
        printing.say(console, f"For hints at {made['hint_url']} also: {where / shopfiles.HINT}, and a file or a line")
        printing.say(console, f"for your cart, see {where / shopfiles.HOOKS / 'README.md'}")
    printing.say(console, f"Then: onhand cart test {shlex.quote(made['cart'])}")
