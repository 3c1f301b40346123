"""The ports of the stock room: details of items, orders, count sheets.

Path: ``ports.Books`` has these books among the others; ``storage`` implements them.
Promise: as in ``ports``.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.counting import CountLine, CountSheet, SheetState
from onhand.domain.inventory import Particulars
from onhand.domain.orders import Order
from onhand.domain.stock import Item


class ItemBook(Protocol):
    """Items and their balances."""

    def add(self, sku: str, name: str, at: datetime) -> int:
        """Add an item with nothing on hand; return its id. Raise Refused if the SKU is taken."""

    def add_all(self, new: Sequence[tuple[str, str]], at: datetime) -> dict[str, int]:
        """Add items from (SKU, name); return the id of each SKU key. Raise Refused if a SKU is taken or looks like another item's."""

    def look_alikes(self, skus: Collection[str]) -> dict[str, str]:
        """Return which of these SKUs look like another item's without being the same: that item's SKU, by the given one."""

    def by_key(self, keys: Sequence[str]) -> dict[str, Item]:
        """Return those of the SKU keys that exist."""

    def padded(self, skus: Collection[str]) -> dict[str, str]:
        """Return which of these SKUs are the digits of an item's SKU without its leading zeros: that item's SKU, by the given one."""

    def keys(self) -> dict[str, int]:
        """Return every SKU key with its item id."""

    def by_id(self, items: Sequence[int]) -> dict[int, Item]:
        """Return these items, by id."""

    def all(self) -> dict[int, Item]:
        """Return all items, by id."""

    def each(self) -> Iterator[Item]:
        """Return all items, one after the other, so that few are in memory at once."""

    def set_aside(self, items: Sequence[int] | None = None) -> set[int]:
        """Return items with Ignore QOH or Drop ship, of these or of all: shops must not follow them."""

    def change_sku(self, item: int, sku: str) -> None:
        """Change an item's SKU. Raise Refused if another item has it or has one that looks the same."""

    def move(self, changes: Mapping[int, int]) -> None:
        """Add signed units to balances. Called by ``bookkeeping.book`` only. Raise Refused if a balance would leave its range."""


class InventoryBook(Protocol):
    """The details of items that people edit."""

    def of(self, items: Sequence[int]) -> dict[int, Particulars]:
        """Return the details of these items, by id."""

    def save(self, changed: Mapping[int, Particulars]) -> None:
        """Save details, by item; each revision grows by one. Raise Refused if there is no such supplier."""

    def suppliers(self, names: Collection[str]) -> dict[str, int]:
        """Return supplier ids by the key of their names, blank ones left out. Raise Refused if there is no such supplier."""


class MappingBook(Protocol):
    """People's choices of which heading of a file means which column."""

    def of(self, kind: str) -> dict[str, str]:
        """Return columns by normal heading, for one kind of file; a blank column is left out."""

    def remember(self, kind: str, chosen: Mapping[str, str]) -> None:
        """Keep these choices; they replace older ones for the same heading."""


class OrderBook(Protocol):
    """Orders of carts and those entered by hand."""

    def find(self, number: str, cart: int | None, epoch: str = "") -> Order:
        """Return an order of a cart, or one entered by hand. Raise Refused if there is none."""


class PhoneOrderBook(Protocol):
    """Orders entered by hand."""

    def add(self, number: str, person: str, note: str, lines: Sequence[tuple[int, int]], at: datetime) -> None:
        """Keep an order and its (item, units) lines. Raise Refused if the number is taken."""

    def next_number(self) -> str:
        """Return the number of the next phone order."""


class CountBook(Protocol):
    """Count sheets."""

    def add(self, name: str, person: str, at: datetime) -> int:
        """Add an empty sheet; return its number."""

    def get(self, sheet: int) -> CountSheet:
        """Return a sheet. Raise Refused if there is none of that number."""

    def fill(self, sheet: int, search: str, supplier: str, limit: int) -> tuple[int, int]:
        """Put items on a new sheet; return how many, at most one more than ``limit``, and how many drop-ship items are left out. Raise
        Refused if there is no such supplier."""

    def put(self, sheet: int, chosen: Sequence[int]) -> None:
        """Put items on a count sheet."""

    def drop_shipped(self, chosen: Sequence[int]) -> set[int]:
        """Return those of the items that are drop-shipped."""

    def size(self, sheet: int) -> int:
        """Return how many items a sheet has."""

    def lines(self, sheet: int, chosen: Sequence[int]) -> dict[int, CountLine]:
        """Return lines of those of the items that are on the sheet."""

    def counted(self, sheet: int) -> dict[int, CountLine]:
        """Return the lines of a sheet that were counted, by item."""

    def enter(self, sheet: int, lines: Sequence[CountLine]) -> None:
        """Save what was entered; the sheet's revision grows."""

    def close(self, sheet: int, state: SheetState, at: datetime) -> None:
        """Close a sheet: it was posted or discarded."""

    def newest_by(self, at: datetime) -> int:
        """Return the newest movement that was booked by a time, 0 if there is none."""

    def moved_after(self, chosen: Sequence[int], movement: int) -> dict[int, int]:
        """Return signed units booked for each of the items after a movement."""

    def overtaken(self, sheet: int) -> list[str]:
        """Return SKUs counted on this sheet whose item another count corrected after that moment."""
