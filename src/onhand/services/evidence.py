"""Gathers evidence: asks the shop what became of order lines, and the books what could have been in a race.

Path: ``reconciling`` and ``aligning`` ask here before they weigh a product, and again when a doubt about it has settled.
Promise: what the shop says of lines is noted in the books; nothing is booked.
Never: decides; ``law`` and ``differences`` do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from onhand.domain import differences, family, lines, numbering
from onhand.domain.carts import Cart
from onhand.domain.differences import Evidence
from onhand.domain.lines import LineChange, SoldLine
from onhand.domain.listings import Listing
from onhand.domain.shop import Line, Row

from .memory import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop

EDIT_BEFORE = timedelta(seconds=10)  # how long before a drift was first seen its cause may lie
SEEN_BEFORE = timedelta(seconds=3)  # how long before what it explains a line can be seen: it is written first
PAST = timedelta(hours=24)  # how far back a stale form may have been opened
PAST_STEPS_MAX = 100
SOLD_LINES_MAX = 500  # newest sold lines of a product that are asked about at first glance
OLD_LINES_MAX = 20_000  # sold lines that are asked about before a drift is acted on


def waiting(house: House, cart: Cart, shop: Shop, products: Sequence[int], memory: Memory) -> list[Line]:
    """Return the waiting lines of these products; asks the shop which of them were paid since, and remembers when that was seen."""
    found = house.store.read(lambda books: books.lines.waiting(cart.source, products)) if products else []
    unpaid = sorted(line.line for line in found if not line.paid)
    if not unpaid:
        return found
    # A line is confirmed only if its order has a history: has any got one since?
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
    """Sold lines of these products that have other units in the shop now, or are gone; at most so many of the newest are asked
    about. Those that are gone, or whose order was cancelled, are noted."""
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
    """Return those paid lines and changes that were there already when the product was last seen right, or have been for a while. The
    counter did not move for them: a checkout died, an order was deleted and gave nothing back, or an editor left the counter alone."""
    now = Moment.now(house.clock)
    good = memory.witnessed.get(product) or memory.looked_at or recalled(cart.in_step_at, now)
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
    """Those of the order lines that the shop has."""
    return {line.line: line for chunk in chunks(ids) for line in shop.orders(chunk)}


def editors(
    house: House, cart: Cart, shop: Shop, found: Sequence[LineChange], gone: Sequence[LineChange]
) -> list[LineChange]:
    """Return those of the changes that may be an editor's: edited lines, and those of the lines in ``gone`` of whose order others stay.
    When a whole order is deleted its stock comes back with the counter or not at all; when it is cancelled and its lines stay, it may
    come back without. Of lines whose numbers came again nobody can say which order stays. See ``may_be_another`` for edited lines
    that are left out."""
    reused = may_be_another(house, cart, found)
    recent = [change for change in gone if change.sold.epoch == cart.epoch]
    found = [change for change in found if change in recent or (not change.gone and change not in reused)]
    orders = sorted({change.sold.order for change in found if change.deleted})
    if not orders:
        return found
    missing = {change.sold.line for change in found}
    others = [
        line
        for line in house.store.read(lambda books: books.lines.of_orders(cart.source, orders))
        if line.line not in missing
    ]
    kept = there(shop, sorted(line.line for line in others))
    others = [
        line
        for line in others
        if (now := kept.get(line.line)) is not None and (now.order, now.product) == (line.order, line.product)
    ]
    later = _came_after(house, cart, [change.sold for change in found if change.deleted], others)
    staying = {line.order for line in others if line.line not in later}
    return [change for change in found if not change.deleted or change.sold.order in staying]


def _came_after(house: House, cart: Cart, gone: Sequence[SoldLine], others: Sequence[SoldLine]) -> set[int]:
    """Return those of the other lines that were first seen after a line of their order went: the order's number came again."""
    went = {line.order: line.gone_at for line in gone if line.gone_at is not None}

    def read(books: Books) -> set[int]:
        found: set[int] = set()
        for order, at in went.items():
            numbers = sorted(line.line for line in others if line.order == order)
            found |= books.lines.seen_since(cart.source, numbers, at)
        return found

    return house.store.read(read)


def gone_between(cart: Cart, found: Sequence[LineChange], since: datetime, until: datetime) -> list[LineChange]:
    """Return those lines that were seen to go in this time, or only now. Of an earlier epoch nobody can say when a line went."""
    gone = [change for change in found if change.gone and change.sold.epoch.partition("~")[0] == cart.epoch]
    return [change for change in gone if change.sold.gone_at is None or since <= change.sold.gone_at <= until]


def may_be_another(house: House, cart: Cart, found: Iterable[LineChange]) -> list[LineChange]:
    """Return those edited lines that may be others with the same numbers: numbers came again here, or the shop was put back to a
    backup since the line was sold."""
    edited = [change for change in found if not change.gone]
    if not edited:
        return []

    def read(books: Books) -> tuple[bool, bool]:
        return books.lines.came_again(cart.source), books.differences.restored(cart.id)

    again, restored = house.store.read(read)
    return [change for change in edited if again or (restored and change.sold.epoch != cart.epoch)]


def added_since(house: House, cart: Cart, waiting_lines: Sequence[Line], since: datetime) -> list[Line]:
    """Return those of the lines that came to an order of which others are sold already, not long before a drift that began later than
    ``since``, as that is reckoned by ``since()``."""
    found = added(house, cart, waiting_lines)
    numbers = sorted(line.line for line in found)
    new = house.store.read(
        lambda books: books.lines.seen_since(cart.source, numbers, since + EDIT_BEFORE - SEEN_BEFORE)
    )
    return [line for line in found if line.line in new]


def added(house: House, cart: Cart, waiting_lines: Sequence[Line]) -> list[Line]:
    """Return those of the lines that came to an order of which others were there before them, and are sold."""
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
    """All that is known about a drift of a listing that was last seen right at the moment ``good``, but for order lines."""
    at, earliest = now.at, since(good, now)
    trade = books.ledger.trade_of(cart.id, listing.item, at - PAST, PAST_STEPS_MAX) if listing.item is not None else []
    posts = books.posts.of_listing(listing.id, at - PAST, PAST_STEPS_MAX)
    # Walk back from what both sides agree on now through sales and posts: the quantities the shop showed before each sale.
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
        past=past,
        heals=books.differences.heals(listing.id, at - timedelta(hours=1)),
    )


def since(good: Moment, now: Moment) -> datetime:
    """From when on, by the dates in the books, a doubt's cause can have happened if all was right at the moment ``good``.

    What was booked before our clock was set forward carries an early date.
    """
    return min(now.at - good.since(now), good.at) - EDIT_BEFORE


def recalled(in_step_at: datetime | None, now: Moment) -> Moment:
    """When a cart was last in step, as on record. If that is still to come, the clock was set back: then it may be long ago."""
    ago = now.at - in_step_at if in_step_at is not None else PAST
    ago = ago if timedelta(0) <= ago <= PAST else PAST
    return Moment(now.at - ago, now.monotonic - ago.total_seconds())


def by_product(found: Iterable[Line]) -> defaultdict[int, list[Line]]:
    """The lines of each product."""
    grouped: defaultdict[int, list[Line]] = defaultdict(list)
    for line in found:
        grouped[line.product].append(line)
    return grouped


def changes_by_product(found: Iterable[LineChange]) -> defaultdict[int, list[LineChange]]:
    """The changes of each product's lines."""
    grouped: defaultdict[int, list[LineChange]] = defaultdict(list)
    for change in found:
        grouped[change.sold.product].append(change)
    return grouped


def chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """As many ids as one request takes."""
    return (ids[start : start + ROWS_MAX] for start in range(0, len(ids), ROWS_MAX))
