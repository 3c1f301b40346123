"""Books what a shop traded between the last look and an alignment, so that no sale is lost or booked twice.

Path: ``aligning`` → ``read`` before the baseline, ``book`` in the commit that keeps it, ``ask_about_returns`` after it.
Promise: units that the counter moved by are booked, under their orders' names where lines name them; doubts are asked about.
Never: posts anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain import doubts, grammar, law
from onhand.domain.carts import Cart
from onhand.domain.differences import DOUBTED, UNBOOKED
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters

from . import evidence, looking, returning, trading
from .memory import Memory
from .ports import Books, House, Shop
from .surveying import Survey

LINE_PAGES_MAX = 10  # pages of order lines that name what was traded before an alignment; counters account for the rest


@dataclass(frozen=True, slots=True)
class Doubt:
    """Units that a shop's counter gave back but its quantity did not get; ``fresh`` of them had not come back before.

    With ``beyond``: units that came back although the books never had them as sold.
    """

    listing: int
    row: Row
    units: int
    fresh: int
    orders: tuple[int, ...]
    beyond: bool = False


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The order lines that came since the last look, and the changes of lines that are booked as sold."""

    fresh: list[Line]
    changes: list[LineChange]
    complete: bool  # no new line was left out, and none was half written
    old: set[Line | LineChange]  # what existed when its product was last seen right: no counter moved for it


def read(house: House, cart: Cart, shop: Shop, found: Survey, memory: Memory) -> LastTrade:
    """Read the lines that name what was traded since the last look, and note which of the older ones were paid since."""

    def kept(books: Books) -> dict[int, bool]:
        """Return the products in sync that the shop has, and whether they moved."""
        listings = (listing for page in books.listings.pages(cart.id) for listing in page)
        return {x.product: _moved(x, found.rows[x.product]) for x in listings if x.tracked and x.product in found.rows}

    in_sync = house.store.read(kept)
    fresh, cut = looking.read_lines(shop, cart.cursor_line, found.line, LINE_PAGES_MAX)
    new = {line.product for line in fresh}
    moved = [product for product, it_moved in in_sync.items() if it_moved or product in new]
    waiting = evidence.by_product(evidence.waiting(house, cart, shop, moved, memory))
    changes = evidence.changes(house, cart, shop, moved)
    changes_of = evidence.changes_by_product(changes)
    old: set[Line | LineChange] = set()
    for product in sorted(waiting.keys() | changes_of.keys()):
        paid = [line for line in waiting[product] if line.paid]
        old |= evidence.old(house, cart, memory, product, paid, changes_of[product])
    complete = not cut and all(line.complete for line in fresh)
    return LastTrade(fresh, changes, complete, old)


def _moved(listing: Listing, row: Row) -> bool:
    return (row.quantity, row.ordered) != (listing.agreed, listing.ordered)


def book(books: Books, cart: Cart, found: Survey, trade: LastTrade, at: datetime) -> list[Doubt]:
    """Book what an aligned shop traded between the last look and the new baseline, before which everything is history.

    Of a stopped cart, units without a line are booked only if the counter rose and the quantity confirms it: the cause of the stop may have
    moved counters too. Returns what the counter gave back and the quantity did not get.
    """
    asked = []
    books.lines.record(cart.source, trade.fresh, at)
    moved = _moved_listings(books, cart, found, trade)
    waiting_of = evidence.by_product(books.lines.waiting(cart.source, [listing.product for listing in moved]))
    changes_of = evidence.changes_by_product(trade.changes)
    for listing in moved:
        product, row = listing.product, found.rows[listing.product]
        traded = _weigh(listing, row, waiting_of[product], changes_of[product], trade.old)
        trading.sell(books, cart, traded.weighed.sold, at)
        trading.name_late(books, cart, listing, traded.late)
        # The alignment answers all questions that are open by then: what is in doubt now is asked about after it.
        beyond = returning.book_changes(books, cart, listing, traded.changed, at, others=traded.others, ask=False)
        if cart.halted is None or not traded.weighed.drift:
            trading.count_sale(books, cart, product, traded.weighed.unnamed, at)
        if cart.halted is None:
            trading.count_sale(books, cart, product, -traded.back_without_line, at)
            if beyond:
                orders = tuple(dict.fromkeys(change.sold.order for change in traded.changed if change.units < 0))
                asked.append(Doubt(listing.id, row, beyond, beyond, orders, beyond=True))
            if traded.doubted:
                left = [change for change in traded.others if change not in traded.came_back]
                asked.append(_doubt(books, cart, listing, row, traded.doubted, left))
    return asked


def _moved_listings(books: Books, cart: Cart, found: Survey, trade: LastTrade) -> list[Listing]:
    """Return the listings kept in sync that moved or have new lines: a sale and a return may cancel out."""
    new = {line.product for line in trade.fresh}
    return [
        listing
        for page in books.listings.pages(cart.id)
        for listing in page
        if listing.tracked
        and (row := found.rows.get(listing.product))
        and (listing.product in new or _moved(listing, row))
    ]


@dataclass(frozen=True, slots=True)
class _Traded:
    """The trade of one product since the last look, and the lines that name it."""

    weighed: law.Weighed
    late: Sequence[Line]  # lines that name what was booked without one
    came_back: tuple[LineChange, ...]  # lines that name what the counter gave back and the quantity got
    others: list[LineChange]  # changes that the counter does not confirm, including returned ones
    borne_out: int  # units that the counter gave back and the quantity got, beyond confirmed changes

    @property
    def changed(self) -> tuple[LineChange, ...]:
        """Return every change that is booked."""
        return (*self.weighed.changed, *self.came_back)

    @property
    def back_without_line(self) -> int:
        """Return the units that came back and that no line names."""
        return self.borne_out + sum(change.units for change in self.came_back)

    @property
    def doubted(self) -> int:
        """Return the units that the counter gave back but the quantity did not get."""
        return self.weighed.fallen - self.borne_out


def _weigh(
    listing: Listing,
    row: Row,
    waiting: Sequence[Line],
    changes: Sequence[LineChange],
    old: Collection[Line | LineChange],
) -> _Traded:
    """Judge by one survey, which saw each product twice. So what the quantity confirms did come back, and the rest did not.

    A quantity that rose by more than the counter fell confirms nothing: sales may have been lost, and the counter have been lowered alone.
    """
    weighing = doubts.weigh(listing, row, waiting, changes, (), old)
    weighed, back = weighing.weighed, weighing.weighed.reset
    if back:  # sales since the counter was set back are visible from there
        weighed = law.weigh(listing.ordered - back, listing.sum - back, row, weighing.waiting, ())
    borne_out = max(0, weighed.fallen + weighed.drift) if weighed.drift <= 0 else 0
    others = [change for change in changes if change not in weighed.changed]
    _, came_back = law.name(-borne_out, (), [change for change in others if change not in old])
    return _Traded(weighed, weighing.late, came_back, others, borne_out)


def _doubt(books: Books, cart: Cart, listing: Listing, row: Row, units: int, changes: Sequence[LineChange]) -> Doubt:
    """Return the question about these units. The lines that gave them back are marked, so that they cannot come back a second time."""
    _, lost = law.name(-units, (), changes)
    fresh = units + sum(change.units for change in lost)
    for change in books.lines.renewed(cart.id, lost):
        after, counted = change.sold.units.give_back(-change.units, change.now)
        fresh += counted
        books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
    return Doubt(listing.id, row, units, fresh, tuple(change.sold.order for change in lost))


def ask_about_returns(books: Books, cart: Cart, asked: Iterable[Doubt], at: datetime) -> None:
    """Ask whether goods came back that the shop's quantity does not show. Our count was sent, and only a person can see the goods."""
    for doubt in asked:
        seen = Counters(doubt.row.quantity, doubt.row.ordered)
        expected = Counters(doubt.row.quantity + doubt.fresh, doubt.row.ordered)
        orders = f" of order {', '.join(map(str, doubt.orders))}" if doubt.orders else ""
        what = UNBOOKED if doubt.beyond else "but its quantity did not rise"
        note = (
            f"The shop's counter gave back {grammar.counted(doubt.units, 'unit')}{orders}, {what}."
            f" If {doubt.fresh} came back to the shelf, choose theirs; if not, choose ours."
        )
        books.differences.open(cart.id, doubt.listing, DOUBTED, -doubt.units, seen, expected, at, note)
