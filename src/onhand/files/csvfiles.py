"""Parses and writes CSV files: encoding, delimiter, and the apostrophes that keep a spreadsheet from running a text.

Path: ``sheets.read`` and ``sheets.write`` use it for CSV.
Promise: no spreadsheet of any language runs a text that is written here, even if it assumes another delimiter; text reads back
unchanged.
Never: knows what a column means.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

from onhand.domain.errors import Refused
from onhand.domain.spelling import spoiled

DELIMITERS = ",;\t|"

# A spreadsheet of another language assumes another delimiter, sees a new cell after it, and may drop quotes before the first sign.
# So every place where a cell could begin is guarded; blanks, quotes and invisible characters before the sign are skipped.
_INNER = r"(?<=[;\t\n\r])"
_SKIPPED = r"[\s\"'\ufeff\u200b\u200e\u200f\u2060\u00ad]*"
_RUN = r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]"
_SHORTENED = r"'*[0-9]+(?:[.,][0-9]+)?E[+-]?[0-9]+\Z"  # a spreadsheet would shorten it permanently
_FIRST = re.compile(rf"\A(?={_SKIPPED}{_RUN}|{_SHORTENED})", re.IGNORECASE)
_LATER = re.compile(rf"{_INNER}(?={_SKIPPED}{_RUN})")
_FIRST_GUARD = re.compile(rf"\A'(?={_SKIPPED}{_RUN}|{_SHORTENED})", re.IGNORECASE)
_LATER_GUARD = re.compile(rf"{_INNER}'(?={_SKIPPED}{_RUN})")
_CONSTANT = re.compile(r'=\s*"((?:[^"]|"")*)"')


def guarded(text: str) -> str:
    """Return a text with an apostrophe before everything in it that a spreadsheet could run."""
    return _FIRST.sub("'", _LATER.sub("'", text))


def unguarded(text: str) -> str:
    """Return a text as it was before ``guarded``."""
    return _LATER_GUARD.sub("", _FIRST_GUARD.sub("", text))


def guarded_sku(sku: str) -> str:
    """Return a SKU so that ``sku_in`` reads it back: with an apostrophe if it begins with one or could be misread."""
    inner = _LATER.sub("'", sku)
    return f"'{inner}" if _FIRST.match(sku) or sku.startswith("'") or spoiled(sku) else inner


def sku_in(cell: str, told: bool = False) -> str:
    """Return the SKU that a cell shows, without the apostrophe or the formula signs that only mark it as text.

    ``told``: the file marks the cell as text. Raise Refused for a formula, and for a SKU that a spreadsheet has changed.
    """
    text = cell.strip()
    if constant := _CONSTANT.fullmatch(text):
        return constant[1].replace('""', '"')
    if text.startswith("'"):
        return _LATER_GUARD.sub("", text[1:])
    if text.startswith("=") and not told:
        raise Refused(f"the SKU {text[:40]!r} is a formula: replace it with its value, or put an apostrophe before it")
    if not told and (why := spoiled(text)):
        raise Refused(
            f"the SKU {text[:40]!r} {why}: give that column the format Text, or put an apostrophe before it if it is right"
        )
    return _LATER_GUARD.sub("", text)


def delimiters(text: str) -> str:
    """Return the possible delimiters of a file: the one that its first line names, or all common ones."""
    named = re.match(r'"?sep=(.)"?\r?(?:\n|\Z)', text, re.IGNORECASE)
    return named[1] if named else DELIMITERS


def rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return the lines of a CSV text with their numbers. Raise Refused if it is not CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if reader.line_num == 1 and re.fullmatch(r"sep=.?", delimiter.join(cells), re.IGNORECASE):
                continue
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        fault = f"not CSV: {error}"
        faults = [{"line": reader.line_num, "column": "", "fault": fault}]
        raise Refused(f"Line {reader.line_num}: {fault}.", faults=faults, count=1) from error


def decoded(content: bytes) -> tuple[str, list[str]]:
    """Return the text of a file, with a remark if its encoding was guessed. Raise Refused with the line."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded_as(content, "utf-16"), []
    if b"\0" in content[:200]:
        # An ASCII letter in UTF-16 is a byte beside a zero; which comes first tells the byte order.
        return _decoded_as(content, "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"), []
    try:
        return _decoded_as(content, "utf-8-sig"), []
    except Refused:
        words = "The file is not in UTF-8 and was read as Windows-1252: check names with accents."
        return _decoded_as(content, "cp1252"), [words]


def _decoded_as(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(
            f"Line {line} is not readable text: save the file as CSV in UTF-8, or as XLSX.",
            faults=[{"line": line, "column": "", "fault": "not text"}],
            count=1,
        ) from None
    if "\0" in text:
        raise Refused("This file is not a table: give a CSV or XLSX file.")
    return text
