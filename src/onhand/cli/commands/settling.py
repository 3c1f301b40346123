"""The commands that settle things by hand: differences, the post stack, and products whose SKU does not tell.

Path: ``program`` adds ``settling`` and ``listing`` to the program.
Promise: whatever is changed, the answer says what comes next.
Never: tells what a difference means by itself; the verb does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, DryRun, Limit, command, said, say_more

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

settling = typer.Typer()  # its commands stand on the first level
listing = typer.Typer(
    help="Single products of a cart: suggest, choose, create, ignore, release, switch-on, leave-off, park, unpark.",
    no_args_is_help=True,
    epilog=EXITS,
)

AnyCart = Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")]
CartName = Annotated[str, typer.Argument(metavar="CART", help="The cart's name.")]
Product = Annotated[int, typer.Argument(metavar="PRODUCT", min=1, help="The product's number in the shop.")]
Several = Annotated[list[int], typer.Argument(metavar="PRODUCT...", min=1, help="The products' numbers in the shop.")]


class Side(StrEnum):
    """Whose count wins."""

    OURS = "ours"
    THEIRS = "theirs"


@command(settling, "differences")
def differences(
    call: Call,
    name: AnyCart = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    closed_only: Annotated[bool, typer.Option("--closed", help="Only those that are closed.")] = False,
    cause: Annotated[str | None, typer.Option("--cause", help="Only this cause, such as 'lost sale'.")] = None,
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="ID", help="Only older ones.")] = None,
    limit: Limit = 100,
) -> None:
    """List where a shop and OnHand differed: why, and what was done."""
    asked = {"cart": name, "open_only": open_only, "closed_only": closed_only, "cause": cause, "before": before}
    found = call.answer("differences", printing.differences, limit=limit, **asked)
    say_more(call, found["differences"], limit, "id", option="--before")


@command(settling, "decide")
def decide(
    call: Call,
    difference: Annotated[int, typer.Argument(metavar="ID", min=1, help="The difference's number.")],
    side: Annotated[Side, typer.Argument(help="Whose count wins.")],
) -> None:
    """Decide a difference that asks for it."""
    words = "Difference {difference} is decided: {decided}."
    call.answer("decide", said(words), difference=difference, side=side.value, person=call.person)


@command(settling, "recheck")
def recheck(
    call: Call,
    difference: Annotated[int, typer.Argument(metavar="ID", min=1, help="The difference's number.")],
) -> None:
    """Look at the product of an open difference now."""
    call.answer("difference_recheck", said("{says}"), difference=difference, person=call.person)


@command(settling, "posts")
def posts(
    call: Call,
    name: AnyCart = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what this cart's shop did not take.")] = False,
    sku: Annotated[str | None, typer.Option("--sku", help="With --retry: only this item.")] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only waiting, parked, sent, settled, applied, missing, range or unlanded."),
    ] = None,
    before: Annotated[str, typer.Option("--before", metavar="PLACE", help="Go on after a page, as it says.")] = "",
    after: Annotated[int, typer.Option("--after", min=0, help="The same for those that wait or are parked.")] = 0,
    limit: Limit = 100,
) -> None:
    """Show the post stack: what waits for a shop, and what was posted."""
    if retry and name is None:
        raise typer.BadParameter("--retry needs the name of a cart.")
    if retry:
        call.answer("posts_retry", said("{cart}: {retried} parked posts are tried again."), cart=name, sku=sku)
    else:
        call.answer("posts", _print_posts, cart=name, state=state, before=before, after=after, limit=limit)


def _print_posts(console: Console, data: Data) -> None:
    printing.posts(console, data)
    if data["more_waiting"]:
        printing.say(console, f"There may be more that wait: --after {data['more_waiting']}", printing.QUIET)
    if data["more_posts"]:
        printing.say(console, f"There may be more posts: --before {data['more_posts']}", printing.QUIET)


@command(listing, "suggest")
def listing_suggest(
    call: Call,
    name: CartName,
    product: Product,
    search: Annotated[str, typer.Option("--search", help="Items with this in SKU or name, in place of a guess.")] = "",
) -> None:
    """Name the items that a product might be."""
    call.answer("listing_suggest", _print_suggested, cart=name, product=product, search=search)


def _print_suggested(console: Console, data: Data) -> None:
    one = data["listing"]
    printing.say(console, f"Product {one['product']}, SKU {one['model'] or '(none)'}, {one['name']}: {one['says']}")
    rows = [
        [r["sku"], r["name"], r["on_hand"], f"belongs to product {r['held_by']}" if r["held_by"] else r["why"]]
        for r in data["items"]
    ]
    printing.table(console, ["SKU", "Name", ">On hand", ""], rows, "No item is alike: try --search.")


@command(listing, "choose")
def listing_choose(
    call: Call,
    name: CartName,
    product: Product,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The item's SKU.")],
) -> None:
    """Tie a product to an item, whatever the product's own SKU says."""
    words = "Product {product} of {cart} is {sku}. {says}"
    call.answer("listing_choose", said(words), cart=name, product=product, sku=sku, person=call.person)


@command(listing, "ignore")
def listing_ignore(call: Call, name: CartName, products: Several) -> None:
    """Set products aside for good."""
    words = "{cart}: {ignored} more ignored; `onhand listing release` undoes it."
    call.answer("listing_ignore", said(words), cart=name, products=products, person=call.person)


@command(listing, "release")
def listing_release(call: Call, name: CartName, products: Several) -> None:
    """Undo choose and ignore: the products' own SKUs decide again."""
    call.answer("listing_release", _print_released, cart=name, products=products, person=call.person)


def _print_released(console: Console, data: Data) -> None:
    rows = [[one["product"], one["model"], one["name"], one["says"]] for one in data["listings"]]
    printing.table(console, [">Product", "SKU", "Name", ""], rows, "")


@command(listing, "create")
def listing_create(
    call: Call,
    name: CartName,
    products: Annotated[list[int] | None, typer.Argument(metavar="[PRODUCT...]", min=1)] = None,
    dry_run: DryRun = False,
) -> None:
    """Create an item for each unmatched product of a cart, or for these, and keep it in step."""
    call.answer("listing_create", printing.created, cart=name, products=products or None, dry_run=dry_run)


@command(listing, "switch-on")
def listing_switch_on(call: Call, name: CartName, products: Several) -> None:
    """Switch products that sold out on again in the shop, as soon as there is stock."""
    words = "{cart}: {switched_on} to be switched on with the next post."
    call.answer("listing_switch_on", said(words), cart=name, products=products, person=call.person)


@command(listing, "leave-off")
def listing_leave_off(call: Call, name: CartName, products: Several) -> None:
    """Leave products that sold out switched off in the shop, and show them no more."""
    words = "{cart}: {left_off} left off."
    call.answer("listing_leave_off", said(words), cart=name, products=products, person=call.person)


@command(listing, "park")
def listing_park(
    call: Call,
    name: CartName,
    product: Product,
    reason: Annotated[str, typer.Option("--reason", help="Why nothing is to be posted for it.")],
) -> None:
    """Post nothing for a product until it is released; its sales are booked."""
    words = "Nothing is posted for product {product} of {cart} until `onhand listing unpark`."
    call.answer("posts_park", said(words), cart=name, product=product, reason=reason, person=call.person)


@command(listing, "unpark")
def listing_unpark(call: Call, name: CartName, product: Product) -> None:
    """Let a parked product go on: what is due by now is posted."""
    words = "Product {product} of {cart} goes on: what is due by now is posted."
    call.answer("posts_release", said(words), cart=name, product=product)
