"""Defines a count sheet, and the effect of a count on its line.

Path: ``services.counting`` reads lines, asks ``entered`` what becomes of them, and books each line's ``variance``.
Promise: what a line books is fixed when its count is entered; a later booking, such as a sale, does not change it.
Never: knows what is on hand now; callers pass what was on hand at the moment of counting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .errors import Refused
from .stock import QUANTITY_MAX, Kind, Movement

LINES_MAX = 10_000  # lines of one count sheet
COUNTED_AGO_MAX = timedelta(days=7)  # how long ago a shelf may have been counted


class SheetState(StrEnum):
    """The stages of a count sheet."""

    OPEN = "open"
    POSTED = "posted"
    DISCARDED = "discarded"


class How(StrEnum):
    """The meaning of a count for a line that was counted already."""

    ASK = "ask"  # refuse it and say who counted what
    REPLACE = "replace"  # that count was wrong, or is old
    ADD = "add"  # that count was of another shelf


@dataclass(frozen=True, slots=True)
class CountSheet:
    """One count sheet. ``revision`` grows with every change to it."""

    id: int
    name: str
    state: SheetState
    person: str
    created_at: datetime
    closed_at: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class CountLine:
    """One item on a count sheet. ``expected`` is what was on hand at ``counted_at``; None until it is counted."""

    item: int
    sku: str
    name: str
    counted: int | None = None
    expected: int | None = None
    counted_at: datetime | None = None
    movement: int | None = None  # the newest movement at that time
    person: str = ""
    revision: int = 0  # the sheet's revision when this line changed last

    @property
    def variance(self) -> int:
        """Return how many more units the shelf has than the books, signed; 0 until it is counted."""
        return 0 if self.counted is None or self.expected is None else self.counted - self.expected


@dataclass(frozen=True, slots=True)
class CountEntry:
    """A person's entry for a SKU. ``counted`` None takes a count back; ``revision`` is the sheet's as it was shown."""

    sku: str
    counted: int | None
    revision: int | None = None
    how: How = How.ASK


@dataclass(frozen=True, slots=True)
class Moment:
    """The moment of counting: what was on hand, the newest movement, who counted, and the sheet's revision."""

    at: datetime
    expected: int
    movement: int
    person: str
    revision: int


def entered(line: CountLine, entry: CountEntry, moment: Moment) -> CountLine | None:
    """Return the line with this entry on it; None if it was counted since it was shown and the entry does not say what to do.

    An added count belongs to the moment of the first one, so that a sale between the two stays booked. Raises Refused.
    """
    unseen = entry.revision is None and line.counted is not None and entry.how is How.ASK
    if unseen or (entry.revision is not None and line.revision > entry.revision):
        return None
    if entry.counted is None:
        return CountLine(line.item, line.sku, line.name, person=moment.person, revision=moment.revision)
    _check(entry.counted, line)
    if entry.how is How.ADD and line.counted is not None:
        counted = _check(line.counted + entry.counted, line)
        return replace(line, counted=counted, person=moment.person, revision=moment.revision)
    return CountLine(
        line.item,
        line.sku,
        line.name,
        entry.counted,
        moment.expected,
        moment.at,
        moment.movement,
        moment.person,
        moment.revision,
    )


def check_counted_at(at: datetime, now: datetime) -> datetime:
    """Return the time if a shelf can have been counted then. Raise Refused if not."""
    if not now - COUNTED_AGO_MAX <= at <= now:
        raise Refused(
            f"The time of counting is in the future, or more than {COUNTED_AGO_MAX.days} days ago: correct it.",
            counted_at=at.isoformat(),
        )
    return at


def correction(sheet: CountSheet, line: CountLine, person: str) -> Movement:
    """Return the movement that a counted line books."""
    by = f", counted by {line.person}" if line.person and line.person != person else ""
    reason = f"count sheet {sheet.name}{by}"
    return Movement(line.item, Kind.COUNT, line.variance, f"count/{sheet.id}/{line.item}", reason=reason, person=person)


def _check(counted: int, line: CountLine) -> int:
    if not 0 <= counted <= QUANTITY_MAX:
        raise Refused(f"{line.sku} cannot have {counted} on its shelf: count 0 to {QUANTITY_MAX:,}.", sku=line.sku)
    return counted
