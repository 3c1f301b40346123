"""The commands about items: their details, quantities and movements.

Path: ``program`` adds ``item``, ``adjust`` and ``movements`` to the program.
Promise: every command runs exactly one verb, except that an import may run its verb again once a person has confirmed.
Never: changes anything about a shop.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onhand.cli import printing
from onhand.cli.commands.files import DecimalOption, MapOption, mapping
from onhand.cli.console import EXITS, PUBLIC, Call, DryRun, Limit, Out, command, read_file, said, write_file
from onhand.cli.deriving import derive, more
from onhand.domain.errors import Refused
from onhand.domain.listings import Problem
from onhand.domain.stock import Kind
from onhand.requests import stock as requests
from onhand.words import counted, label_of

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

item = typer.Typer(help="Items: add, list, show, edit, history, import, export.", no_args_is_help=True, epilog=EXITS)
stock = typer.Typer()  # its commands are top-level


@command(item, "import", asks=requests.ItemImport)
def item_import(
    call: Call,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A CSV or XLSX file with sku, name, on_hand and more; - reads standard input."
        ),
    ],
    dry_run: DryRun = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Overwrite counts without asking, even if the file does not say when it was made."),
    ] = False,
    map_: MapOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Add and update items from a CSV or XLSX file, all of it or nothing. Sales since an export from OnHand are kept."""
    given = {
        "file": b64encode(read_file(file)).decode(),
        "person": call.person,
        "dry_run": dry_run,
        "mapping": mapping(map_),
        "decimal": decimal.value if decimal else None,
    }
    try:
        done = call.do("item_import", **given, overwrite=yes)
    except Refused as error:
        if error.facts.get("reason") != "overwrites":
            raise
        _confirm_overwrites(call, error)
        done = call.do("item_import", **given, overwrite=True)
    call.show(done, _imported)


@command(item, "export", asks=requests.ItemExport)
def item_export(
    call: Call,
    out: Out = None,
) -> None:
    """Export all items, as CSV, or as XLSX if the file's name ends in .xlsx."""
    call.hand_over("item_export", out, "{items:item was|items were} written to {out}.")


@command(stock, "movements", asks=requests.Movements)
def movements(
    call: Call,
    sku: Annotated[str | None, typer.Argument(metavar="SKU", help="Only movements of this item.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only movements of this kind.")] = None,
    cart: Annotated[str, typer.Option("--cart", metavar="CART", help="Only movements from this shop.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Only movements by this person.")] = "",
    limit: Limit = 100,
    before: Annotated[
        int | None, typer.Option("--before", min=1, metavar="NO", help="Only movements before this number.")
    ] = None,
    out: Out = None,
) -> None:
    """List movements, newest first. With --out, write all of them to a file."""
    wanted = {"sku": sku, "kind": kind.value if kind else None, "cart": cart, "by": by}
    if out is not None:
        from onhand.files import sheets  # noqa: PLC0415

        def ask(earlier: int | None) -> dict[str, Any]:
            return call.do("movements", **wanted, limit=sheets.MOVEMENTS_PAGE, before=earlier or before)

        pieces = sheets.write(sheets.MOVEMENTS, sheets.movement_rows(ask), sheets.Form.of(out.name))
        write_file(out, pieces, PUBLIC)
        call.show({"file": str(out)}, said("The movements were written to {file}."))
        return
    call.answer("movements", printing.movements, **wanted, limit=limit, before=before)


def _item(out: Console, data: Data) -> None:
    printing.say(out, f"{data['sku']}  {data['name']}: {data['on_hand']} on hand")
    for sign, words in (("ignore_qoh", "Ignore QOH: shops are not kept in sync."), ("drop_ship", "Drop ship.")):
        if data[sign]:
            printing.say(out, words)
    if data["reorder_point"] is not None:
        level = "" if data["reorder_to"] is None else f" up to {data['reorder_to']}"
        supplier = f" from {data['supplier']}" if data["supplier"] else ""
        printing.say(out, f"Reorder{level}{supplier} at {data['reorder_point']} or fewer.")
    for field in ("barcode", "location"):
        if data[field]:
            printing.say(out, f"{field.capitalize()}: {data[field]}")
    shops = [
        [data["carts"].get(cart, cart), shop["seen"], shop["shows"], shop["target"], shop["in_flight"], _kept(shop)]
        for cart, shop in data["shops"].items()
    ]
    if shops:
        printing.table(out, ["Shop", ">Last seen", ">Agreed", ">Target", ">In flight", "State"], shops, "")
    printing.movements(out, data)


def _kept(shop: Data) -> str:
    if shop["problem"]:
        return label_of(Problem, shop["problem"])
    if not shop["aligned"]:
        return "Not aligned"
    if shop["held"]:
        return f"Needs a decision: {printing.change(shop['held'])}"
    return f"Parked: {shop['parked']}" if shop["parked"] else "In sync"


def _edited(out: Console, data: Data) -> None:
    matched = f" {counted(data['retied'], 'listing was', 'listings were')} matched again." if data["retied"] else ""
    printing.say(out, f"{data['sku']} was saved.{matched}")


def _history(out: Console, data: Data) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    rows = [
        [printing.at(datetime.fromtimestamp(x, UTC).isoformat()), units]
        for x, units in zip(data["x"], data["values"], strict=True)
    ]
    printing.table(out, ["When", ">On hand"], rows, "No movements.")


def _confirm_overwrites(call: Call, error: Refused) -> None:
    """Ask at a terminal whether to overwrite counts. Raise Refused if the answer is no or there is no terminal."""
    rows: list[Data] = error.facts["rows"]  # type: ignore[assignment]
    counts = counted(int(str(error.facts["count"])), "count")
    if not call.as_json:
        out = printing.console(sys.stderr)
        printing.table(out, [">Line", "SKU", "Changes"], [[row["line"], row["sku"], _changes(row)] for row in rows], "")
    if not call.as_json and sys.stdin.isatty() and typer.confirm(f"Overwrite {counts}?", err=True):
        return
    raise Refused(
        f"{counts} would be overwritten, because the file does not say when it was made. Nothing was changed:"
        " check the list, then repeat the command with --yes.",
        **error.facts,
    )


def _changes(row: Data) -> str:
    """Return what one line of an import changes, as "from → to", and what was booked in between."""
    said = [
        f"{name.replace('_', ' ')}: {printing.plain(will) or 'nothing'}"
        if row["what"] == "added"
        else f"{name.replace('_', ' ')}: {printing.plain(was) or 'nothing'} → {printing.plain(will) or 'nothing'}"
        for name, (was, will) in row["changes"].items()
    ]
    booked = [f"{row[word]} {word}" for word in ("sold", "received") if row[word]]
    when = "in the last 24 hours" if row["overwrites"] else "since the export"
    return "; ".join(said) + (f" ({', '.join(booked)} {when})" if booked else "")


def _imported(out: Console, data: Data) -> None:
    for remark in data["remarks"]:
        printing.say(out, remark)
    if data["rows"]:
        rows = [[row["line"], row["sku"], row["what"], _changes(row)] for row in data["rows"]]
        printing.table(out, [">Line", "SKU", "What", "Changes"], rows, "")
        left = data["added"] + data["changed"] - len(rows)
        if left > 0:
            printing.say(out, f"… and {counted(left, 'more line')}.")
    done = f"{data['added']} added, {data['changed']} changed, {data['unchanged']} unchanged"
    how = f"{data['renamed']} renamed, {data['counted']} counted, {data['edited']} with other edits"
    detail = f" ({how})" if data["changed"] else ""
    dry = " Dry run: nothing was changed." if data["dry_run"] else ""
    printing.say(out, f"{counted(data['lines'], 'line')}: {done}{detail}.{dry}")


# Commands derived from their requests

derive(item, "add", requests.ItemAdd, said("{sku} was added with {on_hand} on hand."))
derive(item, "list", requests.ItemList, printing.items, more("items", "sku"))
derive(item, "show", requests.ItemShow, _item)
derive(item, "edit", requests.ItemEdit, _edited)
derive(item, "history", requests.StockHistory, _history)
derive(
    stock,
    "adjust",
    requests.Adjust,
    said("{sku}: {on_hand} on hand now."),
    context_settings={"ignore_unknown_options": True},
)
