"""The commands about buying: suppliers and purchase orders.

Path: ``program`` adds ``supplier`` and ``purchase`` to the program.
Promise: each does exactly one verb.
Never: sends anything to a supplier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.console import EXITS, Call, command, pairs, said, say_more

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

supplier = typer.Typer(help="Suppliers: add, edit, list, show.", no_args_is_help=True, epilog=EXITS)
purchase = typer.Typer(
    help="Purchase orders: suggest, raise, add, edit, send, receive, close, cancel, list, show.",
    no_args_is_help=True,
    epilog=EXITS,
)

Name = Annotated[str, typer.Argument(metavar="SUPPLIER", help="The supplier's name.")]
Order = Annotated[str, typer.Argument(metavar="ORDER", help="The purchase order's number, as in PO-7.")]
Units = Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")]
SomeUnits = Annotated[
    list[str] | None, typer.Argument(metavar="SKU=N...", help="A SKU and how many units, as in TEA=12.")
]
Rows = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]
Email = Annotated[str | None, typer.Option("--email", help="Where orders are mailed to.")]
Phone = Annotated[str | None, typer.Option("--phone", help="A number to call.")]
Note = Annotated[str | None, typer.Option("--note", help="A remark that is kept with it.")]
Remark = Annotated[str, typer.Option("--note", help="A remark that is kept with it.")]


@command(supplier, "add")
def supplier_add(call: Call, name: Name, email: Email = None, phone: Phone = None, note: Note = None) -> None:
    """Add a supplier."""
    given = {"email": email or "", "phone": phone or "", "note": note or ""}
    call.answer("supplier_add", said("{name} is added."), name=name, **given)


@command(supplier, "edit")
def supplier_edit(
    call: Call,
    supplier: Name,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    email: Email = None,
    phone: Phone = None,
    note: Note = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether we buy from it.")] = None,
) -> None:
    """Change what is known of a supplier."""
    given = {"name": name, "email": email, "phone": phone, "note": note, "active": active}
    call.answer("supplier_edit", said("{name} is saved."), supplier=supplier, **given)


@command(supplier, "list")
def supplier_list(
    call: Call,
    after: Annotated[str, typer.Option("--after", metavar="NAME", help="Begin after this one.")] = "",
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Only those, or only the others.")] = None,
    limit: Rows = 100,
) -> None:
    """List suppliers by name."""
    found = call.answer("supplier_list", _print_suppliers, after=after, active=active, limit=limit)
    say_more(call, found["suppliers"], limit, "name")


@command(supplier, "show")
def supplier_show(call: Call, supplier: Name) -> None:
    """Show one supplier."""
    call.answer("supplier_show", _print_supplier, supplier=supplier)


@command(purchase, "suggest")
def purchase_suggest(
    call: Call,
    supplier: Annotated[str, typer.Option("--supplier", metavar="NAME", help="Go on with this supplier.")] = "",
    after: Annotated[str, typer.Option("--after", metavar="SKU", help="Go on after this SKU of that supplier.")] = "",
    limit: Rows = 100,
) -> None:
    """Show what ought to be ordered, and of whom; nothing is made."""
    given = {"after_supplier": supplier, "after": after, "limit": limit}
    found = call.answer("purchase_suggest", _print_suggestions, **given)
    if len(found["lines"]) == limit and not call.as_json:
        last = found["lines"][-1]
        typer.echo(f"… there may be more: --supplier {last['supplier']!r} --after {last['sku']!r}.", err=True)


@command(purchase, "raise")
def purchase_raise(
    call: Call,
    supplier: Annotated[str, typer.Option("--supplier", metavar="NAME", help="Only for this one.")] = "",
) -> None:
    """Make a draft of what ought to be ordered, for each supplier or for one."""
    call.answer("purchase_raise", _print_drafts, supplier=supplier, person=call.person)


@command(purchase, "add")
def purchase_add(call: Call, supplier: Name, lines: Units, note: Remark = "") -> None:
    """Make a draft by hand."""
    call.answer(
        "purchase_add",
        said("{order} is a draft."),
        supplier=supplier,
        lines=pairs(lines),
        note=note,
        person=call.person,
    )


@command(purchase, "edit")
def purchase_edit(call: Call, order: Order, lines: SomeUnits = None, note: Note = None) -> None:
    """Change a draft: other units for a SKU, new SKUs, and 0 to take one away; what is left out stays."""
    call.answer("purchase_edit", _print_order, order=order, lines=pairs(lines or []), note=note)


@command(purchase, "send")
def purchase_send(call: Call, order: Order) -> None:
    """Mark a draft as sent: from now on goods may come."""
    call.answer("purchase_send", said("{order} is sent."), order=order, person=call.person)


@command(purchase, "receive")
def purchase_receive(
    call: Call,
    order: Order,
    lines: SomeUnits = None,
    over: Annotated[bool, typer.Option("--over", help="More than is outstanding is meant.")] = False,
    reference: Annotated[str, typer.Option("--reference", help="The delivery note's number.")] = "",
) -> None:
    """Book what came of a sent order; without lines, all that is outstanding."""
    call.answer(
        "purchase_receive",
        said("{order}: booked, {outstanding} units still to come."),
        order=order,
        lines=pairs(lines) if lines else None,
        over=over,
        reference=reference,
        person=call.person,
    )


@command(purchase, "close")
def purchase_close(call: Call, order: Order) -> None:
    """End a sent order, whatever is outstanding."""
    call.answer("purchase_close", said("{order} is closed."), order=order, person=call.person)


@command(purchase, "cancel")
def purchase_cancel(call: Call, order: Order) -> None:
    """Call an order off of which nothing came."""
    call.answer("purchase_cancel", said("{order} is cancelled."), order=order, person=call.person)


@command(purchase, "list")
def purchase_list(
    call: Call,
    state: Annotated[
        str | None, typer.Option("--state", metavar="WORD", help="draft, sent, closed, cancelled, or open.")
    ] = None,
    supplier: Annotated[str, typer.Option("--supplier", metavar="NAME", help="Only of this supplier.")] = "",
    before: Annotated[int | None, typer.Option("--before", min=1, metavar="NO", help="Only older ones.")] = None,
    limit: Rows = 50,
) -> None:
    """List purchase orders, the newest first."""
    found = call.answer("purchase_list", _print_orders, state=state, supplier=supplier, before=before, limit=limit)
    say_more(call, found["orders"], limit, "id", "--before")


@command(purchase, "show")
def purchase_show(
    call: Call,
    order: Order,
    left: Annotated[bool, typer.Option("--left", help="Only lines of which something is to come.")] = False,
    after: Annotated[int, typer.Option("--after", min=0, metavar="LINE", help="Begin after this line.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=5000, help="How many lines at most.")] = 5000,
) -> None:
    """Show one purchase order with its lines."""
    found = call.answer("purchase_show", _print_order, order=order, left=left, after=after, limit=limit)
    say_more(call, found["lines"], limit, "line")


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
