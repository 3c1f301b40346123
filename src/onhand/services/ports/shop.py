"""What the services need of a connected shop.

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
    """One connected shop, reached through a connector. Not safe for use by two threads at once.

    Every method raises ``Retriable`` (try later), ``Permanent`` (a person must change something there) or
    ``Conflict`` (the shop is in another epoch or at another sequence number), with the fact ``reason``.
    What it returns was checked (``carts.answers``): numbers are bounded, and a page rises above what was asked for.
    """

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        """Who is there. With ``fresh_epoch_after`` equal to the current epoch, a new epoch is begun."""

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        """Order lines above ``after``, the window (low, after], and the sums if asked for."""

    def cells(self, size: int) -> Sequence[Cell]:
        """The 3·size cells over all products."""

    def listings(self, after: int, limit: int) -> Page:
        """Products with id above ``after`` in id order, at most ``limit``."""

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        """Those of the named products that exist. At most ``ROWS_MAX``."""

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        """Those of the named order lines that still exist. At most ``ROWS_MAX``."""

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        """Apply one batch, numbered from ``first``; with ``close``, end an unfinished one without applying it."""

    def disconnect(self) -> None:
        """Let go of sockets; the next call connects again."""
