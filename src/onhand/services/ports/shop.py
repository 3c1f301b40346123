"""The port for a connected shop.

Path: services talk to a shop through ``Shop``; ``carts`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onhand.domain.shop import Applied, Change, Hello, Line, Look, Page, Row
from onhand.domain.sketch import Cell

ROWS_MAX = 2000  # rows, lines, ids or posts in one request; the protocol's limit
LISTINGS_MAX = 200_000  # products of one shop


class Shop(Protocol):
    """One connected shop, reached through a connector. Not thread-safe.

    Every method raises ``Retriable`` (try later), ``Permanent`` (a person must change something there) or ``Conflict`` (the shop is in
    another epoch or at another sequence number), with the fact ``reason``. What it returns was checked (``carts.answers``): numbers are
    bounded, and the ids of a page rise above the one asked for.
    """

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        """Return who answers. If ``fresh_epoch_after`` equals the current epoch, a new epoch is begun."""

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        """Return order lines above ``after``, the window (low, after], and the sums if asked for."""

    def cells(self, size: int) -> Sequence[Cell]:
        """Return the 3·size cells over all products."""

    def listings(self, after: int, limit: int) -> Page:
        """Return products with an id above ``after`` in id order, at most ``limit``."""

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        """Return those of the named products that exist. At most ``ROWS_MAX``."""

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        """Return those of the named order lines that still exist. At most ``ROWS_MAX``."""

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        """Apply one batch, numbered from ``first``; with ``close``, end an unfinished one without applying it."""

    def disconnect(self) -> None:
        """Close sockets; the next call connects again."""
