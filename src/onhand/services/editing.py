"""Books what the lines of edited orders say about one product, next to other causes that moved its counters.

Path: ``remedying.act`` asks ``by_lines`` once all of a product has settled, and ``follow`` where ``differences.explain`` names an order.
Promise: what is on the lines is booked under the numbers of their orders, and only what they do not explain goes on to a person.
Never: trusts a line that may be another one with the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from onhand.domain import differences, law
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, Evidence, Finding, Remedy
from onhand.domain.doubts import Weighing
from onhand.domain.lines import LineChange
from onhand.domain.listings import Listing
from onhand.domain.orders import LineState
from onhand.domain.shop import Line, Row
from onhand.domain.sketch import Counters

from . import evidence, returning, trading
from .memory import Memory
from .ports import Books, House, Shop

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ByEditor:
    """The changes that an order's editor may have made to the lines of one product."""

    changed: list[LineChange]  # lines that it may have edited or removed
    added: list[Line]  # lines that it may have added
    doubtful: bool  # a line has other units now: it was edited, or another line has its number
    deleted: list[LineChange]  # lines that were deleted with their whole order
    paid: list[Line]  # new lines that were paid for but that the counter does not include

    def without(self, explained: Sequence[LineChange]) -> ByEditor:
        """Return the same, without the changes that something else explains."""
        changed = [change for change in self.changed if change not in explained]
        deleted = [change for change in self.deleted if change not in explained]
        return replace(self, changed=changed, deleted=deleted)

    def complete(self, found: Evidence) -> Evidence:
        """Return the evidence of a drift with what is known about order lines."""
        doubtful, deleted = self.doubtful, self.deleted
        return replace(
            found, changed=self.changed, added=self.added, doubtful=doubtful, deleted=deleted, paid=self.paid
        )


def by_editor(
    house: House, cart: Cart, shop: Shop, weighing: Weighing, memory: Memory, since: datetime, until: datetime
) -> ByEditor:
    """Return the changes that an order's editor may have made to a product's lines. Ask the shop which lines still exist.

    ``since``, ``until``: the time in which the editor may have removed lines. A line removed after a drift was seen did not cause it.
    Neither did a later edit that left the drift as it was.
    """
    gone = evidence.gone_between(cart, weighing.changed, since, until)
    edits, drift = memory.edited.get(weighing.listing.product, {}), weighing.weighed.drift
    watched = range(cart.place.low + 1, cart.place.cursor + 1)  # other edits show only when the shop is asked
    later = {line for line, edit in edits.items() if drift and edit.drift == drift and line in watched}
    found = [change for change in weighing.changed if change.gone or change.sold.line not in later]
    changed = evidence.editors(house, cart, shop, found, gone)
    added = evidence.added_since(house, cart, [line for line in weighing.waiting if line.paid], since)
    _, came_back = law.name(-weighing.weighed.fallen, (), weighing.changed)  # that waits for its own doubt
    known = (*changed, *came_back)
    # Any other line may have gone years ago.
    seen_to_go = [change for change in gone if change.sold.gone_at is not None and change.sold.line in watched]
    deleted = [change for change in seen_to_go if change not in known]
    doubtful = bool(evidence.may_be_another(house, cart, weighing.changed))
    return ByEditor(changed, added, doubtful, deleted, weighing.bought)


def by_lines(
    books: Books,
    cart: Cart,
    listing: Listing,
    weighing: Weighing,
    found: ByEditor,
    known: Evidence,
    at: datetime,
) -> Weighing | None:
    """Book what new and edited lines say, if together they match what the counter moved by, or what the quantity moved by.

    ``known``: the evidence of the drift. Units that came off the lines are not believed if the quantity does not bear them out. Return what
    is left to weigh; None if nothing is.
    """
    weighed = weighing.weighed
    moved, drift = weighed.unnamed - weighed.fallen, weighed.drift
    edited = tuple(change for change in found.changed if not change.gone)
    bought = [line for line in weighing.waiting if line.paid]
    worth = sum(change.units for change in edited)
    if found.doubtful or not drift:
        return weighing
    told = law.by_quantity(moved, drift, bought, found.changed)
    if told is not None and moved:
        finding = differences.chosen(known, Finding(Cause.ORDER_EDITED, Remedy.BOOK, told, tuple(bought)))
        if finding.remedy is Remedy.POST:
            return weighing
        follow(books, cart, listing, weighing.row, drift, finding, at, moved)
        return None
    if not edited or moved != law.units(bought) + worth or worth == -drift:
        return weighing
    if differences.not_borne_out(known, -worth):
        return weighing
    trading.sell(books, cart, bought, at)
    returning.book_changes(books, cart, listing, edited, at)
    left = tuple(change for change in weighing.changed if change not in edited)
    waiting = tuple(line for line in weighing.waiting if line not in bought)
    return replace(weighing, weighed=replace(weighed, unnamed=0, fallen=0), changed=left, waiting=waiting)


def follow(
    books: Books,
    cart: Cart,
    listing: Listing,
    row: Row,
    drift: int,
    finding: Finding,
    at: datetime,
    counted: int = 0,
) -> None:
    """Follow an edited or cancelled order under its number: the quantity moved without the counter.

    ``drift``: signed units by which the edit moved the sum. ``counted``: signed units by which it moved the counter, if it did.
    """
    orders = [change.sold.order for change in finding.changed] + [line.order for line in finding.added]
    what = "cancelled" if finding.cause is Cause.ORDER_CANCELLED else "edited"
    note = f"Order {', '.join(str(order) for order in dict.fromkeys(orders))} was {what} in the shop."
    seen, expected = Counters(row.quantity, row.ordered), Counters(listing.agreed, listing.ordered)
    difference = books.differences.open(cart.id, listing.id, finding, drift, seen, expected, at, note)
    taken = law.units(finding.added)
    trading.take_uncounted(books, cart, listing, finding.added, at)
    returning.book_changes(books, cart, listing, finding.changed, at, drift + taken, counted)
    books.differences.close(difference, at, note)
    if finding.doubted:
        ask_whether_more(books, cart, listing, row, finding, at)
    log.warning("order.edited", cart=cart.name, product=listing.product, sku=listing.model, amount=drift)


def ask_whether_more(books: Books, cart: Cart, listing: Listing, row: Row, finding: Finding, at: datetime) -> None:
    """Ask whether units are on the shelf that the smaller of two possible counts leaves out. Lines that went are settled by that."""
    if finding.remedy is Remedy.POST:
        for change in books.lines.renewed(cart.id, [change for change in finding.changed if change.gone]):
            after, _ = change.sold.units.give_back(-change.units, change.now)
            books.lines.change(cart.id, change, after, LineState.RESTOCKED if change.deleted else LineState.SOLD)
    orders = [change.sold.order for change in finding.changed] + [line.order for line in finding.added]
    named = (
        f"Order {', '.join(str(order) for order in dict.fromkeys(orders))} was changed" if orders else "An order went"
    )
    note = (
        f"{named} in the shop while something else may have moved as much. If {finding.doubted} more are on the shelf than on hand, "
        "choose theirs; if not, choose ours."
    )
    seen, expected = Counters(row.quantity, row.ordered), Counters(row.quantity + finding.doubted, row.ordered)
    books.differences.open(cart.id, listing.id, differences.DOUBTED, 0, seen, expected, at, note)


def note_edited(books: Books, cart: Cart, changed: Sequence[LineChange]) -> None:
    """Take over the units on edited lines that moved neither counter nor quantity."""
    for change in books.lines.renewed(cart.id, changed):
        if not change.gone:
            books.lines.change(cart.id, change, change.sold.units, LineState.SOLD)
