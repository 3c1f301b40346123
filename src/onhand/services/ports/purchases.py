"""The floor plan of buying: suppliers and purchase orders.

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
        """By name."""

    def supplier(self, name: str) -> Supplier:
        """Raises Refused, if there is none of that name."""

    def add_supplier(self, name: str, email: str, phone: str, note: str) -> int:
        """Raises Refused if the name is taken."""

    def edit_supplier(self, supplier: Supplier) -> None:
        """Keep what is given; the revision grows. Raises Refused if the name is another's."""

    def add(self, supplier: int, note: str, person: str, lines: Sequence[tuple[int, int]], at: datetime) -> str:
        """A new draft of (item, units) lines; its number."""

    def get(self, number: str) -> PurchaseOrder:
        """Raises Refused if there is none of that number."""

    def replace_lines(self, order: int, note: str, lines: Sequence[tuple[int, int]]) -> None:
        """Of a draft, and its note; the revision grows."""

    def move(self, order: int, state: OrderState, at: datetime) -> None:
        """Into another state; the revision grows."""

    def receive(self, order: int, came: Mapping[int, int]) -> None:
        """Add units to lines by their numbers; the revision grows."""

    def stocked(self) -> list[Stocked]:
        """Items that we keep ourselves with no more on hand than their reorder point, by SKU."""
