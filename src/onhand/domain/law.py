"""The law: a shop's quantity + counter is conserved by honest trade.

Path: ``collecting`` predicts the sums from new order lines; where that fails ``reconciling`` weighs single products.
Promise: what is called sold is exactly what the counter moved; what is called drift is exactly what the sum moved.
Never: believes an order line whose counter has not moved, or calls a first glance a fact.

A sale takes n from the quantity and gives n to the counter, so their sum stays. The counter is raised by one atomic statement
and has never been seen to lose a unit; the quantity is written as a literal and loses sales. Hence: the counter is the
truth, the line is the name, and a change of the sum that we did not post is drift. See ``docs/house.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .shop import Line, Row
from .sketch import Sums


def trade(lines: Iterable[Line]) -> Sums:
    """How the five sums move when all these lines are sold."""
    return Sums.total(Sums.of(line.product, -line.quantity, line.quantity) for line in lines)


def predict(residual: Sums, fresh: Sequence[Line]) -> tuple[Line, ...] | None:
    """Which new lines explain the difference between seen and expected sums: none, or all. None: ask for cells."""
    if not residual:
        return ()
    return tuple(fresh) if residual == trade(fresh) else None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one product's counters say, against the books."""

    sold: tuple[Line, ...]  # lines whose units the counter confirms
    unnamed: int  # units the counter rose beyond those lines
    restocked: tuple[Line, ...]  # deleted lines whose units the counter gave back
    fallen: int  # units the counter fell beyond those
    drift: int  # how far the sum moved by itself
    reset: int = 0  # units by which the counter alone was set back; all else is weighed once the books have followed


def weigh(ordered: int, expected_sum: int, row: Row, waiting: Sequence[Line], gone: Sequence[Line]) -> Weighed:
    """Split the movement of one product's counters into trade and drift.

    ``ordered`` and ``expected_sum`` are the books'; ``waiting`` are lines of this product not booked yet, ``gone`` are
    lines booked as sold that the shop no longer has.
    """
    moved, drift = row.ordered - ordered, row.sum - expected_sum
    if _was_reset(ordered, moved, drift, row, waiting, gone):
        return Weighed((), 0, (), 0, 0, reset=max(-moved, -drift))
    sold = name(moved, [line for line in waiting if line.paid]) if moved > 0 else ()
    restocked = name(-moved, gone) if moved < 0 else ()
    return Weighed(
        sold=sold,
        unnamed=max(moved, 0) - units(sold),
        restocked=restocked,
        fallen=max(-moved, 0) - units(restocked),
        drift=drift,
    )


def _was_reset(ordered: int, moved: int, drift: int, row: Row, waiting: Sequence[Line], gone: Sequence[Line]) -> bool:
    """Whether the counter was set back by itself, rather than lowered because goods came back.

    Goods that come back raise the quantity by as much. So a counter that was set to nothing, and may have risen again by
    what was sold since, was reset if the quantity is nearer to that; one that fell otherwise, only if the quantity did not
    move at all and no deleted lines name the fall. A reset counter that has risen to its old value or beyond is told by lines and
    quantity together.
    """
    rise, sold_since = drift - moved, units(line for line in waiting if line.paid)
    if row.ordered > sold_since:
        return moved < 0 and rise == 0 and units(name(-moved, gone)) != -moved
    if moved >= 0:
        return 0 < ordered <= -drift and sold_since == -rise
    return 2 * rise <= -moved


def units(lines: Iterable[Line]) -> int:
    """How many units the lines hold together."""
    return sum(line.quantity for line in lines)


def name(moved: int, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines, oldest first, that together hold at most ``moved`` units, and exactly that many where some do.

    Which of several equal lines was meant can be wrong, and then only the name of a sale is wrong, never a quantity.
    """
    candidates = sorted((line for line in lines if line.quantity > 0), key=lambda line: line.line)
    reached: dict[int, tuple[Line, ...]] = {0: ()}
    for line in candidates:
        for total, chosen in list(reached.items()):
            new = total + line.quantity
            if new <= moved and new not in reached:
                reached[new] = (*chosen, line)
        if moved in reached:
            break
    return reached[max(reached)]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something seen that counts only if it is still there when the settling time has passed."""

    since: float  # seconds, monotonic clock of the controller
    amount: int  # the smallest seen since; never 0

    def again(self, amount: int, now: float) -> Suspicion | None:
        """The suspicion after another look: the smaller amount; a change of sign begins anew; nothing ends it."""
        if amount == 0:
            return None
        if (amount > 0) != (self.amount > 0):
            return Suspicion(now, amount)
        return Suspicion(self.since, min(amount, self.amount, key=abs))

    def settled(self, now: float, settle_seconds: float) -> bool:
        """Whether it has been seen at least twice, the settling time apart."""
        return now - self.since >= settle_seconds


def suspect(known: Suspicion | None, amount: int, now: float) -> Suspicion | None:
    """Follow one amount over looks."""
    if known is not None:
        return known.again(amount, now)
    return Suspicion(now, amount) if amount else None
