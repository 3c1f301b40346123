"""Weighs one product against the books, and decides what of it is certain, what is in doubt, and when a doubt may be acted on.

Path: ``weighing`` gathers lines and asks ``weigh``; ``remedying`` asks ``ripe`` and ``ready`` before it acts on what has settled.
Promise: of each doubt only the smaller amount that was seen twice counts, and no cause is named before all its evidence has settled.
Never: remembers anything, or reads a shop, the books or a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, auto

from . import law
from .law import Suspicion, Weighed
from .lines import LineChange
from .listings import Listing
from .shop import Line, Row


@dataclass(frozen=True, slots=True)
class Doubts:
    """Amounts of one product that count only once they were seen twice. Units; of ``edited``, lines."""

    unnamed: int = 0  # the counter rose, and no line explains it
    fallen: int = 0  # the counter fell, and no line explains it, or the quantity did not get as much
    drift: int = 0  # the sum moved without OnHand, signed
    reset: int = 0  # only the counter was set back
    edited: int = 0  # known lines have other units, and the counter does not explain it

    def each(self) -> tuple[tuple[str, int], ...]:
        """Return names and amounts, in the order of ``DOUBTS``."""
        return tuple((what, getattr(self, what)) for what in DOUBTS)


DOUBTS = tuple(field.name for field in fields(Doubts))


@dataclass(frozen=True, slots=True)
class Weighing:
    """One product with everything needed to judge it."""

    listing: Listing
    row: Row
    weighed: Weighed
    waiting: tuple[Line, ...]  # new lines that the counter did not move for
    changed: tuple[LineChange, ...]  # changes of known lines that the counter does not explain
    old: Collection[Line | LineChange] = ()  # those that existed when all was right: the counter did not move for them
    late: tuple[Line, ...] = ()  # new lines whose units were booked without a name before: they explain nothing more

    @property
    def product(self) -> int:
        return self.listing.product

    @property
    def paid(self) -> list[Line]:
        """Return the waiting lines that are paid."""
        return [line for line in self.waiting if line.paid]

    @property
    def bought(self) -> list[Line]:
        """Return those of the paid lines that are new since all was right."""
        return [line for line in self.paid if line not in self.old]

    @property
    def edited(self) -> int:
        """Return how many known lines have other units for which the counter did not move."""
        return sum(1 for change in self.changed if not change.gone)

    @property
    def differs(self) -> bool:
        """Return whether the shop shows something else than both sides should hold, or lines were edited."""
        expected = (self.listing.agreed, self.listing.ordered)
        return (self.row.quantity, self.row.ordered) != expected or self.edited > 0

    @property
    def doubts(self) -> Doubts:
        """Return what has to be seen twice. A listing that is not kept in sync raises no doubts."""
        if not self.listing.tracked:
            return Doubts()
        weighed = self.weighed
        return Doubts(weighed.unnamed, weighed.fallen, weighed.drift, weighed.reset, self.edited)

    def without(self, changes: Container[LineChange]) -> Weighing:
        """Return the same without some of its line changes."""
        return replace(self, changed=tuple(change for change in self.changed if change not in changes))


def late(listing: Listing, lines: Sequence[Line]) -> list[Line]:
    """Return the paid lines whose units were booked before any line named them, the oldest first."""
    left, found = listing.unnamed, []
    for line in sorted(lines, key=lambda line: line.line):
        if line.paid and 0 < line.quantity <= left:
            left -= line.quantity
            found.append(line)
    return found


def weigh(
    listing: Listing,
    row: Row,
    lines: Sequence[Line],
    changes: Sequence[LineChange],
    added: Container[int],
    old: Collection[Line | LineChange],
) -> Weighing:
    """Weigh one product. ``lines`` wait to be sold, ``changes`` are changes of sold lines.

    ``added``: numbers of lines that were added to an order with sold lines. ``old``: lines and changes that existed when the product was
    last seen right.
    """
    moved = row.ordered - listing.ordered
    booked = late(listing, lines) if moved < law.units(lines) else []
    # Paid units may be booked already, from before their line existed, unless a deleted line explains the counter.
    if booked and law.explains(moved, [x for x in lines if x.paid], [c for c in changes if c.gone and c not in old]):
        booked = []
    new = [line for line in lines if line not in booked]
    later, form = [line for line in new if line.line in added], row.modified != listing.modified
    weighed = law.weigh(listing.ordered, listing.sum, row, new, changes, later, old, form)
    sold = frozenset(weighed.sold)  # there may be thousands
    waiting = tuple(line for line in new if line not in sold)
    rest = tuple(change for change in changes if change not in weighed.changed)
    return Weighing(listing, row, weighed, waiting, rest, old, tuple(booked))


def still_set_back(
    weighing: Weighing, lines: Sequence[Line], changes: Sequence[LineChange], reset: Suspicion | None
) -> Weighing:
    """Keep treating a counter as set back that was seen to be, as long as the quantity lacks as much.

    Lines may have been deleted since, and sales without a line may have raised the counter again; but no race lowers a counter.
    """
    weighed = weighing.weighed
    if reset is None or weighed.reset or weighed.drift != -reset.amount:
        return weighing
    known = Weighed((), (), 0, 0, 0, reset=reset.amount)
    waiting = tuple(line for line in lines if line not in weighing.late)
    return replace(weighing, weighed=known, waiting=waiting, changed=tuple(changes))


def lowered_alone(weighing: Weighing, drift: Suspicion | None, fallen: Suspicion | None, before: int) -> int:
    """Return by how many units only the counter was lowered although the quantity seems to confirm it; 0 if it was not.

    A drift that was there before, as races leave it, shrank by as much as the counter fell. Goods that come back do not move the sum, so
    the drift is as large as before. The same holds for a fall that the quantity did not confirm at the last look, if a race has raised it
    since. ``drift``, ``fallen``: what is suspected so far; ``before``: units that were found to be lowered before.
    """
    weighed = weighing.weighed
    fall = weighed.fallen - sum(change.units for change in _returned(weighing))
    if drift is not None and fall > before:  # it may fall again before it has settled
        shrank = drift.amount - weighed.drift == fall - before
        unborne = fallen is not None and fallen.amount == fall and drift.amount == -fall
        if shrank or (unborne and weighed.drift >= 0):
            return fall
    return fall if fall == before else 0


def without_returns(weighing: Weighing) -> Weighing:
    """Return the weighing with nothing taken for a return: all by which the counter fell is in doubt."""
    back, weighed = _returned(weighing), weighing.weighed
    kept = tuple(change for change in weighed.changed if change not in back)
    fallen = weighed.fallen - sum(change.units for change in back)
    return replace(weighing, weighed=replace(weighed, changed=kept, fallen=fallen), changed=(*back, *weighing.changed))


def _returned(weighing: Weighing) -> tuple[LineChange, ...]:
    return tuple(change for change in weighing.weighed.changed if change.units < 0)


def newly_unnamed(known: Suspicion | None, named: int, lacking: int | None) -> bool:
    """Return whether units that lack a name are others than those that were suspected before.

    ``named``: what the counter holds less the units that lack a name. ``lacking``: what the counter held when the suspected units first
    lacked one. If that much is named by now, so are they.
    """
    return known is None or (lacking is not None and named >= lacking)


def ripe(doubts: Doubts, settled: Mapping[str, int]) -> Doubts:
    """Return the part of each doubt that has lasted the settling time. ``settled``: the smallest amounts seen in that time.

    A counter that was set back by r is a fall by r that the quantity does not confirm, a drift of -r. Which of the two it is called depends
    on which lines are known to be gone, and that may show only now: so either counts for the other.
    """
    seen = dict(settled)
    if "reset" in seen:
        seen.setdefault("fallen", seen["reset"])
        seen.setdefault("drift", -seen["reset"])
    elif "fallen" in seen and seen.get("drift", 0) < 0:
        seen["reset"] = min(seen["fallen"], -seen["drift"])
    return Doubts(**{what: _smaller(amount, seen.get(what, 0)) for what, amount in doubts.each()})


def _smaller(amount: int, seen: int) -> int:
    """Return the smaller of two amounts of one sign; 0 if their signs differ."""
    return min(amount, seen, key=abs) if amount * seen > 0 else 0


class Wait(Enum):
    """The reason why a product of which something has settled still waits."""

    FOR_THE_REST = auto()  # the cause of what has settled depends on something that has not
    FOR_THE_WHOLE_DRIFT = auto()  # the drift has to settle again, by its present amount


def ready(weighing: Weighing, ripe: Doubts, told: bool, lowered: bool, drift_later: bool) -> Doubts | Wait:
    """Return the amounts to act on, or why to wait.

    ``told``: an order's editor may have changed or added lines of the product. ``lowered``: only its counter was lowered while a drift
    shrank. ``drift_later``: its drift was first seen at a later look than the fall of its counter.
    """
    weighed = weighing.weighed
    if weighed.drift and not ripe.drift and (ripe.fallen or ripe.edited):
        return Wait.FOR_THE_REST  # the drift shows whether goods came back, and what an edit was worth
    # If no line shows what a drift is worth, goods may be returning of a line that was added and deleted before it was booked; if one does,
    # it may explain the fall instead.
    counter_tells = lowered or (weighed.fallen > 0 and not (told and ripe.drift < 0))
    if counter_tells and not ripe.fallen:
        return Wait.FOR_THE_REST
    if told and ripe.drift not in (0, weighed.drift):
        # What an editor did explains the whole of a drift or nothing: about a part of it a person would be asked, and the rest would be
        # misread.
        return Wait.FOR_THE_WHOLE_DRIFT
    if drift_later and ripe.drift < 0 < ripe.fallen < weighed.fallen:
        # What fell first was confirmed then: act on it without the drift of the later fall.
        return replace(ripe, drift=0)
    return ripe
