"""Weighs single products against the books, and follows what has to be seen twice.

Path: ``reconciling.compare`` asks ``weigh``, then ``ripened``; ``remedying`` asks ``ripe_amounts`` what to act on.
Promise: only what was seen twice, the settling time apart, is ripe, and by the smaller amount seen.
Never: books anything, or decides what is done about a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain import law
from onhand.domain.carts import Cart
from onhand.domain.differences import Policy
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.shop import Line, Row

from . import evidence, trading
from .memory import Memory, Moment
from .ports import House, Shop

DOUBTS = ("unnamed", "fallen", "drift", "reset", "edited")  # what of a weighing has to be seen twice


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers in force for one cart."""

    settle_seconds: float
    policy: Policy
    brake_percent: float
    brake_listings: int


@dataclass(frozen=True, slots=True)
class Weighing:
    """One product with all that is needed to judge it."""

    listing: Listing
    row: Row
    weighed: law.Weighed
    waiting: tuple[Line, ...]  # new lines that the counter did not move for
    changed: tuple[LineChange, ...]  # changes of known lines that the counter does not tell of
    old: Collection[
        Line | LineChange
    ] = ()  # those of them that were there when all was right: the counter did not move for them

    @property
    def edited(self) -> int:
        """How many known lines have other units, and the counter does not tell why."""
        return sum(1 for change in self.changed if not change.gone)

    @property
    def differs(self) -> bool:
        return differs(self.listing, self.row) or self.edited > 0

    def doubts(self) -> tuple[tuple[str, int], ...]:
        """What of it has to be seen twice. A listing that is not kept in step raises no doubts."""
        if not self.listing.tracked:
            return ()
        weighed = self.weighed
        amounts = (weighed.unnamed, weighed.fallen, weighed.drift, weighed.reset, self.edited)
        return tuple(zip(DOUBTS, amounts, strict=True))


def weigh(
    house: House,
    cart: Cart,
    shop: Shop,
    listings: Sequence[Listing],
    rows: dict[int, Row],
    edited: Collection[int],
    memory: Memory,
    old_lines: int | None = None,
) -> list[Weighing]:
    """Weigh each product; asks the shop about lines where counter and lines do not fit at once. ``old_lines``: of how many sold lines
    what became of them is asked in any case."""
    # Also where nothing seems to have moved: a sale and a return can make up for each other, and a line that waits may be the name of
    # units that were booked without one.
    waiting_of = evidence.by_product(evidence.waiting(house, cart, shop, [x.product for x in listings], memory))
    # Where the counter moved by less than was paid for, something came back: by a line that changed, if it has a name.
    fewer = [
        x.product
        for x in listings
        if law.units(line for line in waiting_of[x.product] if line.paid) > rows[x.product].ordered - x.ordered
    ]
    asked = sorted({x.product for x in listings if old_lines or x.product in edited}.union(fewer))
    limit = old_lines or evidence.SOLD_LINES_MAX
    added = {line.line for line in evidence.added(house, cart, [x for y in waiting_of.values() for x in y if x.paid])}
    changes_of = evidence.changes_by_product(evidence.changes(house, cart, shop, asked, limit))
    weighings = []
    for listing in listings:
        lines, row = waiting_of[listing.product], rows[listing.product]
        changes = memory.note_edited(listing.product, changes_of[listing.product], house.clock.monotonic())
        paid, moved = [line for line in lines if line.paid], row.ordered - listing.ordered
        old: set[Line | LineChange] = set()
        if changes or law.units(paid) != moved:
            old = evidence.old(house, cart, memory, listing.product, paid, changes)
        # What was paid for may have been booked already, before its line was there; if no line that went explains it.
        late = trading.late(listing, lines) if moved < law.units(lines) else []
        if late and law.explains(moved, paid, [change for change in changes if change.gone and change not in old]):
            late = []
        new = [line for line in lines if line not in late]
        weighed = law.weigh(listing.ordered, listing.sum, row, new, changes, [x for x in new if x.line in added], old)
        sold = frozenset(weighed.sold)  # there may be thousands
        waiting = tuple(line for line in lines if line not in sold)
        rest = tuple(change for change in changes if change not in weighed.changed)
        weighing = Weighing(listing, row, weighed, waiting, rest, old)
        weighing = _still_set_back(weighing, lines, changes, memory.suspicions.get((listing.product, "reset")))
        weighings.append(_lowered_beside_a_race(weighing, memory))
    return weighings


def _still_set_back(
    weighing: Weighing, lines: Sequence[Line], changes: Sequence[LineChange], seen: law.Suspicion | None
) -> Weighing:
    """A counter that was seen to be set back stays so while the quantity lacks as much, whatever lines have gone since, and also where
    sales that have no line any more have raised it to where it would be otherwise: no race lowers a counter."""
    weighed = weighing.weighed
    if seen is None or weighed.reset or weighed.drift != -seen.amount:
        return weighing
    reset = law.Weighed((), (), 0, 0, 0, reset=seen.amount)
    return replace(weighing, weighed=reset, waiting=tuple(lines), changed=tuple(changes))


def _lowered_beside_a_race(weighing: Weighing, memory: Memory) -> Weighing:
    """The quantity seems to bear out what came back; but a drift that was there before, as races leave it, shrank by as many units when
    the counter fell. Goods that come back do not move the sum: so the counter alone was lowered, and the drift is as large as before. The
    same holds for a fall that the quantity did not bear out at the last look, if a race has raised it only since."""
    weighed, product = weighing.weighed, weighing.listing.product
    back = tuple(change for change in weighed.changed if change.units < 0)
    fall = weighed.fallen - sum(change.units for change in back)
    known = memory.suspicions.get((product, "drift"))
    fell = memory.suspicions.get((product, "fallen"))
    unborne = fell is not None and fell.amount == fall and known is not None and known.amount == -fall
    more = fall - memory.lowered.get(product, 0)  # it may fall again before it has settled
    if more > 0 and known is not None and (known.amount - weighed.drift == more or (unborne and weighed.drift >= 0)):
        memory.lowered[product] = fall
    if memory.lowered.get(product) != fall:
        memory.lowered.pop(product, None)
        return weighing
    kept = tuple(change for change in weighed.changed if change not in back)
    return replace(weighing, weighed=replace(weighed, changed=kept, fallen=fall), changed=(*back, *weighing.changed))


def ripened(
    weighings: Sequence[Weighing], memory: Memory, in_step_at: datetime | None, house: House, rules: Rules
) -> list[Weighing]:
    """Follow each product's suspicions; returns the weighings in which one has settled.

    ``in_step_at`` is on record: after a restart it is all that is known of when things were still right.
    """
    now = Moment.now(house.clock)
    settled = []
    for weighing in weighings:
        product = weighing.listing.product
        ripe = False
        for what, amount in weighing.doubts():
            known = memory.suspicions.get((product, what))
            if what == "unnamed" and amount:
                named = weighing.row.ordered - amount
                if known is None or named >= memory.lacking.get(product, named + 1):
                    known, memory.lacking[product] = (
                        None,
                        weighing.row.ordered,
                    )  # those units have a name now, these are others
            suspicion = law.suspect(known, amount, now.monotonic)
            if suspicion is None:
                memory.suspicions.pop((product, what), None)
                continue
            memory.suspicions[(product, what)] = suspicion
            memory.witnessed.setdefault(product, memory.looked_at or evidence.recalled(in_step_at, now))
            ripe = ripe or suspicion.settled(now.monotonic, rules.settle_seconds)
        if ripe:
            settled.append(weighing)
        if not any((product, what) in memory.suspicions for what in DOUBTS):
            memory.witnessed.pop(product, None)
            memory.edited.pop(product, None)
    return settled


def ripe_amounts(weighing: Weighing, memory: Memory, rules: Rules, now: Moment) -> dict[str, int]:
    """What of each doubt has been there for the settling time, by the smaller amount seen.

    A counter that was set back by r is a fall by r that the quantity does not bear out, a drift of -r. Which of the two it is called
    depends on what lines are known to be gone, and that may show only now: so either counts for the other.
    """
    seen = {}
    for what in DOUBTS:
        known = memory.suspicions.get((weighing.listing.product, what))
        if known is not None and known.settled(now.monotonic, rules.settle_seconds):
            seen[what] = known.amount
    if "reset" in seen:
        seen.setdefault("fallen", seen["reset"])
        seen.setdefault("drift", -seen["reset"])
    elif "fallen" in seen and seen.get("drift", 0) < 0:
        seen["reset"] = min(seen["fallen"], -seen["drift"])
    return {
        what: min(amount, seen[what], key=abs) if what in seen and amount * seen[what] > 0 else 0
        for what, amount in weighing.doubts()
    }


def differs(listing: Listing, row: Row) -> bool:
    """Whether the shop shows something else than both sides should hold."""
    return (row.quantity, row.ordered) != (listing.agreed, listing.ordered)
