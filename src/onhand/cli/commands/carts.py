"""The commands about carts: connecting, aligning, switching on.

Path: ``program`` adds ``cart``, ``sync`` and ``align`` to the program.
Promise: files for a shop are written ready to upload, and a key only with permissions for its owner.
Never: changes stock except through Send and Get.
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
from onhand.domain.differences import Cause
from onhand.domain.stock import Kind
from onhand.files import shopfiles
from onhand.requests import carts as requests
from onhand.requests.listings import CartProducts
from onhand.words import label_of

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

cart = typer.Typer(
    help="Connected shops: add, list, names, show, evidence, edit, remove, test, products, key, password, grants.",
    no_args_is_help=True,
    epilog=EXITS,
)
sync = typer.Typer(help="Switch a cart's real-time synchronization on and off.", no_args_is_help=True, epilog=EXITS)
align = typer.Typer()  # its commands are top-level

CartName = Annotated[str, typer.Argument(metavar="CART", help="The cart's name.")]


AllowHttp = typer.Option(
    "--allow-http/--no-allow-http",
    help="Allow plain HTTP: the key stays secret, but counts can be read on the way. For a database: allow an unencrypted connection.",
)


@command(cart, "add", asks=requests.CartAdd)
def cart_add(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your name for this shop.")],
    url: Annotated[
        str,
        typer.Option(
            "--url",
            help="The address of onhand.php, such as https://www.example.com/onhand.php, or of the shop's database, such as "
            "mysql://user@db.example/shop.",
        ),
    ],
    allow_http: Annotated[bool, AllowHttp] = False,
) -> None:
    """Add a shop.

    For a database, the command asks for the password. Without a terminal it reads the first line of standard input.
    You can also set it later with `onhand cart password`."""
    if url.strip().startswith(DIRECT):
        words = "{name} was added. Next: `onhand cart grants` prints the rights that its database user needs."
        password = _password("Password, or Enter to set it later", default="")
        call.answer("cart_add", said(words), name=name, url=url, allow_http=allow_http, secret=password)
        return
    words = "{name} was added. Next: `onhand cart key` makes the two files for the shop."
    call.answer("cart_add", said(words), name=name, url=url, allow_http=allow_http)


@command(cart, "remove", asks=requests.CartRemove)
def cart_remove(
    call: Call, name: CartName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Remove a cart with its listings, posts and differences. Movements stay."""
    confirm = name if yes else "" if call.as_json else typer.prompt(f"To remove it, type its name ({name})", err=True)
    call.answer("cart_remove", said("{removed} was removed."), cart=name, confirm=confirm)


@command(cart, "key", asks=requests.CartKey)
def cart_key(
    call: Call,
    name: CartName,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write both files to this folder, ready to upload.")
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="The shop's table prefix, if OnHand cannot find it.")] = "",
    renew: Annotated[bool, typer.Option("--renew", help="Make a new key and end the old one.")] = False,
    lean: Annotated[
        bool,
        typer.Option("--lean", help="With --out: leave out of onhand.php what only an osCommerce 4 needs."),
    ] = False,
) -> None:
    """Make the two files for the shop, and say where to copy them."""
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
    """Set the password of a direct cart's database user.

    The command asks for it, or without a terminal reads the first line of standard input."""
    words = "The password of {cart} was saved, encrypted. Next: `onhand cart test`."
    call.answer("cart_password", said(words), cart=name, password=_password("Password"))


# The files for the shop, and passwords


def _password(prompt: str, default: str | None = None) -> str:
    """Ask for a password without showing it, or without a terminal read the first line of standard input.

    It is never an argument, because others could see it."""
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=True, err=True, default=default, show_default=False))
    return sys.stdin.readline().rstrip("\r\n")


def _say_key(console: Console, made: Data, connector: Path, out: Path | None) -> None:
    """Print which file goes where."""
    printing.say(
        console, f"Copy two files into the shop, next to its index.php, so that the first is at {made['url']}:"
    )
    if out is not None:
        printing.say(console, f"  {out / 'onhand.php'}")
        printing.say(console, f"  {out / made['file']}   (secret; the shop's web server must be able to read it)")
    else:
        printing.say(console, f"  {connector}")
        printing.say(console, f"  {made['file']}, with the text below (secret). `--out DIR` writes both files.")
        printing.say(console, "")
        printing.text(console, made)
    if made["hint_url"]:
        where = out or connector.parent
        printing.say(
            console, f"For hints to {made['hint_url']}, also copy {where / shopfiles.HINT}, and add a file or a line"
        )
        printing.say(console, f"for your cart: see {where / shopfiles.HOOKS / 'README.md'}")
    printing.say(console, f"Then run: onhand cart test {shlex.quote(made['cart'])}")


def _print_names(console: Console, data: Data) -> None:
    rows = [[one["id"], one["name"]] for one in data["carts"]]
    printing.table(console, [">No", "Name"], rows, "No carts yet: add one with `onhand cart add`.")


def _print_evidence(console: Console, data: Data) -> None:
    rows = []
    for one in data["carts"]:
        seen, differed = one["followed"], one["differed"]
        moved = (
            f"{label_of(Kind, seen['kind'])} of {seen['sku']}, {printing.change(seen['quantity'])}"
            if seen
            else "Nothing yet"
        )
        change = printing.change(seen["change"]) if seen else ""
        when = printing.at(seen["settled_at"]) if seen else ""
        state = (
            f"{label_of(Cause, differed['cause'])}, {'closed' if differed['closed_at'] else 'open'}"
            if differed
            else "None yet"
        )
        rows.append([one["name"], moved, change, when, state])
    heads = ["Cart", "Followed", ">Change", "When", "Newest difference"]
    printing.table(console, heads, rows, "No carts yet: add one with `onhand cart add`.")


# Commands derived from their requests

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
    said("{cart} is synchronized from now on. {posted_at_once:change is|changes are} posted now."),
)
derive(sync, "off", requests.SyncOff, said("{cart} is not synchronized until you switch it on again."))
