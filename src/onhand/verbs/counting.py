"""Verbs about count sheets.

Path: called by name through ``verbs.run``.
Promise: only ``count_review`` shows expected quantities, so that people who count do not see them.
Never: books anything; the services do.
"""

from __future__ import annotations

from typing import Any

from onhand.app import App, Books
from onhand.domain.counting import LINES_MAX, CountEntry, CountLine, CountSheet
from onhand.domain.importing import FileKind
from onhand.files import sheets
from onhand.requests import counting as requests
from onhand.services import counting, items, settings
from onhand.wire import Data

from . import files
from .registry import iso, packed, verb


@verb(requests.CountList)
def count_list(app: App, asked: requests.CountList) -> Data:
    return {"sheets": app.read(lambda books: books.counts.sheets(asked.before, asked.limit))}


@verb(requests.CountAdd)
def count_add(app: App, asked: requests.CountAdd) -> Data:
    return counting.make_sheet(app.house, asked.name, asked.search, asked.supplier, asked.skus or [], asked.person)


@verb(requests.CountShow)
def count_show(app: App, asked: requests.CountShow) -> Data:

    def read(books: Books) -> Data:
        lines = books.counts.page(asked.sheet, asked.after, asked.before, asked.search, asked.left, asked.limit)
        return {**_sheet(books, asked.sheet), "rows": [_counted(line) for line in lines]}

    return app.read(read)


@verb(requests.CountEnter)
def count_enter(app: App, asked: requests.CountEnter) -> Data:
    return counting.enter_counts(app.house, asked.sheet, asked.lines, asked.counted_at, asked.add_lines, asked.person)


@verb(requests.CountImport)
def count_import(app: App, asked: requests.CountImport) -> Data:
    table = files.read(app, FileKind.COUNTS, asked.file, asked.mapping, asked.decimal)
    house = files.remembering(app, FileKind.COUNTS, asked.mapping)
    entries = [CountEntry(row["sku"], row["counted"], how=asked.how) for _, row in table.rows if "counted" in row]
    done = counting.enter_counts(house, asked.sheet, entries, asked.counted_at, asked.add_lines, asked.person)
    read = {"remarks": table.remarks, "headings": table.headings}
    return {**done, "blank": len(table.rows) - len(entries), **read}


@verb(requests.CountExport)
def count_export(app: App, asked: requests.CountExport) -> Data:
    lines = app.read(
        lambda books: (books.counts.get(asked.sheet), books.counts.page(asked.sheet, "", "", "", False, LINES_MAX))
    )[1]
    rows = [(line.sku, line.name, None) for line in lines]
    return {"lines": len(rows), "file": packed(sheets.written(sheets.COUNTS, rows, asked.form))}


@verb(requests.CountReview)
def count_review(app: App, asked: requests.CountReview) -> Data:

    def read(books: Books) -> Data:
        big_above = int(settings.values(books)["BigVariance"])
        overtaken = set(books.counts.overtaken(asked.sheet))
        last = books.counts.lines(asked.sheet, [items.find(books, [asked.after])[0].id]) if asked.after else {}
        begin = next(((abs(line.variance), item) for item, line in last.items()), None)
        rows = [
            {
                **_counted(line),
                "expected": line.expected,
                "variance": line.variance,
                "big": abs(line.variance) > big_above,
                "overtaken": line.sku in overtaken,
            }
            for line in books.counts.biggest(asked.sheet, begin, asked.limit)
        ]
        return {
            **_sheet(books, asked.sheet),
            **books.counts.totals(asked.sheet, big_above),
            "big_above": big_above,
            "overtaken": sorted(overtaken)[:100],
            "rows": rows,
        }

    return app.read(read)


@verb(requests.CountPost)
def count_post(app: App, asked: requests.CountPost) -> Data:
    return counting.post_sheet(app.house, asked.sheet, asked.revision, asked.person)


@verb(requests.CountDiscard)
def count_discard(app: App, asked: requests.CountDiscard) -> Data:
    return counting.discard_sheet(app.house, asked.sheet, asked.revision, asked.person)


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
