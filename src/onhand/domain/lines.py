"""Computes how many units an order line of a shop took, how many came back, and how the line changed in the shop.

Path: ``collecting`` and ``reconciling`` build these from the books and the shop's answers; ``law`` and ``differences`` weigh them;
``selling`` asks what is left before it takes goods back.
Promise: however sales, edits, returns, restocks and deletions follow each other, a line gives back no more than it took.
Never: changes a quantity.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from .shop import Line

SUMS_MAX = (
    4096  # different totals of lines and their changes that are tried: a shop could make up lines that have billions
)
Chosen = tuple[int, "Chosen"] | None  # the last index of some, and those before it


@dataclass(frozen=True, slots=True)
class LineUnits:
    """The units that an order line took out of stock, and those that came back in any way."""

    taken: int = 0
    back: int = 0

    @property
    def left(self) -> int:
        """Return the units that can still come back."""
        return self.taken - self.back

    def take(self, units: int) -> LineUnits:
        """Return the units after the line took more."""
        return LineUnits(self.taken + units, self.back)

    def give_back(self, units: int, kept: int = 0) -> tuple[LineUnits, int]:
        """Return the units after so many came back, and how many of them count: the rest came back before, or is among the units that are
        ``kept`` on the line and was never taken."""
        fresh = max(0, min(units, self.left, self.taken - kept))
        return LineUnits(self.taken, self.back + fresh), fresh


@dataclass(frozen=True, slots=True)
class SoldLine:
    """An order line that is booked as sold. ``quantity``: units on it in the shop, as far as the books know.

    ``item``: the item whose stock it took; None if it took none that was counted. ``gone_at``: when it was first seen to be gone, or its
    order to be cancelled. ``status``: its order's, as far as the books have followed it.
    """

    epoch: str
    line: int
    order: int
    product: int
    item: int | None
    quantity: int
    units: LineUnits
    gone_at: datetime | None = None
    run: int = 0  # above 0: the run of numbers it came in, after its number had been used before
    status: int | None = None


@dataclass(frozen=True, slots=True)
class LineChange:
    """The change of a sold line in the shop. ``now``: units that its order still wants, 0 if it is gone. ``cancelled``: the line as it is
    there, if its order was cancelled and the shop may have given all of it back."""

    sold: SoldLine
    now: int
    gone: bool = False
    cancelled: Line | None = None

    @property
    def units(self) -> int:
        """Return the signed units that the line takes more than before."""
        return self.now - self.sold.quantity

    @property
    def deleted(self) -> bool:
        """Return whether the shop does not have the line any more."""
        return self.gone and self.cancelled is None


def changes(
    sold: Iterable[SoldLine],
    there: Mapping[int, Line],
    cancelling: Container[int | None] = (),
    since: datetime | None = None,
    watched: Container[int] = range(2**62),
) -> list[LineChange]:
    """Return how these lines differ from what the shop holds under their ids now. A line with the same id but another order or product is
    another line. ``cancelling``: statuses with which this shop cancels an order and keeps its lines.

    Lines deleted last come first, and of those the ones with fewest units left: where several could have given something back, the choice
    that sells too little is taken. The time of a cancellation, or of the deletion of a line outside the ``watched`` numbers of every look,
    is not known: ``since`` is taken for it, and the newest cancelled ones come first.
    """
    found = []
    for line in sold:
        now = there.get(line.line)
        if now is None or (now.order, now.product) != (line.order, line.product):
            found.append(LineChange(line, 0, gone=True))
        elif now.status in cancelling and line.status not in cancelling:
            found.append(LineChange(line, 0, gone=True, cancelled=now))
        elif now.quantity != line.quantity:
            found.append(LineChange(line, now.quantity))
    found.sort(
        key=lambda c: (False, c.sold.units.left, c.sold.line) if c.cancelled is None else (True, 0, -c.sold.line)
    )
    unseen = since.timestamp() if since else 0.0

    def went(change: LineChange) -> float:
        if change.sold.gone_at is not None:
            return change.sold.gone_at.timestamp()
        return math.inf if change.cancelled is None and change.sold.line in watched else unseen

    return sorted(found, key=went, reverse=True)


def edited_before(found: Iterable[LineChange], edited: Mapping[int, int]) -> list[LineChange]:
    """Return these changes, with a deleted line that had other units before in two steps: it was edited, and then deleted. ``edited``:
    units that were seen on lines."""
    steps: list[LineChange] = []
    for change in found:
        units = edited.get(change.sold.line, change.sold.quantity)
        if change.gone and units != change.sold.quantity:
            steps += [LineChange(change.sold, units), replace(change, sold=replace(change.sold, quantity=units))]
        else:
            steps.append(change)
    return steps


def others_gone(chosen: Sequence[LineChange], found: Iterable[LineChange]) -> list[LineChange]:
    """Return lines that may have given units back instead of the chosen ones: deleted as well, and of the same order or seen to be deleted
    in the same look or later."""
    back = [change.sold for change in chosen if change.gone]
    orders = {sold.order for sold in back}
    first = min((sold.gone_at for sold in back if sold.gone_at is not None), default=None)

    def went_no_earlier(at: datetime | None) -> bool:
        return bool(back) if at is None else first is not None and at >= first

    return [
        change
        for change in found
        if change.gone
        and change not in chosen
        and (change.sold.order in orders or went_no_earlier(change.sold.gone_at))
    ]


def least_left(
    chosen: Sequence[LineChange], found: Iterable[LineChange], in_part: bool
) -> tuple[tuple[LineChange, ...], list[LineChange]]:
    """Return the lines that gave back what the chosen ones are said to have, and all others that may have given it.

    If several sets of deleted lines are worth the same, it is the one of which fewest units are left, so that the fewest come back; of
    equal ones, the chosen. ``in_part``: the shop may give back some lines of an order only; otherwise orders come back whole.
    """
    others = others_gone(chosen, found)
    back = [change for change in chosen if change.gone]
    groups: dict[int, list[LineChange]] = {}
    for number, change in enumerate([*back, *others]):
        groups.setdefault(number if in_part else change.sold.order, []).append(change)
    least = _least_of(list(groups.values()), sum(change.units for change in back))
    if least is None or _fresh(least) >= _fresh(back):
        return tuple(chosen), others
    kept = (*(change for change in chosen if not change.gone), *least)
    return kept, [change for change in (*back, *others) if change not in kept]


def _fresh(found: Iterable[LineChange]) -> int:
    """Return how many units come back with lines that went: no more than are left of each."""
    return sum(min(-change.units, change.sold.units.left) for change in found)


def _least_of(groups: Sequence[Sequence[LineChange]], total: int) -> tuple[LineChange, ...] | None:
    """Return the lines of some groups that are worth ``total`` signed units, and of which the fewest units are left; None if none are."""
    reached: dict[int, tuple[LineChange, ...]] = {0: ()}
    for group in groups:
        worth = sum(change.units for change in group)
        for units, some in list(reached.items()):
            known, more = reached.get(units + worth), (*some, *group)
            if _fresh(more) < _fresh(known) if known is not None else len(reached) < SUMS_MAX:
                reached[units + worth] = more
    return reached.get(total)


def whole_orders(total: int, found: Sequence[LineChange]) -> tuple[int, ...] | None:
    """Return indices of all lines of some deleted orders, if their units add up to ``total``; earlier ones are preferred. None if no orders
    do: orders usually come back whole."""
    of_order: dict[int, list[int]] = {}
    for index, change in enumerate(found):
        if change.gone:
            of_order.setdefault(change.sold.order, []).append(index)
    groups = list(of_order.values())
    chosen = subset(total, [sum(found[index].units for index in group) for group in groups], exact=True)
    return tuple(index for group in chosen for index in groups[group]) if chosen is not None else None


def subset(total: int, amounts: Sequence[int], exact: bool = False) -> tuple[int, ...] | None:
    """Return indices of signed amounts that add up to ``total``; earlier ones are preferred.

    If none do, return None if it has to be ``exact``, else those that come nearest without passing it; then all of them must have the sign
    of ``total``.
    """
    if not exact and abs(sum(amounts)) <= abs(total):
        return tuple(range(len(amounts)))  # the usual case; there may be thousands
    reached: dict[int, Chosen] = {0: None}
    for index, amount in enumerate(amounts):
        for before, chosen in list(reached.items()):
            after = before + amount
            if after not in reached and (exact or abs(after) <= abs(total)) and len(reached) < SUMS_MAX:
                reached[after] = (index, chosen)
        if total in reached or len(reached) >= SUMS_MAX:
            break
    if exact and total not in reached:
        return None
    best = reached[total] if total in reached else reached[max(reached, key=abs)]
    indices: list[int] = []
    while best is not None:
        index, best = best
        indices.append(index)
    return tuple(reversed(indices))
