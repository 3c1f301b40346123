"""Aligns: makes both sides equal once (Send QOH, Get QOH) and switches real-time synchronization on and off.

Path: the buttons and commands of the same names → ``send_qoh``, ``get_qoh``, ``enable``, ``disable``.
Promise: a baseline is one exact moment of the shop, every product seen twice, the settling time apart; trade meanwhile is kept.
Never: writes a quantity to a shop: Send marks listings as news, and delivery posts the change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from onhand.domain import law, sketch
from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict, Refused, Retriable
from onhand.domain.listings import Direction, Listing, Plan, Problem, Shown, absent, plan, target, ties
from onhand.domain.shop import Line, Look, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Kind, Movement, check_sku

from . import bookkeeping, collecting, delivering, reconciling, refreshing, settings, ticking
from .collecting import Memory
from .ports import ROWS_MAX, Books, House, Shop

BEYOND = 2**31  # above every order line id
PATIENCE_SECONDS = 60.0  # how long a baseline may take beyond the settling time, on a shop that is never quiet

Progress = Callable[[str, int, int], None]  # phase, done, of how many

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Survey:
    """A shop at one exact moment."""

    rows: dict[int, Row]
    line: int  # the highest order line at that moment
    catalogue: str | None


def preview(house: House, cart: Cart, shop: Shop, direction: Direction, create: bool) -> list[Plan]:
    """What Send or Get would do, reading the shop once and changing nothing on either side."""
    rows = refreshing.all_rows(shop)

    def read(books: Books) -> list[Plan]:
        kept = {listing.product for listing in books.listings.all(cart.id) if listing.tracked}
        tied = ties(rows, books.items.keys(), kept)
        shown = [
            Shown(row.product, row.model, row.name, row.quantity, tied[row.product], row.product in kept)
            for row in rows
        ]
        return _plan(books, cart, shown, direction, create)

    return house.store.read(read)


def get_qoh(house: House, cart: Cart, shop: Shop, memory: Memory, create: bool, progress: Progress) -> list[Plan]:
    """The cart is right: book what it shows as counts. With ``create``, items are made for new SKUs."""
    _bring_up_to_date(house, cart, shop, memory, progress)
    at = house.clock.now()

    def write(books: Books) -> list[Plan]:
        planned = _plan_now(books, cart, Direction.GET, create)
        _create_items(books, planned, at)
        listings = _live_listings(books, cart)
        aligned = [listing for listing in listings.values() if listing.item is not None and listing.problem is None]
        changes = {line.product: line for line in planned if line.change}
        stamp = f"get/{books.carts.get(cart.id).source}/{at.timestamp():.6f}"
        movements = [
            Movement(
                listing.item,
                Kind.OPENING if changes[listing.product].create else Kind.COUNT,
                changes[listing.product].change,
                f"{stamp}/{listing.product}",
                cart.id,
                reason=f"Get QOH from {cart.name}",
            )
            for listing in aligned
            if listing.product in changes and listing.item is not None
        ]
        books.listings.align(cart.id, [listing.id for listing in aligned])
        bookkeeping.book(books, movements, at)
        _settle_alignment(books, cart, aligned, at, "aligned by Get QOH")
        return planned

    planned = house.store.write(write)
    log.info("cart.aligned", cart=cart.name, direction="get", changed=sum(1 for line in planned if line.change))
    # Without a buffer nothing is left to post; with one, the shop shows that much less from now on.
    _post_all(house, cart, shop, ROWS_MAX, progress, 0)
    return planned


def send_qoh(house: House, cart: Cart, shop: Shop, memory: Memory, batch_size: int, progress: Progress) -> list[Plan]:
    """We are right: post the change from what the shop shows to what we want it to show, in batches."""
    _bring_up_to_date(house, cart, shop, memory, progress)
    at = house.clock.now()

    def write(books: Books) -> list[Plan]:
        planned = _plan_now(books, cart, Direction.SEND, create=False)
        aligned = [
            listing
            for listing in _live_listings(books, cart).values()
            if listing.item is not None and listing.problem is None
        ]
        for listing in aligned:
            if listing.parked is not None:
                books.listings.park(listing.id, None)
        books.listings.align(cart.id, [listing.id for listing in aligned])
        books.listings.announce_listings([listing.id for listing in aligned])
        _settle_alignment(books, cart, aligned, at, "aligned by Send QOH")
        return planned

    planned = house.store.write(write)
    changes = sum(1 for line in planned if line.change)
    _post_all(house, cart, shop, batch_size, progress, changes)
    log.info("cart.aligned", cart=cart.name, direction="send", changed=changes)
    listings = house.store.read(lambda books: _live_listings(books, cart))
    return [
        replace(line, failure=listings[line.product].parked) if line.product in listings else line for line in planned
    ]


@dataclass(frozen=True, slots=True)
class Differing:
    """A listing whose counts keep a cart from being switched on."""

    sku: str
    product: int
    here: int
    there: int
    why: str


def enable(house: House, cart: Cart, shop: Shop, memory: Memory, force: str, person: str) -> int:
    """Switch real-time synchronization on; returns how many listings will be posted at once because of other carts' sales.

    Compares first. Raises Refused while SynchQOH is off, the cart was never aligned, or counts differ; the fact
    ``differing`` lists them. ``force`` is a reason, and then our counts win.
    """
    pace = house.store.read(lambda books: settings.pace_of(books, cart))
    if not house.store.read(settings.values)["SynchQOH"]:
        raise Refused("Real-time synchronization is off for the whole program: set parameter SynchQOH to True first.")
    if not cart.aligned:
        raise Refused(f"{cart.name} was never aligned: use Get QOH or Send QOH first.", cart=cart.name)
    if not cart.settings.active:
        raise Refused(f"{cart.name} is not active: set it active first.", cart=cart.name)
    if cart.halted is not None:
        raise Refused(f"{cart.name} is stopped: {cart.halted} Align it with Send QOH or Get QOH first.", cart=cart.name)
    _look_at_all(house, cart, shop, memory, pace)
    if memory.suspicions:
        # Something differs. A sale being written looks like that too, for some milliseconds: look again.
        house.clock.sleep(pace.rules.settle_seconds)
        _look_at_all(house, cart, shop, memory, pace)
    differing, explained = house.store.read(lambda books: _differing(books, cart))
    if differing and not force:
        raise Refused(
            f"{len(differing)} counts differ between OnHand and {cart.name}: align them with Send QOH or Get QOH, "
            "or give a reason to force it.",
            cart=cart.name,
            differing=[{"sku": d.sku, "here": d.here, "there": d.there, "why": d.why} for d in differing[:1000]],
            count=len(differing),
        )

    def write(books: Books) -> None:
        books.carts.switch(cart.id, True)
        books.listings.announce_listings(explained)
        if differing:  # forced: our counts win
            books.listings.announce_listings([listing.id for listing in books.listings.all(cart.id) if listing.tracked])
        books.tell([cart.id])

    house.store.write(write)
    log.info(
        "synchronization.enabled",
        cart=cart.name,
        person=person,
        forced=force,
        differing=len(differing),
        posted_at_once=len(explained),
    )
    return len(explained)


def _look_at_all(house: House, cart: Cart, shop: Shop, memory: Memory, pace: settings.Pace) -> None:
    """A tick that takes the sums even if they are not due, and posts nothing. Raises Refused if it stopped the cart."""
    misled = -1
    while memory.misled > misled:  # cells that named a product that does not differ hide another that does
        misled, memory.sums_due = memory.misled, 0.0
        ticking.tick(house, cart.id, shop, memory, pace, deliver=False)
    halted = house.store.read(lambda books: books.carts.get(cart.id)).halted
    if halted is not None:
        raise Refused(f"{cart.name} is stopped: {halted} Align it with Send QOH or Get QOH first.", cart=cart.name)


def disable(house: House, cart: Cart, person: str) -> None:
    """Switch real-time synchronization off. What is stored stays; a batch on its way is settled when it is on again."""
    house.store.write(lambda books: books.carts.switch(cart.id, False))
    log.info("synchronization.disabled", cart=cart.name, person=person)


def survey(house: House, shop: Shop, settle_seconds: float, progress: Progress) -> Survey:
    """The whole shop at one exact moment, every product's sum seen twice. Raises Retriable if the shop is never quiet enough."""
    rows = {row.product: row for row in refreshing.all_rows(shop)}
    progress("reading", len(rows), len(rows))
    clock = house.clock
    started = unsettled_since = clock.monotonic()
    while clock.monotonic() - started < settle_seconds + PATIENCE_SECONDS:
        look = shop.look(BEYOND, BEYOND, 1, True, True)
        if look.sums == Sums.total(Sums.of(r.product, r.quantity, r.ordered, 1) for r in rows.values()):
            waited = clock.monotonic() - unsettled_since
            if waited >= settle_seconds:
                return Survey(rows, look.last_line, look.catalogue)
            progress("settling", int(100 * waited), int(100 * settle_seconds))
            clock.sleep(min(0.25, settle_seconds - waited))
        elif _catch_up(shop, rows, look):
            unsettled_since = clock.monotonic()
    raise Retriable(
        "The shop's counts did not hold still long enough to align; try again at a quieter time.", reason="busy"
    )


def _catch_up(shop: Shop, rows: dict[int, Row], look: Look) -> bool:
    """Bring a survey up to date; returns whether a sum changed, which honest trade does not do."""
    products = None
    if look.sums is not None and look.sums.count == len(rows):
        products = _drifted(shop, rows)
    fresh = refreshing.all_rows(shop) if products is None else shop.rows(sorted(products)[:ROWS_MAX])
    changed = False
    for row in fresh:
        before = rows.get(row.product)
        changed = changed or before is None or before.sum != row.sum
        rows[row.product] = row
    if products is None:
        for product in rows.keys() - {row.product for row in fresh}:
            del rows[product]
            changed = True
    return changed


def _drifted(shop: Shop, rows: dict[int, Row]) -> set[int] | None:
    counters = {row.product: Counters(row.quantity, row.ordered) for row in rows.values()}
    for size in sketch.SIZES:
        found = sketch.decode(sketch.difference(shop.cells(size), sketch.cells_of(counters, size)))
        if found is not None:
            return set(found) if found.keys() <= rows.keys() else None
    return None


def _bring_up_to_date(house: House, cart: Cart, shop: Shop, memory: Memory, progress: Progress) -> None:
    """Book what the shop sold since it was last aligned; then, unless real-time keeps it in step, take a new baseline."""
    pace = house.store.read(lambda books: settings.pace_of(books, cart))
    if cart.aligned and cart.halted is None:
        ticking.tick(house, cart.id, shop, memory, pace, deliver=False)
        cart = house.store.read(lambda books: books.carts.get(cart.id))
    elif cart.aligned:
        with suppress(Conflict):  # it is not where our posts left it: then the batch is history, as all there
            delivering.resend(house, cart, shop)
    if cart.aligned and cart.halted is None and cart.synchronize:
        return
    hello = shop.hello()
    # A shop that the brake stopped is still where our posts left it, other than one that was restored: there we cannot know
    # which of our bookings its counters contain.
    goes_on = cart.aligned and (hello.epoch, hello.last_seq) == (cart.epoch, cart.next_seq - 1)
    if not goes_on:
        # Where it goes on, so does the epoch: killed between here and our own commit, we would not know the shop again.
        before, hello = hello, shop.hello(fresh_epoch_after=hello.epoch)
        if hello.epoch == before.epoch:
            raise Conflict("The shop did not begin a new epoch: try again.", reason="epoch", cart=cart.name)
    found = survey(house, shop, pace.rules.settle_seconds, progress)
    trade = _last_trade(house, cart, shop, found) if goes_on else None
    at = house.clock.now()

    def write(books: Books) -> None:
        if trade is not None:
            _book_last_trade(books, cart, found, trade, at)
        listings = books.listings.all(cart.id)
        known = {listing.product for listing in listings}
        tied = ties(
            found.rows.values(), books.items.keys(), {listing.product for listing in listings if listing.tracked}
        )
        books.listings.rebase(cart.id, [row for product, row in found.rows.items() if product in known])
        books.listings.describe(cart.id, [row for product, row in found.rows.items() if product in known], tied)
        books.listings.insert(
            cart.id, [row for product, row in found.rows.items() if product not in known], tied, False
        )
        books.listings.forget(cart.id, sorted(known - found.rows.keys()))
        sums = Sums.total(Sums.of(row.product, row.quantity, row.ordered, 1) for row in found.rows.values())
        books.carts.greet(cart.id, hello)
        books.carts.align(cart.id, hello.epoch, hello.last_seq + 1, found.line, sums, found.catalogue)
        if goes_on:
            books.carts.owe_mark(cart.id)

    house.store.write(write)
    memory.suspicions.clear()
    memory.witnessed.clear()


@dataclass(frozen=True, slots=True)
class _LastTrade:
    """Order lines that came since the last look, and lines booked as sold that are gone."""

    fresh: list[Line]
    gone: list[Line]


def _last_trade(house: House, cart: Cart, shop: Shop, found: Survey) -> _LastTrade:
    """Ask for the lines that tell what was traded since the last look; notes which of the older ones were paid since."""
    known = house.store.read(lambda books: books.listings.of(cart.id, sorted(found.rows)))
    listings = [listing for listing in known.values() if listing.tracked]
    reconciling.waiting(house, cart, shop, [x.product for x in listings if _moved(x, found.rows[x.product])])
    fallen = [x.product for x in listings if found.rows[x.product].ordered < x.ordered]
    fresh = collecting.read_lines(shop, cart.cursor_line, found.line)
    return _LastTrade(fresh, reconciling.gone(house, cart, shop, fallen))


def _moved(listing: Listing, row: Row) -> bool:
    return (row.quantity, row.ordered) != (listing.agreed, listing.ordered)


def _book_last_trade(books: Books, cart: Cart, found: Survey, trade: _LastTrade, at: datetime) -> None:
    """Book what an aligned shop traded between the last look and the new baseline, before which everything is history.

    Of a stopped cart nothing is booked that no line speaks for, but a rise of the counter that the quantity bears out: whatever
    stopped the cart may have moved counters too.
    """
    books.lines.record(cart.source, trade.fresh, at)
    moved = [
        listing
        for listing in books.listings.all(cart.id)
        if listing.tracked and (row := found.rows.get(listing.product)) and _moved(listing, row)
    ]
    waiting_of = reconciling.by_product(books.lines.waiting(cart.source, [listing.product for listing in moved]))
    gone_of = reconciling.by_product(trade.gone)
    for listing in moved:
        waiting, gone, row = waiting_of[listing.product], gone_of[listing.product], found.rows[listing.product]
        weighed = law.weigh(listing.ordered, listing.sum, row, waiting, gone)
        if weighed.reset:  # what was sold since the counter was set back is seen from there
            weighed = law.weigh(listing.ordered - weighed.reset, listing.sum - weighed.reset, row, waiting, ())
        collecting.sell(books, cart, weighed.sold, at)
        collecting.restock(books, cart, weighed.restocked, at)
        if cart.halted is None or not weighed.drift:
            collecting.count_sale(books, cart, listing.product, weighed.unnamed, at)
        if cart.halted is None:
            collecting.count_sale(books, cart, listing.product, -weighed.fallen, at)


def _post_all(house: House, cart: Cart, shop: Shop, batch_size: int, progress: Progress, changes: int) -> None:
    """Deliver until nothing is due."""
    done = 0
    delivering.resend(house, cart, shop)
    while posted := delivering.deliver(
        house, house.store.read(lambda books: books.carts.get(cart.id)), shop, batch_size
    ):
        done += posted
        progress("posting", min(done, changes), max(changes, done))


def _live_listings(books: Books, cart: Cart) -> dict[int, Listing]:
    """The listings that the shop still has, by product."""
    return {x.product: x for x in books.listings.all(cart.id) if x.problem is not Problem.DELETED}


def _plan_now(books: Books, cart: Cart, direction: Direction, create: bool) -> list[Plan]:
    return _plan(books, cart, [listing.shown for listing in _live_listings(books, cart).values()], direction, create)


def _plan(books: Books, cart: Cart, shown: Sequence[Shown], direction: Direction, create: bool) -> list[Plan]:
    items = books.items.all()
    planned = plan(direction, shown, items, cart.settings.buffer, create)
    if direction is Direction.SEND:
        planned += absent(shown, items, books.carts.get(cart.id).sku_length)
    return planned


def _create_items(books: Books, planned: Sequence[Plan], at: datetime) -> None:
    """Make the items that a plan asks for, and tie every cart's listings of these SKUs to them."""
    books.items.add_all([(check_sku(line.sku), line.name) for line in planned if line.create], at)
    books.listings.tie()


def _settle_alignment(books: Books, cart: Cart, aligned: Sequence[Listing], at: datetime, note: str) -> None:
    deleted = [listing for listing in books.listings.all(cart.id) if listing.deleted]
    books.differences.close_cart(cart.id, at, note, [listing.id for listing in (*aligned, *deleted)])
    books.carts.settle_alignment(cart.id, books.ledger.last())


def _differing(books: Books, cart: Cart) -> tuple[list[Differing], list[int]]:
    """Listings whose counts differ for another reason than other carts' sales since the alignment, and those that differ
    for that reason alone."""
    current = books.carts.get(cart.id)
    elsewhere = books.ledger.trade_elsewhere(cart.id, current.aligned_movement)
    items = books.items.all()
    differing, explained = [], []
    for listing in books.listings.all(cart.id):
        if listing.item is None or listing.problem is not None:
            continue
        item = items[listing.item]
        here = target(item.on_hand, cart.settings.buffer)
        due = here + listing.held - listing.agreed
        sold = here - target(item.on_hand - elsewhere.get(item.id, 0), cart.settings.buffer)
        if not due and not listing.held:
            continue
        if not listing.aligned:
            why = "never aligned"
        elif listing.held:
            why = "waits for a decision"
        elif due != sold:
            why = "counts differ"
        else:
            explained.append(listing.id)
            continue
        differing.append(Differing(item.sku, listing.product, here, listing.agreed, why))
    return differing, explained
