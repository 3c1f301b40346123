"""The commands about orders: orders of the shops, and orders taken by phone or at the counter.

Path: ``program`` adds ``order`` to the program.
Promise: an order is named as in the list: by its number, and by its cart if a shop took it.
Never: cancels an order in a shop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, said
from onhand.cli.deriving import derive, more
from onhand.requests import orders as requests
from onhand.words import ORDER_LABELS

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data


order = typer.Typer(
    help="Orders taken by phone or at the counter, and orders collected from the shops.",
    no_args_is_help=True,
    epilog=EXITS,
)


def _orders(out: Console, data: Data) -> None:
    rows = [
        [printing.at(o["at"]), o["cart"] or "By hand", o["order"], line["sku"], line["quantity"], _state(line)]
        for o in data["orders"]
        for line in o["lines"]
    ]
    printing.table(out, ["When", "Shop", "Order", "SKU", ">Units", "State"], rows, "No orders.")


def _order(out: Console, data: Data) -> None:
    where = data["cart"] or f"by hand, {data['person']}"
    state = ORDER_LABELS[data["state"]]
    printing.say(out, f"{data['order']} ({where}, {printing.at(data['at'])}): {state}. {data['note']}".rstrip())
    rows = [
        [line["line"], line["sku"], line["name"], line["quantity"], line["cancelled"], line["returned"], _state(line)]
        for line in data["lines"]
    ]
    columns = [">Line", "SKU", "Name", ">Units", ">Cancelled", ">Returned", "State"]
    printing.table(out, columns, rows, "No lines.")


def _state(line: Data) -> str:
    notes = [ORDER_LABELS[line["state"]]]
    if line["deleted"] and line["state"] != "deleted":
        notes.append("deleted in the shop")
    if not line["paid"] and line["state"] != "waiting":
        notes.append("unpaid")
    return ", ".join(notes)


# Commands derived from their requests

derive(order, "add", requests.OrderAdd, printing.on_hand)
derive(order, "list", requests.OrderList, _orders, more("orders", "place", "--before"))
derive(order, "show", requests.OrderShow, _order)
derive(
    order,
    "cancel",
    requests.OrderCancel,
    said("Order {order}: {lines:line is|lines are} cancelled, {units:unit is|units are} back on hand."),
)
derive(
    order, "return", requests.OrderReturn, said("Order {order}: {units:unit was|units were} returned and back on hand.")
)
