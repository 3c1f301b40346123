"""Decides which order lines explain what a counter moved by, once that has settled.

Path: ``remedying`` asks about one product that has settled, and books what it gets.
Promise: the units that it names and those that it leaves without a name are together exactly what the counter moved by.
Never: books anything, or reads the books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from . import differences, law
from .differences import Evidence
from .doubts import Doubts, Weighing
from .lines import LineChange, subset
from .shop import Line


@dataclass(frozen=True, slots=True)
class Named:
    """The lines that explain what a counter moved by."""

    sold: tuple[Line, ...]
    changed: tuple[LineChange, ...]
    whole: LineChange | None = None  # a line that came back as a whole, although the counter fell by less than it held
    unsure: int = 0  # units of that line that may be of another line, which is not known
    nameless: int = 0  # signed units that no line explains
    again: int = 0  # units of those that an order has given back twice, as it seems: as many came back a moment ago

    @property
    def changes(self) -> tuple[LineChange, ...]:
        """Return all line changes that explain the counter."""
        return self.changed if self.whole is None else (*self.changed, self.whole)


def name(weighing: Weighing, moved: int, added: Container[Line], in_part: bool, returns: Sequence[int] = ()) -> Named:
    """Name ``moved`` signed units of a counter. ``added``: lines that an editor may have added without the counter. ``in_part``: this
    shop may give back some lines of a deleted order only. ``returns``: units that orders have given back a moment ago."""
    changes = [change for change in weighing.changed if change not in weighing.old]
    recent = [line for line in weighing.waiting if line not in weighing.old]
    sold, changed = law.name(moved, recent, changes, mixed=True, last=added)
    if law.units(sold) + _units(changed) != moved:
        sold, changed = law.name(moved, weighing.waiting, changes, mixed=True, last=added)
    if not in_part:
        # If the counter fell by less than the order held, something was sold that has no line.
        orders = {change.sold.order for change in changed if change.gone}
        together = [c for c in weighing.changed if c.gone and c.sold.order in orders and c not in changed]
        changed = (*changed, *together)
    rest = moved - law.units(sold) - _units(changed)
    if rest and not changed and (twice := _bought_beside_a_second_return(recent, moved, added, returns)) is not None:
        return twice
    whole = _whole_line(weighing, changed, -rest) if rest < 0 else None
    if whole is None:
        return Named(sold, changed, nameless=rest, again=max(-rest, 0) if _again(-rest, returns) else 0)
    return Named(sold, changed, whole, -rest, rest - whole.units)


def _bought_beside_a_second_return(
    recent: Sequence[Line], moved: int, added: Container[Line], returns: Sequence[int]
) -> Named | None:
    """Return all paid lines if they hold more than the counter moved by, and an order may have given the rest back twice."""
    bought = tuple(line for line in recent if line.paid and line.quantity > 0 and line not in added)
    again = law.units(bought) - moved
    return Named(bought, (), nameless=-again, again=again) if again > 0 and _again(again, returns) else None


def not_sold_again(trade: Sequence[int]) -> list[int]:
    """Return the units that came back, but for those of which as many were sold since: a cancelled order may have been opened again, and
    its units can come back once more. ``trade``: signed units, the newest first."""
    sold: Counter[int] = Counter()
    back = []
    for units in trade:
        if units < 0:
            sold[-units] += 1
        elif sold[units]:
            sold[units] -= 1
        else:
            back.append(units)
    return back


def _again(units: int, returns: Sequence[int]) -> bool:
    """Return whether an order may have given these units back a second time. Two people who delete one order at the same moment do that."""
    return subset(units, list(returns), exact=True) is not None


def _units(changes: Sequence[LineChange]) -> int:
    return sum(change.units for change in changes)


def _whole_line(weighing: Weighing, known: Sequence[LineChange], units: int) -> LineChange | None:
    """Return the smallest deleted line that held more than these units. No line of the product explains why its counter fell, and a line
    comes back as a whole: so that one did, and something was sold that has no line. Or an unknown order came back."""
    larger = [c for c in weighing.changed if c.gone and c not in known and -c.units > units]
    return min(larger, key=lambda change: (-change.units, change.sold.units.left), default=None)


def went_before(weighing: Weighing, fell_by: datetime, moved: int) -> Weighing:
    """Leave out lines that were deleted after the counter was seen to fall, if the others explain the fall exactly."""
    if moved >= 0:
        return weighing
    later = [c for c in weighing.changed if c.sold.gone_at is not None and c.sold.gone_at > fell_by]
    before = weighing.without(later)
    fallen = [change.units for change in before.changed if change.units < 0]
    return before if subset(moved, fallen, exact=True) is not None else weighing


def may_have_come_back(weighing: Weighing, units: int, found: Evidence, since: datetime) -> bool:
    """Return whether what looks like a counter that was set back may be a return that a form or a race has undone in the quantity.

    If the sum does not lack all that the counter held, the fall may be a return. So may a fall by exactly what lines deleted after
    ``since`` gave back; a race takes another sale than theirs.
    """
    row, listing = weighing.row, weighing.listing
    all_of_it = law.set_to_nothing(listing.ordered, row.sum - listing.sum, weighing.bought)
    if row.ordered > law.units(weighing.bought) and not all_of_it:
        return found.edited or found.sales > 0
    lately = [c.units for c in weighing.changed if c.gone and (c.sold.gone_at is None or c.sold.gone_at >= since)]
    explained = bool(lately) and subset(-units, lately, exact=True) is not None
    return explained and (found.edited or found.sales > units)


def in_doubt(weighing: Weighing, ripe: Doubts, found: Evidence, lowered: int) -> int:
    """Return how many of the units by which the counter fell may not have come back. ``lowered``: units by which only the counter was
    lowered."""
    units = max(differences.not_borne_out(found, ripe.fallen), min(lowered, ripe.fallen))
    if units and ripe.drift < 0:
        return _whole_lines(weighing, units, min(ripe.fallen, units + found.sales))
    return units


def _whole_lines(weighing: Weighing, units: int, most: int) -> int:
    """Return the least number of units, from these to ``most``, that whole lines gave back. A race destroys what a line gives back as a
    whole or not at all; if the quantity lacks less than that, sales of the same moment were lost as well."""
    amounts = [-change.units for change in weighing.changed if change.units < 0 and change not in weighing.old]
    exact = (total for total in range(units, most + 1) if subset(total, amounts, exact=True) is not None)
    return next(exact, units)


def left_out(weighing: Weighing, came: Sequence[LineChange], epoch: str | None) -> list[LineChange]:
    """Return lines of a deleted order that gave nothing back while others of it, which ``came``, did.

    None if it is not certain what came back: if lines of several orders are gone, or there are new lines as well. Lines of an earlier epoch
    may be gone because the shop was restored.
    """
    gone = [change for change in (*came, *weighing.changed) if change.gone]
    new = weighing.waiting or weighing.weighed.sold
    if new or len({change.sold.order for change in gone}) > 1 or not any(change.gone for change in came):
        return []
    return [change for change in gone if change not in came and change.sold.epoch == epoch]
