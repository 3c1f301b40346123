"""Defines orders and their lines, of a shop or entered by hand, and their states.

Path: ``collecting`` records lines and moves them on; ``selling`` cancels and takes goods back; the Orders screen shows them.
Promise: a line is sold only when the shop's counter confirmed it; a line gives back no more than it took.
Never: changes a quantity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import Refused
from .lines import LineUnits
from .stock import Kind, Movement, Source, numbered

LINES_MAX = 1000  # lines of one order


class LineState(StrEnum):
    """The closed list of states of a line."""

    # Written, but the counter has not moved: a redirect payment not paid yet, or a half-written order.
    WAITING = "waiting"
    SOLD = "sold"
    RESTOCKED = "restocked"  # sold, then deleted with its stock given back
    UNTRACKED = "untracked"  # sold, but its listing is not kept in sync


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line. ``line`` is its number: the shop's own, or its place in an order entered by hand."""

    line: int
    sku: str  # the item's, or the shop's name of the product
    name: str
    item: int | None  # the item whose stock it took, or would take
    quantity: int  # units it took; before it took any, the units on it
    state: LineState
    paid: bool = True
    present: bool = True  # the shop still has it
    cancelled: int = 0  # units given back before they left: the order was cancelled, deleted with restock, or lowered
    returned: int = 0  # units that came back, as a person here booked them
    run: int = 0  # above 0: a number used before

    @property
    def mark(self) -> str:
        """Return its number as it appears in origins."""
        return numbered(self.line, self.run)

    @property
    def units(self) -> LineUnits:
        """Return what it took and what came back of it."""
        sold = self.state in (LineState.SOLD, LineState.RESTOCKED) and self.item is not None
        return LineUnits(self.quantity, self.cancelled + self.returned) if sold else LineUnits()

    @property
    def left(self) -> int:
        """Return the units that can still come back."""
        return self.units.left if self.state is LineState.SOLD else 0

    @property
    def word(self) -> str:
        """Return its state, for people."""
        if self.state is LineState.WAITING:
            return "waiting" if self.present else "deleted"
        if self.state is LineState.RESTOCKED or self.cancelled == self.quantity:
            return "cancelled"
        if self.state is LineState.UNTRACKED:
            return "not kept"
        if self.cancelled + self.returned == self.quantity:
            return "returned"
        return "partly returned" if self.returned else "sold"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. For a shop's order, its cart and the epoch of its numbers; otherwise ``cart`` is None and ``id`` is our own number."""

    number: str
    at: datetime
    lines: tuple[OrderLine, ...]
    cart: int | None = None
    epoch: str = ""
    id: int = 0
    person: str = ""
    note: str = ""
    place: str = ""  # in a list; the next page begins after it

    @property
    def prefix(self) -> str:
        """Return the beginning of the origins of all that comes back of it."""
        return f"{Source(self.cart, self.epoch)}/order/{self.number}/" if self.cart else f"phone/{self.id}/"

    @property
    def word(self) -> str:
        """Return its state: the word that all its lines share, or the most urgent one with "partly" before it."""
        words = {line.word for line in self.lines}
        for word in ("waiting", "returned", "cancelled", "deleted", "not kept"):
            if words == {word}:
                return word
            if words & {word, f"partly {word}"}:
                return f"partly {word}"
        return "sold"

    def numbered(self, lines: Iterable[int]) -> list[OrderLine]:
        """Return its lines with these numbers. Raise Refused if one does not exist or is named twice."""
        wanted = list(lines)
        mine = {line.line: line for line in self.lines}
        for number in wanted:
            if number not in mine or wanted.count(number) > 1:
                fault = "has no line" if number not in mine else "was given twice the line"
                raise Refused(f"Order {self.number} {fault} {number}: see its lines.", line=number)
        return [mine[number] for number in wanted]

    def cancellation(self, line: OrderLine, person: str, reason: str) -> Movement:
        """Return the movement that gives back all that is left of a line of an order entered by hand. Raise Refused if nothing is."""
        if line.item is None or line.left <= 0:
            raise Refused(
                f"Line {line.line} ({line.sku}) is {line.word} already: nothing is left of it.", line=line.line
            )
        origin = f"{self.prefix}{line.mark}/cancelled"
        return self._back(Kind.CANCELLATION, line.item, line, line.left, origin, person, reason)

    def coming_back(self, line: OrderLine, units: int, person: str, reason: str) -> Movement:
        """Return the movement of goods that a customer sent back. Raise Refused if there are more than is left of the line."""
        if line.state is LineState.WAITING:
            raise Refused(
                f"Line {line.line} ({line.sku}) is not sold yet, so nothing can come back of it.", line=line.line
            )
        if line.state is LineState.UNTRACKED or not line.item:
            raise Refused(
                f"Line {line.line} ({line.sku}) took nothing from our count: adjust the item, if the goods are sold on.",
                line=line.line,
            )
        if not 0 < units <= line.left:
            raise Refused(
                f"Line {line.line} ({line.sku}): at most {line.left} of {line.quantity} can come back, not {units}."
                if line.left
                else f"Line {line.line} ({line.sku}): nothing is left of it.",
                line=line.line,
                left=line.left,
            )
        # Counted up, so that a second return of as many is another fact.
        origin = f"{self.prefix}{line.mark}/returned/{line.returned + units}"
        return self._back(Kind.RETURN, line.item, line, units, origin, person, reason)

    def _back(
        self, kind: Kind, item: int, line: OrderLine, units: int, origin: str, person: str, reason: str
    ) -> Movement:
        return Movement(item, kind, units, origin, self.cart, self.number, line.line, reason, person)
