"""Weighs single products against the books, and follows what has to be seen twice.

Path: ``reconciling.compare`` asks ``weigh``, then ``ripened``; ``doubts`` decides what a product's numbers say.
Promise: only what was seen twice, one settling time apart, is ripe, and by the smaller amount seen.
Never: books anything, or decides on remedies.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from onhand.domain import doubts, law
from onhand.domain.carts import Cart
from onhand.domain.differences import Policy
from onhand.domain.doubts import DOUBTS, Weighing
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.shop import Line, Row

from . import evidence
from .memory import Memory, Moment
from .ports import House, Shop

Pair = tuple[Listing, Row]  # what the books and the shop hold of one product


@dataclass(frozen=True, slots=True)
class Rules:
    """The values that apply to one cart."""

    settle_seconds: float
    policy: Policy
    brake_percent: float
    brake_listings: int


@dataclass(frozen=True, slots=True)
class Lines:
    """The order lines of the products that are weighed, by product."""

    waiting: Mapping[int, Sequence[Line]]
    changes: Mapping[int, Sequence[LineChange]]
    asked: Container[int]  # products whose changes the shop was asked about
    added: Container[int]  # numbers of paid lines that were added to an order whose other lines are sold


def weigh(
    house: House,
    cart: Cart,
    shop: Shop,
    memory: Memory,
    pairs: Sequence[Pair],
    asked: Container[int],
    limit: int = evidence.SOLD_LINES_MAX,
) -> list[Weighing]:
    """Weigh each product. The shop is asked what became of sold lines where counter and waiting lines do not match at once, and for the
    products ``asked`` in any case: about ``limit`` of the newest lines."""
    told = _read_lines(house, cart, shop, memory, pairs, asked, limit)
    return [_weigh(house, cart, memory, listing, row, told) for listing, row in pairs]


def _read_lines(
    house: House, cart: Cart, shop: Shop, memory: Memory, pairs: Sequence[Pair], asked: Container[int], limit: int
) -> Lines:
    # Read waiting lines even where nothing seems to have moved: a sale and a return can cancel out, and a waiting line may be the name of
    # units that were booked without one.
    products = [listing.product for listing, _ in pairs]
    waiting = evidence.by_product(evidence.waiting(house, cart, shop, products, memory))
    # Where the counter moved by less than was paid for, something came back: through a changed line, if it has a name.
    fewer = {
        listing.product
        for listing, row in pairs
        if law.units(line for line in waiting[listing.product] if line.paid) > row.ordered - listing.ordered
    }
    paid = [line for lines in waiting.values() for line in lines if line.paid]
    added = {line.line for line in evidence.added(house, cart, paid)}
    unclear = sorted(product for product in products if product in asked or product in fewer)
    changes = evidence.changes_by_product(evidence.changes(house, cart, shop, unclear, limit))
    return Lines(waiting, changes, frozenset(unclear), added)


def _weigh(house: House, cart: Cart, memory: Memory, listing: Listing, row: Row, told: Lines) -> Weighing:
    """Weigh one product, given what is suspected of it."""
    product, lines, now = listing.product, told.waiting[listing.product], Moment.now(house.clock)
    changed = evidence.dated_today(told.changes[product], evidence.last_good(cart, memory, product, now), now)
    changes = memory.note_edited(product, changed, now.monotonic, product in told.asked)
    paid = [line for line in lines if line.paid]
    fits = not changes and law.units(paid) == row.ordered - listing.ordered
    old = set() if fits else evidence.old(house, cart, memory, product, paid, changes)
    weighing = doubts.weigh(listing, row, lines, changes, told.added, old)
    suspicions = {what: memory.suspicions.get((product, what)) for what in DOUBTS}
    weighing = doubts.still_set_back(weighing, lines, changes, suspicions["reset"])
    watched = range(cart.place.low + 1, cart.place.cursor + 1)
    if weighing.weighed.sold and any(c.gone and c.sold.line not in watched for c in weighing.weighed.changed):
        # Such a line may have gone years ago, and the counter of a sale be still to come.
        return doubts.without_returns(weighing)
    before = memory.lowered.get(product, 0)
    lowered = doubts.lowered_alone(weighing, suspicions["drift"], suspicions["fallen"], before)
    if not lowered:
        memory.lowered.pop(product, None)
        return weighing
    memory.lowered[product] = lowered
    return doubts.without_returns(weighing)


def ripened(
    house: House, cart: Cart, memory: Memory, weighings: Sequence[Weighing], settle_seconds: float
) -> list[Weighing]:
    """Follow each product's suspicions; return the weighings in which one has settled."""
    now = Moment.now(house.clock)
    # After a restart, only the record tells when things were still right.
    good = memory.looked_at or evidence.recalled(cart.in_step_at, now)
    settled = []
    for weighing in weighings:
        product = weighing.product
        for what, amount in weighing.doubts.each():
            known = _known(memory, weighing, what, amount)
            memory.suspect(product, what, law.suspect(known, amount, now.monotonic), good)
        if memory.settled(product, now, settle_seconds):
            settled.append(weighing)
        if not memory.suspects(product):
            memory.witnessed.pop(product, None)
            memory.edited.pop(product, None)
            memory.asked.pop(product, None)
    return settled


def _known(memory: Memory, weighing: Weighing, what: str, amount: int) -> law.Suspicion | None:
    """Return what was suspected so far, if it is the same doubt. Units without a name become others once those have one."""
    product, ordered = weighing.product, weighing.row.ordered
    known = memory.suspicions.get((product, what))
    if what == "unnamed" and amount and doubts.newly_unnamed(known, ordered - amount, memory.lacking.get(product)):
        memory.lacking[product] = ordered
        return None
    return known
