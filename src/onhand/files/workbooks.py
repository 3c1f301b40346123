"""Reads and writes XLSX files for ``sheets``.

Path: ``sheets.read`` and ``sheets.write`` use it for XLSX; openpyxl does the work.
Promise: any file costs limited memory and time, packed or unpacked; a number is read as text only if it is exact.
Never: evaluates a formula, follows a link, or knows what a column means.
"""

from __future__ import annotations

import codecs
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from onhand.domain.errors import Refused

UNPACKED_BYTES_MAX = 128 * 1024 * 1024  # of all parts together
PARTS_MAX = 1000
COLUMNS_MAX = 100
ROW_TAGS_MAX = 10 * COLUMNS_MAX  # per row: a cell has three elements at most, each with two tags
TAGS_MAX = 4_000_000  # per part, outside of rows: a million shared texts
TAG_LENGTH_MAX = 256  # bytes, to find where a row begins
LINES_MAX = 1_048_576  # the most that XLSX can hold
EXACT = 10**15  # larger numbers have lost digits in a spreadsheet
PIECE_BYTES = 256 * 1024  # of a file, read or written at once
DECLARATION_BYTES = 1024  # within which an XML part must declare its encoding

_OLD = b"\xd0\xcf\x11\xe0"  # the first bytes of old Excel files and of files with a password
_ROW = re.compile(rb"<(/?)(?:[\w.-]+:)?(?:row|sheetData)[\s/>]")
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]*)[\"'][^>]*\?>")


_CONSTANT = re.compile(r'=\s*"(?:[^"]|"")*"')  # a formula that is only a quoted text
_FORMATS = re.compile(r'(?:"[^"]*"|\\.|[-0#+() ])+')
_FORMAT = re.compile(r'"([^"]*)"|\\(.)|(.)')


class Blank:
    """A missing cell."""

    value = None
    data_type = "n"


BLANK = Blank()
Cell = Any  # openpyxl's cells have no common type; in CSV a cell is a text


def is_workbook(content: bytes) -> bool:
    """Return whether the file is XLSX. Raise Refused for another kind of spreadsheet."""
    if content.startswith(_OLD):
        raise Refused("This is an old Excel file or has a password: save it as XLSX without a password.")
    return content.startswith(b"PK\x03\x04")


def read(content: bytes) -> tuple[Iterator[tuple[int, list[Cell]]], list[str]]:
    """Return the first sheet's numbered lines, and a remark if there are more sheets. Raise Refused, even while lines are read."""
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to import, and seldom needed

    _check_size(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, keep_links=False)
        sheets = book.worksheets
        sheet: Any = sheets[0]
        sheet.reset_dimensions()  # the size that the file declares may be wrong
    except Exception as error:  # a broken file can break the reader anywhere
        raise _broken() from error
    more = f"The file has {len(sheets)} sheets. Only the first, {sheet.title!r}, was read."
    return _rows(sheet), [more] if len(sheets) > 1 else []


def text(cell: Cell, exact: bool) -> str:
    """Return the text of a cell.

    Raise Refused for a formula, an error or a date; with ``exact`` also for a number whose displayed text is not certain.
    """
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f" and not (isinstance(value, str) and _CONSTANT.fullmatch(value)):
        raise Refused(f"{cell.coordinate} holds a formula: replace it with its value")
    if cell.data_type == "e":
        raise Refused(f"{cell.coordinate} holds a spreadsheet error: correct it")
    if isinstance(value, bool):
        if exact:  # each language displays it differently
            raise Refused(
                f"{cell.coordinate} holds a truth value, not a text: give that column the format Text and type it again"
            )
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _digits(cell, value, exact)
    if not isinstance(value, str):
        raise Refused(f"{cell.coordinate} holds a date: give it the format Text and type it again")
    return value


def write(rows: Iterable[Iterable[str | int | None]]) -> Iterator[bytes]:
    """Write an XLSX file of rows, the first of them the header, through a temporary file, so that memory does not grow with it."""
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("OnHand")
    sheet.freeze_panes = "A2"

    def cell(value: str | int | None) -> Any:
        if not isinstance(value, str):
            return value
        clean = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
        if not clean.startswith(("=", "#")):
            return clean
        made: Any = WriteOnlyCell(sheet, clean)
        made.data_type = "s"  # otherwise it would be a formula or an error
        return made

    try:
        for number, row in enumerate(rows, 1):
            if number > LINES_MAX:
                raise Refused(f"The table has more than the {LINES_MAX:,} lines of XLSX: use CSV.")
            sheet.append([cell(value) for value in row])
    finally:
        sheet.close()
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _check_size(content: bytes) -> None:
    """Raise Refused for a file that would unpack to too much. The reader cuts off a part that is larger than it declares."""
    try:
        with ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise Refused("This is not an XLSX file: save the table as XLSX or CSV.")
            if sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX or len(parts) > PARTS_MAX:
                raise Refused(f"The file unpacks to more than {UNPACKED_BYTES_MAX:,} bytes: split it, or use CSV.")
            for part in parts:
                with packed.open(part) as opened:
                    _check_tags(opened)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _broken() from error


def _check_tags(part: IO[bytes]) -> None:
    """Raise Refused for a part whose elements would fill the memory: openpyxl holds a whole row, and everything outside of rows.

    A part is XML if it begins like XML, regardless of its name, because the file itself decides which names the reader opens. Only
    UTF-8 is read: in another encoding, elements and definitions could pass this check unnoticed. Comments and definitions could hide
    elements too; no spreadsheet writes them.
    """
    head = part.read(PIECE_BYTES)
    xml = _begins_xml(head)
    tags, most, rest = 0, TAGS_MAX if xml else TAGS_MAX // 10, b""
    while piece := head or part.read(PIECE_BYTES):
        head, text = b"", rest + piece
        # The end of the piece may cut a tag in two.
        end = text.rfind(b"<", max(0, len(text) - TAG_LENGTH_MAX))
        end = len(text) if end < 0 else end
        text, rest = text[:end], text[end:]
        if xml and (b"<!" in text or b"\0" in piece):
            raise _broken()
        start = 0
        for row in _ROW.finditer(text) if xml else ():
            if tags + text.count(b"<", start, row.start()) > most:
                raise _too_many()
            tags, most, start = 0, TAGS_MAX if row[1] else ROW_TAGS_MAX, row.end()
        tags += text.count(b"<", start)
        if tags > most:
            raise _too_many()


def _begins_xml(head: bytes) -> bool:
    """Return whether a part is XML in UTF-8. Raise Refused if its first bytes or its declaration say another encoding."""
    plain = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    other = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (b"<" in head[:4] and b"\0" in head[:4])
    declared = _DECLARED.match(plain[:DECLARATION_BYTES])
    if declared is not None:
        other = other or declared[1].lower() != b"utf-8"
    elif plain.startswith(b"<?xml"):
        other = (
            other or b"?>" not in plain[:DECLARATION_BYTES] or b"encoding" in plain[:DECLARATION_BYTES].split(b"?>")[0]
        )
    if other:
        raise Refused("The XLSX file has a part that is not in UTF-8: open it in a spreadsheet and save it again.")
    return plain.startswith(b"<")


def _too_many() -> Refused:
    return Refused(
        f"The file has rows with more than {COLUMNS_MAX} cells, or too much besides its rows: save it as CSV."
    )


def _rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    for number, cells in enumerate(_unpacked(sheet), 1):
        if len(cells) > COLUMNS_MAX:
            raise Refused(
                f"Line {number} has {len(cells):,} cells, but at most {COLUMNS_MAX} are possible: delete the cells on the right."
            )
        if number > LINES_MAX:
            raise Refused(f"The file has more than {LINES_MAX:,} lines: split it into smaller files.")
        yield number, list(cells)


def _unpacked(sheet: Any) -> Iterator[tuple[Cell, ...]]:
    try:
        yield from sheet.iter_rows()
    except (ParseError, BadZipFile, zlib.error, ArithmeticError, LookupError, TypeError, ValueError, EOFError) as error:
        raise _broken() from error


def _digits(cell: Cell, value: float, exact: bool) -> str:
    """Return a number as text: 12345.0 is 12345. With ``exact``, return it as the cell's format shows it."""
    whole = isinstance(value, int) or value.is_integer()
    if whole and abs(value) < EXACT:
        if not exact:
            return str(int(value))
        shown = shown_as(str(cell.number_format), int(value))
        if shown is not None:
            return shown
        raise Refused(
            f"{cell.coordinate} shows the number {int(value)} in the format {str(cell.number_format)[:40]!r}, which OnHand cannot read:"
            " give that column the format Text and type it again as it is shown"
        )
    if exact:
        raise Refused(
            f"{cell.coordinate} holds the number {value!r}, which may have been another text:"
            " give that column the format Text and type it again"
        )
    return repr(value)


def shown_as(number_format: str, value: int) -> str | None:
    """Return the text that a spreadsheet shows for a whole number; None if the format has more than digits and fixed words.

    Formats are those of ISO/IEC 29500-1, 18.8.30: ``0`` always shows a digit, ``#`` only where there is one; quotes and backslashes
    mark words.
    """
    if number_format.casefold() in {"general", "@"}:
        return str(value)
    parts = _FORMAT.findall(number_format)
    places = sum(rest in {"0", "#"} for _, _, rest in parts)
    if value < 0 or not places or not _FORMATS.fullmatch(number_format):
        return None
    digits, shown = list(str(value) if value else ""), []
    for quoted, escaped, rest in reversed(parts):
        if rest not in {"0", "#"}:
            shown.append(quoted or escaped or rest)
            continue
        places -= 1
        if not digits:
            shown.append("0" if rest == "0" else "")
        else:  # the first place shows all remaining digits
            shown.append("".join(digits) if not places else digits.pop())
    return "".join(reversed(shown))


def _broken() -> Refused:
    return Refused("The XLSX file is damaged: open it in a spreadsheet and save it again, or save it as CSV.")
