"""Acts on what has settled in one product: books it, or records a difference and applies its remedy.

Path: ``reconciling.compare`` → ``act``, in one unit of work for all products that have settled.
Promise: every act is a movement under an order's number or a difference on record, by the smaller amount seen.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from onhand.domain import differences, family, law, lines
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Evidence, Finding, Remedy
from onhand.domain.lines import LineChange, subset
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, editing, evidence, refreshing, returning, trading
from .memory import Memory, Moment
from .ports import Books
from .weighing import DOUBTS, Rules, Weighing, ripe_amounts

log = structlog.get_logger()


def act(
    books: Books,
    cart: Cart,
    weighing: Weighing,
    good: Moment,
    by_editor: editing.ByEditor,
    memory: Memory,
    rules: Rules,
    now: Moment,
) -> None:
    """Apply the remedies to what has settled in one product, by the smaller amount seen. ``good``: when it was last seen right."""
    product, at = weighing.listing.product, now.at
    ripe = ripe_amounts(weighing, memory, rules, now)
    if _waits(weighing, ripe, by_editor, memory, now):
        return
    fell_by = memory.first_seen(product, "fallen", now) + timedelta(seconds=rules.settle_seconds / 2)
    known_drift = memory.suspicions.get((product, "drift"))
    rest = _end_doubts(weighing, ripe, memory)
    listing = books.listings.of(cart.id, [product])[product]
    if not listing.tracked:
        return  # a person gave it another tie since it was weighed: the next look follows it in silence
    row, drift = weighing.row, ripe["drift"]
    found = by_editor.complete(evidence.of_drift(books, cart, listing, row, drift, good, now))
    if ripe["reset"]:
        found = replace(found, sales=found.sales + _sold_since(weighing))
        if _may_have_come_back(weighing, ripe["reset"], found, evidence.since(good, now)):
            _doubt_return(books, cart, listing, weighing, found, ripe["reset"], at)
        else:
            _rebase(books, cart, listing, row, ripe["reset"], differences.RESET, at)
        return
    if not rest and product not in memory.lowered:
        unbooked = editing.by_lines(books, cart, listing, weighing, by_editor, at)
        if unbooked is None:
            return
        if unbooked is not weighing:
            weighing, ripe = unbooked, {**ripe, "unnamed": 0, "fallen": 0}
            by_editor = replace(by_editor, changed=[c for c in by_editor.changed if c in unbooked.changed])
            listing = books.listings.of(cart.id, [product])[product]
    doubted = _doubted(weighing, ripe, found, memory)
    if doubted:
        # The rest is weighed again once the books have followed, and its cause is as old.
        memory.witnessed[product] = good
        if known_drift is not None and drift + doubted:
            memory.suspicions[(product, "drift")] = law.Suspicion(known_drift.since, drift + doubted)
        in_doubt = _doubt_return(books, cart, listing, weighing, found, doubted, at)
        weighing = replace(weighing, changed=tuple(c for c in weighing.changed if c not in in_doubt))
        listing = books.listings.of(cart.id, [product])[product]
    moved = ripe["unnamed"] - max(0, ripe["fallen"] - doubted)
    if moved < 0:
        weighing = _went_before(weighing, fell_by, moved)
    explained, nameless = _book_moved(books, cart, listing, weighing, moved, by_editor.added, at)
    if nameless > 0:
        memory.nameless[product] = now.monotonic
    if doubted:
        return
    listing = books.listings.of(cart.id, [product])[product]
    # Once more: what was booked just now could have been in a race, too.
    found = by_editor.without(explained).complete(evidence.of_drift(books, cart, listing, row, drift, good, now))
    if found.paid:
        left = {line.line for line in books.lines.waiting(cart.source, [product])}
        found = replace(found, paid=[line for line in found.paid if line.line in left])
    finding = differences.explain(found, rules.policy) if found.drift else None
    if finding is None and ripe["edited"]:
        finding = differences.in_part(found)
    if finding is not None:
        _remedy(books, cart, listing, row, found, finding, at)
    if (found.drift and by_editor.doubtful) or (
        finding is None and ripe["edited"]
    ):  # about these a person was asked, or nothing moved
        editing.note_edited(books, cart, [change for change in weighing.changed if change not in explained])


def _waits(weighing: Weighing, ripe: dict[str, int], by_editor: editing.ByEditor, memory: Memory, now: Moment) -> bool:
    """Return whether what has settled shows its cause only with something that has not. What fell first, and was borne out then, is acted
    on without the drift of a later fall."""
    product, weighed = weighing.listing.product, weighing.weighed
    if weighed.drift and not ripe["drift"] and (ripe["fallen"] or ripe["edited"]):
        return True  # whether goods came back, and what an edit was worth, shows with the drift
    # Where no line tells what a drift is worth, goods may be coming back of a line that was added, and gone again before it was booked;
    # where one does, it may tell what fell instead.
    told = bool(by_editor.changed or by_editor.added)
    if not ripe["fallen"] and (product in memory.lowered or (weighed.fallen > 0 and not (ripe["drift"] < 0 and told))):
        return True  # what the drift is worth shows with the counter
    if told and ripe["drift"] not in (0, weighed.drift):
        # What an order's editor did explains the whole of a drift or nothing: a part of it would be asked about, and the rest misread.
        memory.suspicions[(product, "drift")] = law.Suspicion(now.monotonic, weighed.drift)
        return True
    if ripe["drift"] < 0 < ripe["fallen"] < weighed.fallen and memory.came_later(product, "drift", "fallen"):
        ripe["drift"] = 0
    return False


def _end_doubts(weighing: Weighing, ripe: dict[str, int], memory: Memory) -> bool:
    """End the doubts that are acted on; returns whether some of the product are left. Their causes are as old, so they keep the date."""
    product = weighing.listing.product
    for what in DOUBTS:
        if ripe[what] or (what == "reset" and ripe["fallen"]):
            memory.suspicions.pop((product, what), None)
    rest = any(amount != ripe[what] for what, amount in weighing.doubts())
    if not rest and not any((product, what) in memory.suspicions for what in DOUBTS):
        memory.witnessed.pop(product, None)
    return rest


def _doubted(weighing: Weighing, ripe: dict[str, int], found: Evidence, memory: Memory) -> int:
    """Return how many of the units by which the counter fell may not have come back."""
    lowered = min(memory.lowered.pop(weighing.listing.product, 0), ripe["fallen"])
    doubted = max(differences.not_borne_out(found, ripe["fallen"]), lowered)
    if doubted and ripe["drift"] < 0:
        return _whole_lines(weighing, doubted, min(ripe["fallen"], doubted + found.sales))
    return doubted


def _whole_lines(weighing: Weighing, units: int, most: int) -> int:
    """Return the least number of units, from these to ``most``, that whole lines gave back. What a line gives back is destroyed as a whole
    or not at all; if the quantity lacks less than that, sales of the same moment were lost as well."""
    amounts = [-change.units for change in weighing.changed if change.units < 0]
    exact = (total for total in range(units, most + 1) if subset(total, amounts, exact=True) is not None)
    return next(exact, units)


def _went_before(weighing: Weighing, fell_by: datetime, moved: int) -> Weighing:
    """Leave out lines that went after the counter was seen to fall, if the others explain it."""
    before = tuple(c for c in weighing.changed if c.sold.gone_at is None or c.sold.gone_at <= fell_by)
    exact = subset(moved, [change.units for change in before if change.units < 0], exact=True) is not None
    return replace(weighing, changed=before) if exact else weighing


def _book_moved(
    books: Books, cart: Cart, listing: Listing, weighing: Weighing, moved: int, added: Sequence[Line], at: datetime
) -> tuple[tuple[LineChange, ...], int]:
    """Book what the counter moved by and no line told of at first glance; returns the line changes that tell of it now, and the units
    that none tells of. ``added``: lines that an editor may have added without the counter."""
    changes = [change for change in weighing.changed if change not in weighing.old]
    recent = [line for line in weighing.waiting if line not in weighing.old]
    sold, changed = law.name(moved, recent, changes, mixed=True, last=added)
    if law.units(sold) + sum(change.units for change in changed) != moved:
        sold, changed = law.name(moved, weighing.waiting, changes, mixed=True, last=added)
    if not family.restocks_in_part(cart.hello):
        # An order that is deleted comes back as a whole. If the counter fell by less, something was sold that has no line.
        orders = {change.sold.order for change in changed if change.gone}
        together = [c for c in weighing.changed if c.gone and c.sold.order in orders and c not in changed]
        changed = (*changed, *together)
    rest = moved - law.units(sold) - sum(change.units for change in changed)
    whole = _whole_line(weighing, changed, -rest) if rest < 0 else None
    trading.sell(books, cart, sold, at)
    returning.book_changes(books, cart, listing, changed, at, others=weighing.changed)
    if whole is not None:
        listing = books.listings.of(cart.id, [listing.product])[listing.product]
        returning.book_changes(books, cart, listing, (whole,), at, unsure=-rest)
        changed = (*changed, whole)
    rest = moved - law.units(sold) - sum(change.units for change in changed)
    trading.count_sale(books, cart, listing.product, rest, at)
    _show_left_out(books, cart, weighing, changed, at)
    return changed, rest


def _whole_line(weighing: Weighing, known: Sequence[LineChange], units: int) -> LineChange | None:
    """Return the smallest line that is gone and held more than these units. No line of the product explains why its counter fell, and a
    line comes back as a whole: so that one did, and something was sold that has no line. Or an order came back that is not known."""
    larger = [c for c in weighing.changed if c.gone and c not in known and -c.units > units]
    return min(larger, key=lambda change: (-change.units, change.sold.units.left), default=None)


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


def _may_have_come_back(weighing: Weighing, units: int, found: Evidence, since: datetime) -> bool:
    """Return whether what looks like a counter that was set back may be goods that came back, with a form or a race writing over the
    quantity they raised. A counter that was set to nothing holds only what was sold since: any other fall may be a return. So may one
    that lines explain which went after ``since``; a race takes another sale than theirs."""
    row, listing = weighing.row, weighing.listing
    if row.ordered > _sold_since(weighing) and row.quantity - listing.agreed != -row.ordered:
        return found.edited or found.sales > 0
    lately = [c.units for c in weighing.changed if c.gone and (c.sold.gone_at is None or c.sold.gone_at >= since)]
    explained = bool(lately) and lines.subset(-units, lately, exact=True) is not None
    return explained and (found.edited or found.sales > units)


def _sold_since(weighing: Weighing) -> int:
    """Return the units of new lines that were paid for. Beside a counter that was set back nothing is booked yet."""
    return law.units(line for line in weighing.waiting if line.paid)


def _doubt_return(
    books: Books, cart: Cart, listing: Listing, weighing: Weighing, found: Evidence, units: int, at: datetime
) -> tuple[LineChange, ...]:
    """The counter gave back units that the quantity did not get. The books follow the counter, and no stock moves; where a race may
    have destroyed what came back, a person is asked whether the goods are there. Returns the line changes that this is about."""
    # Of several lines the one of which most is left: nothing is booked for it, and the person is asked about all that can have come back.
    most_left_first = sorted(weighing.changed, key=lambda change: -change.sold.units.left)
    _, changed = law.name(-units, (), most_left_first)
    destroyed = found.sales > 0 or found.edited  # a race or a form may have written over what came back
    fresh, orders = max(0, units + sum(change.units for change in changed)), []
    for change in books.lines.renewed(cart.id, changed):
        after, counted = change.sold.units.give_back(-change.units, change.now)
        fresh += counted
        orders.append(str(change.sold.order))
        if destroyed:
            books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
    finding = differences.DOUBTED if destroyed and fresh else differences.LOWERED
    named = f" of order {', '.join(orders)}" if orders else ""
    note = f"The shop's counter gave back {units} units{named}, its quantity did not rise."
    if finding is differences.DOUBTED:
        note += f" If {fresh} came back to the shelf, choose theirs; if not, ours."
    _rebase(books, cart, listing, weighing.row, units, finding, at, fresh, note)
    return changed


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
    if finding.cause in (Cause.ORDER_EDITED, Cause.ORDER_CANCELLED):
        editing.follow(books, cart, listing, row, drift - finding.rest, finding, at)
        if finding.rest:
            left = replace(found, drift=finding.rest, changed=(), added=())
            listing = books.listings.of(cart.id, [listing.product])[listing.product]
            _remedy_rest(books, cart, listing, row, left, finding, at)
        return
    editing.note_edited(books, cart, found.changed)
    if (
        finding.remedy is Remedy.ASK
    ):  # about these, too: if they went on waiting, no race of this product would be believed any more
        books.lines.mark(cart.source, [line.line for line in found.added], LineState.UNTRACKED)
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
    refreshing.note_switch(books, listing, row, modified, found.edited, at)
    if finding.remedy is Remedy.BOOK and listing.item is not None:
        bookkeeping.book(books, [Movement.edit(listing.item, drift, cart.id, difference)], at)
    if finding.remedy is Remedy.BOOK:
        books.differences.close(difference, at, finding.remedy.value)
    if finding.remedy is Remedy.POST:
        _ask_about_gone(books, cart, listing, row, finding.changed, drift, at)
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


def _remedy_rest(
    books: Books, cart: Cart, listing: Listing, row: Row, rest: Evidence, edited: Finding, at: datetime
) -> None:
    """An edited order explains a part of what moved. Sales that may have been lost beside it are made good at once, and it is asked whether
    they were; anything else is asked about first."""
    if rest.edited or differences.race(rest) is not Cause.LOST_SALE:
        _remedy(books, cart, listing, row, rest, Finding(Cause.UNKNOWN, Remedy.ASK), at)
        return
    _remedy(books, cart, listing, row, rest, Finding(Cause.LOST_SALE, Remedy.POST), at)
    orders = [change.sold.order for change in edited.changed] + [line.order for line in edited.added]
    taken = sum(change.units for change in edited.changed) + sum(line.quantity for line in edited.added)
    # What an editor took may be too much: what else was lost, was lost either way. What it gave back may be too little.
    doubted = min(rest.drift, taken) if taken > 0 else rest.drift
    why = "the editor left the stock alone" if taken > 0 else "more came back than is off the lines"
    note = (
        f"Order {', '.join(str(order) for order in dict.fromkeys(orders))} was edited while sales were lost. If {doubted} more are on "
        f"the shelf than on hand, {why}: choose theirs; if not, ours."
    )
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + doubted, row.ordered)
    books.differences.open(cart.id, listing.id, differences.DOUBTED, 0, seen, expected, at, note)


def _ask_about_gone(
    books: Books, cart: Cart, listing: Listing, row: Row, gone: Sequence[LineChange], drift: int, at: datetime
) -> None:
    """Lines went while sales were lost. The shop gets our count, which errs to selling too little; whether goods came back is asked."""
    left = [change for change in books.lines.renewed(cart.id, gone) if change.sold.units.left]
    fresh, orders = 0, []
    for change in [left[index] for index in subset(drift, [-change.units for change in left]) or ()]:
        after, counted = change.sold.units.give_back(-change.units, change.now)
        books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
        fresh += counted
        orders.append(str(change.sold.order))
    if not fresh:
        return
    note = (
        f"Lines of order {', '.join(dict.fromkeys(orders))} are gone in the shop, and sales were lost at the same moment. "
        f"If {fresh} came back to the shelf, choose theirs; if not, ours."
    )
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + fresh, row.ordered)
    books.differences.open(cart.id, listing.id, differences.DOUBTED, 0, seen, expected, at, note)
