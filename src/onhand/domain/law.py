"""The law: a shop's quantity + counter is conserved by honest trade.

Path: ``collecting`` predicts the sums from new order lines; where that fails ``reconciling`` weighs single products.
Promise: what is called sold is exactly what the counter moved; what is called drift is exactly what the sum moved.
Never: believes an order line whose counter has not moved, or calls a first glance a fact.

A sale takes n from the quantity and gives n to the counter, so their sum stays. The counter is raised by one atomic statement
and has never been seen to lose a unit; the quantity is written as a literal and loses sales. Hence: the counter is the
truth, the line is the name, and a change of the sum that we did not post is drift. See ``docs/house.md``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from .lines import LineChange, subset, whole_orders
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

    sold: tuple[Line, ...]  # new lines whose units the counter confirms
    changed: tuple[LineChange, ...]  # known lines whose change the counter confirms
    unnamed: int  # units the counter rose beyond those
    fallen: int  # units the counter fell beyond those, or that the quantity does not bear out
    drift: int  # signed units by which the sum moved without us
    reset: int = 0  # units by which the counter alone was set back; all else is weighed once the books have followed


def weigh(
    ordered: int,
    expected_sum: int,
    row: Row,
    waiting: Sequence[Line],
    changed: Sequence[LineChange] = (),
    added: Sequence[Line] = (),
    old: Container[Line | LineChange] = (),
) -> Weighed:
    """Split the movement of one product's counters into trade and drift.

    ``ordered`` and ``expected_sum`` are the books'; ``waiting`` are lines of this product not booked yet, ``changed`` are
    lines booked as sold that have other units in the shop now, or are gone. Of those that wait, ``added`` came to an order of which
    other lines are sold already: an editor may have taken their units without the counter, so they do not tell that it was reset.
    ``old`` were there already when the product was last seen right, and the counter did not move for them then. So such lines explain only
    what others do not, and such changes, of lines that are gone, explain nothing.

    Goods that come back raise the quantity by what the counter falls. Where it did not rise by just that, a race destroyed a part, or only
    the counter was lowered: then nothing is taken for a return at first glance, nor for an edit of which not all is counted. An edit is
    counted only where lines explain all that the counter moved by.
    """
    moved, drift = row.ordered - ordered, row.sum - expected_sum
    paid = [line for line in waiting if line.paid]
    recent = [line for line in paid if line not in old]
    all_changed, changed = changed, [change for change in changed if change not in old]
    told, sold, explained = _told(moved, drift, recent, changed, added)
    if units(sold) + sum(change.units for change in explained) != moved:
        told, sold, explained = _told(moved, drift, paid, changed, added)
    exact = units(sold) + sum(change.units for change in explained) == moved
    if not explained and units(sold) < units(recent) and any(change.gone for change in changed):
        # Who paid has bought. Where the counter rose by less, and a line went, something came back that no lines tell exactly.
        sold, explained = tuple(line for line in recent if line.quantity), ()
    # Lines that account for all of it tell of goods that came back, as far as the quantity bears them out; a form may have undone the rest.
    borne_out = exact and drift > moved and units(sold) == units(paid)
    edited = any(not change.gone for change in all_changed) and by_quantity(moved, drift, paid, all_changed) is not None
    if not borne_out and not edited and _was_reset(ordered, moved, drift, row, units(paid) - units(added), exact):
        return Weighed((), (), 0, 0, 0, reset=max(-moved, -drift))
    if drift or _in_part(explained, changed):
        certain = told and all(change.gone or change.units > 0 for change in explained)
        explained = tuple(change for change in explained if change.units > 0 and certain)
    elif not exact:  # an edit may have left the counter alone
        explained = tuple(change for change in explained if change.gone)
    rest = moved - units(sold) - sum(change.units for change in explained)
    return Weighed(sold, explained, max(rest, 0), max(-rest, 0), drift)


def _told(
    moved: int, drift: int, paid: Sequence[Line], changed: Sequence[LineChange], added: Sequence[Line]
) -> tuple[bool, tuple[Line, ...], tuple[LineChange, ...]]:
    """Return the lines and changes that tell best how the counter moved, and whether that is just what is on them."""
    told = _as_the_lines_say(moved, drift, paid, changed)
    return told is not None, *(told or name(moved, paid, _counted(drift, changed), last=added))


def _as_the_lines_say(
    moved: int, drift: int, paid: Sequence[Line], changed: Sequence[LineChange]
) -> tuple[tuple[Line, ...], tuple[LineChange, ...]] | None:
    """Return all paid lines and all edited ones, with lines that are gone for the rest, if the counter moved by exactly that.

    What is on a line in the shop is a fact, so it is better than a smaller explanation. None where no line was edited, where the
    quantity tells that the editor left the counter alone, or where paid lines alone explain the counter and edits only make up for
    lines that are gone.
    """
    edited = [change for change in changed if not change.gone]
    gone = [change for change in changed if change.gone and (not drift or change.sold.gone_at is None)]
    more = sum(change.units for change in edited)
    if not edited or _uncounted(drift, changed):
        return None
    chosen = subset(moved - units(paid) - more, [change.units for change in gone], exact=True)
    if chosen is None or (chosen and moved == units(paid)):
        return None
    return tuple(line for line in paid if line.quantity), (*edited, *(gone[index] for index in chosen))


def by_quantity(
    moved: int, drift: int, bought: Sequence[Line], changed: Sequence[LineChange]
) -> tuple[LineChange, ...] | None:
    """Return all edited lines, with lines that are gone for the rest, if they and the lines ``bought`` are worth exactly what the quantity
    moved by. Then they are what happened, and the counter followed some of it only. None where no line was edited or is gone."""
    edited = [change for change in changed if not change.gone]
    gone = [change for change in changed if change.gone]
    rest = moved - drift - sum(line.quantity for line in bought) - sum(change.units for change in edited)
    chosen = subset(rest, [change.units for change in gone], exact=True)
    if chosen is None or not (edited or chosen):
        return None
    return (*edited, *(gone[index] for index in chosen))


def _uncounted(drift: int, changed: Sequence[LineChange]) -> tuple[LineChange, ...]:
    """Return all edited lines, with lines that are gone for the rest, if they are worth exactly the drift: an editor moved the quantity
    alone."""
    edited = [change for change in changed if not change.gone]
    gone = [change for change in changed if change.gone and change.sold.gone_at is None]
    if not drift or not edited:
        return ()
    rest = -drift - sum(change.units for change in edited)
    chosen = subset(rest, [change.units for change in gone], exact=True)
    return () if chosen is None else (*edited, *(gone[index] for index in chosen))


def _counted(drift: int, changed: Sequence[LineChange]) -> list[LineChange]:
    """The changes that the counter may tell of: not those that the drift does, or it would have no cause any more."""
    uncounted = _uncounted(drift, changed)
    return [change for change in changed if change not in uncounted]


def _in_part(explained: Sequence[LineChange], changed: Sequence[LineChange]) -> bool:
    """Whether an order is said to have come back without some line of it that is gone as well.

    A sale of the same moment lowers what came back by as much, and its own line may be still to come: so this has to be seen twice.
    """
    back = {change.sold.order for change in explained if change.gone}
    return any(change.gone and change.sold.order in back and change not in explained for change in changed)


def _was_reset(ordered: int, moved: int, drift: int, row: Row, sold_since: int, exact: bool) -> bool:
    """Whether the counter alone was set back, rather than lowered because goods came back.

    Goods that come back raise the quantity by as much. So a counter that was set to nothing, and may have risen again by
    what was sold since, was reset if the quantity is nearer to that; one that fell otherwise, only if no lines, sold or changed,
    explain the fall, and the quantity moved by just what was sold since, or by just what the counter holds now. A reset counter that
    has risen to its old value or beyond is told by lines and quantity together.
    """
    rise = drift - moved
    if row.ordered > sold_since:
        return moved < 0 and not exact and rise in (-sold_since, -row.ordered)
    if moved >= 0:
        return drift < 0 and ordered <= -drift and sold_since == -rise
    return 2 * rise <= -moved


def units(lines: Iterable[Line]) -> int:
    """How many units the lines hold together."""
    return sum(line.quantity for line in lines)


def name(
    moved: int,
    waiting: Sequence[Line],
    changed: Sequence[LineChange] = (),
    mixed: bool = False,
    last: Container[Line] = (),
) -> tuple[tuple[Line, ...], tuple[LineChange, ...]]:
    """New lines, the oldest first, and changes of known lines, in their order, that together moved the counter by ``moved`` signed
    units, or by as many of them as possible.

    What the counter moved between two looks is sales less returns. Whoever paid has bought: so all paid lines are sold if changes of
    one kind make up for the rest exactly; else what one kind explains is taken. ``mixed``: where that is not exact, sales and
    returns may make up for each other in any way that is. ``last``: lines that an editor may have added without the counter; all others
    come first. Which of several equal lines was meant can be wrong, and then only the name
    of a sale is wrong, never a quantity.
    """
    new = sorted((line for line in waiting if line.quantity > 0), key=lambda line: (line in last, line.line))
    amounts = [line.quantity for line in new] + [change.units for change in changed]
    bought = [index for index, line in enumerate(new) if line.paid]
    rest = moved - sum(amounts[index] for index in bought)
    alike = [index for index in range(len(new), len(amounts)) if amounts[index] * rest > 0]
    others = whole_orders(rest, [changed[index - len(new)] for index in alike])
    if others is None:
        others = subset(rest, [amounts[index] for index in alike], exact=True)
    if others is not None:
        picked = {*bought, *(alike[index] for index in others)}
    else:
        same = [index for index, amount in enumerate(amounts) if amount * moved > 0]
        picked = {same[index] for index in subset(moved, [amounts[index] for index in same]) or ()}
        if mixed and sum(amounts[index] for index in picked) != moved:
            picked = set(subset(moved, amounts, exact=True) or picked)
    return (
        tuple(line for index, line in enumerate(new) if index in picked),
        tuple(change for index, change in enumerate(changed, len(new)) if index in picked),
    )


def explains(moved: int, paid: Sequence[Line], gone: Sequence[LineChange]) -> bool:
    """Return whether all that was paid for was sold, and some of these lines came back, if the counter moved by ``moved``."""
    return bool(gone) and subset(moved - units(paid), [change.units for change in gone], exact=True) is not None


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
