"""The port for the book of order lines.

Path: ``ports`` lists it among the books; ``storage.lines`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from onhand.domain.lines import LineChange, LineUnits, SoldLine
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Window
from onhand.domain.stock import Source


class LineBook(Protocol):
    """Order lines collected from carts."""

    def record(self, source: Source, lines: Sequence[Line], at: datetime, reused: bool = False) -> list[Line]:
        """Keep new lines as waiting; return those that were new. A known line that is gone and whose number another line has by now is put
        away. ``reused``: each is another line than the known one, though it reads the same."""

    def window(self, source: Source, low: int, high: int) -> Window:
        """Return the window (low, high] over the known lines that the shop still has."""

    def present(self, source: Source, low: int, high: int) -> dict[int, Line]:
        """Return known lines in (low, high] that the shop still has, by number."""

    def waiting(self, source: Source, products: Sequence[int]) -> list[Line]:
        """Return the waiting lines of these products."""

    def sold(self, source: Source, products: Sequence[int], limit: int) -> list[SoldLine]:
        """Return the newest lines of these products that are booked as sold: of this epoch, and of earlier ones those that the shop still
        had when this one began."""

    def of_orders(self, source: Source, orders: Sequence[int]) -> list[SoldLine]:
        """Return the lines of these orders that are booked as sold, also of products that are not kept in sync."""

    def came_again(self, source: Source) -> bool:
        """Return whether lines of this epoch reused numbers of earlier ones."""

    def came_later(self, source: Source, lines: Sequence[int]) -> set[int]:
        """Return those of these lines that were first seen after a line of the same order with a lower number that is booked."""

    def seen_since(self, source: Source, lines: Sequence[int], since: datetime) -> set[int]:
        """Return those of these lines that were first seen at or after a moment."""

    def take(self, source: Source, lines: Mapping[int, int | None]) -> dict[int, LineUnits]:
        """Mark lines as sold, each from the stock of an item or of None, with what each has taken and given back in total by then."""

    def renewed(self, cart: int, changes: Sequence[LineChange]) -> list[LineChange]:
        """Return the same changes with what their lines took and gave back by now: goods may have come back here since they were read."""

    def change(self, cart: int, change: LineChange, units: LineUnits, state: LineState) -> None:
        """Take over the change of a sold line in the shop."""

    def come_back(self, source: Source, line: int, units: int) -> None:
        """Note that a person booked that so many units of a line came back."""

    def mark(self, source: Source, lines: Sequence[int], state: LineState) -> None:
        """Give these lines another state."""

    def reopen(self, source: Source, product: int, after: int) -> None:
        """Let lines of this product above ``after`` wait again that were counted while it was not followed."""

    def vanish(self, source: Source, lines: Sequence[int], at: datetime) -> set[int]:
        """Note that the shop does not have these any more; return the products of those that are booked as sold."""

    def withdraw(self, source: Source, lines: Sequence[int], at: datetime) -> None:
        """Note that the shop still has these lines, and that their orders were cancelled."""

    def restate(self, source: Source, lines: Sequence[Line], followed: Container[int]) -> set[int]:
        """Take over other units on known lines, except on lines booked as sold of products that are followed:
        return the products of these."""

    def refresh(self, source: Source, lines: Sequence[Line]) -> None:
        """Take over status and payment."""
