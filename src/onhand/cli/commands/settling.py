"""The commands for decisions: differences, the post stack, and products without a matching SKU.

Path: ``program`` adds ``settling`` and ``listing`` to the program.
Promise: after each change, the answer says what comes next.
Never: explains a difference; the verb does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, Limit, command, said
from onhand.cli.deriving import derive, more
from onhand.requests import differences, listings, stack

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

settling = typer.Typer()  # its commands are top-level
listing = typer.Typer(
    help="Single products of a cart: suggest, choose, create, ignore, release, switch-on, leave-off, park, unpark.",
    no_args_is_help=True,
    epilog=EXITS,
)

AnyCart = Annotated[str | None, typer.Argument(metavar="CART", help="Only this cart.")]


@command(settling, "posts", asks=(stack.Posts, stack.PostsRetry))
def posts(
    call: Call,
    name: AnyCart = None,
    retry: Annotated[bool, typer.Option("--retry", help="Retry the posts that this cart's shop refused.")] = False,
    sku: Annotated[str | None, typer.Option("--sku", help="With --retry: only this item.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            help="Only posts in this state: waiting, parked, sent, settled, applied, missing, range or unlanded.",
        ),
    ] = None,
    before: Annotated[
        str, typer.Option("--before", metavar="PLACE", help="Continue after a page of posts, with the value it gave.")
    ] = "",
    after: Annotated[int, typer.Option("--after", min=0, help="The same for waiting and parked changes.")] = 0,
    limit: Limit = 100,
) -> None:
    """Show the post stack: changes that wait for a shop, then posts, newest first."""
    if retry and name is None:
        raise typer.BadParameter("--retry needs a cart: name one.")
    if retry:
        call.answer(
            "posts_retry", said("{cart}: {retried:parked post is|parked posts are} retried now."), cart=name, sku=sku
        )
    else:
        call.answer("posts", _print_posts, cart=name, state=state, before=before, after=after, limit=limit)


def _print_posts(console: Console, data: Data) -> None:
    printing.posts(console, data)
    if data["more_waiting"]:
        printing.say(
            console,
            f"There may be more waiting or parked changes: continue with --after {data['more_waiting']}.",
            printing.QUIET,
        )
    if data["more_posts"]:
        printing.say(console, f"There may be more posts: continue with --before {data['more_posts']}.", printing.QUIET)


def _print_suggested(console: Console, data: Data) -> None:
    one = data["listing"]
    printing.say(console, f"Product {one['product']}, SKU {one['model'] or '(none)'}, {one['name']}: {one['says']}")
    rows = [
        [r["sku"], r["name"], r["on_hand"], f"Belongs to product {r['held_by']}" if r["held_by"] else r["why"]]
        for r in data["items"]
    ]
    printing.table(console, ["SKU", "Name", ">On hand", ""], rows, "No similar item: try --search.")


def _print_released(console: Console, data: Data) -> None:
    rows = [[one["product"], one["model"], one["name"], one["says"]] for one in data["listings"]]
    printing.table(console, [">Product", "SKU", "Name", ""], rows, "")


# Commands derived from their requests

derive(settling, "differences", differences.Differences, printing.differences, more("differences", "id", "--before"))
derive(settling, "decide", differences.Decide, said("Difference {difference} was decided: {decided}."))
derive(settling, "recheck", differences.DifferenceRecheck, said("{says}"))
derive(listing, "suggest", listings.ListingSuggest, _print_suggested)
derive(listing, "choose", listings.ListingChoose, said("Product {product} of {cart} now belongs to {sku}. {says}"))
derive(
    listing,
    "ignore",
    listings.ListingIgnore,
    said("{cart}: {ignored:product was|products were} ignored. Undo it with `onhand listing release`."),
)
derive(listing, "release", listings.ListingRelease, _print_released)
derive(listing, "create", listings.ListingCreate, printing.created)
derive(
    listing,
    "switch-on",
    listings.ListingSwitchOn,
    said("{cart}: {switched_on:product is|products are} switched on with the next post."),
)
derive(
    listing, "leave-off", listings.ListingLeaveOff, said("{cart}: {left_off:product stays|products stay} switched off.")
)
derive(
    listing,
    "park",
    stack.PostsPark,
    said("Product {product} of {cart} was parked. Release it with `onhand listing unpark`."),
)
derive(
    listing,
    "unpark",
    stack.PostsRelease,
    said("Product {product} of {cart} was released. Due changes are posted now."),
)
