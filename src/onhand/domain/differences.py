"""Names the cause of a drift and what is to be done about it.

Path: ``reconciling`` gathers the evidence about a settled drift and asks ``explain``; a person may decide later.
Promise: every drift gets a cause from the closed list, and no remedy destroys a sale: each is a signed change.
Never: acts, or decides on less evidence than it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .lines import LineChange, subset
from .shop import Line
from .sketch import Counters


class Cause(StrEnum):
    """The closed list of what a difference can be."""

    LOST_SALE = "lost sale"  # the shop's own race destroyed a decrement
    LOST_POST = "lost post"  # the shop's own race destroyed a post of ours
    LOST_RETURN = "lost return"  # the shop's own race destroyed what a deleted order gave back
    ORDER_EDITED = (
        "order edited"  # an order's lines were changed in the shop, and its quantity with them, but not its counter
    )
    ORDER_CANCELLED = (
        "order cancelled"  # an order's status was set to cancelled, and its goods given back without the counter
    )
    RETURN_IN_DOUBT = "return in doubt"  # a race destroyed what came back, or only the counter was lowered
    COUNTER_LOWERED = "counter lowered"  # an order was taken out of the counter, and nothing was given back
    GIVEN_BACK_TWICE = "given back twice"  # goods that had come back here were given back in the shop as well
    PARTIAL_RETURN = "partial return"  # an order was deleted, and the shop gave back a part of it
    EDIT = "edit in the shop"
    STALE_SAVE = "stale form save"  # an edit that brought back a value from before later sales
    COUNTER_RESET = "counter reset"  # the counter fell and the quantity stayed
    OUT_OF_RANGE = "out of range"  # trade that no count on hand can hold
    UNKNOWN = "unknown"
    NEW_LISTING = "new listing"  # a product appeared whose item has stock elsewhere
    RENAMED = "renamed"  # a product that was in step changed its SKU
    DELETED = "deleted product"
    SET_ASIDE = (
        "set aside"  # what was in step cannot be any more: a second product with its SKU, a fraction, a download
    )
    RESTORED = "restored from backup"  # epoch or sequence of the cart does not fit ours
    SHARED = "shared shop"  # another cart, or another OnHand, keeps the shop too
    BRAKE = "brake"  # too much at once


class Remedy(StrEnum):
    """What is done about a difference."""

    POST = "post"  # bring the shop back to our count
    BOOK = "book"  # take the shop's count over as an adjustment
    ASK = "ask"  # hold it for a person
    REBASE = "rebase"  # only the books' idea of the counter was wrong; no stock moved
    SHOW = "show"  # nothing to repair by a post; a person settles it on the screen
    STOP = "stop"  # posting to this cart ends until a person aligns it again


ABOUT_RETURNS = frozenset(
    {Cause.RETURN_IN_DOUBT, Cause.GIVEN_BACK_TWICE}
)  # what may be on the shelf, and no count shows
NEEDS_PERSON = frozenset({Remedy.SHOW, Remedy.STOP})  # beside ASK: they are settled in the shop, or by an alignment


class Policy(StrEnum):
    """What an edit in the shop means for one cart."""

    OURS = "ours"
    THEIRS = "theirs"
    ASK = "ask"


HEALS_PER_HOUR = 3  # of one listing, without trade that explains them; then a person is asked
SUMS_MAX = 65_536  # different sums of recent posts and returns that are tried


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one product whose sum drifted.

    ``sales``, ``posts`` and ``returns`` are those that could have been in a race: booked or applied since shortly before
    the drift was first seen, the newest first. ``past`` are quantities the listing showed before its latest sales, newest first.
    ``changed`` are known lines of the product that were edited, and lines that went out of an order that is still there; ``added``
    are new lines of a known order. The counter did not move for any of them. ``doubtful``: a line has other units now, and
    either it was edited, or another line has its number. ``deleted`` are lines that went with their whole order; ``paid`` are
    new lines that were paid for and that the counter does not tell of.
    """

    drift: int
    edited: bool  # products_last_modified moved within that time
    quantity: int  # what the shop shows now
    sales: int  # units
    posts: Sequence[int]  # signed
    returns: Sequence[int]  # units that deleted orders gave back
    past: Sequence[int]
    heals: int  # of this listing in the last hour that no trade explains
    changed: Sequence[LineChange] = ()
    added: Sequence[Line] = ()
    doubtful: bool = False
    deleted: Sequence[LineChange] = ()
    paid: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a drift, with the order lines that explain it; beside a lost sale, those that may have been given back. ``rest``:
    signed units of the drift that order lines do not explain; a person is asked about those."""

    cause: Cause
    remedy: Remedy
    changed: tuple[LineChange, ...] = ()
    added: tuple[Line, ...] = ()
    rest: int = 0


QUARTER_SECONDS = 900  # zones differ by whole quarter hours
ZONES_SECONDS = 15 * 3600  # and by no more than this


def is_recent(age: int | None, window_seconds: float) -> bool:
    """Whether an edit of this age by the shop database's clock can have been made within the window.

    modified and Zen Cart write dates in PHP's zone, which need not be the database's: then the age is off by the difference, and
    only what is left of it within a quarter of an hour can be judged.
    """
    if age is None:
        return False
    if -QUARTER_SECONDS < age <= window_seconds + 1:  # below zero: the shop's own clocks differ a little
        return True
    possible = -ZONES_SECONDS <= age <= window_seconds + 1 + ZONES_SECONDS
    return possible and age % QUARTER_SECONDS <= window_seconds + 1


PARTIAL = Finding(Cause.PARTIAL_RETURN, Remedy.SHOW)  # whether the rest is on the shelf, only a person can see
RESET = Finding(Cause.COUNTER_RESET, Remedy.REBASE)  # the law tells it apart by itself


LOWERED = Finding(Cause.COUNTER_LOWERED, Remedy.REBASE)
DOUBTED = Finding(Cause.RETURN_IN_DOUBT, Remedy.ASK)


def explain(evidence: Evidence, policy: Policy) -> Finding:
    """The cause of a settled drift, and its remedy under the cart's policy. What order lines say goes before everything else; while a
    line was edited or added and does not explain the drift, nothing is taken for a race, nor for a form alone."""
    by_order = _order_edited(evidence) or _not_counted(evidence) or in_part(evidence)
    if by_order is not None:
        return by_order
    by_hand = evidence.doubtful or evidence.added or any(not change.gone for change in evidence.changed)
    if evidence.edited and not by_hand:
        return _edit(evidence, policy)
    cause = race(evidence)
    if cause is None or by_hand or (cause is not Cause.LOST_SALE and evidence.deleted):
        # Also an order that was edited just before it was deleted takes units, and its lines do not tell any more.
        return Finding(Cause.UNKNOWN, Remedy.ASK)
    if cause is Cause.LOST_SALE:
        # A line that is gone may have given back as much without the counter, and fewer sales be lost: that is asked about besides.
        return Finding(cause, Remedy.POST, (*evidence.changed, *evidence.deleted))
    return Finding(cause, Remedy.POST)


def not_borne_out(evidence: Evidence, fallen: int) -> int:
    """Of the units by which the counter fell, those that the quantity did not get and that no edited order explains.

    Goods that come back raise the quantity by as much. If it misses some, a race destroyed them, or the counter alone was lowered. A
    post that may have been lost in a race is no reason to believe the counter: then both would be made good, and too much sold. Nor is
    more than came back, if a race may have destroyed sales of as much together, or if somebody typed a count: the counter may have been
    lowered alone.
    """
    if fallen <= 0 or _order_edited(evidence) is not None:
        return 0
    if evidence.drift > 0:
        return fallen if evidence.edited or evidence.drift + fallen <= evidence.sales else 0
    return min(fallen, -evidence.drift)


def _order_edited(evidence: Evidence) -> Finding | None:
    """Line changes worth exactly the drift: all lines that were edited, and those added or taken out that make up the rest."""
    edited = tuple(change for change in evidence.changed if not change.gone)
    removed = [change for change in evidence.changed if change.gone]
    amounts = [line.quantity for line in evidence.added] + [change.units for change in removed]
    rest = -evidence.drift - sum(change.units for change in edited)
    chosen = subset(rest, amounts, exact=True)
    if chosen is None or not (edited or chosen):
        return None
    added = tuple(line for index, line in enumerate(evidence.added) if index in chosen)
    gone = tuple(change for index, change in enumerate(removed, len(evidence.added)) if index in chosen)
    cancelled = not (edited or added) and all(change.cancelled is not None for change in gone)
    cause = Cause.ORDER_CANCELLED if cancelled else Cause.ORDER_EDITED
    return Finding(cause, Remedy.BOOK, (*edited, *gone), added)


def _not_counted(evidence: Evidence) -> Finding | None:
    """New lines that were paid for and are worth exactly the drift: the quantity followed, and an editor wrote the counter as it had been
    before. Who paid has bought."""
    if evidence.drift >= 0 or evidence.edited or any(not change.gone for change in evidence.changed):
        return None
    chosen = subset(-evidence.drift, [line.quantity for line in evidence.paid], exact=True)
    if not chosen:
        return None
    return Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), tuple(evidence.paid[index] for index in chosen))


def in_part(evidence: Evidence) -> Finding | None:
    """What the lines of edited orders say, where that is not all that moved.

    They are a fact if they are worth a part of the drift (an editor may take the units of a line twice), or if a form was saved, which may
    have written over what an editor did. Units that an order takes more are believed in any case where something drifted, or where as many
    sales may have been lost at the same moment, which hides them: that errs to selling too little. Of which lines were edited nothing
    can be said where numbers came again.
    """
    edited = tuple(change for change in evidence.changed if not change.gone)
    taken = sum(change.units for change in edited) + sum(line.quantity for line in evidence.added)
    drift = evidence.drift
    part = drift * taken < 0 and abs(taken) < abs(drift)
    more = taken > 0 and (drift != 0 or evidence.sales >= taken)
    if evidence.doubtful or not taken or not (part or evidence.edited or more):
        return None
    return Finding(Cause.ORDER_EDITED, Remedy.BOOK, edited, tuple(evidence.added), drift + taken)


def _edit(evidence: Evidence, policy: Policy) -> Finding:
    returned = evidence.drift > 0 and evidence.quantity in evidence.past
    cause = Cause.STALE_SAVE if returned else Cause.EDIT
    if evidence.heals >= HEALS_PER_HOUR:
        return Finding(cause, Remedy.ASK)  # somebody, or something, keeps writing: repeating ourselves is no cure
    if policy is Policy.OURS or (returned and evidence.sales > 0):
        return Finding(cause, Remedy.POST)
    if returned or race(evidence) is not None:
        # A form left open since, or one saved while a race took place; or goods that make up for just those sales. A person knows.
        return Finding(cause, Remedy.ASK)
    return Finding(cause, Remedy.BOOK if policy is Policy.THEIRS else Remedy.ASK)


def race(evidence: Evidence) -> Cause | None:
    """The race that explains the drift, if one does. It needs a sale by the shop: only its literal write destroys anything. What it
    can destroy is other sales (the sum rises), and posts of ours and returns of goods (the sum moves against them)."""
    if evidence.sales <= 0:
        return None
    if 0 < evidence.drift <= evidence.sales:
        return Cause.LOST_SALE
    if _destroyed(evidence, evidence.posts):
        return Cause.LOST_POST
    return Cause.LOST_RETURN if _destroyed(evidence, [*evidence.returns, *evidence.posts]) else None


def _destroyed(evidence: Evidence, writes: Sequence[int]) -> bool:
    """Whether the drift is what the loss of some of these writes, and perhaps of sales, looks like."""
    lost = {0}  # what some of them, taken together, may have been worth; the first of them first
    for write in writes:
        lost |= {total + write for total in lost}
        if len(lost) > SUMS_MAX:
            break
    return any(0 <= evidence.drift + total <= evidence.sales for total in lost - {0})


NAMELESS_SECONDS = 600.0  # within which many listings that sold units without an order line trip the brake


def braked(changes: int, listings: int, percent: float, at_least: int) -> bool:
    """Whether so many listings would change at once that a person has to look first."""
    return changes > at_least and changes > listings * percent / 100


class Ending(StrEnum):
    """How a difference ended: its note begins with these words. People read them, and the simulation judges by them."""

    CORRECTED = "corrected by an update"
    OURS = "our count chosen"
    THEIRS = "the shop's count chosen"
    SENT = "aligned by Send QOH"
    GOT = "aligned by Get QOH"
    UNDONE = "undone in the shop"
    UNSYNCED = "its product is no longer synced"


UNBOOKED = "more than were booked as taken"  # in the note of a question about units that came back, and never were booked as sold


@dataclass(frozen=True, slots=True)
class Difference:
    """A named drift as it is kept. ``amount`` is how far the shop's sum moved, in signed units."""

    id: int
    cart: int
    listing: int | None
    cause: Cause
    remedy: Remedy
    amount: int
    seen: Counters
    expected: Counters
    opened_at: datetime
    closed_at: datetime | None
    note: str

    @property
    def awaits_decision(self) -> bool:
        return self.closed_at is None and self.remedy is Remedy.ASK

    @property
    def about_return(self) -> bool:
        """Whether the question is if goods came back. Then nothing is held: the shop shows our count, without them."""
        return self.cause in ABOUT_RETURNS

    @property
    def theirs(self) -> int:
        """What is booked, in signed units, if a person decides that the shop is right."""
        return self.expected.quantity - self.seen.quantity if self.about_return else self.amount
