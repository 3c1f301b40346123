"""The commands about count sheets.

Path: ``program`` adds ``count`` to the program.
Promise: only ``count review`` shows expected quantities.
Never: corrects a single quantity; that is ``onhand adjust``.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.commands.files import DecimalOption, MapOption, mapping
from onhand.cli.console import EXITS, Call, Out, command, in_words, pairs, read_file, said
from onhand.cli.deriving import derive, more
from onhand.domain.counting import How, SheetState
from onhand.requests import counting as requests
from onhand.words import counted, label_of, number

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

count = typer.Typer(
    help="Count sheets: make, fill in, review, post.",
    no_args_is_help=True,
    epilog=EXITS,
)

Sheet = Annotated[int, typer.Argument(metavar="SHEET", min=1, help="The count sheet's number.")]
AddLines = Annotated[bool, typer.Option("--add-lines", help="Add SKUs that are not on the sheet.")]
HowOption = Annotated[
    How, typer.Option("--how", help="What to do with lines that are already counted; ask: refuse and name them.")
]
CountedAt = Annotated[
    datetime | None,
    typer.Option(
        "--counted-at", metavar="TIME", help="When the shelf was counted, if not now, such as 2026-11-25T08:30:00."
    ),
]


@command(count, "enter", asks=requests.CountEnter)
def count_enter(
    call: Call,
    sheet: Sheet,
    lines: Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and its count, such as TEA=12.")],
    how: HowOption = How.ASK,
    counted_at: CountedAt = None,
    add_lines: AddLines = False,
) -> None:
    """Enter counts, all of them or none. Each keeps what was on hand at that moment."""
    entries = [{"sku": sku, "counted": units, "how": how.value} for sku, units in pairs(lines)]
    call.answer(
        "count_enter",
        said("{entered:count was|counts were} entered."),
        sheet=sheet,
        lines=entries,
        counted_at=_zoned(counted_at),
        add_lines=add_lines,
        person=call.person,
    )


@command(count, "import", asks=requests.CountImport)
def count_import(
    call: Call,
    sheet: Sheet,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or XLSX with sku, counted; - reads standard input.")
    ],
    how: HowOption = How.ASK,
    counted_at: CountedAt = None,
    add_lines: AddLines = False,
    map_: MapOption = None,
    decimal: DecimalOption = None,
) -> None:
    """Enter the counts of a file, all of them or none. Lines without a count are skipped."""
    call.answer(
        "count_import",
        _file_entered,
        sheet=sheet,
        file=b64encode(read_file(file)).decode(),
        how=how.value,
        counted_at=_zoned(counted_at),
        add_lines=add_lines,
        person=call.person,
        mapping=mapping(map_),
        decimal=decimal.value if decimal else None,
    )


@command(count, "export", asks=requests.CountExport)
def count_export(call: Call, sheet: Sheet, out: Out = None) -> None:
    """Export a count sheet to fill in, as CSV, or as XLSX if the file's name ends in .xlsx."""
    call.hand_over("count_export", out, "{lines:line was|lines were} written to {out}.", sheet=sheet)


def _added(out: Console, data: Data) -> None:
    left_out = " {left_out:drop-ship item was|drop-ship items were} left out." if data["left_out"] else ""
    printing.say(out, in_words("Count sheet {sheet}, {name}, was created with {lines:line}." + left_out, data))


def _file_entered(out: Console, data: Data) -> None:
    for remark in data["remarks"]:
        printing.say(out, remark)
    printing.say(out, in_words("{entered:count was|counts were} entered. {blank:line has|lines have} no count.", data))


def _zoned(at: datetime | None) -> str | None:
    """Return a typed time with this machine's time zone."""
    try:
        return None if at is None else at.astimezone().isoformat()
    except OverflowError:
        raise typer.BadParameter("--counted-at is not a possible time: give one such as 2026-11-25T08:30:00.") from None


def _sheets(out: Console, data: Data) -> None:
    rows = [
        [
            s["sheet"],
            s["name"],
            label_of(SheetState, s["state"]),
            f"{s['counted']} of {s['lines']}",
            printing.at(s["created_at"]),
            s["person"],
        ]
        for s in data["sheets"]
    ]
    head = [">No.", "Name", "State", ">Counted", "Created", "By"]
    printing.table(out, head, rows, "No count sheets yet: create one with `onhand count add`.")


def _lines(out: Console, data: Data) -> None:
    state = label_of(SheetState, data["state"])
    counts = f"{number(data['counted'])} of {counted(data['lines'], 'line')} counted"
    printing.say(out, f"{data['name']} ({state}): {counts}.")
    rows = [
        [r["sku"], r["name"], "" if r["counted"] is None else r["counted"], r["person"], printing.at(r["counted_at"])]
        for r in data["rows"]
    ]
    printing.table(out, ["SKU", "Name", ">Counted", "By", "When"], rows, "No lines.")


def _review(out: Console, data: Data) -> None:
    lines = f"{counted(data['counted'], 'line')} counted, {number(data['lines'] - data['counted'])} not counted"
    differing = counted(data["differing"], "line differs", "lines differ")
    units = f"{counted(data['more'], 'unit')} more and {number(abs(data['fewer']))} fewer than expected"
    printing.say(out, f"{data['name']} ({label_of(SheetState, data['state'])}): {lines}. {differing}: {units}.")
    rows = [
        [
            r["sku"],
            r["name"],
            r["counted"],
            r["expected"],
            printing.change(r["variance"]),
            printing.at(r["counted_at"]),
            _remark(r),
        ]
        for r in data["rows"]
    ]
    head = ["SKU", "Name", ">Counted", ">Expected", ">Variance", "When", "Note"]
    printing.table(out, head, rows, "Nothing is counted yet.")


def _remark(row: Data) -> str:
    return "Corrected by another count since" if row["overtaken"] else "Large variance" if row["big"] else ""


# Commands derived from their requests

derive(
    count,
    "add",
    requests.CountAdd,
    _added,
)
derive(count, "list", requests.CountList, _sheets, more("sheets", "sheet", "--before"))
derive(count, "show", requests.CountShow, _lines, more("rows", "sku"))
derive(count, "review", requests.CountReview, _review, more("rows", "sku"))
derive(
    count,
    "post",
    requests.CountPost,
    said("{name} was posted: {booked:correction}, {same:line} without a variance, {uncounted:line} not counted."),
)
derive(count, "discard", requests.CountDiscard, said("{name} was discarded. Nothing was booked."))
