"""The commands about carts: connecting, aligning, switching on.

Path: ``program`` adds ``cart``, ``sync`` and ``align`` to the program.
Promise: what goes into a shop is written ready to upload, and a key only where its owner can read it.
Never: anything about stock that is not about a cart; that is ``program``.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, command, said, write_file
from onhand.cli.deriving import derive, more
from onhand.domain.carts import DIRECT
from onhand.files import shopfiles
from onhand.requests import carts as requests
from onhand.requests.listings import CartProducts

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


AllowHttp = typer.Option(
    "--allow-http/--no-allow-http",
    help="Allow plain HTTP: the key stays secret, counts do not. For a database: allow a plain connection.",
)


@command(cart, "add", asks=requests.CartAdd)
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


@command(cart, "remove", asks=requests.CartRemove)
def cart_remove(
    call: Call, name: CartName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name.")] = False
) -> None:
    """Remove a cart with its listings, posts and differences; movements stay."""
    confirm = name if yes else "" if call.as_json else typer.prompt(f"To remove it, type its name ({name})", err=True)
    call.answer("cart_remove", said("{removed} is removed."), cart=name, confirm=confirm)


@command(cart, "key", asks=requests.CartKey)
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
    lean: Annotated[
        bool,
        typer.Option("--lean", help="With --out: leave out of onhand.php what only an osCommerce 4 needs."),
    ] = False,
) -> None:
    """Give the two files that go into the shop, and say where."""
    if lean and out is None:
        raise typer.BadParameter("--lean needs --out, which says where the file is written.")
    made = call.do("cart_key", cart=name, prefix=prefix, renew=renew)
    connector = shopfiles.connector()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / "onhand.php", shopfiles.lean_connector() if lean else connector.read_bytes(), 0o644)
        write_file(out / made["file"], made["text"].encode(), 0o600)
        for path, content in shopfiles.hint_files().items() if made["hint_url"] else ():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            write_file(out / path, content, 0o644)
    call.show(made, lambda console, data: _say_key(console, data, connector, out))


@command(cart, "password", asks=requests.CartPassword)
def cart_password(call: Call, name: CartName) -> None:
    """Give the password of a cart that is reached through its database: it is asked for, or read as the first line of standard input."""
    words = "The password of {cart} is kept, sealed. Next: `onhand cart test`."
    call.answer("cart_password", said(words), cart=name, password=_password("Password"))


# Align and switch


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


def _print_names(console: Console, data: Data) -> None:
    rows = [[one["id"], one["name"]] for one in data["carts"]]
    printing.table(console, [">No", "Name"], rows, "No carts yet: add one with `onhand cart add`.")


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


# Commands of which a declaration says everything

derive(cart, "list", requests.CartList, printing.carts)
derive(cart, "names", requests.CartNames, _print_names)
derive(cart, "evidence", requests.CartEvidence, _print_evidence)
derive(cart, "show", requests.CartShow, printing.cart)
derive(cart, "edit", requests.CartEdit, printing.cart)
derive(cart, "test", requests.CartTest, printing.tested)
derive(cart, "products", CartProducts, printing.products, more("products", "product"))
derive(cart, "grants", requests.CartGrants, printing.text)
derive(align, "get-qoh", requests.GetQoh, printing.planned)
derive(align, "send-qoh", requests.SendQoh, printing.planned)
derive(
    sync,
    "on",
    requests.SyncOn,
    said("{cart} is kept in step from now on; {posted_at_once} changes are posted at once."),
)
derive(sync, "off", requests.SyncOff, said("{cart} is left alone until it is switched on again."))
