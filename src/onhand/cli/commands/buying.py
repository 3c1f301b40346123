"""The commands about buying: suppliers and purchase orders.

Path: ``program`` adds ``supplier`` and ``purchase`` to the program.
Promise: each command runs exactly one verb.
Never: sends anything to a supplier.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, said
from onhand.cli.deriving import derive, more
from onhand.domain.purchasing import OrderState
from onhand.requests import buying as requests
from onhand.words import label_of

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
        [row["name"], row["email"], row["phone"], "" if row["active"] else "Inactive", row["note"]]
        for row in data["suppliers"]
    ]
    printing.table(
        console, ["Name", "Email", "Phone", "", "Note"], rows, "No suppliers yet: add one with `onhand supplier add`."
    )


def _print_supplier(console: Console, data: Data) -> None:
    _print_suppliers(console, {"suppliers": [data]})


def _print_suggestions(console: Console, data: Data) -> None:
    rows = [
        [row["supplier"], row["sku"], row["name"], row["on_hand"], row["outstanding"], row["units"]]
        for row in data["lines"]
    ]
    columns = ["Supplier", "SKU", "Name", ">On hand", ">On order", ">To order"]
    printing.table(console, columns, rows, "Nothing to reorder from a supplier.")
    if data["items_without"]:
        skus = ", ".join(row["sku"] for row in data["without"][:10])
        many = " …" if data["items_without"] > 10 else ""
        printing.say(console, f"Low, but without an active supplier: {skus}{many}. Set one with `onhand item edit`.")


def _say_more_suggestions(_: Call, asked: Data, answer: Data) -> None:
    if answer["lines"] and len(answer["lines"]) == asked["limit"]:
        last = answer["lines"][-1]
        typer.echo(
            f"There may be more: continue with --supplier {quote(last['supplier'])} --after {quote(last['sku'])}.",
            err=True,
        )


def _print_drafts(console: Console, data: Data) -> None:
    printing.say(console, f"Drafts created: {', '.join(data['orders']) or 'none'}.")


def _print_orders(console: Console, data: Data) -> None:
    rows = [
        [
            row["order"],
            row["supplier"],
            label_of(OrderState, row["state"]),
            row["ordered"],
            row["received"],
            row["outstanding"],
        ]
        for row in data["orders"]
    ]
    columns = ["Order", "Supplier", "State", ">Ordered", ">Received", ">Outstanding"]
    printing.table(console, columns, rows, "No purchase orders.")


def _print_order(console: Console, data: Data) -> None:
    state = label_of(OrderState, data["state"])
    printing.say(console, f"{data['order']} from {data['supplier']}: {state}. {data['note']}".rstrip())
    rows = [[row["sku"], row["name"], row["ordered"], row["received"], row["outstanding"]] for row in data["lines"]]
    printing.table(
        console, ["SKU", "Name", ">Ordered", ">Received", ">Outstanding"], rows, "This order has no lines yet."
    )


# Commands derived from their requests

derive(supplier, "add", requests.SupplierAdd, said("{name} was added."))
derive(supplier, "edit", requests.SupplierEdit, said("{name} was saved."))
derive(supplier, "show", requests.SupplierShow, _print_supplier)
derive(supplier, "list", requests.SupplierList, _print_suppliers, more("suppliers", "name"))
derive(purchase, "suggest", requests.PurchaseSuggest, _print_suggestions, _say_more_suggestions)
derive(purchase, "raise", requests.PurchaseRaise, _print_drafts)
derive(purchase, "add", requests.PurchaseAdd, said("{order} was created as a draft."))
derive(purchase, "edit", requests.PurchaseEdit, _print_order)
derive(purchase, "send", requests.PurchaseSend, said("{order} is marked as sent."))
derive(
    purchase,
    "receive",
    requests.PurchaseReceive,
    said("{order} was received. {outstanding:unit is|units are} still outstanding."),
)
derive(purchase, "close", requests.PurchaseClose, said("{order} is closed."))
derive(purchase, "cancel", requests.PurchaseCancel, said("{order} is cancelled."))
derive(purchase, "list", requests.PurchaseList, _print_orders, more("orders", "id", "--before"))
derive(purchase, "show", requests.PurchaseShow, _print_order, more("lines", "line"))
