"""Defines the details of an item besides its quantity, and the reasons for correcting that.

Path: ``services.items`` changes and checks it; the Inventory screen, imports and purchase orders read it.
Promise: the details are consistent: nothing is ordered up to less than the point at which it is ordered.
Never: holds a quantity on hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import Refused
from .stock import QUANTITY_MAX, check_text

# Why a person corrects a quantity. Any other words are accepted too; these are the ones that lists offer.
REASONS = ("damaged", "lost", "found", "given away", "sample", "correction", "other")

BARCODE_MAX = 64  # characters; Code 128 labels are shorter
LOCATION_MAX = 60  # characters


@dataclass(frozen=True, slots=True)
class Particulars:
    """The details of one item that people edit."""

    name: str
    ignore_qoh: bool = False  # our count is kept, but shops do not follow it
    drop_ship: bool = False  # the supplier ships it: neither ordered, counted nor kept in sync
    reorder_point: int | None = None  # at or below it, it is time to order
    reorder_to: int | None = None  # order up to this many
    supplier: str = ""  # the name; blank: no supplier
    barcode: str = ""  # EAN, GTIN, UPC or one of your own; blank: none
    location: str = ""  # where it is on the shelf, such as A-03-2
    revision: int = 0  # how often it was changed

    @property
    def set_aside(self) -> bool:
        """Return whether shops must not follow this item."""
        return self.ignore_qoh or self.drop_ship

    def check(self, sku: str) -> None:
        """Raise Refused if the details are not consistent."""
        for field, level in (("reorder_point", self.reorder_point), ("reorder_to", self.reorder_to)):
            if level is not None and not 0 <= level <= QUANTITY_MAX:
                raise Refused(f"{sku}: give at least 0 and at most {QUANTITY_MAX:,}.", **{field: level}, sku=sku)
        if self.reorder_to is not None and self.reorder_to < (self.reorder_point or 0):
            raise Refused(
                f"{sku} would be ordered up to {self.reorder_to}, which is below its reorder point {self.reorder_point}: "
                "raise the one or lower the other.",
                sku=sku,
                reorder_to=self.reorder_to,
            )
        if len(self.barcode) > BARCODE_MAX or not (self.barcode.isprintable() and self.barcode.isascii()):
            raise Refused(
                f"{sku}: a barcode has at most {BARCODE_MAX} letters, digits and signs, without accents.",
                sku=sku,
                barcode=self.barcode[: 2 * BARCODE_MAX],
            )
        if len(self.location) > LOCATION_MAX:
            raise Refused(f"{sku}: a location has at most {LOCATION_MAX} characters.", sku=sku, location=self.location)


# What people edit, in the order of lists: everything except the count of changes.
FIELDS = tuple(field.name for field in fields(Particulars) if field.name != "revision")


def tidied(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return new values of fields, by name, with texts as they are kept. Raise Refused for a text that is too long."""
    return {name: check_text(value, name) if isinstance(value, str) else value for name, value in changes.items()}
