"""Decides the effect of a quantity in a file on an item that has traded since the file was made.

Path: ``services.importing`` asks ``change`` for every line that has a quantity.
Promise: sales and receipts booked since an export are kept; the same file imported twice changes nothing the second time.
Never: applies an absolute quantity silently: that is an overwrite, and a person confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from .errors import Refused

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORTED = "import/export/"  # the origin of a count from our own export: this, and the newest movement at the export
FILE_BYTES_MAX = 32 * 1024 * 1024  # bytes of one file
RECENT = timedelta(hours=24)  # how far back sales are shown next to a count that would be overwritten


class FileKind(StrEnum):
    """The purpose of a file that people import."""

    ITEMS = "items"
    COUNTS = "counts"
    RECEIPTS = "receipts"


class Form(StrEnum):
    """The format of a table."""

    CSV = "csv"
    XLSX = "xlsx"

    @classmethod
    def of(cls, name: str) -> Form:
        """Return the format for a file name."""
        return cls.XLSX if name.lower().endswith(".xlsx") else cls.CSV

    @property
    def media_type(self) -> str:
        return "text/csv; charset=utf-8" if self is Form.CSV else XLSX_TYPE


@dataclass(frozen=True, slots=True)
class Base:
    """The state at a file's export: what was on hand, and the newest movement."""

    on_hand: int
    movement: int


@dataclass(frozen=True, slots=True)
class Since:
    """The movements of one item after a given one, in units: all of them; sold (a positive number); received; by imports of the same
    export. ``counted``: whether another count corrected it."""

    moved: int = 0
    sold: int = 0
    received: int = 0
    imported: int = 0
    counted: bool = False


NOTHING = Since()


@dataclass(frozen=True, slots=True)
class Change:
    """The effect of one line on a quantity. ``overwrites``: it replaces all that was booked, because the file does not say when it was
    made; ``overtaken``: another count corrected the item since."""

    units: int
    overwrites: bool = False
    overtaken: bool = False


def is_ours(base: Base, here: int, since: Since, newest: int) -> bool:
    """Return whether a base comes from this store: what was on hand then and what moved since make up what is here now."""
    return base.movement <= newest and base.on_hand + since.moved == here


def change(wanted: int, here: int, base: Base | None, since: Since) -> Change:
    """Return the change of what is on hand if a file says ``wanted`` and ``here`` are on hand. ``base``: the file's record of its export.

    With a base, only what a person changed in the file counts. Raises Refused for a count below zero, which no shelf can have.
    """
    if base is None:
        units = wanted - here
    elif wanted == base.on_hand:
        return Change(0)
    else:
        units = wanted - base.on_hand - since.imported
    if units and wanted < 0:
        raise Refused(
            f"on_hand {wanted} is not a count, and there are {here}: give 0 or more, or leave it blank", on_hand=wanted
        )
    return Change(
        units, overwrites=base is None and units != 0, overtaken=base is not None and units != 0 and since.counted
    )
