"""Collects what a shop sold: looks at one cart and books its sales.

Path: the controller's tick → ``look`` → ``book`` → what cannot be told from the lines alone goes on to ``reconciling``.
Promise: each sale is booked once, in the same commit that moves the counter and the cursor past it.
Never: books a line whose counter has not moved.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from onhand.domain import law, numbering
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Finding, Remedy
from onhand.domain.errors import Conflict, Permanent
from onhand.domain.lines import LineChange, edited_before
from onhand.domain.listings import Listing
from onhand.domain.numbering import WINDOW_LINES, Compared, Place
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Look
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, delivering
from .ports import ROWS_MAX, Books, Clock, House, Shop

SUMS_SHARE = 100  # sums may take one hundredth of a shop's time
SUMS_TIMED = 5  # how many of the latest sums tell what they cost
CELLS_SECONDS = 600.0  # how often the cells are asked although the sums agree: drifts can cancel each other in the sums
HELLO_SECONDS = 3600.0  # how often a shop is asked who it is: its owner may have changed what weakens the law there
INCOMPLETE_SECONDS = 60.0  # how long a line without a product is read again before it is kept as it is
PAGES_MAX = (
    3  # pages of new lines in one look, booked together; others wait for the next, so that no clerk waits for long
)
AGAIN_PAGES_MAX = 50  # pages of lines that are read once more, where numbers began again
CATALOGUE_SECONDS = 30.0  # how often renamed and switched off products are looked for

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks. The time of day can be set back or forward; monotonic time tells how long ago it was."""

    at: datetime
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> Moment:
        return cls(clock.now(), clock.monotonic())

    def since(self, now: Moment) -> timedelta:
        """How long ago it was."""
        return timedelta(seconds=now.monotonic - self.monotonic)


@dataclass(frozen=True, slots=True)
class Edit:
    """Units on an order line that was edited, when they were first seen there (monotonic), and the product's drift before that."""

    units: int
    since: float
    drift: int = 0


@dataclass
class Memory:
    """What a controller remembers of a cart between two looks. Losing it costs one settling time and nothing else."""

    suspicions: dict[tuple[int, str], law.Suspicion] = field(default_factory=dict)
    incomplete: dict[int, float] = field(default_factory=dict)  # lines without a product: monotonic, when first seen
    misled: int = 0  # how often cells named a product that did not differ, since the sums last agreed
    witnessed: dict[int, Moment] = field(default_factory=dict)  # the last good look before a product was suspected
    lacking: dict[int, int] = field(
        default_factory=dict
    )  # what a product's counter held when some of it first lacked a name
    edited: dict[int, dict[int, Edit]] = field(
        default_factory=dict
    )  # by product and line: edits that are not booked yet
    paid: dict[int, float] = field(default_factory=dict)  # when a waiting line was seen to be paid, monotonic
    looked_at: Moment | None = None
    sums_due: float = 0.0  # monotonic
    sums_rested: float = 0.0  # monotonic: before it, sums would cost the shop more than their share
    sums_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SUMS_TIMED))  # how long the latest took
    catalogue_due: float = 0.0  # monotonic
    cells_due: float = 0.0  # monotonic
    hello_due: float = 0.0  # monotonic; 0: nobody has looked yet
    behind: bool = False  # more new lines were there than the last look read
    lowered: dict[int, int] = field(
        default_factory=dict
    )  # units by which a counter fell as a race's drift shrank by as many
    nameless: dict[int, float] = field(
        default_factory=dict
    )  # when a product's units were last booked without a line, monotonic

    def clear(self, products: Collection[int] | None, doubtful: Container[int]) -> None:
        """End what is suspected of these products, of all if None, but for the doubtful ones."""
        for product, what in list(self.suspicions):
            if (products is None or product in products) and product not in doubtful:
                del self.suspicions[product, what]
                self.witnessed.pop(product, None)
                self.edited.pop(product, None)

    def note_edited(self, product: int, found: Sequence[LineChange], now: float) -> list[LineChange]:
        """Remember what is on a product's edited lines; returns the changes, with an edit and a deletion in two steps."""
        known = self.edited.setdefault(product, {})
        changes = edited_before(found, {line: edit.units for line, edit in known.items()})
        doubt = self.suspicions.get((product, "drift"))
        for change in changes:
            line = change.sold.line
            if not change.gone and (line not in known or known[line].units != change.now):
                known[line] = Edit(change.now, now, doubt.amount if doubt is not None else 0)
        return changes

    def first_seen(self, product: int, what: str, now: Moment) -> datetime:
        """Return when a doubt about a product was first seen; now if there is none."""
        known = self.suspicions.get((product, what))
        return now.at - timedelta(seconds=now.monotonic - known.since) if known else now.at

    def came_later(self, product: int, one: str, other: str) -> bool:
        """Return whether one doubt about a product was first seen at a later look than the other."""
        first, second = self.suspicions.get((product, one)), self.suspicions.get((product, other))
        return first is not None and second is not None and first.since > second.since

    def seconds_since_look(self, now: Moment) -> float:
        """How long ago all of the shop was seen right the last time; very long if that is not known."""
        return self.looked_at.since(now).total_seconds() if self.looked_at is not None else math.inf

    def hurry(self) -> None:
        """The shop says that it sold: the next look asks for sums, which confirm the sale, if they are not too dear by then."""
        self.sums_due = min(self.sums_due, self.sums_rested)


@dataclass(frozen=True, slots=True)
class Collected:
    """One look and what it told. ``gone`` are known lines that the shop does not have any more; ``edited`` are known lines that
    have other units now. ``place``: where it was taken from. ``partial``: more new lines are there than were read, so nothing can be said
    of sums, nor of units that no line names.
    """

    look: Look
    lines: tuple[Line, ...]
    gone: tuple[int, ...]
    place: Place
    edited: tuple[Line, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Booked:
    """What the lines explained. ``suspects``: products to weigh one by one; None: unknown which, the sums differ.

    ``late``: products with a new line that no counter moved for, and with units that were booked before any line named them.
    ``edited``: products with a sold line that has other units now. ``new``: products with a paid line that was not known, if it is not
    certain yet that it was sold, and those with a sold line that is gone.
    """

    explained: bool
    suspects: frozenset[int] | None
    emptied: tuple[int, ...]  # products that a sale brought to nothing
    late: frozenset[int] = frozenset()
    edited: frozenset[int] = frozenset()
    new: frozenset[int] = frozenset()


def look(house: House, cart: Cart, shop: Shop, memory: Memory, tick_seconds: float) -> Collected:
    """One look at a shop: new lines, lost lines, sums when they are due.

    Raises Conflict, with reason ``restored``, if the shop is not where our posts left it.
    """
    now = house.clock.monotonic()
    place = cart.place
    sums, catalogue = now >= memory.sums_due, now >= memory.catalogue_due
    first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
    if first.begun:
        delivering.close_begun(house, cart, shop)
        first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
    check_place(cart, first)
    begun_again = place.after(first.last_line) != place
    if begun_again:
        place = place.after(first.last_line)
        first = shop.look(place.cursor, place.low, ROWS_MAX, sums, catalogue)
        log.warning("lines.begun_again", cart=cart.name, cursor=place.cursor, before=cart.cursor_line)
    if sums:
        memory.sums_rested = now + _sums_pause_seconds(memory, first.sums_ms)
        memory.sums_due = max(now + 0.9 * tick_seconds, memory.sums_rested)
    if catalogue:
        memory.catalogue_due = now + CATALOGUE_SECONDS
    lines = [*first.lines]
    partial = first.more
    if partial:
        others, partial = read_lines(shop, lines[-1].line, None, PAGES_MAX - 1)
        lines += others
    memory.behind = partial
    late: tuple[Line, ...] = ()
    gone: tuple[int, ...] = ()
    edited: tuple[Line, ...] = ()
    # A counter that rose with no line to say why: the number of a deleted line may have been used again.
    doubted = {product for product, what in memory.suspicions if what == "unnamed"}
    known = house.store.read(lambda books: books.lines.window(cart.source, place.low, place.cursor))
    if begun_again or doubted or not first.window.fits(known):
        found = _read_again(house, cart, shop, place, lines, doubted)
        late = tuple(line for line in found.new if line.line <= place.cursor)
        gone, edited = found.gone, found.edited
    return Collected(first, tuple(_without_incomplete([*late, *lines], memory, now)), gone, place, edited, partial)


def _read_again(
    house: House, cart: Cart, shop: Shop, place: Place, newer: Sequence[Line], doubted: set[int]
) -> Compared:
    """Compare the lines just below the cursor with the known ones.

    ``newer`` are the shop's lines above the cursor, ``doubted`` the products whose counter rose with no line to say why.
    """
    high = max(place.cursor, cart.cursor_line)  # above the cursor lies what was collected before numbers began again
    low = place.low
    if place.restart is None:
        doubted = set()
    elif doubted:
        low = max(0, place.cursor - WINDOW_LINES)
    while True:
        known = house.store.read(lambda books, low=low: books.lines.present(cart.source, low, high))  # type: ignore[misc]
        there, cut = read_lines(shop, low, place.cursor, AGAIN_PAGES_MAX)
        if cut:
            raise Permanent(
                f"The shop tells its order lines up to {place.cursor} in too many pages: copy the connector file of this OnHand there.",
                reason="answer",
            )
        compared = numbering.compare(known, [*there, *newer], place, doubted)
        if not compared.reused or low <= place.floor:
            return compared
        low = place.floor  # numbers were used again: that need not have begun within the window


def _without_incomplete(lines: Sequence[Line], memory: Memory, now: float) -> list[Line]:
    """Leave out lines that the shop has not finished writing. The window shows them until they are kept, so they are read again.

    A line is kept as it is when it has been without a product for long, or is about to leave the window.
    """
    newest = max((line.line for line in lines), default=0)
    incomplete = {line.line: memory.incomplete.get(line.line, now) for line in lines if not line.complete}
    memory.incomplete = incomplete
    waiting = {
        line for line, since in incomplete.items() if now - since < INCOMPLETE_SECONDS and line > newest - WINDOW_LINES
    }
    return [line for line in lines if line.line not in waiting]


def _sums_pause_seconds(memory: Memory, sums_ms: float) -> float:
    """How long to leave a shop alone for the sums just taken, so that they cost it no more than their share.

    The quickest of the latest tells the cost. A single one may have waited for a lock or a busy machine, and would
    leave a difference unseen for a minute.
    """
    memory.sums_ms.append(sums_ms)
    if len(memory.sums_ms) < SUMS_TIMED:
        return 0.0
    return min(memory.sums_ms) / 1000 * SUMS_SHARE


def check_place(cart: Cart, seen: Look) -> None:
    """Epoch and sequence must be where our last settled post left them. Raises Conflict."""
    expected = cart.next_seq - 1
    if seen.epoch != cart.epoch:
        what = "The shop's OnHand table is not the one that this cart was aligned with"  # ``claiming`` tells why
    elif seen.last_seq != expected:
        what = f"Post {expected} was the last, the shop says {seen.last_seq}: "
        if seen.last_seq < expected:
            what += "the shop's database was restored from a backup"
        else:
            what += "OnHand's database was restored from a backup, or a second OnHand posts there with a copy of it"
    else:
        return
    message = f"{what}. Compare, then align the cart with Send QOH or Get QOH."
    raise Conflict(message, reason="restored", cart=cart.name, epoch=seen.epoch, last_seq=seen.last_seq)


def book(house: House, cart: Cart, collected: Collected) -> Booked:
    """Book the lines that the sums confirm. One commit; none when there is nothing to write."""
    comparable = collected.look.sums is not None and not collected.partial
    residual = collected.look.sums - cart.sums if comparable and collected.look.sums is not None else None
    begun_again = collected.place != cart.place
    if not (collected.lines or collected.gone or collected.edited or begun_again):
        return Booked(residual is not None and not residual, None if residual else frozenset(), ())
    at = house.clock.now()

    def write(books: Books) -> Booked:
        if begun_again:
            books.carts.begin_again(cart.id, collected.place)
        new = frozenset(books.lines.vanish(cart.source, collected.gone, at))
        fresh = books.lines.record(cart.source, collected.lines, at)
        again = [line for line in collected.lines if line.line not in {new.line for new in fresh}]
        if again and residual and residual == law.trade([*fresh, *again]):
            # The same order again, line by line, after its number was used before: the counters say that it is another sale.
            fresh += books.lines.record(cart.source, again, at, reused=True)
        if collected.lines:
            books.carts.advance(cart.id, max(collected.place.cursor, *(line.line for line in collected.lines)))
        products = frozenset(line.product for line in fresh)
        new = new.union(line.product for line in fresh if line.paid)
        edited = _restate(books, cart, collected.edited)
        if edited:  # what the sums show may be an order that was edited: its products are weighed one by one
            return Booked(False, None if residual else products | edited, (), edited=edited, new=new)
        if residual is None:
            return Booked(False, products, (), new=new)
        listings = books.listings.of(cart.id, sorted(products))
        late = frozenset(x.product for x in listings.values() if x.unnamed)
        if listings.keys() != products:
            return Booked(
                False, None, (), late, new=new
            )  # of a product that is new here, or gone: the sums cannot tell which
        confirmed = law.predict(residual, [line for line in fresh if line.quantity > 0])
        if confirmed is None:
            return Booked(False, None, (), late, new=new)
        if unsold := {line.product for line in fresh if line.paid and line.quantity > 0 and line not in confirmed}:
            # Who paid has bought, and yet nothing moved: the sums can agree by accident, as three drifts can cancel each other.
            return Booked(False, frozenset(unsold), (), late, new=new)
        emptied = sell(books, cart, confirmed, at)
        booked = {line.product for line in confirmed}
        return Booked(True, frozenset(), emptied, late - booked, new=new - booked)

    return house.store.write(write)


def _restate(books: Books, cart: Cart, edited: Sequence[Line]) -> frozenset[int]:
    """Take over what is on edited lines that took nothing; the products of the others, whose stock is followed."""
    if not edited:
        return frozenset()
    listings = books.listings.of(cart.id, sorted({line.product for line in edited}))
    followed = {product for product, listing in listings.items() if listing.tracked}
    return frozenset(books.lines.restate(cart.source, edited, followed))


def sell(books: Books, cart: Cart, lines: Sequence[Line], at: datetime) -> tuple[int, ...]:
    """Book lines that the counter confirmed; returns the products that this brought to nothing."""
    if not lines:
        return ()
    listings = books.listings.of(cart.id, sorted({line.product for line in lines}))
    units: Counter[int] = Counter()
    for line in lines:
        units[line.product] += line.quantity
    held = hold_unbookable(books, cart, {listings[p]: -n for p, n in units.items()}, at)
    sold = [line for line in sorted(lines, key=lambda line: line.line) if listings[line.product].tracked]
    taken = books.lines.take(cart.source, {line.line: listings[line.product].item for line in sold})
    movements = [
        Movement.sale_line(item, line.quantity, cart.source, line.order, line.line, taken[line.line].taken, line.run)
        for line in sold
        if line.product not in held and (item := listings[line.product].item) is not None
    ]
    books.listings.trade(cart.id, units)
    books.carts.move_sums(cart.id, law.trade(lines))
    untracked = [line.line for line in lines if not listings[line.product].tracked]
    books.lines.mark(cart.source, untracked, LineState.UNTRACKED)
    if sold:
        books.carts.owe_mark(cart.id)
    bookkeeping.book(books, movements, at)
    for movement in movements:
        log.info("sale.booked", cart=cart.name, order=movement.order, line=movement.line, quantity=movement.quantity)
    return tuple(p for p, n in units.items() if listings[p].agreed - n <= 0 and listings[p].status)


def take_uncounted(books: Books, cart: Cart, listing: Listing, lines: Sequence[Line], at: datetime) -> None:
    """Book lines that were added to an order and took their units, though the counter did not move."""
    if not lines:
        return
    units = law.units(lines)
    taken = books.lines.take(cart.source, dict.fromkeys([line.line for line in lines], listing.item))
    books.listings.drift(listing.id, -units, 0, 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, -units, 0))
    if listing.item is None or hold_unbookable(books, cart, {listing: -units}, at):
        return
    books.carts.owe_mark(cart.id)
    movements = [
        Movement.sale_line(
            listing.item, line.quantity, cart.source, line.order, line.line, taken[line.line].taken, line.run
        )
        for line in lines
    ]
    bookkeeping.book(books, movements, at)


def count_sale(books: Books, cart: Cart, product: int, units: int, at: datetime) -> None:
    """Book units (negative: given back) that the counter moved with no line to name them."""
    if not units:
        return
    listing = books.listings.of(cart.id, [product])[product]
    books.listings.trade(cart.id, {product: units})
    books.carts.move_sums(cart.id, Sums.of(product, -units, units))
    if not listing.tracked or listing.item is None:
        return
    books.carts.owe_mark(cart.id)
    books.listings.lack_name(listing.id, max(units, -listing.unnamed))
    if not hold_unbookable(books, cart, {listing: -units}, at):
        mark = f"{listing.ordered}+{units}/{at.timestamp():.6f}"
        make = Movement.sale_counter if units > 0 else Movement.cancellation_counter
        bookkeeping.book(books, [make(listing.item, abs(units), cart.source, product, mark)], at)
        log.info("counter.booked", cart=cart.name, product=product, units=units)


def late(listing: Listing, lines: Sequence[Line]) -> list[Line]:
    """Those of the paid lines whose units were booked before any line named them, the oldest first."""
    left, found = listing.unnamed, []
    for line in sorted(lines, key=lambda line: line.line):
        if line.paid and 0 < line.quantity <= left:
            left -= line.quantity
            found.append(line)
    return found


def name_late(books: Books, cart: Cart, listing: Listing, lines: Sequence[Line]) -> None:
    """Mark lines as sold whose units were booked before any line named them; nothing moves any more."""
    named = late(listing, lines)
    if named:
        books.lines.take(cart.source, dict.fromkeys([line.line for line in named], listing.item))
        books.listings.lack_name(listing.id, -law.units(named))


def hold_unbookable(books: Books, cart: Cart, changes: Mapping[Listing, int], at: datetime) -> set[int]:
    """Hold for a person what no count on hand can take, by signed units; returns the products concerned."""
    tracked = {listing.item: listing for listing in changes if listing.tracked and listing.item is not None}
    over = bookkeeping.unbookable(books, {item: changes[listing] for item, listing in tracked.items()})
    for listing in (tracked[item] for item in sorted(over)):
        change = changes[listing]
        books.listings.drift(listing.id, 0, 0, change)
        books.differences.open(
            cart.id,
            listing.id,
            Finding(Cause.OUT_OF_RANGE, Remedy.ASK),
            change,
            Counters(listing.agreed + change, listing.ordered - change),
            Counters(listing.agreed, listing.ordered),
            at,
            bookkeeping.UNBOOKABLE,
        )
    return {tracked[item].product for item in over}


def read_lines(shop: Shop, after: int, up_to: int | None, pages: int) -> tuple[list[Line], bool]:
    """Order lines above ``after``, up to and including ``up_to`` if given, from at most so many pages; and whether others follow."""
    lines: list[Line] = []
    more = True
    for _ in range(pages):
        page = shop.look(after, after, ROWS_MAX, False, False)
        lines += [line for line in page.lines if up_to is None or line.line <= up_to]
        more = page.more and (up_to is None or page.lines[-1].line < up_to)
        if not more:
            break
        after = page.lines[-1].line
    return lines, more
