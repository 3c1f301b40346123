"""Acts on what has settled in one product: books it, or records a difference and applies its remedy.

Path: ``reconciling.compare`` → ``gather``, which reads, → ``act``, in one unit of work for all products that have settled.
Promise: every act is a movement under an order's number or a difference on record, by the smaller amount that was seen.
Never: writes to a shop: a remedy changes the books, and delivery follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from onhand.domain import differences, doubts, family, law, naming
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Ending, Evidence, Finding, Policy, Remedy
from onhand.domain.doubts import Doubts, Wait, Weighing
from onhand.domain.law import Suspicion
from onhand.domain.lines import LineChange, subset
from onhand.domain.listings import Listing
from onhand.domain.naming import Named
from onhand.domain.orders import LineState
from onhand.domain.shop import Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.stock import Movement

from . import bookkeeping, editing, evidence, rebasing, refreshing, returning, trading
from .editing import ByEditor
from .memory import Memory, Moment
from .ports import Books, House, Shop
from .rebasing import Fall
from .weighing import Rules

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Case:
    """One product of which something has settled, with all that is known about it before anything is booked."""

    weighing: Weighing
    ripe: Doubts  # amounts that have settled
    good: Moment  # when the product was last seen right
    now: Moment
    fell_by: datetime  # by then its counter was seen to fall
    drift: Suspicion | None  # its drift, as suspected so far
    drift_later: bool  # its drift was first seen at a later look than the fall of its counter
    by_editor: ByEditor

    def evidence(self, books: Books, cart: Cart, listing: Listing) -> Evidence:
        """Return all that is known about the drift."""
        found = evidence.of_drift(books, cart, listing, self.weighing.row, self.ripe.drift, self.good, self.now)
        return self.by_editor.complete(found)

    def after_lines(self, weighing: Weighing) -> Case:
        """Return the case with what is left to weigh, once lines have named all that its counter moved by."""
        changed = [change for change in self.by_editor.changed if change in weighing.changed]
        ripe = replace(self.ripe, unnamed=0, fallen=0)
        return replace(self, weighing=weighing, ripe=ripe, by_editor=replace(self.by_editor, changed=changed))


def gather(house: House, cart: Cart, shop: Shop, memory: Memory, weighing: Weighing, rules: Rules, now: Moment) -> Case:
    """Gather the facts about a product of which something has settled; ask the shop about lines of edited orders."""
    product, halfway = weighing.product, timedelta(seconds=rules.settle_seconds / 2)
    good = memory.witnessed.get(product, now)
    since, until = evidence.since(good, now), memory.first_seen(product, "drift", now) + halfway
    return Case(
        weighing,
        ripe=doubts.ripe(weighing.doubts, memory.settled(product, now, rules.settle_seconds)),
        good=good,
        now=now,
        fell_by=memory.first_seen(product, "fallen", now) + halfway,
        drift=memory.suspicions.get((product, "drift")),
        drift_later=memory.came_later(product, "drift", "fallen"),
        by_editor=editing.by_editor(house, cart, shop, weighing, memory, since, until),
    )


def act(books: Books, cart: Cart, case: Case, memory: Memory, policy: Policy) -> None:
    """Book what has settled in one product, by the smaller amount seen, and apply the remedy for the rest."""
    ripe = _ready(case, memory)
    if ripe is None:
        return
    case, product = replace(case, ripe=ripe), case.weighing.product
    all_settled = _end_doubts(case, memory)
    listing = _listing(books, cart, product)
    if not listing.tracked:
        return  # a person tied it differently since it was weighed: the next look follows it without a difference
    found = case.evidence(books, cart, listing)
    if ripe.reset:
        memory.witnessed[product] = case.good  # what was sold since is weighed again once the books have followed
        _follow_reset(books, cart, listing, case, found)
        return
    if all_settled and product not in memory.lowered:
        left = editing.by_lines(books, cart, listing, case.weighing, case.by_editor, found, case.now.at)
        if left is None:
            return
        case = case if left is case.weighing else case.after_lines(left)
    doubted = naming.in_doubt(case.weighing, case.ripe, found, memory.lowered.pop(product, 0))
    if doubted:
        case = _keep_in_doubt(books, cart, case, found, doubted, memory)
    moved = case.ripe.unnamed - max(0, case.ripe.fallen - doubted)
    case = replace(case, weighing=naming.went_before(case.weighing, case.fell_by, moved))
    in_part = family.restocks_in_part(cart.hello)
    named = naming.name(case.weighing, moved, case.by_editor.added, in_part, found.given_back)
    _book_named(books, cart, case, named)
    if named.nameless > 0:
        memory.nameless[product] = case.now.monotonic
    if not doubted:
        _explain(books, cart, case, named.changes, policy)


def _listing(books: Books, cart: Cart, product: int) -> Listing:
    """Return a listing with everything that was booked so far."""
    return books.listings.of(cart.id, [product])[product]


def _ready(case: Case, memory: Memory) -> Doubts | None:
    """Return the amounts to act on, None if something else has to settle first."""
    product, weighing = case.weighing.product, case.weighing
    told = bool(case.by_editor.changed or case.by_editor.added)
    ready = doubts.ready(weighing, case.ripe, told, product in memory.lowered, case.drift_later)
    if ready is Wait.FOR_THE_WHOLE_DRIFT:
        memory.suspicions[product, "drift"] = Suspicion(case.now.monotonic, weighing.weighed.drift)
    return None if isinstance(ready, Wait) else ready


def _end_doubts(case: Case, memory: Memory) -> bool:
    """End the doubts that are acted on; return whether the product has none left. Those left keep their date, because their causes
    are as old."""
    product, ripe = case.weighing.product, case.ripe
    for what, amount in ripe.each():
        if amount or (what == "reset" and ripe.fallen):
            ended = memory.suspicions.pop((product, what), None)
            if what == "drift" and ended is not None and (rest := ended.moved(-amount)) is not None:
                memory.suspicions[product, what] = rest
    all_settled = ripe == case.weighing.doubts
    if all_settled and not memory.suspects(product):
        memory.witnessed.pop(product, None)
    return all_settled


def _follow_reset(books: Books, cart: Cart, listing: Listing, case: Case, found: Evidence) -> None:
    """Follow a counter that was set back, unless that may be a return that a form or a race has undone."""
    weighing, units, at = case.weighing, case.ripe.reset, case.now.at
    # While a counter is set back, no sale is booked yet.
    found = replace(found, sales=found.sales + law.units(weighing.bought))
    if naming.may_have_come_back(weighing, units, found, evidence.since(case.good, case.now)):
        rebasing.doubt_return(books, cart, listing, weighing, found, units, at)
    else:
        rebasing.rebase(books, cart, listing, weighing.row, Fall(units, differences.RESET), at)


def _keep_in_doubt(books: Books, cart: Cart, case: Case, found: Evidence, units: int, memory: Memory) -> Case:
    """Follow the counter by units that may not have come back; return what is left of the case.

    Its drift is weighed again once the books have followed; its cause is as old.
    """
    product, drift, known = case.weighing.product, case.ripe.drift + units, case.drift
    memory.witnessed[product] = case.good
    if known is not None and drift:
        followed = known.moved(units) if known.amount == case.ripe.drift and known.amount * drift > 0 else None
        memory.suspicions[product, "drift"] = followed or Suspicion(known.since, drift)
    listing = _listing(books, cart, product)
    in_doubt = rebasing.doubt_return(books, cart, listing, case.weighing, found, units, case.now.at)
    return replace(case, weighing=case.weighing.without(in_doubt))


def _book_named(books: Books, cart: Cart, case: Case, named: Named) -> None:
    """Book what the counter moved by, under the names of lines as far as they explain it."""
    weighing, product, at = case.weighing, case.weighing.product, case.now.at
    listing = _listing(books, cart, product)
    trading.sell(books, cart, named.sold, at)
    returning.book_changes(books, cart, listing, named.changed, at, others=weighing.changed)
    if named.whole is not None:
        listing = _listing(books, cart, product)
        returning.book_changes(books, cart, listing, (named.whole,), at, unsure=named.unsure)
    if named.again:
        returning.ask_about_second_return(books, cart, _listing(books, cart, product), named.again, at)
    trading.count_sale(books, cart, product, named.nameless + named.again, at)
    left_out = naming.left_out(weighing, named.changes, cart.epoch)
    if left_out:
        _show_left_out(books, cart, weighing, named.changes, left_out, at)


def _show_left_out(
    books: Books,
    cart: Cart,
    weighing: Weighing,
    came: Sequence[LineChange],
    left_out: Sequence[LineChange],
    at: datetime,
) -> None:
    """Record lines that were left out of a return: CE Phoenix gives back one line of a product where an order had two. The counter is right
    here too; the shelf may show otherwise."""
    back, rest = -sum(change.units for change in came), -sum(change.units for change in left_out)
    order = f"Order {left_out[0].sold.order} gave back {back} of {back + rest}"
    note = f"{order}: if the rest is on the shelf, receive it here, then press Re-check."
    row = weighing.row
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + rest, row.ordered - rest)
    books.differences.open(cart.id, weighing.listing.id, differences.PARTIAL, -rest, seen, expected, at, note)


def _explain(books: Books, cart: Cart, case: Case, booked: Sequence[LineChange], policy: Policy) -> None:
    """Find the cause of the drift, and apply its remedy. ``booked``: line changes that are booked by now."""
    weighing, by_editor, at = case.weighing, case.by_editor, case.now.at
    listing = _listing(books, cart, weighing.product)
    # Read the evidence once more: what was booked just now could have been in a race, too.
    found = replace(case, by_editor=by_editor.without(booked)).evidence(books, cart, listing)
    if found.paid:
        left = {line.line for line in books.lines.waiting(cart.source, [weighing.product])}
        found = replace(found, paid=[line for line in found.paid if line.line in left])
    finding = _finding(found, case.ripe, policy)
    if finding is not None:
        _remedy(books, cart, listing, weighing.row, found, finding, at)
    asked_about = found.drift and by_editor.doubtful
    if asked_about or (finding is None and case.ripe.edited):  # otherwise nothing moved for these lines
        editing.note_edited(books, cart, weighing.without(booked).changed)


def _finding(found: Evidence, ripe: Doubts, policy: Policy) -> Finding | None:
    """Return what caused a drift or, without one, what edited lines say; None if there is nothing to remedy."""
    if found.drift:
        return differences.explain(found, policy)
    return differences.in_part(found) if ripe.edited else None


def _remedy(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """Record a difference and change the books accordingly; posts follow from that."""
    if finding.remedy is Remedy.BOOK and (finding.changed or finding.added):
        _follow_order(books, cart, listing, row, found, finding, at)
        return
    editing.note_edited(books, cart, found.changed)
    if finding.remedy is Remedy.ASK or finding.doubted:
        # The question covers these, too: if they went on waiting, no race of this product would be recognised any more.
        books.lines.mark(cart.source, [line.line for line in found.added], LineState.UNTRACKED)
    undone = books.differences.awaiting(listing.id, -found.drift)
    if undone is None:
        _record(books, cart, listing, row, found, finding, at)
        return
    # A person was asked about a sale that stayed half written for long; now it is complete, or was corrected in the shop.
    books.listings.drift(listing.id, found.drift, 0, found.drift)
    books.carts.move_sums(cart.id, Sums.of(listing.product, found.drift, 0))
    books.differences.close(undone, at, Ending.UNDONE.value)


def _follow_order(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """Book what an edited order explains of a drift, then remedy the rest."""
    editing.follow(books, cart, listing, row, found.drift - finding.rest, finding, at)
    if finding.rest:
        left = replace(found, drift=finding.rest, changed=(), added=())
        _remedy_rest(books, cart, _listing(books, cart, listing.product), row, left, finding, at)


def _record(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """Record a difference, take its drift over, and do what its remedy says."""
    drift, note = found.drift, ""
    booked = listing.item if finding.remedy is Remedy.BOOK else None
    if booked is not None and bookkeeping.unbookable(books, {booked: drift}):
        booked, finding, note = None, Finding(finding.cause, Remedy.ASK), bookkeeping.UNBOOKABLE
    if booked is not None:
        books.carts.owe_mark(cart.id)
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    difference = books.differences.open(cart.id, listing.id, finding, drift, seen, expected, at, note)
    books.listings.drift(listing.id, drift, 0, drift if finding.remedy is Remedy.ASK else 0)
    books.carts.move_sums(cart.id, Sums.of(listing.product, drift, 0))
    # If more has moved than is acted on now, the edit must stay visible until the rest has settled too.
    modified = row.modified if row.sum == listing.sum + drift else listing.modified
    refreshing.note_switch(books, listing, row, modified, found.edited, at)
    if booked is not None:
        bookkeeping.book(books, [Movement.edit(booked, drift, cart.id, difference)], at)
    if finding.remedy is Remedy.BOOK:
        books.differences.close(difference, at, finding.remedy.value)
    if finding.doubted:
        editing.ask_whether_more(books, cart, listing, row, finding, at)
    if finding.remedy is Remedy.POST:
        if not finding.doubted:
            _ask_about_gone(books, cart, listing, row, found, finding, at)
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
    """Remedy what an edited order leaves of a drift. Sales that may have been lost are made good at once, and a person is asked whether
    they were; about anything else a person is asked first."""
    if rest.edited or differences.race(rest) is not Cause.LOST_SALE:
        _remedy(books, cart, listing, row, rest, Finding(Cause.UNKNOWN, Remedy.ASK), at)
        return
    orders = [change.sold.order for change in edited.changed] + [line.order for line in edited.added]
    taken = sum(change.units for change in edited.changed) + sum(line.quantity for line in edited.added)
    # Where nothing seems to have moved, the editor may as well have left the stock alone, or an order that went made up for the edit.
    cause = Cause.SEVERAL if taken == rest.drift else Cause.LOST_SALE
    _remedy(books, cart, listing, row, rest, Finding(cause, Remedy.POST), at)
    # An editor may have taken too much: other units were lost either way. It may have given back too little.
    doubted = min(rest.drift, taken) if taken > 0 else rest.drift
    why = "the editor left the stock alone" if taken > 0 else "more came back than is off the lines"
    note = (
        f"Order {', '.join(str(order) for order in dict.fromkeys(orders))} was edited while sales were lost. If {doubted} more are on "
        f"the shelf than on hand, {why}: choose theirs; if not, choose ours."
    )
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + doubted, row.ordered)
    books.differences.open(cart.id, listing.id, differences.DOUBTED, 0, seen, expected, at, note)


def _ask_about_gone(
    books: Books, cart: Cart, listing: Listing, row: Row, found: Evidence, finding: Finding, at: datetime
) -> None:
    """Ask about lines that went while sales were lost or a form was saved. The shop gets our count, which is too low rather than too high;
    a person is asked whether goods came back."""
    lost = finding.cause is Cause.LOST_SALE
    left = [change for change in books.lines.renewed(cart.id, finding.changed) if change.sold.units.left]
    amounts = [-change.units for change in left]
    fresh, orders = 0, []
    for change in [left[index] for index in subset(found.drift if lost else sum(amounts), amounts) or ()]:
        after, counted = change.sold.units.give_back(-change.units, change.now)
        books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
        fresh += counted
        orders.append(str(change.sold.order))
    if not fresh:
        return
    note = (
        f"Lines of order {', '.join(dict.fromkeys(orders))} are gone in the shop, and "
        f"{'sales were lost' if lost else 'a form was saved'} at the same moment. "
        f"If {fresh} came back to the shelf, choose theirs; if not, choose ours."
    )
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + fresh, row.ordered)
    books.differences.open(cart.id, listing.id, differences.DOUBTED, 0, seen, expected, at, note)
