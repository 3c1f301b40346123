"""Defines the tables: their columns, the values of the cells, and how a cell is read.

Path: ``sheets`` reads and writes tables of these layouts.
Promise: a cell has one possible meaning, or is refused with its value.
Never: knows the format of a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from onhand.domain.errors import Refused
from onhand.domain.numbers import Ambiguous, Mark, whole
from onhand.domain.stock import QUANTITY_MAX, check_sku, check_text
from onhand.files import headings
from onhand.files.headings import Known

NUMBER_MAX = 10**15 - 1  # of a movement; a spreadsheet holds larger numbers inexactly

Value = str | int | bool
Reader = Callable[[str, str, "Mark | None"], "Value | None"]  # column, cell, decimal mark. Raises Refused


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its values, and its headings in other programs. A blank cell has no value, unless the column is needed."""

    name: str
    read: Reader
    text: bool = False  # a spreadsheet must not change it
    needed: bool = False
    known: Known = ((), ())
    told: bool = True  # a person fills it in, so a template has it

    @property
    def is_sku(self) -> bool:
        """Return whether the column holds SKUs, which spreadsheets often change."""
        return self.read is _sku


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of table. ``once``: each SKU may be in only one line."""

    columns: tuple[Column, ...]
    once: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def needed(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.needed)

    @property
    def lenient(self) -> frozenset[str]:
        """Return the columns that may take their first likely heading: texts that do not affect a quantity."""
        return frozenset(column.name for column in self.columns if column.text and not column.needed)


@cache
def known(layout: Layout) -> headings.Index:
    """Return the headings of a layout's columns, their own names first."""
    own = {column.name: headings.normal(column.name) for column in layout.columns}
    return headings.index(
        {c.name: ((own[c.name], *(w for w in c.known[0] if w != own[c.name])), c.known[1]) for c in layout.columns}
    )


# How a cell is read


def _sku(_: str, text: str, __: Mark | None) -> str:
    return check_sku(text)


def _barcode(name: str, text: str, _: Mark | None) -> str:
    if re.fullmatch(r"[0-9][.,][0-9]+[Ee][+]?[0-9]+", text):
        raise Refused(f"{name} {text} was a long number that a spreadsheet shortened: give that column the format Text")
    return check_text(text, name)


def _text(name: str, text: str, _: Mark | None) -> str:
    return check_text(text, name)


def _whole(low: int, high: int = QUANTITY_MAX) -> Reader:
    def read(name: str, text: str, mark: Mark | None) -> int:
        try:
            number = whole(text, mark)
        except Ambiguous as error:
            raise Ambiguous(f"{name} {error.message}", **error.facts) from None
        except Refused as error:
            raise Refused(f"{name} {error.message}") from None
        if not low <= number <= high:
            raise Refused(f"{name} {text[:40]} is not between {low:,} and {high:,}")
        return number

    return read


def _counted(name: str, text: str, mark: Mark | None) -> Value | None:
    """Return a count, or None for a blank: a count sheet may be filled in only partly."""
    return _whole(0)(name, text, mark) if text else None


_YES = {"yes", "true", "1", "y", "ja", "oui", "si", "sí", "wahr", "vrai"}
_NO = {"no", "false", "0", "n", "nein", "non", "falsch", "faux"}


def _flag(name: str, text: str, _: Mark | None) -> bool:
    plain = text.casefold()
    if plain not in _YES | _NO:
        raise Refused(f"{name} {text[:40]!r} is neither yes nor no")
    return plain in _YES


def _unread(name: str, _: str, __: Mark | None) -> None:
    raise Refused(f"{name} cannot be imported")


SKU = Column("sku", _sku, text=True, needed=True, known=headings.SKU)
NAME = Column("name", _text, text=True, known=headings.NAME)
ITEMS = Layout(
    (
        SKU,
        NAME,
        Column("on_hand", _whole(-QUANTITY_MAX), known=headings.ON_HAND),
        Column("reorder_point", _whole(0), known=headings.REORDER_POINT),
        Column("reorder_to", _whole(0), known=headings.REORDER_TO),
        Column("supplier", _text, text=True, known=headings.SUPPLIER),
        Column("barcode", _barcode, text=True, known=headings.BARCODE),
        Column("location", _text, text=True, known=headings.LOCATION),
        Column("ignore_qoh", _flag, known=headings.IGNORE_QOH),
        Column("drop_ship", _flag, known=headings.DROP_SHIP),
        # What was on hand when the file was written, and the newest movement then: what was booked since is kept.
        Column("exported_on_hand", _whole(-QUANTITY_MAX), known=headings.EXPORTED_ON_HAND, told=False),
        Column("exported_movement", _whole(0, NUMBER_MAX), known=headings.EXPORTED_MOVEMENT, told=False),
    )
)
COUNTS = Layout((SKU, NAME, Column("counted", _counted, needed=True, known=headings.COUNTED)))
RECEIPTS = Layout((SKU, Column("units", _whole(1), needed=True, known=headings.UNITS)), once=False)
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
KINDS = {
    "items": ITEMS,
    "counts": COUNTS,
    "receipts": RECEIPTS,
}  # the files that people import, by the name under which their mapping is stored
