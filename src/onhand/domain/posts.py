"""Defines posts, and computes those that a cart is due.

Path: ``delivering`` takes due listings, makes a batch of posts, stores it, sends it and settles it.
Promise: a post carries a signed change, never a quantity; numbers run without gaps within an epoch.
Never: sends anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .listings import target
from .shop import Change
from .sketch import Counters


class State(StrEnum):
    """The states of a post."""

    SENT = "sent"  # stored, and perhaps sent; it is unknown whether it was applied
    APPLIED = "applied"
    MISSING = "missing"  # the product is gone
    RANGE = "range"  # the quantity would leave the shop's column
    UNLANDED = "unlanded"  # a crash in the shop came first; posted again under another number


class Due(NamedTuple):
    """A listing with news, and all that its post depends on. There are thousands at once, as of posts: tuples are made fastest."""

    listing: int
    product: int
    on_hand: int
    agreed: int
    held: int
    off_by_sale: bool  # or a person wants it on


class Post(NamedTuple):
    """One numbered change for one listing."""

    seq: int
    listing: int
    product: int
    delta: int
    reactivate: bool

    @property
    def change(self) -> Change:
        return Change(self.product, self.delta, self.reactivate)


@dataclass(frozen=True, slots=True)
class Batch:
    """Posts with consecutive numbers, sent as one request and resent unchanged until the shop answers."""

    epoch: str
    posts: tuple[Post, ...]

    @property
    def first(self) -> int:
        return self.posts[0].seq

    @property
    def last(self) -> int:
        return self.posts[-1].seq


def change_due(due: Due, buffer: int) -> int:
    """Return the change after which the shop shows what it should: target - agreed, without what is held."""
    return target(due.on_hand, buffer) + due.held - due.agreed


def batch_of(dues: Sequence[Due], buffer: int, epoch: str, next_seq: int) -> Batch | None:
    """Return one batch for the listings that need a change; None if none does.

    A listing that the shop switched off with the sale that emptied it is switched on when stock comes back, even if the shop itself
    restocked it: then the post adds nothing.
    """
    posts: list[Post] = []
    for due in dues:
        delta = change_due(due, buffer)
        reactivate = bool(due.off_by_sale) and due.agreed + delta > 0
        if delta or reactivate:
            posts.append(Post(next_seq + len(posts), due.listing, due.product, delta, reactivate))
    return Batch(epoch, tuple(posts)) if posts else None


def mark(due: Due, epoch: str, number: int) -> Batch:
    """Return a batch of one post that changes nothing: it only uses up a number.

    The shop keeps that number, and so does every later backup of the shop. An older backup shows a smaller number than ours, so it is
    recognised as one without the trade that was booked last.
    """
    return Batch(epoch, (Post(number, due.listing, due.product, 0, reactivate=False),))


def landed(delta: int, expected: Counters, seen: Counters, paid: int) -> bool:
    """Return whether a post of an unfinished batch took effect, by the law: trade does not change quantity + counter, the post does.

    If something else moved that sum at the same moment, as a counter that is reset does, the quantity may tell: ``paid`` units are on new
    lines of paid orders, and trade lowers it by those. Else the nearer explanation is taken, and the rest shows as drift.
    """
    moved = seen.quantity + seen.ordered - expected.quantity - expected.ordered
    by_quantity = seen.quantity - expected.quantity + paid
    for exact in (moved, by_quantity):
        if exact in (0, delta):
            return exact != 0
    return abs(moved - delta) < abs(moved)
