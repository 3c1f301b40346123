"""Reads and writes the CSV files of items.

Path: ``verbs.item_import`` and ``item_export``.
Promise: a file is read whole or refused with every bad line named by its number.
Never: guesses a column or a number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from onhand.domain.errors import OnHandError, Refused
from onhand.domain.stock import QUANTITY_MAX, Item, check_sku, check_text, sku_key
from onhand.services.items import Entry

LINES_MAX = 200_000
FAULTS_MAX = 100  # bad lines named in one refusal
COLUMNS = ("sku", "name", "on_hand")
SYNONYMS = {"qoh": "on_hand", "quantity": "on_hand", "on hand": "on_hand", "title": "name"}


def read_items(text: str) -> list[Entry]:
    """Checked entries from CSV text with a header line. Raises Refused with the fact ``faults``: line and what is wrong."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=_delimiter(text), strict=True)
    entries: list[Entry] = []
    faults: list[dict[str, object]] = []
    first_line: dict[str, int] = {}
    try:
        header = [SYNONYMS.get(name.strip().casefold(), name.strip().casefold()) for name in next(reader, [])]
        _check_header(header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                entry = _entry(reader.line_num, header, cells)
                first = first_line.setdefault(sku_key(entry.sku), reader.line_num)
                if first != reader.line_num:
                    raise Refused(f"the SKU {entry.sku!r} stands in line {first} already")
                entries.append(entry)
            except OnHandError as error:
                faults.append({"line": reader.line_num, "fault": error.message})
            if len(entries) > LINES_MAX:
                raise Refused(f"The file has more than {LINES_MAX:,} lines: split it.")
    except csv.Error as error:
        faults.append({"line": reader.line_num, "fault": f"not CSV: {error}"})
    if faults:
        first_fault = faults[0]
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise Refused(
            f"Line {first_fault['line']}: {first_fault['fault']}{more}. Nothing was imported; correct the file and try again.",
            faults=faults[:FAULTS_MAX],
            count=len(faults),
        )
    return entries


def write_items(items: Iterable[Item]) -> str:
    """CSV text of items, as ``read_items`` takes it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([item.sku, item.name, item.on_hand] for item in items)
    return out.getvalue()


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _check_header(header: list[str]) -> None:
    unknown = sorted(set(header) - set(COLUMNS) - {""})
    if "sku" not in header or unknown or len(set(header)) != len(header):
        raise Refused(
            "The first line must name the columns: sku, and if you like name and on_hand."
            + (f" Unknown here: {', '.join(unknown)}." if unknown else ""),
        )


def _entry(line: int, header: list[str], cells: list[str]) -> Entry:
    if len(cells) != len(header):
        raise Refused(f"{len(cells)} cells where the header has {len(header)}")
    values = dict(zip(header, cells, strict=True))
    text = values.get("on_hand", "").strip()
    on_hand = None
    if text:
        digits = text.removeprefix("+").removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise Refused(f"on_hand {text[:40]!r} is not a whole number")
        on_hand = int(text)
        if not 0 <= on_hand <= QUANTITY_MAX:
            raise Refused(f"on_hand {text[:40]} is not between 0 and {QUANTITY_MAX:,}")
    return Entry(line, check_sku(values["sku"]), check_text(values.get("name", ""), "name"), on_hand)
