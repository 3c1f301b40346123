"""The commands about items: what they are, how many there are, and why.

Path: ``program`` adds ``item``, ``adjust`` and ``movements`` to the program.
Promise: every command does exactly one verb.
Never: anything about a shop that is not about an item.
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
from onhand.domain.stock import Kind
from onhand.requests import stock as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

item = typer.Typer(
    help="The things that are sold: add, list, show, edit, history, import, export.", no_args_is_help=True, epilog=EXITS
)
stock = typer.Typer()  # its commands stand on the first level


@command(item, "import", asks=requests.ItemImport)
def item_import(
    call: Call,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or XLSX with sku, name, on_hand and more; - reads standard input."),
    ],
    dry_run: DryRun = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Overwrite counts although the file does not say when it was made, without asking."),
    ] = False,
    map_: MapOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Add and update items from a CSV or XLSX file, whole or not at all. What was sold since an export of ours is kept."""
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
    """Write all items as CSV, or as XLSX into a file with that ending."""
    call.hand_over("item_export", out, "{items} items are in {out}.")


@command(stock, "movements", asks=requests.Movements)
def movements(
    call: Call,
    sku: Annotated[str | None, typer.Argument(metavar="SKU", help="Only this item's.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only movements of this kind.")] = None,
    cart: Annotated[str, typer.Option("--cart", metavar="CART", help="Only what this shop brought about.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Only what this person did.")] = "",
    limit: Limit = 100,
    before: Annotated[
        int | None, typer.Option("--before", min=1, metavar="NO", help="Only movements before this number.")
    ] = None,
    out: Out = None,
) -> None:
    """List movements, newest first; with --out all of them."""
    wanted = {"sku": sku, "kind": kind.value if kind else None, "cart": cart, "by": by}
    if out is not None:
        from onhand.files import sheets  # noqa: PLC0415

        def ask(earlier: int | None) -> dict[str, Any]:
            return call.do("movements", **wanted, limit=sheets.MOVEMENTS_PAGE, before=earlier or before)

        pieces = sheets.write(sheets.MOVEMENTS, sheets.movement_rows(ask), sheets.Form.of(out.name))
        write_file(out, pieces, PUBLIC)
        call.show({"file": str(out)}, said("The movements are in {file}."))
        return
    call.answer("movements", printing.movements, **wanted, limit=limit, before=before)


def _item(out: Console, data: Data) -> None:
    printing.say(out, f"{data['sku']}  {data['name']}: {data['on_hand']} on hand")
    for sign, words in (("ignore_qoh", "Ignore QOH: shops are not kept in step."), ("drop_ship", "Drop ship.")):
        if data[sign]:
            printing.say(out, words)
    if data["reorder_point"] is not None:
        level = "" if data["reorder_to"] is None else f" up to {data['reorder_to']}"
        supplier = f" from {data['supplier']}" if data["supplier"] else ""
        printing.say(out, f"Order{level}{supplier} at {data['reorder_point']} or fewer.")
    for field in ("barcode", "location"):
        if data[field]:
            printing.say(out, f"{field.capitalize()}: {data[field]}")
    shops = [
        [data["carts"].get(cart, cart), shop["seen"], shop["shows"], shop["target"], shop["in_flight"], _kept(shop)]
        for cart, shop in data["shops"].items()
    ]
    if shops:
        printing.table(out, ["Shop", ">Seen", ">Agreed", ">Target", ">In flight", "State"], shops, "")
    printing.movements(out, data)


def _kept(shop: Data) -> str:
    if shop["problem"]:
        return str(shop["problem"])
    if not shop["aligned"]:
        return "not aligned"
    if shop["held"]:
        return f"{shop['held']:+d} waits for a decision"
    return f"parked: {shop['parked']}" if shop["parked"] else "kept in step"


def _edited(out: Console, data: Data) -> None:
    retied = f" {data['retied']} listings are tied anew." if data["retied"] else ""
    printing.say(out, f"{data['sku']} is changed.{retied}")


def _history(out: Console, data: Data) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    rows = [
        [printing.at(datetime.fromtimestamp(x, UTC).isoformat()), units]
        for x, units in zip(data["x"], data["values"], strict=True)
    ]
    printing.table(out, ["When", ">On hand"], rows, "Nothing has moved.")


def _confirm_overwrites(call: Call, error: Refused) -> None:
    """Ask a person at a terminal whether counts shall be overwritten. Raise Refused for anybody else, and for a no."""
    rows: list[Data] = error.facts["rows"]  # type: ignore[assignment]
    if not call.as_json:
        out = printing.console(sys.stderr)
        printing.table(out, [">Line", "SKU", "Changes"], [[row["line"], row["sku"], _changes(row)] for row in rows], "")
    if not call.as_json and sys.stdin.isatty() and typer.confirm(f"Overwrite {error.facts['count']} counts?", err=True):
        return
    raise Refused(
        f"{error.facts['count']} counts would be overwritten, as the file does not say when it was made. Nothing was changed:"
        " look at them, then repeat the command with --yes.",
        **error.facts,
    )


def _changes(row: Data) -> str:
    """What one line of an import changes, from what to what, and what was booked in between."""
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
            printing.say(out, f"… and {left} more {'line' if left == 1 else 'lines'}.")
    done = f"{data['added']} added, {data['changed']} changed, {data['unchanged']} unchanged"
    how = f"{data['renamed']} renamed, {data['counted']} counted, {data['edited']} edited otherwise"
    detail = f" ({how})" if data["changed"] else ""
    dry = " Dry run: nothing was changed." if data["dry_run"] else ""
    printing.say(out, f"{data['lines']} lines: {done}{detail}.{dry}")


# Commands of which a declaration says everything

derive(item, "add", requests.ItemAdd, said("{sku} is added, {on_hand} on hand."))
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
