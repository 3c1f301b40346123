"""Aligns: makes both sides equal once (Send QOH, Get QOH) and switches real-time synchronization on and off.

Path: the buttons and commands of the same names → ``send_qoh``, ``get_qoh``, ``enable``, ``disable``.
Promise: a baseline is one exact moment of the shop, every product seen twice, one settling time apart; trade in between is kept.
Never: writes a quantity to a shop: Send marks listings as news, and delivery posts the change.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from onhand.domain import posts
from onhand.domain.carts import Cart
from onhand.domain.differences import Ending
from onhand.domain.errors import Cancelled, OnHandError, Refused, Retriable
from onhand.domain.family import is_known
from onhand.domain.listings import (
    Direction,
    Listing,
    Plan,
    Problem,
    Shown,
    Tie,
    absent,
    looking_alike,
    plan,
    target,
)
from onhand.domain.posts import Due
from onhand.domain.shop import Row
from onhand.domain.stock import Kind, Movement, check_sku

from . import (
    baselining,
    bookkeeping,
    delivering,
    lasttrade,
    refreshing,
    settings,
    ticking,
    tying,
)
from .memory import Memory
from .ports import LISTINGS_MAX, ROWS_MAX, Books, House, Shop
from .surveying import Progress

log = structlog.get_logger()


def preview(house: House, cart: Cart, shop: Shop, direction: Direction, create: bool) -> list[Plan]:
    """Return what Send or Get would do. Read the shop once, and change nothing on either side."""
    rows = refreshing.all_rows(shop)

    def read(books: Books) -> list[Plan]:
        tied = tying.tie_rows(books, (x for page in books.listings.pages(cart.id) for x in page), rows)

        def pages() -> Iterator[list[Shown]]:
            for start in range(0, len(rows), ROWS_MAX):
                page = rows[start : start + ROWS_MAX]
                known = books.listings.of(cart.id, [row.product for row in page])
                yield [_shown(row, tied[row.product], known.get(row.product)) for row in page]

        return _plan(books, cart, pages, direction, create)

    return house.store.read(read)


def _shown(row: Row, tie: Tie, known: Listing | None) -> Shown:
    in_step, unfollowed = (known.tracked, known.unfollowed(tie, row.ordered)) if known else (False, 0)
    return Shown(row.product, row.model, row.name, row.quantity, tie, in_step, unfollowed)


def get_qoh(house: House, cart: Cart, shop: Shop, memory: Memory, create: bool, progress: Progress) -> list[Plan]:
    """Take the shop's quantities over as counts: the cart is right. With ``create``, make items for new SKUs."""
    baseline = baselining.prepare(house, cart, shop, memory, progress)
    at = house.clock.now()

    def write(books: Books) -> tuple[list[Plan], set[int]]:
        if baseline is not None:
            baselining.take(books, baseline)
        planned = _plan_now(books, cart, Direction.GET, create)
        _create_items(books, planned, at)
        found = _Live.of(books, cart)
        books.listings.align(cart.id, found.ids)
        if books.carts.get(cart.id).settings.buffer:  # a count that is already equal still shows less the buffer
            books.listings.announce_listings(found.ids)
        _book_counts(books, cart, planned, at)
        _settle_alignment(books, cart, found, at, Direction.GET)
        return planned, found.kept

    planned, kept = house.store.write(write)
    log.info("cart.aligned", cart=cart.name, direction="get", changed=sum(1 for line in planned if line.change))
    # Without a buffer nothing is left to post. With one, the shop shows that much less from now on.
    left = _post_all(house, cart, shop, ROWS_MAX, progress, 0, kept)
    return [replace(line, left=left.get(line.product)) for line in planned] if left else planned


def send_qoh(house: House, cart: Cart, shop: Shop, memory: Memory, batch_size: int, progress: Progress) -> list[Plan]:
    """Post to the shop, in batches, the change from what it shows to what it should show: OnHand is right."""
    baseline = baselining.prepare(house, cart, shop, memory, progress)
    at = house.clock.now()

    def write(books: Books) -> tuple[list[Plan], set[int]]:
        doubts = baselining.take(books, baseline) if baseline is not None else []
        planned = _plan_now(books, cart, Direction.SEND, create=False)
        found = _Live.of(books, cart)
        books.listings.unpark(found.parked)
        books.listings.align(cart.id, found.ids)
        books.listings.announce_listings(found.ids)
        _settle_alignment(books, cart, found, at, Direction.SEND)
        lasttrade.ask_about_returns(books, cart, doubts, at)
        return planned, found.kept

    planned, kept = house.store.write(write)
    changes = sum(1 for line in planned if line.change)
    left = _post_all(house, cart, shop, batch_size, progress, changes, kept)
    log.info("cart.aligned", cart=cart.name, direction="send", changed=changes)
    parked = house.store.read(
        lambda books: {x.product: x.parked for x in books.listings.parked(cart.id) if not x.deleted}
    )
    for place, line in enumerate(planned):
        if line.product in parked or line.product in left:
            planned[place] = replace(line, failure=parked.get(line.product), left=left.get(line.product))
    return planned


@dataclass(frozen=True, slots=True)
class Differing:
    """A listing whose counts keep a cart from being switched on."""

    sku: str
    product: int
    here: int
    there: int
    why: str


def enable(house: House, cart: Cart, shop: Shop, memory: Memory, force: str, person: str) -> int:
    """Switch real-time synchronization on; return how many listings will be posted at once because of other carts' sales.

    Both sides are compared first. Raises Refused while SynchQOH is off, the cart was never aligned, its family is not known, or counts
    differ; the fact ``differing`` lists them. With ``force``, a reason, our counts win.
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
    if cart.hello is not None and not is_known(cart.hello) and not force:
        raise Refused(
            f"OnHand does not recognise the shop behind {cart.name}, so it cannot promise how it sells: compare both sides after "
            "a sale, a cancelled order and an edit there, then give a reason to force it.",
            cart=cart.name,
        )
    look_at_all(house, cart, shop, memory, pace)
    if memory.suspicions:
        # Something differs. A sale that is being written looks the same for some milliseconds, so look again.
        house.clock.sleep(pace.rules.settle_seconds)
        look_at_all(house, cart, shop, memory, pace)
    differing, explained = house.store.read(lambda books: _differing(books, cart))
    if differing and not force:
        what = "1 count differs" if len(differing) == 1 else f"{len(differing):,} counts differ"
        raise Refused(
            f"{what} between OnHand and {cart.name}: align them with Send QOH or Get QOH, "
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


def look_at_all(house: House, cart: Cart, shop: Shop, memory: Memory, pace: settings.Pace) -> None:
    """Look until all order lines are read, each time with the sums, and post nothing. Raise Refused if a look stopped the cart."""
    misled = -1
    for _ in range(ticking.LOOKS_MAX):
        misled, memory.sums_due = memory.misled, 0.0
        ticking.observe(house, cart.id, shop, memory, pace)
        # Cells that named a product that does not differ hide another one that does.
        if not memory.behind and memory.misled <= misled:
            break
    else:
        raise Retriable(
            f"{cart.name} has more new orders than could be read so far: try again in a few minutes.", reason="busy"
        )
    halted = house.store.read(lambda books: books.carts.get(cart.id)).halted
    if halted is not None:
        raise Refused(f"{cart.name} is stopped: {halted} Align it with Send QOH or Get QOH first.", cart=cart.name)


def disable(house: House, cart: Cart, person: str) -> None:
    """Switch real-time synchronization off. What is stored stays; a batch on its way is finished once it is on again."""
    house.store.write(lambda books: books.carts.switch(cart.id, False))
    log.info("synchronization.disabled", cart=cart.name, person=person)


def _post_all(
    house: House, cart: Cart, shop: Shop, batch_size: int, progress: Progress, changes: int, kept: Container[int]
) -> dict[int, str]:
    """Deliver until nothing is due. If a person cancels, return the products that were not sent, and what happens to each.

    ``kept``: listings that were in sync before. Raises what the shop raises; what was not sent by then is left the same way.
    """
    done, stopped = 0, False

    def go_on(posted: int) -> bool:
        nonlocal done, stopped
        done += posted
        try:
            progress("posting", min(done, changes), max(changes, done))
        except Cancelled:  # the outcome of this batch is still to be booked
            stopped = True
        return not stopped

    try:
        delivering.resend(house, cart, shop)
        progress("posting", 0, changes)
        while not stopped and delivering.deliver(
            house, house.store.read(lambda books: books.carts.get(cart.id)), shop, batch_size, go_on=go_on
        ):
            pass
    except Cancelled:
        stopped = True
    except OnHandError:
        house.store.write(lambda books: _leave(books, cart, kept))
        raise
    return house.store.write(lambda books: _leave(books, cart, kept)) if stopped else {}


def _leave(books: Books, cart: Cart, kept: Container[int]) -> dict[int, str]:
    """Leave unsent posts to real-time synchronization; if that is off, make sure that nothing posts them later without a request.

    Listings that were in sync before stay so: the shop's sales of them must be booked even if the next Send is a while away.
    """
    current = books.carts.get(cart.id)
    dues = _dues(books, cart)
    changed = [due for due in dues if posts.change_due(due, current.settings.buffer)]
    if current.synchronize and current.settings.active and settings.values(books)["SynchQOH"]:
        books.tell([cart.id])
        what = dict.fromkeys([due.product for due in changed], "Real-time synchronization posts it.")
    else:
        books.listings.clear_news([due.listing for due in dues])
        books.listings.give_up([due.listing for due in changed if due.listing not in kept])
        what = {due.product: _LEFT[due.listing in kept] for due in changed}
    log.info("cart.alignment_left", cart=cart.name, left=len(changed), real_time=current.synchronize)
    return what


_LEFT = ("It is not aligned any more: Send or Get again.", "It was not posted: Send or Get again.")


def _dues(books: Books, cart: Cart) -> list[Due]:
    """Return all listings with news."""
    return books.listings.due(cart.id, LISTINGS_MAX)


@dataclass(slots=True)
class _Live:
    """The ids of the listings that the shop still has and that can be kept in sync, and of those that it has no more."""

    ids: list[int]
    kept: set[int]  # those that were in sync before
    parked: list[int]  # because of the shop's answer, not by a person
    deleted: list[int]

    @classmethod
    def of(cls, books: Books, cart: Cart) -> _Live:
        found = cls([], set(), [], [])
        for listing in (listing for page in books.listings.pages(cart.id) for listing in page):
            if listing.deleted:
                found.deleted.append(listing.id)
            elif listing.item is not None and listing.problem is None:
                found.ids.append(listing.id)
                if listing.aligned:
                    found.kept.add(listing.id)
                if listing.parked is not None and listing.parked_by is None:
                    found.parked.append(listing.id)
        return found


def _plan_now(books: Books, cart: Cart, direction: Direction, create: bool) -> list[Plan]:
    def pages() -> Iterator[list[Shown]]:
        for page in books.listings.pages(cart.id):
            yield [listing.shown for listing in page if not listing.deleted]

    return _plan(books, cart, pages, direction, create)


def _plan(
    books: Books, cart: Cart, pages: Callable[[], Iterable[list[Shown]]], direction: Direction, create: bool
) -> list[Plan]:
    """Return one plan for all listings. They are read in ``pages``, as often as needed, so that few are in memory at once."""
    coming: Mapping[int, int] = {}
    if direction is Direction.GET and baselining.in_real_time(cart):
        # What real-time synchronization has not posted yet is not the shop's own count: it will show in a moment.
        coming = {due.product: posts.change_due(due, cart.settings.buffer) for due in _dues(books, cart)}
    alike: Container[int] = ()
    if create and direction is Direction.GET:
        unmatched = (one for page in pages() for one in page if one.tie.problem is Problem.UNMATCHED)
        alike = looking_alike(unmatched, (item.sku for item in books.items.each()))
    planned: list[Plan] = []
    for page in pages():
        shown = [replace(x, quantity=x.quantity + coming[x.product]) if x.product in coming else x for x in page]
        items = books.items.by_id(sorted({one.tie.item for one in shown if one.tie.item is not None}))
        planned += plan(direction, shown, items, cart.settings.buffer, create, alike)
    if direction is Direction.SEND:
        set_aside = books.items.set_aside()
        wanted = (item for item in books.items.each() if item.id not in set_aside)
        planned += absent((one for page in pages() for one in page), wanted, books.carts.get(cart.id).sku_length)
    return planned


def _create_items(books: Books, planned: Sequence[Plan], at: datetime) -> None:
    """Make the items that a plan needs, and tie the listings of these SKUs in all carts to them."""
    new = [line for line in planned if line.create]
    for start in range(0, len(new), ROWS_MAX):
        page = new[start : start + ROWS_MAX]
        books.items.add_all([(check_sku(line.sku), line.name) for line in page], at)
    books.listings.tie()


def _book_counts(books: Books, cart: Cart, planned: Sequence[Plan], at: datetime) -> None:
    """Book what the plan of a Get changes, page by page."""
    stamp = f"get/{books.carts.get(cart.id).source}/{at.timestamp():.6f}"
    changed = [line for line in planned if line.change]
    for start in range(0, len(changed), ROWS_MAX):
        page = {line.product: line for line in changed[start : start + ROWS_MAX]}
        movements = [
            Movement(
                listing.item,
                Kind.OPENING if page[product].create else Kind.COUNT,
                page[product].change,
                f"{stamp}/{product}",
                cart.id,
                reason=f"Get QOH from {cart.name}",
            )
            for product, listing in sorted(books.listings.of(cart.id, list(page)).items())
            if listing.item is not None and listing.problem is None
        ]
        bookkeeping.book(books, movements, at)


def _settle_alignment(books: Books, cart: Cart, found: _Live, at: datetime, by: Direction) -> None:
    ending = Ending.SENT if by is Direction.SEND else Ending.GOT
    books.differences.close_cart(cart.id, at, ending.value, [*found.ids, *found.deleted])
    books.carts.settle_alignment(cart.id, books.ledger.last(), by, at)


def _differing(books: Books, cart: Cart) -> tuple[list[Differing], list[int]]:
    """Return the listings that need an alignment, and the ids of those that differ only because of other carts'
    sales since the last one."""
    current = books.carts.get(cart.id)
    elsewhere = books.ledger.trade_elsewhere(cart.id, current.aligned_movement)
    items = books.items.all()
    differing, explained = [], []
    for listing in books.listings.all(cart.id):
        if listing.item is None or listing.problem is not None or listing.parked_by is not None:
            continue  # a person does not want anything posted there
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
