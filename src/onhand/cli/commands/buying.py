"""The commands about buying: suppliers and purchase orders.

Path: ``program`` adds ``supplier`` and ``purchase`` to the program.
Promise: each does exactly one verb.
Never: sends anything to a supplier.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, said
from onhand.cli.deriving import derive, more
from onhand.requests import buying as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

supplier = typer.Typer(help="Suppliers: add, edit, list, show.", no_args_is_help=True, epilog=EXITS)
purchase = typer.Typer(
    help="Purchase orders: suggest, raise, add, edit, send, receive, close, cancel, list, show.",
    no_args_is_help=True,
    epilog=EXITS,
)


def _print_suppliers(console: Console, data: Data) -> None:
    rows = [
        [row["name"], row["email"], row["phone"], "" if row["active"] else "inactive", row["note"]]
        for row in data["suppliers"]
    ]
    printing.table(console, ["Name", "Mail", "Phone", "", "Note"], rows, "No suppliers yet: `onhand supplier add`.")


def _print_supplier(console: Console, data: Data) -> None:
    _print_suppliers(console, {"suppliers": [data]})


def _print_suggestions(console: Console, data: Data) -> None:
    rows = [
        [row["supplier"], row["sku"], row["name"], row["on_hand"], row["outstanding"], row["units"]]
        for row in data["lines"]
    ]
    columns = ["Of", "SKU", "Name", ">On hand", ">On its way", ">To order"]
    printing.table(console, columns, rows, "Nothing is to be ordered of a supplier.")
    if data["items_without"]:
        skus = ", ".join(row["sku"] for row in data["without"][:10])
        many = " …" if data["items_without"] > 10 else ""
        printing.say(console, f"Low too, but without an active supplier: {skus}{many}. `onhand item edit` gives one.")


def _say_more_suggestions(_: Call, asked: Data, answer: Data) -> None:
    if answer["lines"] and len(answer["lines"]) == asked["limit"]:
        last = answer["lines"][-1]
        typer.echo(f"… there may be more: --supplier {quote(last['supplier'])} --after {quote(last['sku'])}.", err=True)


def _print_drafts(console: Console, data: Data) -> None:
    printing.say(console, f"Drafts made: {', '.join(data['orders'])}.")


def _print_orders(console: Console, data: Data) -> None:
    rows = [
        [row["order"], row["supplier"], row["state"], row["ordered"], row["received"], row["outstanding"]]
        for row in data["orders"]
    ]
    columns = ["Order", "Supplier", "State", ">Ordered", ">Received", ">Outstanding"]
    printing.table(console, columns, rows, "No purchase orders.")


def _print_order(console: Console, data: Data) -> None:
    printing.say(console, f"{data['order']} of {data['supplier']} is {data['state']}. {data['note']}")
    rows = [[row["sku"], row["name"], row["ordered"], row["received"], row["outstanding"]] for row in data["lines"]]
    printing.table(console, ["SKU", "Name", ">Ordered", ">Received", ">Outstanding"], rows, "It has no lines yet.")


# Commands of which a declaration says everything

derive(supplier, "add", requests.SupplierAdd, said("{name} is added."))
derive(supplier, "edit", requests.SupplierEdit, said("{name} is saved."))
derive(supplier, "show", requests.SupplierShow, _print_supplier)
derive(supplier, "list", requests.SupplierList, _print_suppliers, more("suppliers", "name"))
derive(purchase, "suggest", requests.PurchaseSuggest, _print_suggestions, _say_more_suggestions)
derive(purchase, "raise", requests.PurchaseRaise, _print_drafts)
derive(purchase, "add", requests.PurchaseAdd, said("{order} is a draft."))
derive(purchase, "edit", requests.PurchaseEdit, _print_order)
derive(purchase, "send", requests.PurchaseSend, said("{order} is sent."))
derive(purchase, "receive", requests.PurchaseReceive, said("{order}: booked, {outstanding} units still to come."))
derive(purchase, "close", requests.PurchaseClose, said("{order} is closed."))
derive(purchase, "cancel", requests.PurchaseCancel, said("{order} is cancelled."))
derive(purchase, "list", requests.PurchaseList, _print_orders, more("orders", "id", "--before"))
derive(purchase, "show", requests.PurchaseShow, _print_order, more("lines", "line"))
