"""The port for buying: suppliers and purchase orders.

Path: ``ports.Books`` has this book among the others; ``storage`` implements it.
Promise: as in ``ports``.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.purchasing import OrderState, PurchaseOrder, Stocked, Supplier


class PurchaseBook(Protocol):
    """Suppliers and purchase orders."""

    def suppliers(self) -> list[Supplier]:
        """Return suppliers, by name."""

    def supplier(self, name: str) -> Supplier:
        """Return a supplier. Raise Refused if there is none of that name."""

    def add_supplier(self, name: str, email: str, phone: str, note: str) -> int:
        """Add a supplier. Raise Refused if the name is taken."""

    def edit_supplier(self, supplier: Supplier) -> None:
        """Save the given details; the revision grows. Raise Refused if another supplier has the name."""

    def add(self, supplier: int, note: str, person: str, lines: Sequence[tuple[int, int]], at: datetime) -> str:
        """Add a draft of (item, units) lines; return its number."""

    def get(self, number: str) -> PurchaseOrder:
        """Return a purchase order. Raise Refused if there is none of that number."""

    def replace_lines(self, order: int, note: str, lines: Sequence[tuple[int, int]]) -> None:
        """Replace the lines and the note of a draft; the revision grows."""

    def move(self, order: int, state: OrderState, at: datetime) -> None:
        """Set the state; the revision grows."""

    def receive(self, order: int, came: Mapping[int, int]) -> None:
        """Add units to lines by their numbers; the revision grows."""

    def stocked(self) -> list[Stocked]:
        """Return items with own stock and no more on hand than their reorder point, by SKU."""
