"""Reads and writes CSV files: of items, and of deliveries.

Path: ``verbs.item_import`` and ``item_export``, ``onhand receive --file`` and the screens that take a file.
Promise: a file is read whole or refused with every bad line named by its number.
Never: guesses a column or a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.stock import QUANTITY_MAX, Item, check_sku, check_text, sku_key
from onhand.services.items import Entry

T = TypeVar("T")
LINES_MAX = 200_000
BYTES_MAX = 50_000_000  # of one file
FAULTS_MAX = 100  # bad lines named in one refusal


@dataclass(frozen=True, slots=True)
class Columns:
    """What the header line may name. ``needed`` must be there; ``synonyms`` maps other words to a column."""

    names: tuple[str, ...]
    needed: tuple[str, ...]
    synonyms: Mapping[str, str]


ITEMS = Columns(
    ("sku", "name", "on_hand"),
    ("sku",),
    {"qoh": "on_hand", "quantity": "on_hand", "on hand": "on_hand", "title": "name"},
)
DELIVERY = Columns(("sku", "units"), ("sku", "units"), {"quantity": "units", "qty": "units", "received": "units"})


def decoded(content: bytes) -> str:
    """The text of a file. Raises Refused if it is too long or not UTF-8."""
    if len(content) > BYTES_MAX:
        raise Refused(f"The file has more than {BYTES_MAX:,} bytes: split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(
            f"Line {line} is not UTF-8 text: save the file as CSV in UTF-8.",
            faults=[{"line": line, "fault": "not UTF-8"}],
        ) from None


def read_items(text: str) -> list[Entry]:
    """Checked entries from CSV text with a header line. Raises Refused; the fact ``faults`` has line and what is wrong."""
    first_line: dict[str, int] = {}

    def entry(line: int, values: Mapping[str, str]) -> Entry:
        sku = check_sku(values["sku"])
        first = first_line.setdefault(sku_key(sku), line)
        if first != line:
            raise Refused(f"the SKU {sku!r} stands in line {first} already")
        on_hand = values.get("on_hand", "")
        return Entry(
            line, sku, check_text(values.get("name", ""), "name"), _whole("on_hand", on_hand, 0) if on_hand else None
        )

    return _read(text, ITEMS, entry)


def read_delivery(text: str) -> list[tuple[str, int]]:
    """(SKU, units) lines from CSV text with a header line. Raises Refused as ``read_items`` does."""
    return _read(text, DELIVERY, lambda _, values: (check_sku(values["sku"]), _whole("units", values["units"], 1)))


def write_items(items: Iterable[Item]) -> str:
    """CSV text of items, as ``read_items`` takes it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(ITEMS.names)
    writer.writerows([item.sku, item.name, item.on_hand] for item in items)
    return out.getvalue()


def _read(text: str, columns: Columns, entry: Callable[[int, Mapping[str, str]], T]) -> list[T]:
    """Every line as an entry. All bad lines are collected, so that one look at the file corrects them all."""
    entries: list[T] = []
    faults: list[dict[str, object]] = []
    for line, values in _lines(text.removeprefix("\ufeff"), columns, faults):
        try:
            entries.append(entry(line, values))
        except OnHandError as error:
            faults.append({"line": line, "fault": error.message})
        if len(entries) > LINES_MAX:
            raise Refused(f"The file has more than {LINES_MAX:,} lines: split it.")
    if faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more bad lines)" if len(faults) > 1 else ""
        raise Refused(
            f"Line {first['line']}: {first['fault']}{more}. Nothing was booked; correct the file and try again.",
            faults=faults[:FAULTS_MAX],
            count=len(faults),
        )
    return entries


def _lines(text: str, columns: Columns, faults: list[dict[str, object]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and values of every line that has as many cells as the header; the others go to ``faults``."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = [_column(name, columns) for name in next(reader, [])]
        _check_header(header, columns)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                faults.append(
                    {"line": reader.line_num, "fault": f"{len(cells)} cells where the header has {len(header)}"}
                )
                continue
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        faults.append({"line": reader.line_num, "fault": f"not CSV: {error}"})


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _column(name: str, columns: Columns) -> str:
    plain = name.strip().casefold()
    return columns.synonyms.get(plain, plain)


def _check_header(header: list[str], columns: Columns) -> None:
    unknown = sorted(set(header) - set(columns.names))
    if unknown or len(set(header)) != len(header) or not set(columns.needed) <= set(header):
        optional = [name for name in columns.names if name not in columns.needed]
        raise Refused(
            f"The first line must name the columns: {' and '.join(columns.needed)}"
            + (f", and if you like {' and '.join(optional)}" if optional else "")
            + "."
            + (f" Unknown here: {', '.join(name[:40] or 'a blank one' for name in unknown)}." if unknown else ""),
        )


def _whole(what: str, text: str, low: int) -> int:
    digits = text.removeprefix("+").removeprefix("-")
    # Longer digits cannot be a quantity, and turning very many into a number takes very long.
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise Refused(f"{what} {text[:40]!r} is not a whole number")
    if not low <= int(text) <= QUANTITY_MAX:
        raise Refused(f"{what} {text[:40]} is not between {low} and {QUANTITY_MAX:,}")
    return int(text)
