"""Verbs about count sheets.

Path: called by name through ``verbs.run``.
Promise: what was expected is told by ``count_review`` alone: whoever counts sees only what was counted.
Never: books by itself; the services do.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from onhand.app import App, Books
from onhand.domain.counting import LINES_MAX, CountEntry, CountLine, CountSheet, How
from onhand.domain.importing import FileKind
from onhand.domain.people import Scope
from onhand.files import sheets
from onhand.services import counting, items, settings
from onhand.wire import Data

from . import files
from .registry import File, Revision, Sku, Text, iso, packed, verb

Sheet = Annotated[int, Field(ge=1, lt=2**63)]
Name = Annotated[str, Field(max_length=100)]
PageLimit = Annotated[int, Field(ge=1, le=1000)]


@verb(Scope.READ)
def count_list(app: App, before: Sheet | None = None, limit: PageLimit = 50) -> Data:
    """Count sheets, newest first."""
    return {"sheets": app.read(lambda books: books.counts.sheets(before, limit))}


@verb(Scope.STOCK, books=True)
def count_add(
    app: App,
    name: Name,
    search: Text = "",
    supplier: Text = "",
    skus: Annotated[list[Sku], Field(max_length=LINES_MAX)] | None = None,
    person: Text = "",
) -> Data:
    """Make a count sheet."""
    return counting.make_sheet(app.house, name, search, supplier, skus or [], person)


@verb(Scope.READ)
def count_show(
    app: App,
    sheet: Sheet,
    after: Sku = "",
    before: Sku = "",
    search: Text = "",
    left: bool = False,
    limit: PageLimit = 50,
) -> Data:
    """A count sheet's lines in SKU order, without what is expected. With ``left`` only those nobody counted."""

    def read(books: Books) -> Data:
        lines = books.counts.page(sheet, after, before, search, left, limit)
        return {**_sheet(books, sheet), "rows": [_counted(line) for line in lines]}

    return app.read(read)


@verb(Scope.STOCK, books=True)
def count_enter(
    app: App,
    sheet: Sheet,
    lines: Annotated[list[CountEntry], Field(max_length=LINES_MAX)],
    counted_at: AwareDatetime | None = None,
    add_lines: bool = False,
    person: Text = "",
) -> Data:
    """Keep what was counted: all of it or nothing."""
    return counting.enter_counts(app.house, sheet, lines, counted_at, add_lines, person)


@verb(Scope.STOCK, books=True)
def count_import(
    app: App,
    sheet: Sheet,
    file: File,
    how: How = How.ASK,
    counted_at: AwareDatetime | None = None,
    add_lines: bool = False,
    person: Text = "",
    mapping: files.Mapping | None = None,
    decimal: files.Decimal = None,
) -> Data:
    """Enter the counts of a CSV or XLSX file; lines without a count are left alone."""
    table = files.read(app, FileKind.COUNTS, file, mapping, decimal)
    house = files.remembering(app, FileKind.COUNTS, mapping)
    entries = [CountEntry(row["sku"], row["counted"], how=how) for _, row in table.rows if "counted" in row]
    done = counting.enter_counts(house, sheet, entries, counted_at, add_lines, person)
    read = {"remarks": table.remarks, "headings": table.headings}
    return {**done, "blank": len(table.rows) - len(entries), **read}


@verb(Scope.READ)
def count_export(app: App, sheet: Sheet, form: sheets.Form = sheets.Form.CSV) -> Data:
    """A count sheet to fill in: SKU, name and an empty column."""
    lines = app.read(lambda books: (books.counts.get(sheet), books.counts.page(sheet, "", "", "", False, LINES_MAX)))[1]
    rows = [(line.sku, line.name, None) for line in lines]
    return {"lines": len(rows), "file": packed(sheets.written(sheets.COUNTS, rows, form))}


@verb(Scope.READ)
def count_review(app: App, sheet: Sheet, after: Sku = "", limit: PageLimit = 50) -> Data:
    """What posting a count sheet would book, the biggest differences first, beginning after a SKU."""

    def read(books: Books) -> Data:
        big_above = int(settings.values(books)["BigVariance"])
        overtaken = set(books.counts.overtaken(sheet))
        last = books.counts.lines(sheet, [items.find(books, [after])[0].id]) if after else {}
        begin = next(((abs(line.variance), item) for item, line in last.items()), None)
        rows = [
            {
                **_counted(line),
                "expected": line.expected,
                "variance": line.variance,
                "big": abs(line.variance) > big_above,
                "overtaken": line.sku in overtaken,
            }
            for line in books.counts.biggest(sheet, begin, limit)
        ]
        return {
            **_sheet(books, sheet),
            **books.counts.totals(sheet, big_above),
            "big_above": big_above,
            "overtaken": sorted(overtaken)[:100],
            "rows": rows,
        }

    return app.read(read)


@verb(Scope.STOCK, books=True)
def count_post(app: App, sheet: Sheet, revision: Revision | None = None, person: Text = "") -> Data:
    """Book a count sheet, whole and once."""
    return counting.post_sheet(app.house, sheet, revision, person)


@verb(Scope.STOCK, books=True)
def count_discard(app: App, sheet: Sheet, revision: Revision | None = None, person: Text = "") -> Data:
    """Set a count sheet aside; nothing is booked."""
    return counting.discard_sheet(app.house, sheet, revision, person)


def _sheet(books: Any, sheet: int) -> Data:
    found: CountSheet = books.counts.get(sheet)
    totals = books.counts.totals(sheet, 0)
    return {
        "sheet": found.id,
        "name": found.name,
        "state": found.state.value,
        "person": found.person,
        "created_at": iso(found.created_at),
        "closed_at": iso(found.closed_at) if found.closed_at else None,
        "revision": found.revision,
        "lines": totals["lines"],
        "counted": totals["counted"],
    }


def _counted(line: CountLine) -> Data:
    return {
        "item": line.item,
        "sku": line.sku,
        "name": line.name,
        "counted": line.counted,
        "person": line.person,
        "counted_at": iso(line.counted_at) if line.counted_at else None,
        "revision": line.revision,
    }
