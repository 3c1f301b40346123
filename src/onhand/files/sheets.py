"""Reads and writes tables: CSV and XLSX files of items, counts, receipts and movements.

Path: verbs that import and export, by ``verbs.files``; ``csvfiles`` and ``workbooks`` know the two formats, ``headings`` the columns.
Promise: a file is read completely, or refused with every bad line named; a file written here reads back unchanged.
Never: guesses a column or a number, evaluates a formula, or accepts a file that unpacks without limit.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.importing import FILE_BYTES_MAX, Form
from onhand.domain.numbers import Ambiguous, Mark
from onhand.domain.spelling import writable
from onhand.domain.stock import sku_key
from onhand.files import csvfiles, headings, workbooks
from onhand.files.headings import HEADER_WITHIN, Header
from onhand.files.layouts import ALIGNED, COUNTS, ITEMS, KINDS, MOVEMENTS, RECEIPTS, Column, Layout, Value, known
from onhand.files.workbooks import Cell
from onhand.words import counted

__all__ = [
    "ALIGNED",
    "COUNTS",
    "ITEMS",
    "KINDS",
    "MOVEMENTS",
    "RECEIPTS",
    "Column",
    "Form",
    "Layout",
    "Table",
    "Value",
    "read",
    "write",
]

ROWS_MAX = 200_000  # rows of one imported file
FAULTS_MAX = 100  # bad lines named in one error
MOVEMENTS_PAGE = 10_000  # movements asked for at once
CHUNK = 64 * 1024  # characters of CSV written at once


@dataclass(frozen=True, slots=True)
class Choice:
    """A person's choices for a file: columns by heading, now and remembered, and the decimal mark."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, str] = field(default_factory=dict)
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a file: each line's number and its values by column, without blanks.

    ``remarks`` are for the person. ``headings`` say which heading was read as which column.
    """

    rows: list[tuple[int, dict[str, Any]]]
    remarks: list[str]
    headings: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A parsed file: its heading line, the lines below, and functions that read a cell."""

    header: Header
    line: int
    before: int  # lines that are not blank above the headings
    lines: Iterator[tuple[int, Sequence[Cell]]]
    text: Callable[[Cell, bool], str]  # cell, whether the column is a SKU's. Raises Refused
    is_number: Callable[[Cell], bool]  # whether the file itself says that a cell is a number
    padded: bool  # blank cells at the end of a line may be left out


def read(content: bytes, layout: Layout, choice: Choice | None = None) -> Table:
    """Return the checked lines of a CSV or XLSX file. The content decides which of the two it is.

    Raise Refused. Its fact ``faults`` has the line, the column and the fault of each bad cell, so that a person can correct all at once.
    Its fact ``headings`` is set if a person must say which column is which.
    """
    if len(content) > FILE_BYTES_MAX:
        raise Refused(f"The file has more than {FILE_BYTES_MAX:,} bytes: split it into smaller files.")
    choice = choice or Choice()
    chosen = headings.mapping_of(choice.mapping, layout.names)
    remarks: list[str] = []
    raw, samples = (_workbook if workbooks.is_workbook(content) else _csv)(
        content, layout, (chosen, choice.remembered), remarks
    )
    found = headings.check(raw.header if raw else None, layout.needed, chosen, samples)
    assert raw is not None  # noqa: S101 - else there is no header, and check raised
    columns = [next((c for c in layout.columns if c.name == name), None) for name in found.columns]
    remarks += _remarks(raw, choice.remembered, chosen)
    rows: list[tuple[int, dict[str, Any]]] = []
    faults: list[dict[str, object]] = []
    first_line: dict[str, int] = {}
    for line, cells in raw.lines:
        if _is_total(cells, columns, raw):
            remarks.append(f"Line {line} is a total and was left out.")
            continue
        values = _values(line, cells, columns, raw, choice.mark, faults)
        sku = sku_key(str(values.get("sku", "")))
        if layout.once and sku and first_line.setdefault(sku, line) != line:
            fault = f"the SKU {values['sku']!r} is already in line {first_line[sku]}"
            faults.append({"line": line, "column": "sku", "fault": fault})
        rows.append((line, values))
        if len(rows) > ROWS_MAX:
            raise Refused(f"The file has more than {ROWS_MAX:,} lines: split it into smaller files.")
    if faults:
        raise _faulty(faults, headings.described(found, samples))
    return Table(rows, remarks, headings.described(found, samples))


def write(layout: Layout, rows: Iterable[Sequence[Value | None]], form: Form) -> Iterator[bytes]:
    """Return a file of rows in the layout's columns, piece by piece, so that memory does not grow with it."""
    if form is Form.XLSX:
        lines = ([_in_workbook(c, value) for c, value in zip(layout.columns, row, strict=False)] for row in rows)
        return workbooks.write(chain([layout.names], lines))
    return _write_csv(layout, rows)


def written(layout: Layout, rows: Iterable[Sequence[Value | None]], form: Form) -> bytes:
    """Return the same file in one piece."""
    return b"".join(write(layout, rows, form))


def template(layout: Layout, form: Form) -> bytes:
    """Return an empty file with the headings that a person can fill in."""
    return written(Layout(tuple(column for column in layout.columns if column.told), layout.once), [], form)


def movement_rows(ask: Callable[[int | None], Mapping[str, Any]]) -> Iterator[list[Value | None]]:
    """Yield all movements in the columns of ``MOVEMENTS``, newest first.

    ``ask`` runs the verb ``movements`` before a number, with at most ``MOVEMENTS_PAGE`` rows. Movements booked meanwhile are newer than
    the first page.
    """
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


# The values of a line


def _value(column: Column, cell: Cell, raw: _Raw, mark: Mark | None) -> Value | None:
    """Return the value of a cell of this column; None if it is blank. Raise Refused."""
    words = raw.text(cell, column.is_sku).strip()
    if column.text and not column.is_sku:
        words = csvfiles.unguarded(words)
    if not words and not column.needed:
        return None
    return column.read(column.name, words, Mark.POINT if raw.is_number(cell) else mark)


def _values(
    line: int,
    cells: Sequence[Cell],
    columns: Sequence[Column | None],
    raw: _Raw,
    mark: Mark | None,
    faults: list[dict[str, object]],
) -> dict[str, Value]:
    """Return the values of one line, and add its faults to ``faults``."""
    values: dict[str, Value] = {}
    width = max(place for place, column in enumerate(columns) if column is not None) + 1
    too_many = any(str(raw.text(cell, False)).strip() for cell in cells[len(columns) :])
    if too_many or (len(cells) < width and not raw.padded):
        faults.append(
            {"line": line, "column": "", "fault": f"{counted(len(cells), 'cell')}, but the header has {len(columns)}"}
        )
        return values
    for place, column in enumerate(columns):
        if column is None:
            continue
        try:
            value = _value(column, cells[place] if place < len(cells) else workbooks.BLANK, raw, mark)
        except OnHandError as error:
            fault: dict[str, object] = {"line": line, "column": column.name, "fault": error.message.removesuffix(".")}
            if isinstance(error, Ambiguous):
                fault["ambiguous"] = error.facts["ambiguous"]
            faults.append(fault)
        else:
            if value is not None:
                values[column.name] = value
    return values


def _is_total(cells: Sequence[Cell], columns: Sequence[Column | None], raw: _Raw) -> bool:
    """Return whether a line without a SKU is a line of totals."""
    place = next(place for place, column in enumerate(columns) if column is not None and column.is_sku)
    if place < len(cells) and _plain_text(raw, cells[place]).strip():
        return False
    others = [cell for place, cell in enumerate(cells) if place >= len(columns) or columns[place] is None]
    return any(headings.normal(_plain_text(raw, cell)) in headings.TOTALS for cell in others)


def _plain_text(raw: _Raw, cell: Cell) -> str:
    try:
        return raw.text(cell, False)
    except Refused:
        return "?"  # a formula or an error: not blank


def _remarks(raw: _Raw, remembered: Mapping[str, str], chosen: Mapping[str, str]) -> list[str]:
    """Return remarks on how the columns were read."""
    found: list[str] = []
    left_out = [
        word[:40]
        for word, column in zip(raw.header.headings, raw.header.columns, strict=True)
        if word and column is None
    ]
    if raw.before:
        found.append(
            f"{counted(raw.before, 'line')} above the headings in line {raw.line} {'was' if raw.before == 1 else 'were'} left out."
        )
    if left_out:
        more = f" and {len(left_out) - headings.NAMED_MAX} more" if len(left_out) > headings.NAMED_MAX else ""
        found.append(f"Columns left out: {', '.join(left_out[: headings.NAMED_MAX])}{more}.")
    for word, column in zip(raw.header.headings, raw.header.columns, strict=True):
        plain = headings.normal(word)
        if column is not None and plain not in chosen and remembered.get(plain) == column:
            found.append(f"{word[:40]!r} was read as {column}, as you chose before.")
    return found


def _faulty(faults: list[dict[str, object]], heads: list[dict[str, str]]) -> Refused:
    first = faults[0]
    more = f" (and {counted(len(faults) - 1, 'more fault')})" if len(faults) > 1 else ""
    ambiguous = any("ambiguous" in fault for fault in faults)
    hint = " Name the decimal mark with --decimal , or --decimal ." if ambiguous else ""
    return Refused(
        f"Line {first['line']}: {first['fault']}{more}. Nothing was booked; correct the file and try again.{hint}",
        faults=faults[:FAULTS_MAX],
        count=len(faults),
        headings=heads,
        **({"ambiguous": True} if ambiguous else {}),
    )


# The two formats


_Opened = tuple[_Raw | None, list[str]]  # the second: the values of the first line below the headings
_Chosen = tuple[Mapping[str, str], Mapping[str, str]]


def _csv(content: bytes, layout: Layout, chosen: _Chosen, remarks: list[str]) -> _Opened:
    text, odd = csvfiles.decoded(content)
    remarks += odd
    found: list[tuple[tuple[bool, int, int], int, _Opened]] = []
    trouble: Refused | None = None
    for delimiter in csvfiles.delimiters(text):
        rows = csvfiles.rows(text, delimiter)
        try:
            opened = _opened(rows, layout, chosen, _csv_cell, lambda _: False, padded=False)
        except Refused as error:
            trouble = trouble or error
        else:
            if opened[0]:
                found.append((opened[0].header.score, len(opened[0].header.headings), opened))
    if trouble and not any(score[0] for score, _, _ in found):
        raise trouble
    return max(found, key=lambda one: one[:2])[2] if found else (None, [])


def _csv_cell(cell: Cell, sku: bool) -> str:
    text = "" if cell is workbooks.BLANK else str(cell)
    return csvfiles.sku_in(text) if sku else text


def _workbook(content: bytes, layout: Layout, chosen: _Chosen, remarks: list[str]) -> _Opened:
    rows, odd = workbooks.read(content)
    remarks += odd
    filled = ((line, cells) for line, cells in rows if any(cell.value is not None for cell in cells))

    def text(cell: Cell, sku: bool) -> str:
        words = workbooks.text(cell, exact=sku)
        return csvfiles.sku_in(words, told=True) if sku else words

    def is_number(cell: Cell) -> bool:
        return isinstance(cell.value, int | float)

    return _opened(filled, layout, chosen, text, is_number, padded=True)


def _opened(
    rows: Iterator[tuple[int, Sequence[Cell]]],
    layout: Layout,
    chosen: _Chosen,
    text: Callable[[Cell, bool], str],
    is_number: Callable[[Cell], bool],
    *,
    padded: bool,
) -> _Opened:
    """Find the heading line among the first lines: the one that names most columns; of two, the first. Raise Refused."""

    def words(cells: Sequence[Cell]) -> list[str]:
        said = []
        for cell in cells:
            try:
                said.append(text(cell, False))
            except Refused:
                said.append("")  # a formula is not a heading
        while said and not said[-1].strip():
            said.pop()
        return said

    top: list[tuple[int, Sequence[Cell]]] = []
    best: tuple[tuple[bool, int, int], int, Header] | None = None
    for place, (line, cells) in enumerate(islice(rows, HEADER_WITHIN)):
        top.append((line, cells))
        found = headings.header(words(cells), known(layout), layout.needed, chosen, layout.lenient)
        if best is None or found.score > best[0]:
            best = (found.score, place, found)
    if best is None:
        return None, []
    _, place, header = best
    below = top[place + 1 :]
    return _Raw(header, top[place][0], place, chain(below, rows), text, is_number, padded), words(
        below[0][1]
    ) if below else []


def _write_csv(layout: Layout, rows: Iterable[Sequence[Value | None]]) -> Iterator[bytes]:
    """Write CSV with a byte order mark, because spreadsheets need it to recognise UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    yield codecs.BOM_UTF8
    writer.writerow(layout.names)
    for row in rows:
        writer.writerow(_in_csv(column, cell) for column, cell in zip(layout.columns, row, strict=True))
        if out.tell() > CHUNK:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _in_csv(column: Column, value: Value | None) -> str | int | None:
    if not column.text or value is None:
        return _plain(value)
    return (csvfiles.guarded_sku if column.is_sku else csvfiles.guarded)(writable(str(value)))


def _in_workbook(column: Column, value: Value | None) -> str | int | None:
    """Return a value for a workbook. Texts cannot run there, so only texts that reading would unguard are guarded."""
    if not isinstance(value, str):
        return _plain(value)
    value = writable(value)
    if column.is_sku:
        return csvfiles.guarded_sku(value) if csvfiles.sku_in(value, told=True) != value else value
    return csvfiles.guarded(value) if csvfiles.unguarded(value) != value else value


def _plain(value: Value | None) -> str | int | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
