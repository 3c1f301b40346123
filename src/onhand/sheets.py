"""Reads and writes tables that people exchange with OnHand: CSV and XLSX files of items, counts, receipts and movements.

Path: ``item_import``, ``item_export``, ``receive --file``, the count sheets and the screens that take or give a file.
Promise: a file is read whole or refused with every bad line named; what is written here is read back as it was.
Never: guesses a column or a number, evaluates a formula, or takes a file that unpacks without end.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from onhand import workbooks
from onhand.domain.errors import OnHandError, Refused
from onhand.domain.stock import QUANTITY_MAX, check_sku, check_text, sku_key
from onhand.workbooks import Cell

BYTES_MAX = 32 * 1024 * 1024  # of one file
ROWS_MAX = 200_000  # of one file that is read
FAULTS_MAX = 100  # bad lines named in one refusal
MOVEMENTS_PAGE = 10_000  # movements asked for at once
CHUNK = 64 * 1024  # characters of CSV written at once

Value = str | int | bool


class Form(StrEnum):
    """How a table is written."""

    CSV = "csv"
    XLSX = "xlsx"

    @classmethod
    def of(cls, name: str) -> Form:
        """The form that a file's name asks for."""
        return cls.XLSX if name.lower().endswith(".xlsx") else cls.CSV

    @property
    def media_type(self) -> str:
        return "text/csv; charset=utf-8" if self is Form.CSV else workbooks.MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what its cells hold, and other words for it. A blank cell of a column that is not needed says nothing."""

    name: str
    read: Callable[[str, str], Value | None]  # column, cell. Raises Refused
    text: bool = False  # a spreadsheet must leave it as it is
    needed: bool = False
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of table. ``once``: a SKU may stand in one line only."""

    columns: tuple[Column, ...]
    once: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Table:
    """What was read: each line's number and its values by column, without the blank ones. ``remarks`` are for the person."""

    rows: list[tuple[int, dict[str, Any]]]
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class _Raw:
    """A file taken apart: its header, its lines, and how the text of a cell is told."""

    header: list[str]
    lines: Iterator[tuple[int, Sequence[Cell]]]
    text: Callable[[Cell, bool], str]  # cell, whether the column is a SKU's. Raises Refused
    remarks: list[str]


def read(content: bytes, layout: Layout) -> Table:
    """The lines of a CSV or XLSX file, checked. Which of the two it is, is told by what is in it.

    Raises Refused; the fact ``faults`` has line, column and what is wrong, so that one look at the file corrects them all.
    """
    if len(content) > BYTES_MAX:
        raise Refused(f"The file has more than {BYTES_MAX:,} bytes: split it.")
    raw = _workbook(content) if workbooks.is_workbook(content) else _csv(content)
    columns = _columns(raw.header, layout)
    rows: list[tuple[int, dict[str, Any]]] = []
    faults: list[dict[str, object]] = []
    first_line: dict[str, int] = {}
    for line, cells in raw.lines:
        values = _values(line, cells, columns, raw.text, faults)
        sku = sku_key(str(values.get("sku", "")))
        if layout.once and sku and first_line.setdefault(sku, line) != line:
            fault = f"the SKU {values['sku']!r} stands in line {first_line[sku]} already"
            faults.append({"line": line, "column": "sku", "fault": fault})
        rows.append((line, values))
        if len(rows) > ROWS_MAX:
            raise Refused(f"The file has more than {ROWS_MAX:,} lines: split it.")
    if faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise Refused(
            f"Line {first['line']}: {first['fault']}{more}. Nothing was booked; correct the file and try again.",
            faults=faults[:FAULTS_MAX],
            count=len(faults),
        )
    return Table(rows, raw.remarks)


def write(layout: Layout, rows: Iterable[Sequence[Value | None]], form: Form) -> Iterator[bytes]:
    """A file of rows in the layout's columns, piece by piece: memory does not grow with it."""
    if form is Form.XLSX:
        return workbooks.write(chain([layout.names], (map(_in_workbook, row) for row in rows)))
    return _write_csv(layout, rows)


def written(layout: Layout, rows: Iterable[Sequence[Value | None]], form: Form) -> bytes:
    """The same file in one piece."""
    return b"".join(write(layout, rows, form))


def movement_rows(ask: Callable[[int | None], Mapping[str, Any]]) -> Iterator[list[Value | None]]:
    """All movements in the columns of ``MOVEMENTS``, newest first. ``ask`` answers the verb ``movements`` before a number, at most
    ``MOVEMENTS_PAGE`` at a time; what is booked meanwhile is newer than the first page."""
    before: int | None = None
    while True:
        answer = ask(before)
        names = {str(cart): name for cart, name in answer["carts"].items()}
        for entry in answer["movements"]:
            of_cart = None if entry["cart"] is None else names.get(str(entry["cart"]), f"cart {entry['cart']}, removed")
            yield [of_cart if name == "cart" else entry[name] for name in MOVEMENTS.names]
        if len(answer["movements"]) < MOVEMENTS_PAGE:
            return
        before = answer["movements"][-1]["id"]


# What a line holds


def _values(
    line: int,
    cells: Sequence[Cell],
    columns: Sequence[Column],
    text: Callable[[Cell, bool], str],
    faults: list[dict[str, object]],
) -> dict[str, Value]:
    """The values of one line; what is wrong with it goes to ``faults``."""
    values: dict[str, Value] = {}
    if len(cells) != len(columns):
        faults.append({"line": line, "column": "", "fault": f"{len(cells)} cells where the header has {len(columns)}"})
        return values
    for column, cell in zip(columns, cells, strict=True):
        try:
            words = text(cell, column.read is _sku).strip()
            if column.text:
                words = _unguarded(words)
            value = column.read(column.name, words) if words or column.needed else None
        except OnHandError as error:
            faults.append({"line": line, "column": column.name, "fault": error.message.removesuffix(".")})
        else:
            if value is not None:
                values[column.name] = value
    return values


def _columns(header: Sequence[str], layout: Layout) -> list[Column]:
    """The column of each header cell. Raises Refused."""
    known = {word: column for column in layout.columns for word in (column.name, *column.synonyms)}
    words = [word.strip().casefold() for word in header]
    unknown = sorted(set(words) - known.keys())
    found = [known[word] for word in words if word in known]
    needed = [column.name for column in layout.columns if column.needed]
    optional = [column.name for column in layout.columns if not column.needed]
    names = [column.name for column in found]
    if unknown or len(set(names)) != len(names) or not set(needed) <= set(names):
        raise Refused(
            f"The first line must name the columns: {' and '.join(needed)}"
            + (f", and if you like {', '.join(optional)}" if optional else "")
            + "."
            + (f" Unknown here: {', '.join(name[:40] or 'a blank one' for name in unknown[:20])}." if unknown else ""),
        )
    return found


def _sku(_: str, text: str) -> str:
    return check_sku(text)


def _text(name: str, text: str) -> str:
    return check_text(text, name)


def _whole(low: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        digits = text.removeprefix("+").removeprefix("-")
        # Longer digits cannot be a quantity, and turning very many into a number takes very long.
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
            raise Refused(f"{name} {text[:40]!r} is not a whole number")
        if not low <= int(text) <= QUANTITY_MAX:
            raise Refused(f"{name} {text[:40]} is not between {low} and {QUANTITY_MAX:,}")
        return int(text)

    return read


def _counted(name: str, text: str) -> int | None:
    """A blank says that it was not counted: a sheet comes back half filled in."""
    return _whole(0)(name, text) if text else None


def _flag(name: str, text: str) -> bool:
    plain = text.casefold()
    if plain not in {"yes", "true", "1", "no", "false", "0"}:
        raise Refused(f"{name} {text[:40]!r} is neither yes nor no")
    return plain in {"yes", "true", "1"}


def _unread(name: str, _: str) -> None:
    raise Refused(f"{name} cannot be imported")


SKU = Column("sku", _sku, text=True, needed=True)
NAME = Column("name", _text, text=True, synonyms=("title",))
ITEMS = Layout(
    (
        SKU,
        NAME,
        Column("on_hand", _whole(0), synonyms=("qoh", "quantity", "on hand")),
        Column("reorder_point", _whole(0), synonyms=("reorder point",)),
        Column("reorder_to", _whole(0), synonyms=("reorder to",)),
        Column("supplier", _text, text=True),
        Column("ignore_qoh", _flag, synonyms=("ignore qoh",)),
        Column("drop_ship", _flag, synonyms=("drop ship",)),
    )
)
COUNTS = Layout((SKU, NAME, Column("counted", _counted, needed=True, synonyms=("count", "quantity", "qty"))))
RECEIPTS = Layout((SKU, Column("units", _whole(1), needed=True, synonyms=("quantity", "qty", "received"))), once=False)
MOVEMENTS = Layout(
    (
        Column("id", _unread),
        Column("at", _unread, text=True),
        Column("sku", _unread, text=True),
        Column("kind", _unread, text=True),
        Column("quantity", _unread),
        Column("cart", _unread, text=True),
        Column("order", _unread, text=True),
        Column("reason", _unread, text=True),
        Column("person", _unread, text=True),
        Column("origin", _unread, text=True),
    )
)
ALIGNED = Layout(  # what Send or Get did, SKU by SKU
    (
        Column("product", _unread),
        Column("sku", _unread, text=True),
        Column("name", _unread, text=True),
        Column("on_hand", _unread),
        Column("shop", _unread),
        Column("change", _unread),
        Column("result", _unread, text=True),
        Column("reason", _unread, text=True),
    )
)


# CSV

# What a spreadsheet would run, or shorten for good, when it opens a CSV file; with apostrophes before it, what we wrote ourselves.
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+\Z", re.IGNORECASE)
_GUARDED = re.compile(rf"'*([=+\-@\t\r]|{_SHORTENED.pattern})", re.IGNORECASE)


def _guarded(text: str) -> str:
    return f"'{text}" if _GUARDED.match(text) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and _GUARDED.match(text[1:]) else text


def _csv(content: bytes) -> _Raw:
    text, remarks = _decoded(content)
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def lines() -> Iterator[tuple[int, Sequence[Cell]]]:
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise _not_csv(reader.line_num, error) from error

    try:
        header = next(reader, [])
    except csv.Error as error:
        raise _not_csv(1, error) from error
    return _Raw(header, lines(), _csv_cell, remarks)


def _csv_cell(cell: Cell, sku: bool) -> str:
    text = str(cell)
    if sku and _SHORTENED.match(text.strip()):
        raise Refused(f"the SKU {text.strip()} was shortened by a spreadsheet: give that column the format Text")
    return text


def _not_csv(line: int, error: csv.Error) -> Refused:
    fault = f"not CSV: {error}"
    return Refused(f"Line {line}: {fault}.", faults=[{"line": line, "column": "", "fault": fault}], count=1)


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text of a file, and a remark if its encoding had to be taken for the likeliest. Raises Refused, naming the line."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded_as(content, "utf-16"), []
    if b"\0" in content[:200]:
        # A letter of UTF-16 is a byte beside a zero; which comes first tells the order.
        return _decoded_as(content, "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"), []
    try:
        return _decoded_as(content, "utf-8-sig"), []
    except Refused:
        words = "The file is not in UTF-8 and was read as Windows-1252: look at names with accents."
        return _decoded_as(content, "cp1252"), [words]


def _decoded_as(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        fault = "not text"
        raise Refused(
            f"Line {line} is not text that can be read: save the file as CSV in UTF-8, or as XLSX.",
            faults=[{"line": line, "column": "", "fault": fault}],
            count=1,
        ) from None
    if "\0" in text:
        raise Refused("This is not a table: give a CSV or an XLSX file.")
    return text


def _write_csv(layout: Layout, rows: Iterable[Sequence[Value | None]]) -> Iterator[bytes]:
    """Begins with a mark by which spreadsheets know UTF-8; without it they spoil every accent."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    yield codecs.BOM_UTF8
    writer.writerow(layout.names)
    for row in rows:
        writer.writerow(
            _guarded(str(cell)) if column.text and cell is not None else _plain(cell)
            for column, cell in zip(layout.columns, row, strict=True)
        )
        if out.tell() > CHUNK:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _plain(value: Value | None) -> str | int | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


# XLSX


def _in_workbook(value: Value | None) -> str | int | None:
    """Texts are texts there and run nothing; only what reading would take for guarded has to be."""
    return _guarded(value) if isinstance(value, str) and value.startswith("'") else _plain(value)


def _workbook(content: bytes) -> _Raw:
    rows, remarks = workbooks.read(content)
    width = 0

    def header() -> list[str]:
        _, cells = next(rows, (1, []))
        words = [workbooks.text(cell, exact=False) for cell in cells]
        while words and not words[-1].strip():
            words.pop()
        return words

    def lines() -> Iterator[tuple[int, Sequence[Cell]]]:
        for line, cells in rows:
            while cells and (len(cells) > width and cells[-1].value is None):
                cells.pop()
            if any(cell.value is not None for cell in cells):
                yield line, [*cells, *[workbooks.BLANK] * (width - len(cells))]

    words = header()
    width = len(words)
    return _Raw(words, lines(), lambda cell, sku: workbooks.text(cell, exact=sku), remarks)
