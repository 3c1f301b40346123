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

from .sketch import Counters


class Cause(StrEnum):
    """The closed list of what a difference can be."""

    LOST_SALE = "lost sale"  # the shop's own race destroyed a decrement
    LOST_POST = "lost post"  # the shop's own race destroyed a post of ours
    LOST_RETURN = "lost return"  # the shop's own race destroyed what a deleted order gave back
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
    BRAKE = "brake"  # too much at once


class Remedy(StrEnum):
    """What is done about a difference."""

    POST = "post"  # bring the shop back to our count
    BOOK = "book"  # take the shop's count over as an adjustment
    ASK = "ask"  # hold it for a person
    REBASE = "rebase"  # only the books' idea of the counter was wrong; no stock moved
    SHOW = "show"  # nothing to repair by a post; a person settles it on the screen
    STOP = "stop"  # posting to this cart ends until a person aligns it again


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
    """

    drift: int
    edited: bool  # products_last_modified moved within that time
    quantity: int  # what the shop shows now
    sales: int  # units
    posts: Sequence[int]  # signed
    returns: Sequence[int]  # units that deleted orders gave back
    past: Sequence[int]
    heals: int  # of this listing in the last hour that no trade explains


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a drift."""

    cause: Cause
    remedy: Remedy


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


def explain(evidence: Evidence, policy: Policy) -> Finding:
    """The cause of a settled drift, and its remedy under the cart's policy."""
    if evidence.edited:
        return _edit(evidence, policy)
    cause = _race(evidence)
    if cause is None:
        return Finding(Cause.UNKNOWN, Remedy.ASK)
    return Finding(cause, Remedy.POST)


def _edit(evidence: Evidence, policy: Policy) -> Finding:
    returned = evidence.drift > 0 and evidence.quantity in evidence.past
    cause = Cause.STALE_SAVE if returned else Cause.EDIT
    if evidence.heals >= HEALS_PER_HOUR:
        return Finding(cause, Remedy.ASK)  # somebody, or something, keeps writing: repeating ourselves is no cure
    if policy is Policy.OURS or (returned and evidence.sales > 0):
        return Finding(cause, Remedy.POST)
    if returned or _race(evidence) is not None:
        # A form left open since, or one saved while a race took place; or goods that make up for just those sales. A person knows.
        return Finding(cause, Remedy.ASK)
    return Finding(cause, Remedy.BOOK if policy is Policy.THEIRS else Remedy.ASK)


def _race(evidence: Evidence) -> Cause | None:
    """A race needs a sale by the shop: only its literal write destroys anything. What it can destroy is other sales
    (the sum rises), and posts of ours and returns of goods (the sum moves against them)."""
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


def braked(changes: int, listings: int, percent: float, at_least: int) -> bool:
    """Whether so many listings would change at once that a person has to look first."""
    return changes > at_least and changes > listings * percent / 100


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
