"""Reconciles: weighs single products against the books, names differences and applies their remedies.

Path: the controller's tick, when the lines do not explain the sums → ``suspects`` → ``compare``; a person → ``decide``.
Promise: only what was seen twice, the settling time apart, is acted on, and by the smaller amount; every act is a difference on record.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from onhand.domain import differences, law, sketch
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Evidence, Finding, Policy, Remedy
from onhand.domain.errors import Refused
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, collecting, refreshing
from .collecting import Memory
from .ports import ROWS_MAX, Books, House, Shop

EVIDENCE = timedelta(seconds=10)  # how long before a drift was first seen its cause may lie
PAST = timedelta(hours=24)  # how far back a stale form may have been opened
PAST_STEPS_MAX = 100
DOUBTS = ("unnamed", "fallen", "drift", "reset")  # what of a weighing has to be seen twice
SOLD_LINES_MAX = 500  # newest sold lines of a product that are asked about when its counter fell

log = structlog.get_logger()


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
    unpaid: tuple[Line, ...]  # waiting lines that a counter may still confirm
    unmoved: tuple[Line, ...]  # paid lines that the counter did not move for
    left_out: tuple[Line, ...]  # deleted with lines that came back, and did not come back themselves

    @property
    def differs(self) -> bool:
        return (self.row.quantity, self.row.ordered) != (self.listing.agreed, self.listing.ordered)


def suspects(house: House, cart: Cart, shop: Shop, misled: int = 0) -> frozenset[int]:
    """The products whose counters differ from the books: by cells, and if they are too many, by the full list.

    ``misled`` is how many answers in a row named a product that did not differ: as many small sizes are left out.
    """
    for size in sketch.SIZES[misled:]:
        seen = shop.cells(size)
        expected = house.store.read(lambda books, size=size: books.listings.cells(cart.id, size))  # type: ignore[misc]
        found = sketch.decode(sketch.difference(seen, expected))
        if found is not None:
            return frozenset(found)
    all_listings = house.store.read(lambda books: books.listings.all(cart.id))
    books_view = {listing.product: listing for listing in all_listings if not listing.deleted}
    shop_view = {row.product: row for row in refreshing.all_rows(shop)}
    return frozenset(
        product
        for product in books_view.keys() | shop_view.keys()
        if product not in books_view
        or product not in shop_view
        or (shop_view[product].quantity, shop_view[product].ordered)
        != (books_view[product].agreed, books_view[product].ordered)
    )


def compare(
    house: House, cart: Cart, shop: Shop, memory: Memory, products: Iterable[int], rules: Rules, whole: bool
) -> int:
    """Weigh these products, book what is trade, follow what is drift, act on what has settled.

    With ``whole`` the products are all that differ, so suspicions against any other are dropped. Returns how many
    still differ after the booking; a product that was named and does not differ counts as one, as another must.
    """
    wanted = sorted(products)
    rows = {row.product: row for chunk in _chunks(wanted) for row in shop.rows(chunk)}
    known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    # While the cart is stopped nothing is concluded from what is missing: an empty shop may be full again in a minute.
    if cart.halted is None and any(_is_news(known.get(product), rows.get(product)) for product in wanted):
        refreshing.refresh(house, cart, shop)
        known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    weighings = _weigh(house, cart, shop, [known[p] for p in wanted if p in known and p in rows], rows)
    misled = 0
    if whole:
        differing = {weighing.listing.product for weighing in weighings if weighing.differs}
        for key in [key for key in memory.suspicions if key[0] not in differing]:
            del memory.suspicions[key]
        for product in memory.witnessed.keys() - differing:
            del memory.witnessed[product]
        # Another set of products had the same cells, and stays hidden until a finer question tells them apart. Where a name
        # was lacking, a product may have been asked about for its late line alone.
        named = {product for product in wanted if product not in known or not known[product].unnamed}
        misled = 0 if cart.halted or named <= differing else 1
        memory.misled += misled
    if not weighings:
        return misled
    settled = _settled(weighings, memory, cart.in_step_at, house, rules) if cart.halted is None else []
    listings = cart.sums.count
    if differences.braked(len(settled), listings, rules.brake_percent, rules.brake_listings):
        halt(house, cart, Cause.BRAKE, f"{len(settled)} of {listings} listings would change at once.")
        settled = []
    at = house.clock.now()

    def write(books: Books) -> int:
        open_ones = misled
        for weighing in weighings:
            open_ones += _book_trade(books, cart, weighing, at)
        for weighing in settled:
            _act(books, cart, weighing, memory, rules, at, house.clock.monotonic())
        return open_ones

    return house.store.write(write)


def _is_news(listing: Listing | None, row: Row | None) -> bool:
    """Whether one product tells that the listing set changed: it is new, gone, or became one that cannot be kept in step."""
    if listing is None or row is None:
        return True
    return row.flags != listing.flags


def halt(house: House, cart: Cart, cause: Cause, note: str) -> None:
    """Stop posting to a cart until a person aligns it again. Says so once."""

    def write(books: Books) -> None:
        if books.carts.get(cart.id).halted is None:
            books.carts.halt(cart.id, note)
            nothing = Counters(0, 0)
            books.differences.open(
                cart.id, None, Finding(cause, Remedy.STOP), 0, nothing, nothing, house.clock.now(), note
            )

    house.store.write(write)
    log.error("cart.halted", cart=cart.name, cause=cause.value, note=note)


def decide(house: House, difference_id: int, ours: bool, person: str) -> None:
    """A person's decision on a difference that waits for one. Raises Refused if it does not wait."""
    at = house.clock.now()

    def write(books: Books) -> None:
        difference = books.differences.get(difference_id)
        if not difference.awaits_decision or difference.listing is None:
            raise Refused(f"Difference {difference_id} does not wait for a decision.", difference=difference_id)
        listing = books.listings.by_id([difference.listing])[difference.listing]
        if not listing.tracked:
            raise Refused(
                "Its product is not kept in step any more: Send or Get its quantity, which settles this too.",
                difference=difference_id,
            )
        books.listings.release(listing.id, difference.amount)
        books.differences.close(difference.id, at, f"{'ours' if ours else 'theirs'}, decided by {person or 'a person'}")
        if not ours and listing.item is not None:
            if bookkeeping.unbookable(books, {listing.item: difference.amount}):
                raise Refused(bookkeeping.UNBOOKABLE, difference=difference_id, amount=difference.amount)
            books.carts.owe_mark(difference.cart)
            movement = Movement.edit(listing.item, difference.amount, difference.cart, difference.id)
            bookkeeping.book(books, [movement], at)
        books.tell([difference.cart])

    house.store.write(write)


def _weigh(house: House, cart: Cart, shop: Shop, listings: Sequence[Listing], rows: dict[int, Row]) -> list[Weighing]:
    """Weigh each product; asks the shop about lines where counter and lines do not fit at once."""
    # Where units were booked without a name, a line that waits may be theirs; where a counter was reset, lines tell.
    moved = [
        x.product for x in listings if x.unnamed or rows[x.product].ordered != x.ordered or rows[x.product].sum < x.sum
    ]
    fallen = [x.product for x in listings if rows[x.product].ordered < x.ordered]
    waiting_of = by_product(waiting(house, cart, shop, moved))
    gone_of = by_product(gone(house, cart, shop, fallen))
    weighings = []
    for listing in listings:
        lines, row = waiting_of[listing.product], rows[listing.product]
        weighed = law.weigh(listing.ordered, listing.sum, row, lines, gone_of[listing.product])
        unpaid = tuple(line for line in lines if not line.paid)
        unmoved = tuple(line for line in lines if line.paid and line not in weighed.sold)
        lost = gone_of[listing.product]
        # Where lines of several orders are gone, or new ones have come as well, nobody can say what of it came back.
        certain = weighed.restocked and not lines and len({line.order for line in lost}) == 1
        left_out = tuple(line for line in lost if certain and line not in weighed.restocked)
        weighings.append(Weighing(listing, row, weighed, unpaid, unmoved, left_out))
    return weighings


def waiting(house: House, cart: Cart, shop: Shop, products: Sequence[int]) -> list[Line]:
    """The waiting lines of these products; asks the shop which of them were paid since."""
    found = house.store.read(lambda books: books.lines.waiting(cart.source, products)) if products else []
    unpaid = sorted(line.line for line in found if not line.paid)
    if not unpaid:
        return found
    # A line is confirmed only if its order has a history: has any got one since?
    now = {line.line: line for chunk in _chunks(unpaid) for line in shop.orders(chunk)}
    house.store.write(lambda books: books.lines.refresh(cart.source, list(now.values())))
    return [now.get(line.line, line) for line in found]


def gone(house: House, cart: Cart, shop: Shop, products: Sequence[int]) -> list[Line]:
    """Sold lines of these products that the shop does not have any more."""
    if not products:
        return []
    sold = house.store.read(lambda books: books.lines.sold(cart.source, products, SOLD_LINES_MAX))
    there = {line.line for chunk in _chunks([line.line for line in sold]) for line in shop.orders(chunk)}
    missing = [line for line in sold if line.line not in there]
    house.store.write(lambda books: books.lines.vanish(cart.source, [line.line for line in missing]))
    return missing


def _settled(
    weighings: Sequence[Weighing], memory: Memory, in_step_at: datetime | None, house: House, rules: Rules
) -> list[Weighing]:
    """Follow each product's suspicions; returns the weighings in which one has settled.

    ``in_step_at`` is on record: after a restart it is all that is known of when things were still right.
    """
    now = house.clock.monotonic()
    settled = []
    for weighing in weighings:
        product = weighing.listing.product
        ripe = False
        for what, amount in _doubts(weighing):
            suspicion = law.suspect(memory.suspicions.get((product, what)), amount, now)
            if suspicion is None:
                memory.suspicions.pop((product, what), None)
                continue
            memory.suspicions[(product, what)] = suspicion
            # Not later than now: somebody may have set the clock back meanwhile.
            at = house.clock.now()
            memory.witnessed.setdefault(product, min(memory.looked_at or in_step_at or at - PAST, at))
            ripe = ripe or suspicion.settled(now, rules.settle_seconds)
        if ripe:
            settled.append(weighing)
    return settled


def _doubts(weighing: Weighing) -> tuple[tuple[str, int], ...]:
    """What of a weighing has to be seen twice. A listing that is not kept in step raises no doubts."""
    if not weighing.listing.tracked:
        return ()
    weighed = weighing.weighed
    return tuple((what, getattr(weighed, what)) for what in DOUBTS)


def _book_trade(books: Books, cart: Cart, weighing: Weighing, at: datetime) -> int:
    """Book what counter and lines agree on; returns 1 if something is left open, else 0."""
    listing, row, weighed = weighing.listing, weighing.row, weighing.weighed
    if not listing.tracked:
        _follow(books, cart, listing, row, weighed)
        return 0
    collecting.sell(books, cart, weighed.sold, at)
    collecting.restock(books, cart, weighed.restocked, at)
    if weighing.left_out:
        _show_left_out(books, cart, weighing, at)
    if weighed.sold:
        note_switch(books, listing, row)
    if listing.unnamed and not weighed.unnamed and not weighed.fallen:
        collecting.name_late(books, cart, listing, weighing.unmoved)
    return 1 if any(amount for _, amount in _doubts(weighing)) else 0


def _show_left_out(books: Books, cart: Cart, weighing: Weighing, at: datetime) -> None:
    """CE Phoenix gives back one line of a product where an order had two. The counter is the truth here too; the shelf may know better."""
    back, rest = law.units(weighing.weighed.restocked), law.units(weighing.left_out)
    order = weighing.left_out[0].order
    note = f"Order {order} gave back {back} of {back + rest}: if the rest is on the shelf, receive it here, then press Re-check."
    row = weighing.row
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + rest, row.ordered - rest)
    books.differences.open(cart.id, weighing.listing.id, differences.PARTIAL, -rest, seen, expected, at, note)


def _follow(books: Books, cart: Cart, listing: Listing, row: Row, weighed: law.Weighed) -> None:
    """Take over the counters of a listing that is not kept in step: nothing is booked for it."""
    moved = row.ordered - listing.ordered
    books.listings.drift(listing.id, row.sum - listing.sum, moved, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, row.quantity - listing.agreed, moved))
    books.lines.mark(cart.source, [line.line for line in weighed.sold], LineState.UNTRACKED)


def note_switch(books: Books, listing: Listing, row: Row) -> None:
    """Remember that the shop switched a product off with the sale that emptied it, and not a person."""
    went_off = bool(listing.status) and not row.status and row.quantity <= 0 and row.modified == listing.modified
    if went_off or row.status != listing.status:
        books.listings.note_shop(listing.id, row.status, listing.modified, went_off)


def _act(books: Books, cart: Cart, weighing: Weighing, memory: Memory, rules: Rules, at: datetime, now: float) -> None:
    """Apply the remedies to what has settled in one product, by the smaller amount seen."""
    product = weighing.listing.product
    ripe = {}
    for what in DOUBTS:
        suspicion = memory.suspicions.get((product, what))
        if suspicion is not None and suspicion.settled(now, rules.settle_seconds):
            ripe[what] = suspicion.amount
            del memory.suspicions[(product, what)]
    listing = books.listings.of(cart.id, [product])[product]
    if not listing.tracked:
        return  # a person gave it another tie since it was weighed: the next look follows it in silence
    if "unnamed" in ripe:
        named = law.name(ripe["unnamed"], weighing.unpaid)
        collecting.sell(books, cart, named, at)
        collecting.count_sale(books, cart, product, ripe["unnamed"] - law.units(named), at)
    if "fallen" in ripe:
        collecting.count_sale(books, cart, product, -ripe["fallen"], at)
    if "drift" in ripe:
        since = (
            min(memory.witnessed.get(product, at), at) - EVIDENCE
        )  # not later than now: the clock may have been set back
        evidence = _evidence(books, cart, listing, weighing.row, ripe["drift"], since, at)
        _remedy(books, cart, listing, weighing.row, evidence, differences.explain(evidence, rules.policy), at)
    if "reset" in ripe:
        _rebase(books, cart, listing, weighing.row, ripe["reset"], at)


def _rebase(books: Books, cart: Cart, listing: Listing, row: Row, reset: int, at: datetime) -> None:
    """Follow a counter that was set back: no stock moved. What was sold since shows at the next look."""
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    difference = books.differences.open(cart.id, listing.id, differences.RESET, -reset, seen, expected, at)
    books.listings.drift(listing.id, -reset, -reset, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, 0, -reset))
    books.differences.close(difference, at, differences.RESET.remedy.value)
    log.warning("counter.reset", cart=cart.name, product=listing.product, sku=listing.model, amount=-reset)


def _evidence(
    books: Books, cart: Cart, listing: Listing, row: Row, drift: int, since: datetime, at: datetime
) -> Evidence:
    trade = books.ledger.trade_of(cart.id, listing.item, at - PAST, PAST_STEPS_MAX) if listing.item is not None else []
    posts = books.posts.of_listing(listing.id, at - PAST, PAST_STEPS_MAX)
    # Walk back from what both sides agree on now through sales and posts: the quantities the shop showed before each sale.
    steps = sorted([(when, n, True) for when, n in trade] + [(when, n, False) for when, n in posts], reverse=True)
    past, value = [], listing.agreed
    for _, n, is_trade in steps:
        value -= n
        if is_trade and n < 0:
            past.append(value)
    window = (at - since).total_seconds()
    return Evidence(
        drift=drift,
        edited=row.modified != listing.modified and differences.is_recent(row.age, window),
        quantity=row.quantity,
        sales=-sum(n for when, n in trade if n < 0 and when >= since),
        posts=[n for when, n in posts if when >= since],
        returns=[n for when, n in trade if n > 0 and when >= since],
        past=past,
        heals=books.differences.heals(listing.id, at - timedelta(hours=1)),
    )


def _remedy(
    books: Books, cart: Cart, listing: Listing, row: Row, evidence: Evidence, finding: Finding, at: datetime
) -> None:
    """Record a difference and change the books accordingly; posts follow from that by themselves."""
    drift = evidence.drift
    undone = books.differences.awaiting(listing.id, -drift)
    if undone is not None:
        # A sale that stayed half written for long was asked about; now it is whole, or somebody put it right there.
        books.listings.drift(listing.id, drift, 0, drift)
        books.carts.move_sums(cart.id, Sums.of(listing.product, drift, 0))
        books.differences.close(undone, at, "undone in the shop")
        return
    note = ""
    if finding.remedy is Remedy.BOOK and listing.item is not None:
        if bookkeeping.unbookable(books, {listing.item: drift}):
            finding, note = Finding(finding.cause, Remedy.ASK), bookkeeping.UNBOOKABLE
        else:
            books.carts.owe_mark(cart.id)
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    difference = books.differences.open(cart.id, listing.id, finding, drift, seen, expected, at, note)
    books.listings.drift(listing.id, drift, 0, drift if finding.remedy is Remedy.ASK else 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, drift, 0))
    # If more has moved than is acted on now, the edit must stay visible as one until the rest has settled too.
    modified = row.modified if row.sum == listing.sum + drift else listing.modified
    books.listings.note_shop(listing.id, row.status, modified, listing.off_by_sale and row.modified == listing.modified)
    if finding.remedy is Remedy.BOOK and listing.item is not None:
        bookkeeping.book(books, [Movement.edit(listing.item, drift, cart.id, difference)], at)
    if finding.remedy is Remedy.BOOK:
        books.differences.close(difference, at, finding.remedy.value)
    if finding.remedy is Remedy.POST:
        books.listings.announce_listings([listing.id])
        books.tell([cart.id])
    log.warning(
        "difference.found",
        cart=cart.name,
        product=listing.product,
        sku=listing.model,
        cause=finding.cause.value,
        remedy=finding.remedy.value,
        amount=drift,
    )


def by_product(lines: Iterable[Line]) -> defaultdict[int, list[Line]]:
    """The lines of each product."""
    grouped: defaultdict[int, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line.product].append(line)
    return grouped


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + ROWS_MAX] for start in range(0, len(ids), ROWS_MAX))
