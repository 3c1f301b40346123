"""Reconciles: weighs single products against the books, names differences and applies their remedies.

Path: the controller's tick, when the lines do not explain the sums → ``suspects`` → ``compare``; a person → ``decide``.
Promise: only what was seen twice, the settling time apart, is acted on, and by the smaller amount; every act is a difference on record.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from onhand.domain import differences, family, law, sketch
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Evidence, Finding, Policy, Remedy
from onhand.domain.errors import Refused
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, braking, collecting, evidence, refreshing
from .collecting import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop

SLICE_LINES = collecting.PAGES_MAX * ROWS_MAX  # lines that are booked in one commit
DOUBTS = ("unnamed", "fallen", "drift", "reset", "edited")  # what of a weighing has to be seen twice

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
    waiting: tuple[Line, ...]  # new lines that the counter did not move for
    changed: tuple[LineChange, ...]  # changes of known lines that the counter does not tell of

    @property
    def edited(self) -> int:
        """How many known lines have other units, and the counter does not tell why."""
        return sum(1 for change in self.changed if not change.gone)

    @property
    def differs(self) -> bool:
        return _differs(self.listing, self.row) or self.edited > 0

    def doubts(self) -> tuple[tuple[str, int], ...]:
        """What of it has to be seen twice. A listing that is not kept in step raises no doubts."""
        if not self.listing.tracked:
            return ()
        weighed = self.weighed
        amounts = (weighed.unnamed, weighed.fallen, weighed.drift, weighed.reset, self.edited)
        return tuple(zip(DOUBTS, amounts, strict=True))


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
    house: House,
    cart: Cart,
    shop: Shop,
    memory: Memory,
    products: Iterable[int],
    rules: Rules,
    whole: bool,
    edited: Collection[int] = (),
    partial: bool = False,
    new: Collection[int] = (),
) -> int:
    """Weigh these products, book what is trade, follow what is drift, act on what has settled.

    ``edited`` are those of which known lines have other units now. Suspicions against products that do not differ end; with ``whole``
    the products are all that differ, so against any other, too. Returns how many still differ after the booking; a product that
    was named and does not differ counts as one, as another must. With ``partial`` only some of the new
    lines were read, so only what they name is booked. ``new``: products that are asked about only because of a new line.
    """
    wanted = sorted(products)
    rows = {row.product: row for chunk in evidence.chunks(wanted) for row in shop.rows(chunk)}
    known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    # While the cart is stopped nothing is concluded from what is missing: an empty shop may be full again in a minute.
    if cart.halted is None and any(_is_news(known.get(product), rows.get(product)) for product in wanted):
        refreshing.refresh(house, cart, shop)
        known = house.store.read(lambda books: books.listings.of(cart.id, wanted))
    there = [known[p] for p in wanted if p in known and p in rows]
    weighings = _weigh(house, cart, shop, there, rows, edited, memory)
    misled = 0
    differing = {weighing.listing.product for weighing in weighings if weighing.differs}
    doubtful = {weighing.listing.product for weighing in weighings if weighing.differs and weighing.listing.tracked}
    memory.clear(None if whole else wanted, doubtful)
    if whole:
        # Another set of products had the same cells, and stays hidden until a finer question tells them apart. Where a name
        # was lacking, a product may have been asked about for its late line alone.
        named = {product for product in wanted if product not in known or not known[product].unnamed}.difference(new)
        misled = 0 if cart.halted or named <= differing else 1
        memory.misled += misled
    if not weighings:
        return misled
    judged = cart.halted is None and not partial
    settled = _settled(weighings, memory, cart.in_step_at, house, rules) if judged else []
    nameless = {weighing.listing.product for weighing in settled if weighing.weighed.unnamed}
    if reason := braking.why(house, cart, memory, len(settled), nameless, rules):
        halt(house, cart, Cause.BRAKE, reason)
        settled = []
    if settled:
        # Before anything is done about it, the shop is asked about all lines of these products, however old they are.
        listings_of = [weighing.listing for weighing in settled]
        again = _weigh(house, cart, shop, listings_of, rows, edited, memory, evidence.OLD_LINES_MAX)
        seen = {w.listing.product for w in again}
        weighings = [w for w in weighings if w.listing.product not in seen] + again
        settled = again
    now = Moment.now(house.clock)
    good = {w.listing.product: memory.witnessed.get(w.listing.product, now) for w in settled}
    by_editor = {
        w.listing.product: _by_editor(house, cart, shop, w, evidence.since(good[w.listing.product], now))
        for w in settled
    }

    since_look = memory.seconds_since_look(now)

    def write(books: Books) -> int:
        open_ones, lines_left = misled, SLICE_LINES
        for weighing in weighings:
            sold = weighing.weighed.sold[:lines_left]
            lines_left -= len(sold)
            open_ones += _book_trade(books, cart, weighing, sold, now.at, since_look)
        for weighing in settled:
            product = weighing.listing.product
            _act(books, cart, weighing, good[product], by_editor[product], memory, rules, now)
        return open_ones

    return house.store.write(write)


def _differs(listing: Listing, row: Row) -> bool:
    """Whether the shop shows something else than both sides should hold."""
    return (row.quantity, row.ordered) != (listing.agreed, listing.ordered)


@dataclass(frozen=True, slots=True)
class _ByEditor:
    """Lines of one product that an order's editor may have changed, and lines that it may have added."""

    changed: list[LineChange]
    added: list[Line]


def _by_editor(house: House, cart: Cart, shop: Shop, weighing: Weighing, since: datetime) -> _ByEditor:
    changed = evidence.editors(house, cart, shop, weighing.changed, since)
    return _ByEditor(changed, evidence.added(house, cart, [line for line in weighing.waiting if line.paid]))


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
        if not difference.about_return:
            books.listings.release(listing.id, difference.amount)
        books.differences.close(difference.id, at, f"{'ours' if ours else 'theirs'}, decided by {person or 'a person'}")
        if not ours and listing.item is not None:
            change = difference.theirs
            if bookkeeping.unbookable(books, {listing.item: change}):
                raise Refused(bookkeeping.UNBOOKABLE, difference=difference_id, amount=change)
            books.carts.owe_mark(difference.cart)
            movement = Movement.edit(listing.item, change, difference.cart, difference.id)
            bookkeeping.book(books, [movement], at)
        books.tell([difference.cart])

    house.store.write(write)


def _weigh(
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
    waiting_of = evidence.by_product(evidence.waiting(house, cart, shop, [x.product for x in listings]))
    unnamed_of = {x.product: law.units(collecting.late(x, waiting_of[x.product])) for x in listings}
    # Where the counter moved by less than was paid for, something came back: by a line that changed, if it has a name.
    fewer = [
        x.product
        for x in listings
        if law.units(line for line in waiting_of[x.product] if line.paid) - unnamed_of[x.product]
        > rows[x.product].ordered - x.ordered
    ]
    asked = sorted({x.product for x in listings if old_lines or x.product in edited}.union(fewer))
    limit = old_lines or evidence.SOLD_LINES_MAX
    added = {line.line for line in evidence.added(house, cart, [x for y in waiting_of.values() for x in y if x.paid])}
    changes_of = evidence.changes_by_product(evidence.changes(house, cart, shop, asked, limit))
    weighings = []
    for listing in listings:
        lines, row, changes = waiting_of[listing.product], rows[listing.product], changes_of[listing.product]
        # What was paid for may have been booked already, before its line was there.
        late = collecting.late(listing, lines) if row.ordered - listing.ordered < law.units(lines) else []
        new = [line for line in lines if line not in late]
        weighed = law.weigh(listing.ordered, listing.sum, row, new, changes, [x for x in new if x.line in added])
        sold = frozenset(weighed.sold)  # there may be thousands
        waiting = tuple(line for line in lines if line not in sold)
        rest = tuple(change for change in changes if change not in weighed.changed)
        weighing = Weighing(listing, row, weighed, waiting, rest)
        weighings.append(_still_set_back(weighing, lines, changes, memory.suspicions.get((listing.product, "reset"))))
    return weighings


def _still_set_back(
    weighing: Weighing, lines: Sequence[Line], changes: Sequence[LineChange], seen: law.Suspicion | None
) -> Weighing:
    """A counter that was seen to be set back stays so, also where sales that have no line any more have raised it to where it would be
    otherwise. Then only the quantity tells, and a post lost in a race would look like it; but no race lowers a counter."""
    weighed = weighing.weighed
    if seen is None or weighed.reset or weighed.fallen or weighed.changed or weighed.drift != -seen.amount:
        return weighing
    reset = law.Weighed((), (), 0, 0, 0, reset=seen.amount)
    return replace(weighing, weighed=reset, waiting=tuple(lines), changed=tuple(changes))


def _settled(
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
    return settled


def _book_trade(
    books: Books, cart: Cart, weighing: Weighing, sold: Sequence[Line], at: datetime, since_look: float
) -> int:
    """Book what counter and lines agree on; returns 1 if something is left open, else 0.

    ``sold`` are those of the lines that belong into this slice; the others are weighed again at the next look.
    """
    listing, row, weighed = weighing.listing, weighing.row, weighing.weighed
    if not listing.tracked:
        _follow(books, cart, listing, row, weighed)
        _note_edited(books, cart, weighing.changed)
        return 0
    collecting.sell(books, cart, sold, at)
    collecting.book_changes(books, cart, listing, weighed.changed, at)
    if weighed.sold:
        note_switch(books, listing, row, since_look)
    if listing.unnamed and not weighed.unnamed and not weighed.fallen:
        collecting.name_late(books, cart, listing, [line for line in weighing.waiting if line.paid])
    return 1 if len(sold) < len(weighed.sold) or any(amount for _, amount in weighing.doubts()) else 0


def _show_left_out(books: Books, cart: Cart, weighing: Weighing, came: Sequence[LineChange], at: datetime) -> None:
    """CE Phoenix gives back one line of a product where an order had two. The counter is the truth here too; the shelf may know better.

    Where lines of several orders are gone, or new ones have come as well, it is not certain what came back, and nothing is said. Lines
    of an earlier epoch may be gone because the shop was put back.
    """
    gone = [change for change in (*came, *weighing.changed) if change.gone]
    left_out = [c for c in weighing.changed if c.gone and c not in came and c.sold.epoch == cart.epoch]
    new = weighing.waiting or weighing.weighed.sold
    if not any(change.gone for change in came) or not left_out or new or len({c.sold.order for c in gone}) > 1:
        return
    back, rest = -sum(c.units for c in came), -sum(c.units for c in left_out)
    order = f"Order {left_out[0].sold.order} gave back {back} of {back + rest}"
    note = f"{order}: if the rest is on the shelf, receive it here, then press Re-check."
    row = weighing.row
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + rest, row.ordered - rest)
    books.differences.open(cart.id, weighing.listing.id, differences.PARTIAL, -rest, seen, expected, at, note)


def _follow(books: Books, cart: Cart, listing: Listing, row: Row, weighed: law.Weighed) -> None:
    """Take over the counters of a listing that is not kept in step: nothing is booked for it."""
    moved = row.ordered - listing.ordered
    books.listings.drift(listing.id, row.sum - listing.sum, moved, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, row.quantity - listing.agreed, moved))
    books.lines.mark(cart.source, [line.line for line in weighed.sold], LineState.UNTRACKED)


def note_switch(books: Books, listing: Listing, row: Row, seconds: float) -> None:
    """Remember that the shop switched a product off with the sale that emptied it, and not a person.

    ``seconds``: how long ago the look before this sale was. A form saved before it says nothing about the sale.
    """
    just_edited = row.modified != listing.modified and differences.is_recent(row.age, seconds)
    by_sale = not row.status and (listing.off_by_sale or (listing.went_off(row) and not just_edited))
    if by_sale != listing.off_by_sale or row.status != listing.status:
        books.listings.note_shop(listing.id, row, listing.modified, by_sale)
        books.carts.remember_catalogue(listing.cart, "")  # what is switched on again has to show as a change


def _act(
    books: Books,
    cart: Cart,
    weighing: Weighing,
    good: Moment,
    by_editor: _ByEditor,
    memory: Memory,
    rules: Rules,
    now: Moment,
) -> None:
    """Apply the remedies to what has settled in one product, by the smaller amount seen. ``good``: when it was last seen right."""
    product, at = weighing.listing.product, now.at
    ripe = _ripe(weighing, memory, rules, now)
    if weighing.weighed.drift and not ripe["drift"] and (ripe["fallen"] or ripe["edited"]):
        return  # whether goods came back, and what an edit was worth, shows with the drift
    for what in DOUBTS:
        if ripe[what] or (what == "reset" and ripe["fallen"]):
            memory.suspicions.pop((product, what), None)
    rest = any(
        amount != ripe[what] for what, amount in weighing.doubts()
    )  # its causes are as old, so it keeps the date
    if not rest and not any((product, what) in memory.suspicions for what in DOUBTS):
        memory.witnessed.pop(product, None)
    listing = books.listings.of(cart.id, [product])[product]
    if not listing.tracked:
        return  # a person gave it another tie since it was weighed: the next look follows it in silence
    if ripe["reset"]:
        _rebase(books, cart, listing, weighing.row, ripe["reset"], differences.RESET, at)
        return
    row, drift = weighing.row, ripe["drift"]
    found = evidence.of_drift(books, cart, listing, row, drift, good, now, by_editor.changed, by_editor.added)
    doubted = differences.not_borne_out(found, ripe["fallen"])
    if doubted:
        memory.witnessed[product] = (
            good  # the rest is weighed again once the books have followed, and its cause is as old
        )
        in_doubt = _doubt_return(books, cart, listing, weighing, found, doubted, at)
        weighing = replace(weighing, changed=tuple(c for c in weighing.changed if c not in in_doubt))
        listing = books.listings.of(cart.id, [product])[product]
    moved = ripe["unnamed"] - max(0, ripe["fallen"] - doubted)
    explained, nameless = _book_moved(books, cart, listing, weighing, moved, at)
    if nameless > 0:
        memory.nameless[product] = now.monotonic
    listing = books.listings.of(cart.id, [product])[product]
    changed = [change for change in by_editor.changed if change not in explained]
    # Once more: what was booked just now could have been in a race, too.
    found = evidence.of_drift(books, cart, listing, row, drift, good, now, changed, by_editor.added)
    if found.drift and not doubted:
        _remedy(books, cart, listing, row, found, differences.explain(found, rules.policy), at)
    elif ripe["edited"] and not doubted:
        _note_edited(books, cart, found.changed)


def _ripe(weighing: Weighing, memory: Memory, rules: Rules, now: Moment) -> dict[str, int]:
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


def _book_moved(
    books: Books, cart: Cart, listing: Listing, weighing: Weighing, moved: int, at: datetime
) -> tuple[tuple[LineChange, ...], int]:
    """Book what the counter moved by and no line told of at first glance; returns the line changes that tell of it now, and the units
    that none tells of."""
    sold, changed = law.name(moved, weighing.waiting, weighing.changed, mixed=True)
    if not family.restocks_in_part(cart.hello):
        # An order that is deleted comes back as a whole. If the counter fell by less, something was sold that has no line.
        orders = {change.sold.order for change in changed if change.gone}
        together = [c for c in weighing.changed if c.gone and c.sold.order in orders and c not in changed]
        changed = (*changed, *together)
    collecting.sell(books, cart, sold, at)
    collecting.book_changes(books, cart, listing, changed, at)
    rest = moved - law.units(sold) - sum(change.units for change in changed)
    collecting.count_sale(books, cart, listing.product, rest, at)
    _show_left_out(books, cart, weighing, changed, at)
    return changed, rest


def _doubt_return(
    books: Books, cart: Cart, listing: Listing, weighing: Weighing, found: Evidence, units: int, at: datetime
) -> tuple[LineChange, ...]:
    """The counter gave back units that the quantity did not get. The books follow the counter, and no stock moves; where a race may
    have destroyed what came back, a person is asked whether the goods are there. Returns the line changes that this is about."""
    _, changed = law.name(-units, (), weighing.changed)
    destroyed = found.sales > 0 or found.edited  # a race or a form may have written over what came back
    fresh, orders = max(0, units + sum(change.units for change in changed)), []
    for change in changed:
        after, counted = change.sold.units.give_back(-change.units)
        fresh += counted
        orders.append(str(change.sold.order))
        if destroyed:
            books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.gone else LineState.SOLD)
    finding = differences.DOUBTED if destroyed and fresh else differences.LOWERED
    named = f" of order {', '.join(orders)}" if orders else ""
    note = f"The shop's counter gave back {units} units{named}, its quantity did not rise."
    if finding is differences.DOUBTED:
        note += f" If {fresh} came back to the shelf, choose theirs; if not, ours."
    _rebase(books, cart, listing, weighing.row, units, finding, at, fresh, note)
    return changed


def _note_edited(books: Books, cart: Cart, changed: Sequence[LineChange]) -> None:
    """Lines were edited, and neither counter nor quantity moved: only what is on them is other now."""
    for change in changed:
        if not change.gone:
            books.lines.change(cart.id, change, change.sold.units, LineState.SOLD)


def _rebase(
    books: Books,
    cart: Cart,
    listing: Listing,
    row: Row,
    units: int,
    finding: Finding,
    at: datetime,
    missing: int = 0,
    note: str = "",
) -> None:
    """Follow a counter that went down by units of its own: no stock moved. What was sold since shows at the next look.

    ``missing``: units by which the shop shows too few, if they came back after all.
    """
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    if finding.remedy is Remedy.ASK:
        expected = Counters(row.quantity + missing, row.ordered)
    difference = books.differences.open(cart.id, listing.id, finding, -units, seen, expected, at, note)
    books.listings.drift(listing.id, -units, -units, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, 0, -units))
    if finding.remedy is Remedy.REBASE:
        books.differences.close(difference, at, note or finding.remedy.value)
    log.warning(
        "counter.fell", cart=cart.name, product=listing.product, sku=listing.model, cause=finding.cause, amount=-units
    )


def _remedy(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """Record a difference and change the books accordingly; posts follow from that."""
    drift = found.drift
    if finding.cause is Cause.ORDER_EDITED:
        _follow_order(books, cart, listing, row, found, finding, at)
        return
    _note_edited(books, cart, found.changed)
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
    books.listings.note_shop(listing.id, row, modified, listing.off_by_sale and not row.status)
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


def _follow_order(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """An order was edited, and the quantity followed without the counter: book it under the order's number."""
    orders = [change.sold.order for change in finding.changed] + [line.order for line in finding.added]
    note = f"Order {', '.join(str(order) for order in dict.fromkeys(orders))} was edited in the shop."
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    difference = books.differences.open(cart.id, listing.id, finding, found.drift, seen, expected, at, note)
    taken = law.units(finding.added)
    collecting.take_uncounted(books, cart, listing, finding.added, at)
    collecting.book_changes(books, cart, listing, finding.changed, at, drift=found.drift + taken)
    books.differences.close(difference, at, note)
    log.warning("order.edited", cart=cart.name, product=listing.product, sku=listing.model, amount=found.drift)
