"""Takes a new baseline of a shop before an alignment, with what the shop traded since the last look.

Path: ``aligning`` → ``prepare``, which looks, books and surveys → ``take``, in the unit of work of the alignment itself.
Promise: a baseline and the alignment that needs it are one commit: a kill before it leaves the cart as it was.
Never: decides which side is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.carts import Cart
from onhand.domain.catalogue import Notice, left_sync
from onhand.domain.errors import Conflict, Refused
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.numbering import Place
from onhand.domain.shop import Hello
from onhand.domain.sketch import Sums

from . import claiming, delivering, editing, evidence, lasttrade, settings, ticking, tying
from .lasttrade import Doubt, LastTrade
from .memory import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop
from .settings import Pace
from .surveying import Progress, Survey, survey

LINE_MAX = 2**62  # above every order line


@dataclass(frozen=True, slots=True)
class Baseline:
    """The state of a shop at one moment, from which the books start again."""

    cart: Cart
    hello: Hello
    found: Survey
    trade: (
        LastTrade | None
    )  # since the last look; None: the books cannot continue, so all before this baseline is history
    at: datetime
    edited: Sequence[LineChange] = ()  # lines with other units than the books know: history, whatever moved for them


def in_real_time(cart: Cart) -> bool:
    """Return whether real-time synchronization keeps a cart in sync, so that it needs no new baseline."""
    return cart.aligned and cart.halted is None and cart.synchronize


def goes_on(cart: Cart, hello: Hello) -> bool:
    """Return whether a shop is still where our posts left it; a cart that the brake stopped is.

    If the shop was restored from a backup, it is unknown which of our bookings its counters contain.
    """
    return cart.aligned and (hello.epoch, hello.last_seq) == (cart.epoch, cart.next_seq - 1)


def prepare(house: House, cart: Cart, shop: Shop, memory: Memory, progress: Progress) -> Baseline | None:
    """Book what a shop sold since it was last aligned, and read a new baseline; None if real-time keeps the cart in sync.

    Raises Refused if the shop cannot be kept in sync, Conflict if it does not begin a new epoch where it has to.
    """
    pace = house.store.read(lambda books: settings.pace_of(books, cart))
    cart = _catch_up(house, cart, shop, memory, pace)
    if in_real_time(cart):
        return None
    hello = shop.hello()
    if hello.obstacle:
        raise Refused(hello.obstacle, cart=cart.name)
    claiming.check_free(house, cart, hello)
    follows = goes_on(cart, hello)
    if not follows:
        # If the cart continues, so does its epoch: after a kill between here and our commit, we could not recognise the shop.
        hello = _begin_epoch(cart, shop, hello)
    found = survey(house, shop, pace.rules.settle_seconds, progress)
    trade = lasttrade.read(house, cart, shop, found, memory) if follows else None
    edited = _edited(house, cart, shop) if cart.aligned else []
    at = house.clock.now()
    memory.suspicions.clear()
    memory.witnessed.clear()
    memory.looked_at = Moment.now(house.clock)
    return Baseline(cart, hello, found, trade, at, edited)


def _edited(house: House, cart: Cart, shop: Shop) -> list[LineChange]:
    """Return the newest sold lines of each product that have other units in the shop than the books know.

    What moved for them is part of the baseline. If they were left as they are, a later drift would be taken for their edit.
    """

    def live(books: Books) -> list[int]:
        return [listing.product for listing in _all(books, cart) if not listing.deleted]

    products = house.store.read(live)
    return [change for change in evidence.changes(house, cart, shop, products) if not change.gone]


def _catch_up(house: House, cart: Cart, shop: Shop, memory: Memory, pace: Pace) -> Cart:
    """Bring the books as close to the shop as possible without a new baseline; return the cart as it is then."""
    if cart.aligned and cart.halted is None:
        for _ in range(ticking.LOOKS_MAX):
            ticking.observe(house, cart.id, shop, memory, pace)
            if not memory.behind:
                break
        return house.store.read(lambda books: books.carts.get(cart.id))
    if cart.aligned:
        with suppress(Conflict):  # it is not where our posts left it: then the batch is history, as everything there
            delivering.resend(house, cart, shop)
    return cart


def _begin_epoch(cart: Cart, shop: Shop, before: Hello) -> Hello:
    """Have the shop begin a new epoch."""
    hello = shop.hello(fresh_epoch_after=before.epoch)
    if hello.epoch == before.epoch:
        raise Conflict("The shop did not begin a new epoch: try again.", reason="epoch", cart=cart.name)
    return hello


def take(books: Books, baseline: Baseline) -> list[Doubt]:
    """Take a baseline over into the books; return what the shop's counters gave back but its quantities did not get."""
    cart, found, at = baseline.cart, baseline.found, baseline.at
    doubts: list[Doubt] = []
    if baseline.trade is not None:
        _follow_ties(books, baseline)
        doubts = lasttrade.book(books, cart, found, baseline.trade, at)
        _follow_ties(books, baseline)  # listings that leave sync now do so with their last trade booked
    editing.note_edited(books, cart, baseline.edited)
    _take_rows(books, baseline)
    if cart.aligned:  # a shop has no lines above its highest one: known lines above it are gone
        books.lines.vanish(cart.source, sorted(books.lines.present(cart.source, found.line, LINE_MAX)), at)
    sums = Sums.total(Sums.of(row.product, row.quantity, row.ordered, 1) for row in found.rows.values())
    books.carts.greet(cart.id, baseline.hello)
    books.carts.align(cart.id, baseline.hello.epoch, baseline.hello.last_seq + 1, _place(baseline), sums)
    if baseline.trade is not None:
        books.carts.owe_mark(cart.id)
    return doubts


def _place(baseline: Baseline) -> Place:
    """Return up to where order lines are history. Where the books go on and know every line, no more of them become history: an order from
    before the alignment may still be edited or come back, and a look sees only what it watches."""
    cart, line, trade = baseline.cart, baseline.found.line, baseline.trade
    goes_on = trade is not None and trade.complete and line >= cart.place.cursor
    return replace(cart.place, cursor=line) if goes_on else Place(line, line)


def _follow_ties(books: Books, baseline: Baseline) -> None:
    """Note where listings are that leave sync with this baseline, and continue with those that are back with their item."""
    cart = baseline.cart
    tied = tying.tie_rows(books, _all(books, cart), baseline.found.rows.values())
    tying.follow(books, cart, (x for x in _all(books, cart) if not x.deleted), tied, baseline.at)


def _take_rows(books: Books, baseline: Baseline) -> None:
    """Update the listings, page by page, to what the shop's products are now."""
    cart, rows = baseline.cart, baseline.found.rows
    tied = tying.tie_rows(books, _all(books, cart), rows.values())
    known: set[int] = set()
    unfollowed: list[int] = []
    left: list[Notice] = []
    for page in books.listings.pages(cart.id):
        known.update(listing.product for listing in page)
        for listing in page:
            if baseline.trade is None and listing.left is not None:
                books.listings.leave(listing.id, listing.lost)
        kept = [rows[listing.product] for listing in page if listing.product in rows]
        books.listings.rebase(cart.id, kept)
        books.listings.describe(cart.id, kept, tied)
        books.listings.forget(cart.id, [listing.product for listing in page if listing.product not in rows])
        after = books.listings.of(cart.id, [row.product for row in kept])
        unfollowed += [x.id for x in page if x.tracked and not (x.product in after and after[x.product].tracked)]
        left += left_sync(page, after)
    fresh = [row for product, row in rows.items() if product not in known]
    for start in range(0, len(fresh), ROWS_MAX):
        books.listings.insert(cart.id, fresh[start : start + ROWS_MAX], tied, False)
    tying.end_questions(books, unfollowed, baseline.at)
    tying.show(books, cart, left, baseline.at)


def _all(books: Books, cart: Cart) -> Iterator[Listing]:
    return (listing for page in books.listings.pages(cart.id) for listing in page)
