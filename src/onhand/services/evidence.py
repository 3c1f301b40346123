"""Gathers evidence: asks the shop what happened to order lines, and the books what could have been in a race.

Path: ``reconciling`` and ``aligning`` ask here before they weigh a product, and again when a doubt about it has settled.
Promise: what the shop says of lines is noted in the books; nothing is booked.
Never: decides; ``law`` and ``differences`` do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from onhand.domain import differences, family, lines, naming, numbering
from onhand.domain.carts import Cart
from onhand.domain.differences import Evidence
from onhand.domain.lines import LineChange, SoldLine
from onhand.domain.listings import Listing
from onhand.domain.shop import Line, Row

from .memory import PAST, Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop

EDIT_BEFORE = timedelta(seconds=10)  # how long before a drift was first seen its cause may have happened
SEEN_BEFORE = timedelta(seconds=3)  # how long before its effect a line can be seen: the line is written first
PAST_STEPS_MAX = 100
SOLD_LINES_MAX = 500  # newest sold lines of a product that are asked about at first glance
OLD_LINES_MAX = 20_000  # sold lines that are asked about before a drift is acted on


def waiting(house: House, cart: Cart, shop: Shop, products: Sequence[int], memory: Memory) -> list[Line]:
    """Return the waiting lines of these products. Ask the shop which of them were paid since, and remember when that was seen."""
    found = house.store.read(lambda books: books.lines.waiting(cart.source, products)) if products else []
    unpaid = sorted(line.line for line in found if not line.paid)
    if not unpaid:
        return found
    # A line is confirmed only if its order has a status history: check whether any has one now.
    known = {line.line: line for line in found}
    now = {number: line for number, line in there(shop, unpaid).items() if numbering.same(known[number], line)}
    house.store.write(lambda books: books.lines.refresh(cart.source, list(now.values())))
    seen = house.clock.monotonic()
    memory.paid = {number: at for number, at in memory.paid.items() if seen - at < PAST.total_seconds()}
    memory.paid |= dict.fromkeys([number for number, line in now.items() if line.paid], seen)
    return [replace(now.get(line.line, line), run=line.run) for line in found]


def changes(
    house: House, cart: Cart, shop: Shop, products: Sequence[int], limit: int = SOLD_LINES_MAX
) -> list[LineChange]:
    """Return sold lines of these products that have other units in the shop now, or are gone.

    The shop is asked about at most ``limit`` of the newest lines. Those that are gone, or whose order was cancelled, are noted in the
    books.
    """
    if not products:
        return []
    sold = house.store.read(lambda books: books.lines.sold(cart.source, products, limit))
    now, since = there(shop, sorted(line.line for line in sold)), house.clock.now() - EDIT_BEFORE
    watched = range(cart.place.low + 1, cart.place.cursor + 1)
    found = lines.changes(sold, now, family.cancelling(cart.hello), since, watched)
    new = [c for c in found if c.gone and c.sold.gone_at is None and c.sold.epoch == cart.source.epoch]
    if new:
        at = house.clock.now()

        def note(books: Books) -> None:
            books.lines.vanish(cart.source, [c.sold.line for c in new if c.deleted], at)
            books.lines.withdraw(cart.source, [c.sold.line for c in new if not c.deleted], at)

        house.store.write(note)
    return found


def old(
    house: House, cart: Cart, memory: Memory, product: int, paid: Sequence[Line], changed: Sequence[LineChange]
) -> set[Line | LineChange]:
    """Return those paid lines and changes that existed when the product was last seen right, or have existed for a while.

    The counter did not move for them: a checkout broke off, an order was deleted and gave nothing back, or an editor left the counter
    alone.
    """
    now = Moment.now(house.clock)
    good = last_good(cart, memory, product, now)
    earliest = since(good, now) + EDIT_BEFORE - SEEN_BEFORE
    numbers = sorted(line.line for line in paid)
    recent = house.store.read(lambda books: books.lines.seen_since(cart.source, numbers, earliest))
    before = good.monotonic - SEEN_BEFORE.total_seconds()
    waited = {line for line in paid if line.line not in recent and memory.paid.get(line.line, before) <= before}
    gone = {c for c in changed if c.gone and c.sold.gone_at is not None and c.sold.gone_at < earliest}
    known, before = memory.edited.get(product, {}), now.monotonic - SEEN_BEFORE.total_seconds()
    edited = {c for c in changed if not c.gone and c.sold.line in known and known[c.sold.line].since <= before}
    return waited | gone | edited


def there(shop: Shop, ids: Sequence[int]) -> dict[int, Line]:
    """Return those of the order lines that the shop still has, by number."""
    return {line.line: line for chunk in chunks(ids) for line in shop.orders(chunk)}


def editors(
    house: House, cart: Cart, shop: Shop, found: Sequence[LineChange], gone: Sequence[LineChange]
) -> list[LineChange]:
    """Return those of the changes that an editor may have made: edited lines, and deleted lines of orders that still exist.

    When a whole order is deleted, its stock comes back with the counter or not at all. When it is cancelled and its lines stay, its stock
    may come back without the counter. Only lines in ``gone`` count as gone. Edited lines that ``may_be_another`` are left out.
    """
    reused = may_be_another(house, cart, found)
    recent = [change for change in gone if change.sold.epoch == cart.epoch]
    found = [change for change in found if change in recent or (not change.gone and change not in reused)]
    staying = _staying_orders(house, cart, shop, found)
    return [change for change in found if not change.deleted or change.sold.order in staying]


def _staying_orders(house: House, cart: Cart, shop: Shop, found: Sequence[LineChange]) -> set[int]:
    """Return those orders with deleted lines of which the shop still has other lines.

    Lines that were first seen after the deletion do not count: the number was used again by another order.
    """
    deleted = [change.sold for change in found if change.deleted]
    if not deleted:
        return set()
    orders, changed = sorted({sold.order for sold in deleted}), {change.sold.line for change in found}
    removed = {sold.line for sold in deleted}
    known = house.store.read(lambda books: books.lines.of_orders(cart.source, orders))
    others = [line for line in known if line.line not in changed]
    now = there(shop, sorted(line.line for line in others))
    kept = [line for line in others if _is_still(line, now.get(line.line))]
    # By the dates as they were written: all of them are by the clock of that time.
    later = _came_after(house, cart, [line for line in known if line.line in removed], kept)
    return {line.order for line in kept if line.line not in later}


def _is_still(line: SoldLine, now: Line | None) -> bool:
    """Return whether the shop has this line under its number, whatever units are on it now."""
    return now is not None and (now.order, now.product) == (line.order, line.product)


def _came_after(house: House, cart: Cart, gone: Sequence[SoldLine], others: Sequence[SoldLine]) -> set[int]:
    """Return those of the other lines that were first seen after a line of their order was removed: the order's number was used again."""
    went = {line.order: line.gone_at for line in gone if line.gone_at is not None}

    def read(books: Books) -> set[int]:
        found: set[int] = set()
        for order, at in went.items():
            numbers = sorted(line.line for line in others if line.order == order)
            found |= books.lines.seen_since(cart.source, numbers, at)
        return found

    return house.store.read(read)


def gone_between(cart: Cart, found: Sequence[LineChange], since: datetime, until: datetime) -> list[LineChange]:
    """Return those lines that were seen to be removed in this time, or only now. When a line of an earlier epoch was removed is unknown."""
    gone = [change for change in found if change.gone and change.sold.epoch.partition("~")[0] == cart.epoch]
    return [change for change in gone if change.sold.gone_at is None or since <= change.sold.gone_at <= until]


def may_be_another(house: House, cart: Cart, found: Iterable[LineChange]) -> list[LineChange]:
    """Return those edited lines that may be other lines with the same numbers.

    That is so if the shop has used numbers again, or was restored from a backup since the line was sold.
    """
    edited = [change for change in found if not change.gone]
    if not edited:
        return []

    def read(books: Books) -> tuple[bool, bool]:
        return books.lines.came_again(cart.source), books.differences.restored(cart.id)

    again, restored = house.store.read(read)
    return [change for change in edited if again or (restored and change.sold.epoch != cart.epoch)]


def added_since(house: House, cart: Cart, waiting_lines: Sequence[Line], since: datetime) -> list[Line]:
    """Return those of the lines that were added to an order with sold lines not long before a drift.

    The drift began later than ``since``, as the function ``since`` computes it.
    """
    found = added(house, cart, waiting_lines)
    numbers = sorted(line.line for line in found)
    new = house.store.read(
        lambda books: books.lines.seen_since(cart.source, numbers, since + EDIT_BEFORE - SEEN_BEFORE)
    )
    return [line for line in found if line.line in new]


def added(house: House, cart: Cart, waiting_lines: Sequence[Line]) -> list[Line]:
    """Return those of the lines that were added to an order later than other lines that are sold."""
    numbers = sorted(line.line for line in waiting_lines)
    later = house.store.read(lambda books: books.lines.came_later(cart.source, numbers)) if numbers else set()
    return [line for line in waiting_lines if line.line in later]


def of_drift(
    books: Books,
    cart: Cart,
    listing: Listing,
    row: Row,
    drift: int,
    good: Moment,
    now: Moment,
) -> Evidence:
    """Return all that is known about a drift of a listing that was last seen right at the moment ``good``, except order lines."""
    at, earliest = now.at, since(good, now)
    trade = books.ledger.trade_of(cart.id, listing.item, at - PAST, PAST_STEPS_MAX) if listing.item is not None else []
    posts = books.posts.of_listing(listing.id, at - PAST, PAST_STEPS_MAX)
    # Walk back from the agreed quantity through sales and posts: the quantities the shop showed before each sale.
    steps = sorted([(when, n, True) for when, n in trade] + [(when, n, False) for when, n in posts], reverse=True)
    past, value = [], listing.agreed
    for _, n, is_trade in steps:
        value -= n
        if is_trade and n < 0:
            past.append(value)
    window = (good.since(now) + EDIT_BEFORE).total_seconds()
    return Evidence(
        drift=drift,
        edited=row.modified != listing.modified and differences.is_recent(row.age, window),
        quantity=row.quantity,
        sales=-sum(n for when, n in trade if n < 0 and when >= earliest),
        posts=[n for when, n in posts if when >= earliest],
        returns=[n for when, n in trade if n > 0 and when >= earliest],
        given_back=naming.not_sold_again([n for when, n in trade if when >= earliest]),
        past=past,
        heals=books.differences.heals(listing.id, at - timedelta(hours=1)),
    )


def since(good: Moment, now: Moment) -> datetime:
    """Return the earliest date in the books at which the cause of a doubt can have happened, if all was right at the moment ``good``.

    Movements that were booked before our clock was set forward carry an early date.
    """
    return min(now.at - good.since(now), good.at) - EDIT_BEFORE


def last_good(cart: Cart, memory: Memory, product: int, now: Moment) -> Moment:
    """Return when a product was last seen right."""
    return memory.witnessed.get(product) or memory.looked_at or recalled(cart.in_step_at, now)


def dated_today(found: Sequence[LineChange], good: Moment, now: Moment) -> list[LineChange]:
    """Return these changes with the dates of lines that went by the clock as it is now.

    If such a date is in the future, our clock was set back since. Then the line went as long after ``good`` as the old clock said.
    """

    def went(gone_at: datetime | None) -> datetime | None:
        if gone_at is None or gone_at <= now.at:
            return gone_at
        return min(now.at, now.at - good.since(now) + (gone_at - good.at))

    return [replace(change, sold=replace(change.sold, gone_at=went(change.sold.gone_at))) for change in found]


def recalled(in_step_at: datetime | None, now: Moment) -> Moment:
    """Return when a cart was last in sync, as recorded. If that is in the future, the clock was set back: it may be long ago."""
    ago = now.at - in_step_at if in_step_at is not None else PAST
    ago = ago if timedelta(0) <= ago <= PAST else PAST
    return Moment(now.at - ago, now.monotonic - ago.total_seconds())


def by_product(found: Iterable[Line]) -> defaultdict[int, list[Line]]:
    """Return the lines of each product."""
    grouped: defaultdict[int, list[Line]] = defaultdict(list)
    for line in found:
        grouped[line.product].append(line)
    return grouped


def changes_by_product(found: Iterable[LineChange]) -> defaultdict[int, list[LineChange]]:
    """Return the changes to each product's lines."""
    grouped: defaultdict[int, list[LineChange]] = defaultdict(list)
    for change in found:
        grouped[change.sold.product].append(change)
    return grouped


def chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """Return the ids in chunks, each as large as one request allows."""
    return (ids[start : start + ROWS_MAX] for start in range(0, len(ids), ROWS_MAX))
