"""Names the cause of a drift and chooses its remedy.

Path: ``reconciling`` gathers the evidence about a settled drift and asks ``explain``; a person may decide later.
Promise: every drift gets a cause from the closed list, and no remedy destroys a sale: each is a signed change.
Never: acts, or decides on less evidence than it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .lines import LineChange, subset
from .shop import Line
from .sketch import Counters


class Cause(StrEnum):
    """The closed list of causes of a difference."""

    LOST_SALE = "lost sale"  # the shop's own race destroyed a decrement
    LOST_POST = "lost post"  # the shop's own race destroyed a post of OnHand
    LOST_RETURN = "lost return"  # the shop's own race destroyed what a deleted order gave back
    ORDER_EDITED = (
        "order edited"  # an order's lines were changed in the shop, and its quantity with them, but not its counter
    )
    ORDER_CANCELLED = (
        "order cancelled"  # an order's status was set to cancelled, and its goods were given back without the counter
    )
    RETURN_IN_DOUBT = "return in doubt"  # a race destroyed a return, or only the counter was lowered
    COUNTER_LOWERED = "counter lowered"  # an order was taken out of the counter, but nothing was given back
    GIVEN_BACK_TWICE = "given back twice"  # goods that had come back here were given back in the shop as well
    PARTIAL_RETURN = "partial return"  # an order was deleted, and the shop gave back only part of it
    EDIT = "edit in the shop"
    STALE_SAVE = "stale form save"  # an edit that brought back a value from before later sales
    COUNTER_RESET = "counter reset"  # the counter fell and the quantity did not move
    OUT_OF_RANGE = "out of range"  # trade that would exceed the range of the count on hand
    SEVERAL = (
        "several changes at once"  # several things happened to one product, and what they were cannot be told apart
    )
    UNKNOWN = "unknown"
    NEW_LISTING = "new listing"  # a product appeared whose item has stock elsewhere
    RENAMED = "renamed"  # a product that was in sync changed its SKU
    DELETED = "deleted product"
    SET_ASIDE = (
        "set aside"  # what was in sync cannot be any more: a second product with its SKU, a fraction, a download
    )
    RESTORED = "restored from backup"  # epoch or sequence number of the cart does not match ours
    SHARED = "shared shop"  # another cart, or another OnHand, keeps the shop too
    BRAKE = "brake"  # too much at once


class Remedy(StrEnum):
    """The action that a difference leads to."""

    POST = "post"  # bring the shop back to our count
    BOOK = "book"  # take the shop's count over as an adjustment
    ASK = "ask"  # hold it for a person
    REBASE = "rebase"  # only the books' value of the counter was wrong; no stock moved
    SHOW = "show"  # no post can repair it; a person decides on the screen
    STOP = "stop"  # posting to this cart ends until a person aligns it again


ABOUT_RETURNS = frozenset(
    {Cause.RETURN_IN_DOUBT, Cause.GIVEN_BACK_TWICE}
)  # units that may be on the shelf although no count shows them
NEEDS_PERSON = frozenset({Remedy.SHOW, Remedy.STOP})  # besides ASK: these are resolved in the shop, or by an alignment


class Policy(StrEnum):
    """The meaning of an edit in the shop, for one cart."""

    OURS = "ours"
    THEIRS = "theirs"
    ASK = "ask"


HEALS_PER_HOUR = 3  # drifts of one listing without trade that explains them; then a person is asked
SUMS_MAX = 65_536  # different sums of recent posts and returns that are tried


@dataclass(frozen=True, slots=True)
class Evidence:
    """The known facts about one product whose sum drifted.

    ``sales``, ``posts`` and ``returns`` are those that could have been in a race: booked or applied since shortly before the drift was
    first seen, the newest first. ``past`` are quantities the listing showed before its latest sales, newest first. ``changed`` are known
    lines of the product that were edited, and lines that were removed from an order that still exists; ``added`` are new lines of a known
    order. The counter did not move for any of them. ``doubtful``: a line has other units now, and either it was edited, or another line has
    its number. ``deleted`` are lines that were deleted with their whole order; ``paid`` are new lines that were paid for and that the
    counter does not tell of. ``given_back``: the ``returns`` that were not sold again since.
    """

    drift: int
    edited: bool  # products_last_modified moved within this time
    quantity: int  # what the shop shows now
    sales: int  # units
    posts: Sequence[int]  # signed
    returns: Sequence[int]  # units that deleted orders gave back
    past: Sequence[int]
    heals: int  # heals of this listing in the last hour that no trade explains
    changed: Sequence[LineChange] = ()
    added: Sequence[Line] = ()
    doubtful: bool = False
    deleted: Sequence[LineChange] = ()
    paid: Sequence[Line] = ()
    given_back: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a drift, with the order lines that explain it; if it is posted away, those that may have come back as well. ``rest``:
    signed units of the drift that order lines do not explain; a person is asked about those. ``doubted``: units that are on the shelf as
    well if another explanation is right; the remedy leaves them out, and a person is asked about them."""

    cause: Cause
    remedy: Remedy
    changed: tuple[LineChange, ...] = ()
    added: tuple[Line, ...] = ()
    rest: int = 0
    doubted: int = 0


QUARTER_SECONDS = 900  # zones differ by whole quarter hours
ZONES_SECONDS = 15 * 3600  # and by no more than this


def is_recent(age: int | None, window_seconds: float) -> bool:
    """Return whether an edit of this age, by the shop database's clock, can have been made within the window.

    modified and Zen Cart write dates in PHP's zone, which need not be the database's: then the age is off by the difference, and only what
    is left of it within a quarter of an hour can be judged.
    """
    if age is None:
        return False
    if -QUARTER_SECONDS < age <= window_seconds + 1:  # below zero: the shop's own clocks differ a little
        return True
    possible = -ZONES_SECONDS <= age <= window_seconds + 1 + ZONES_SECONDS
    return possible and age % QUARTER_SECONDS <= window_seconds + 1


PARTIAL = Finding(Cause.PARTIAL_RETURN, Remedy.SHOW)  # only a person can see whether the rest is on the shelf
RESET = Finding(Cause.COUNTER_RESET, Remedy.REBASE)  # the law alone distinguishes it


LOWERED = Finding(Cause.COUNTER_LOWERED, Remedy.REBASE)
DOUBTED = Finding(Cause.RETURN_IN_DOUBT, Remedy.ASK)


def explain(evidence: Evidence, policy: Policy) -> Finding:
    """Return the cause of a settled drift and its remedy under the cart's policy.

    Order lines come before everything else: while an edited or added line does not explain the drift, it is taken neither for a race nor
    for a form alone. Where lines explain it and something else does as well, neither is believed: see ``_smaller_count``.
    """
    by_order = _by_order(evidence, policy)
    if by_order is not None:
        return by_order
    by_hand = _touched_by_hand(evidence)
    if evidence.edited and not by_hand:
        found = _edit(evidence, policy)
        # Lines that were removed from an order may have given their units back before a form was saved, and our count takes them away.
        gone = (*evidence.changed, *_gone_for(evidence.deleted, evidence.drift))
        return replace(found, changed=gone) if found.remedy is Remedy.POST else found
    cause = race(evidence)
    if cause is None or by_hand or (cause is not Cause.LOST_SALE and evidence.deleted):
        # An order that was edited just before it was deleted also takes units, and its lines do not show it any more.
        unknown = Finding(Cause.UNKNOWN, Remedy.ASK)
        return unknown if by_hand or not _taken_out(evidence) else _smaller_count(evidence, unknown)
    if cause is Cause.LOST_SALE:
        # A line that is gone may have given back as much without the counter, and fewer sales be lost: a person is asked about that as
        # well.
        return Finding(cause, Remedy.POST, (*evidence.changed, *evidence.deleted))
    return Finding(cause, Remedy.POST)


def _touched_by_hand(evidence: Evidence) -> bool:
    """Return whether an editor changed units on a line, or added one."""
    return bool(evidence.doubtful or evidence.added) or any(not change.gone for change in evidence.changed)


def _by_order(evidence: Evidence, policy: Policy) -> Finding | None:
    """Return what edited, cancelled and added lines say about a drift."""
    found = _order_edited(evidence)
    if found is not None:
        return chosen(evidence, found)
    found = _not_counted(evidence)
    if found is not None and not (evidence.edited and policy is Policy.THEIRS):
        # The counter may still come, so the line is not booked beside something else: the shop's smaller count is held.
        doubtful = evidence.edited or _fits_something_else(evidence)
        return Finding(Cause.SEVERAL, Remedy.ASK) if doubtful else found
    found = in_part(evidence)
    gave_back = found is not None and found.rest < evidence.drift
    return _smaller_count(evidence, found) if found is not None and gave_back and _brought_back(evidence) else found


def chosen(evidence: Evidence, found: Finding) -> Finding:
    """Return what lines say about the whole of a drift; if something else fits it as well, the smaller count and a question."""
    return _smaller_count(evidence, found) if _fits_something_else(evidence) else found


def _smaller_count(evidence: Evidence, found: Finding) -> Finding:
    """Return the remedy where two explanations fit the same drift, and on hand would differ: the smaller count at once, and a question.

    If the sum rose, the smaller count is ours; if it fell, the shop's.
    """
    remedy = Remedy.POST if evidence.drift > 0 else Remedy.BOOK
    return Finding(Cause.SEVERAL, remedy, found.changed, found.added, doubted=abs(evidence.drift))


def _fits_something_else(evidence: Evidence) -> bool:
    """Return whether a drift that order lines explain has another explanation that fits it exactly and makes another count.

    A form may have brought an old count back. A race may have destroyed just what was posted or given back. A count that was typed is no
    such explanation, as it would fit anything. Neither is that sales were lost and an editor left the stock alone: every known editor moves
    the stock.
    """
    destroyed = subset(-evidence.drift, [*evidence.returns, *evidence.posts], exact=True)
    return _brought_back(evidence) or (evidence.drift < 0 < evidence.sales and destroyed is not None)


def _brought_back(evidence: Evidence) -> bool:
    """Return whether a form that was saved after a sale may have brought the old count back. Then an order's editor may have left the
    stock alone."""
    return (
        evidence.edited
        and evidence.drift > 0
        and evidence.sales >= evidence.drift
        and evidence.quantity in evidence.past
    )


def _taken_out(evidence: Evidence) -> bool:
    """Return whether orders that went may have been taken out of the counter alone, by exactly the drift. Sales without a line may hide
    that the counter fell."""
    return evidence.drift < 0 and bool(_gone_for(evidence.deleted, -evidence.drift))


def _gone_for(gone: Sequence[LineChange], units: int) -> tuple[LineChange, ...]:
    """Return lines that went and are worth exactly these units; none if no lines are."""
    chosen = subset(-units, [change.units for change in gone], exact=True)
    return tuple(gone[index] for index in chosen or ())


def not_borne_out(evidence: Evidence, fallen: int) -> int:
    """Return how many of the units by which the counter fell did not reach the quantity, unless an edited order explains them.

    Goods that come back raise the quantity by as much. If some are missing, a race destroyed them, or the counter alone was lowered. A post
    that may have been lost in a race is no reason to believe the counter: both would be made good, and too much sold. Neither is a rise by
    more than came back, if a race may have destroyed sales of the same total, or if a person typed a count: the counter may have been
    lowered alone.
    """
    if fallen <= 0 or _order_edited(evidence) is not None:
        return 0
    if evidence.drift > 0:
        return fallen if evidence.edited or evidence.drift + fallen <= evidence.sales else 0
    return min(fallen, -evidence.drift)


def _order_edited(evidence: Evidence) -> Finding | None:
    """Return line changes worth exactly the drift: all edited lines, and those added or removed lines that make up the rest."""
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
    """Return new lines that were paid for and are worth exactly the drift: the quantity followed, and an editor set the counter back to its
    old value. A paid line was bought; beside a form, a count may have been typed, and the line be one of a checkout that died."""
    if evidence.drift >= 0 or any(not change.gone for change in evidence.changed):
        return None
    chosen = subset(-evidence.drift, [line.quantity for line in evidence.paid], exact=True)
    if not chosen:
        return None
    return Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), tuple(evidence.paid[index] for index in chosen))


def in_part(evidence: Evidence) -> Finding | None:
    """Return what the lines of edited orders say, where that is not all that moved.

    They are a fact if they are worth a part of the drift (an editor may take the units of a line twice), or if a form was saved, which may
    have written over what an editor did. Additional units of an order are believed in any case where something drifted, or where as many
    sales may have been lost at the same moment, which hides them: the error is then to sell too little. Where numbers were used again, it
    is unknown which lines were edited.
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
        return Finding(cause, Remedy.ASK)  # a person or a program keeps writing there: repeating it does not help
    if policy is Policy.OURS or (returned and evidence.sales > 0):
        return Finding(cause, Remedy.POST)
    if returned or race(evidence) is not None:
        # A stale form, or one saved during a race; or goods that make up for exactly those sales. Only a person knows.
        return Finding(cause, Remedy.ASK)
    return Finding(cause, Remedy.BOOK if policy is Policy.THEIRS else Remedy.ASK)


def race(evidence: Evidence) -> Cause | None:
    """Return the race that explains the drift, if one does. It needs a sale by the shop: only its literal write destroys anything. What it
    can destroy is other sales (the sum rises), and posts of ours and returns of goods (the sum moves against them)."""
    if evidence.sales <= 0:
        return None
    if 0 < evidence.drift <= evidence.sales:
        return Cause.LOST_SALE
    if _destroyed(evidence, evidence.posts):
        return Cause.LOST_POST
    return Cause.LOST_RETURN if _destroyed(evidence, [*evidence.returns, *evidence.posts]) else None


def _destroyed(evidence: Evidence, writes: Sequence[int]) -> bool:
    """Return whether the loss of some of these writes, and perhaps of sales, would look like this drift."""
    lost = {0}  # possible values of some of them together, the first ones first
    for write in writes:
        lost |= {total + write for total in lost}
        if len(lost) > SUMS_MAX:
            break
    return any(0 <= evidence.drift + total <= evidence.sales for total in lost - {0})


NAMELESS_SECONDS = 600.0  # time within which many listings that sold units without an order line trip the brake


def braked(changes: int, listings: int, percent: float, at_least: int) -> bool:
    """Return whether so many listings would change at once that a person has to look first."""
    return changes > at_least and changes > listings * percent / 100


class Ending(StrEnum):
    """The ways a difference ends: its note begins with these words. People read them, and the simulation judges by them."""

    CORRECTED = "corrected by an update"
    OURS = "our count chosen"
    THEIRS = "the shop's count chosen"
    SENT = "aligned by Send QOH"
    GOT = "aligned by Get QOH"
    UNDONE = "undone in the shop"
    UNSYNCED = "its product is no longer synced"


UNBOOKED = "more than were booked as taken"  # in the note of a question about units that came back but were never booked as sold


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
        """Return whether the question is if goods came back. Nothing is held then: the shop shows our count, without them."""
        return self.cause in ABOUT_RETURNS

    @property
    def theirs(self) -> int:
        """Return what is booked, in signed units, if a person decides that the shop is right."""
        return self.expected.quantity - self.seen.quantity if self.about_return else self.amount
