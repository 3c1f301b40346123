"""Decides how much of a changed order line counts: units that it took more, and units of it that came back.

Path: ``returning`` asks about one line change at a time, and books what counts.
Promise: no line gives back more than it took; what a shop gave back beyond that is reported by its reason.
Never: changes a quantity.
"""

from __future__ import annotations

from dataclasses import dataclass

from .lines import LineChange, LineUnits


@dataclass(frozen=True, slots=True)
class Counted:
    """The units that a line change counts for."""

    after: LineUnits  # of the line, from now on
    units: int  # taken more, or come back; never negative
    twice: int = 0  # given back by the shop, and come back here before
    unbooked: int = 0  # given back by the shop, and never booked as taken


def count(change: LineChange) -> Counted:
    """Return the units that a line change counts for."""
    units = change.sold.units
    if change.units > 0:
        return Counted(units.take(change.units), change.units)
    after, fresh = units.give_back(-change.units, change.now)
    beyond = -change.units - fresh
    twice = min(beyond, units.back)
    return Counted(after, fresh, twice, beyond - twice)
