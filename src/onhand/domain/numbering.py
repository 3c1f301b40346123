"""Decides which order lines are new, also where a shop's numbers begin again.

Path: ``collecting`` asks where to look and what of it is new; ``storage.lines`` asks whether a number was used again.
Promise: a line is identified by its number, its order and its product together, so that a reused number is another line.
Never: takes history for new lines because some of it was deleted.

Numbers begin again when test orders are removed (TRUNCATE), or when the newest order is deleted and the table's next number
is set back, which MySQL before 8 does at each start.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from .shop import Line

WINDOW_LINES = 200  # how far below the cursor an order line may still appear or vanish unnoticed for long


@dataclass(frozen=True, slots=True)
class Place:
    """The position up to which the order lines of a shop are read. All three are line numbers."""

    baseline: int  # lines up to here were history when the cart was aligned
    cursor: int  # lines up to here are collected
    restart: int | None = None  # numbers began again below the baseline: only lines up to here are history

    @property
    def floor(self) -> int:
        """Return the number up to which lines are history."""
        return self.baseline if self.restart is None else self.restart

    @property
    def low(self) -> int:
        """Return the number above which lines are watched for late and deleted ones."""
        return min(self.cursor, max(self.floor, self.cursor - WINDOW_LINES))

    def after(self, last: int) -> Place:
        """Return the place after a look that saw ``last`` as the highest number."""
        if last < self.cursor:  # the newest lines are gone, so their numbers may be used again
            restart = self.restart if last >= self.floor else last
            return replace(self, cursor=last, restart=restart)
        if self.cursor < self.baseline <= last and last - self.cursor > WINDOW_LINES:
            # So many at once are not new: the table was emptied for a while and is back.
            return replace(self, cursor=self.baseline, restart=None)
        return self


def same(known: Line, seen: Line) -> bool:
    """Return whether two lines with one number are one line. A product may be filled in later, units may be edited."""
    return known.order == seen.order and (known.product == seen.product or not known.complete)


@dataclass(frozen=True, slots=True)
class Compared:
    """A part of a shop's lines compared with the known ones. ``gone`` are numbers of known lines, ``edited`` known lines with other units
    now; ``reused``: another line has the number of a known one."""

    new: tuple[Line, ...]
    gone: tuple[int, ...]
    edited: tuple[Line, ...]
    reused: bool


def compare(known: Mapping[int, Line], there: Sequence[Line], place: Place, doubted: Container[int]) -> Compared:
    """Find new lines and lines that are gone.

    Among lines whose number makes them history, only those of ``doubted`` products are new: their counter rose, and no known line explains
    it.
    """
    other = {line.line for line in there if line.line in known and not same(known[line.line], line)}
    new = [
        line
        for line in there
        if line.line in other or (line.line not in known and (line.line > place.floor or line.product in doubted))
    ]
    gone = known.keys() - ({line.line for line in there} - other)
    edited = (
        line
        for line in there
        if line.line in known and line.line not in other and line.quantity != known[line.line].quantity
    )
    return Compared(tuple(new), tuple(sorted(gone)), tuple(edited), bool(other))
