"""The commands about orders: those of the shops, and those taken by phone or at the counter.

Path: ``program`` adds ``order`` to the program.
Promise: an order is named as the list shows it: by its number, and by its cart if a shop took it.
Never: cancels an order in a shop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, Limit, command, pairs, said
from onhand.domain.orders import LineState

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

PAGE_MAX = 1000  # orders in one answer

order = typer.Typer(
    help="Orders taken by phone or at the counter, and those collected from the shops.",
    no_args_is_help=True,
    epilog=EXITS,
)

Number = Annotated[str, typer.Argument(metavar="ORDER", help="The order's number.")]
OfCart = Annotated[str, typer.Option("--cart", metavar="CART", help="The shop it came from; without, one of your own.")]
Note = Annotated[str, typer.Option("--note", help="A remark that is kept with it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the movements.")]


@command(order, "add")
def order_add(
    call: Call,
    lines: Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")],
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
def order_list(
    call: Call,
    search: Annotated[str, typer.Argument(metavar="TEXT", help="An order's number, or a SKU in it.")] = "",
    cart: Annotated[str, typer.Option("--cart", metavar="CART", help="Only orders of this shop.")] = "",
    by_phone: Annotated[bool, typer.Option("--by-phone", help="Only orders entered by hand.")] = False,
    state: Annotated[LineState | None, typer.Option("--state", help="Only orders with a line in this state.")] = None,
    before: Annotated[
        str, typer.Option("--before", metavar="PLACE", help="Begin behind the order with this place, as --json has it.")
    ] = "",
    limit: Limit = 100,
) -> None:
    """List orders, newest first, with their lines."""
    most = min(limit, PAGE_MAX)
    wanted = state.value if state else None
    found = call.answer(
        "order_list", _orders, search=search, cart=cart, by_phone=by_phone, state=wanted, before=before, limit=most
    )
    if len(found["orders"]) == most and not call.as_json:
        typer.echo(f"… there may be more: --before {found['orders'][-1]['place']}, or a larger --limit.", err=True)


@command(order, "show")
def order_show(call: Call, number: Number, cart: OfCart = "") -> None:
    """Show one order with its lines, and what came back of them."""
    call.answer("order_show", _order, order=number, cart=cart)


@command(order, "cancel")
def order_cancel(
    call: Call,
    number: Number,
    lines: Annotated[list[int] | None, typer.Argument(metavar="LINE...", help="Only these lines.")] = None,
    cart: OfCart = "",
    reason: Reason = "",
) -> None:
    """Cancel an order of your own, or some of its lines; an order of a shop is cancelled there."""
    words = "Order {order}: {lines} lines are cancelled, {units} units are on hand again."
    call.answer(
        "order_cancel",
        said(words),
        order=number,
        lines=lines or None,
        cart=cart,
        reason=reason,
        person=call.person,
    )


@command(order, "return")
def order_return(
    call: Call,
    number: Number,
    lines: Annotated[
        list[str], typer.Argument(metavar="LINE=N...", help="A line's number and how many units came back, as in 1=2.")
    ],
    cart: OfCart = "",
    reason: Reason = "",
) -> None:
    """Book goods that came back."""
    call.answer(
        "order_return",
        said("Order {order}: {units} units came back and are on hand again."),
        order=number,
        lines=pairs(lines),
        cart=cart,
        reason=reason,
        person=call.person,
    )


def _orders(out: Console, data: Data) -> None:
    rows = [
        [printing.at(o["at"]), o["cart"] or "by hand", o["order"], line["sku"], line["quantity"], _state(line)]
        for o in data["orders"]
        for line in o["lines"]
    ]
    printing.table(out, ["When", "Shop", "Order", "SKU", ">Units", "State"], rows, "No orders.")


def _order(out: Console, data: Data) -> None:
    where = data["cart"] or f"by hand, {data['person']}"
    printing.say(out, f"{data['order']}  {where}, {printing.at(data['at'])}: {data['state']}  {data['note']}")
    rows = [
        [line["line"], line["sku"], line["name"], line["quantity"], line["cancelled"], line["returned"], _state(line)]
        for line in data["lines"]
    ]
    columns = [">Line", "SKU", "Name", ">Units", ">Cancelled", ">Returned", "State"]
    printing.table(out, columns, rows, "No lines.")


def _state(line: Data) -> str:
    notes = [line["state"]]
    if line["deleted"] and line["state"] != "deleted":
        notes.append("deleted in the shop")
    return ", ".join([*notes, *([] if line["paid"] else ["not paid"])])
