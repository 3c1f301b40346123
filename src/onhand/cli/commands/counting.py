"""The commands about count sheets.

Path: ``program`` adds ``count`` to the program.
Promise: what is expected is shown by ``count review`` alone.
Never: anything about a single quantity; that is ``onhand adjust``.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onhand.cli import printing
from onhand.cli.commands.files import DecimalOption, MapOption, mapping
from onhand.cli.console import EXITS, Call, Out, command, pairs, read_file, said
from onhand.cli.deriving import derive, more
from onhand.domain.counting import How
from onhand.requests import counting as requests

if TYPE_CHECKING:
    from rich.console import Console

    from onhand.wire import Data

count = typer.Typer(
    help="Count sheets: make, fill in, review, post.",
    no_args_is_help=True,
    epilog=EXITS,
)

Sheet = Annotated[int, typer.Argument(metavar="SHEET", min=1, help="The count sheet's number.")]
AddLines = Annotated[bool, typer.Option("--add-lines", help="Put SKUs on the sheet that are not on it.")]
HowOption = Annotated[
    How, typer.Option("--how", help="What to do with lines that are counted already: ask refuses and names them.")
]
CountedAt = Annotated[
    datetime | None,
    typer.Option(
        "--counted-at", metavar="TIME", help="When the shelf was counted, if not now, as in 2026-11-25T08:30:00."
    ),
]


@command(count, "enter", asks=requests.CountEnter)
def count_enter(
    call: Call,
    sheet: Sheet,
    lines: Annotated[list[str], typer.Argument(metavar="SKU=N...", help="A SKU and what was counted, as in TEA=12.")],
    how: HowOption = How.ASK,
    counted_at: CountedAt = None,
    add_lines: AddLines = False,
) -> None:
    """Enter what was counted; what is on hand at this moment is kept with it."""
    entries = [{"sku": sku, "counted": units, "how": how.value} for sku, units in pairs(lines)]
    call.answer(
        "count_enter",
        said("{entered} lines are entered."),
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
    """Enter the counts of a file, whole or not at all; lines without a count are left alone."""
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
    """Write a count sheet to fill in as CSV, or as XLSX into a file with that ending."""
    call.hand_over("count_export", out, "{lines} lines are in {out}.", sheet=sheet)


def _file_entered(out: Console, data: Data) -> None:
    for remark in data["remarks"]:
        printing.say(out, remark)
    printing.say(out, f"{data['entered']} lines are entered, {data['blank']} had no count.")


def _zoned(at: datetime | None) -> str | None:
    """A time as it was typed, on the clock of this machine."""
    try:
        return None if at is None else at.astimezone().isoformat()
    except OverflowError:
        raise typer.BadParameter("--counted-at is no time that can be.") from None


def _sheets(out: Console, data: Data) -> None:
    rows = [
        [
            s["sheet"],
            s["name"],
            s["state"],
            f"{s['counted']} of {s['lines']}",
            printing.at(s["created_at"]),
            s["person"],
        ]
        for s in data["sheets"]
    ]
    head = [">No", "Name", "State", ">Counted", "Made", "By"]
    printing.table(out, head, rows, "There are no count sheets: make one with `onhand count add`.")


def _lines(out: Console, data: Data) -> None:
    printing.say(out, f"{data['name']}, {data['state']}: {data['counted']} of {data['lines']} lines are counted.")
    rows = [
        [r["sku"], r["name"], "" if r["counted"] is None else r["counted"], r["person"], printing.at(r["counted_at"])]
        for r in data["rows"]
    ]
    printing.table(out, ["SKU", "Name", ">Counted", "By", "At"], rows, "Nothing.")


def _review(out: Console, data: Data) -> None:
    printing.say(
        out,
        f"{data['name']}, {data['state']}: {data['differing']} of {data['counted']} counted lines differ,"
        f" {data['more']:+} and {data['fewer']:+} units; {data['lines'] - data['counted']} lines are not counted.",
    )
    rows = [
        [
            r["sku"],
            r["name"],
            r["counted"],
            r["expected"],
            f"{r['variance']:+}",
            printing.at(r["counted_at"]),
            _remark(r),
        ]
        for r in data["rows"]
    ]
    head = ["SKU", "Name", ">Counted", ">Expected", ">Variance", "At", "Remark"]
    printing.table(out, head, rows, "Nothing is counted yet.")


def _remark(row: Data) -> str:
    return "counted elsewhere since" if row["overtaken"] else "big" if row["big"] else ""


# Commands of which a declaration says everything

derive(
    count,
    "add",
    requests.CountAdd,
    said("Count sheet {sheet}, {name}, has {lines} lines; {left_out} drop-ship items are left out."),
)
derive(count, "list", requests.CountList, _sheets, more("sheets", "sheet", "--before"))
derive(count, "show", requests.CountShow, _lines, more("rows", "sku"))
derive(count, "review", requests.CountReview, _review, more("rows", "sku"))
derive(
    count,
    "post",
    requests.CountPost,
    said("{name}: {booked} counts are booked, {same} fitted, {uncounted} were not counted and are left alone."),
)
derive(count, "discard", requests.CountDiscard, said("{name} is discarded; nothing was booked."))
