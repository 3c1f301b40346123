"""Decides the state of a cart, in one word, for every screen and program that shows it.

Path: ``services.standing`` gathers the facts; Home, Shopping Carts, ``status`` and its ``--check``, the API and webhooks say the word.
Promise: a cart is in sync only if its shop was looked at just now, every listing shows its target, and nothing is open.
Never: reads the books or a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LOOK_TICKS = 5  # a look older than so many ticks,
LOOK_SECONDS = 5.0  # and the time that a slow request takes, says nothing about now


class CartState(StrEnum):
    """The states of a cart. The first that applies, in this order, is shown."""

    INACTIVE = "inactive"
    STOPPED = "stopped"  # by the brake, or because one side was restored from a backup
    NOT_ALIGNED = "not aligned"
    OFF = "off"  # for this cart or for the whole program
    TROUBLE = "trouble"  # the last look failed
    NO_CONTROLLER = "no controller"
    UNSEEN = "not looked at"  # the last look is too old to say anything, although none failed
    WAITS = "waits for you"
    WORKING = "working"
    IN_STEP = "in step"


QUIET = frozenset({CartState.IN_STEP, CartState.INACTIVE})


@dataclass(frozen=True, slots=True)
class Pulse:
    """A driver's report about itself. Live; the books keep it only now and then."""

    looked_at: datetime | None = None
    in_step_at: datetime | None = None
    in_step: bool = False
    trouble: str | None = None
    trouble_since: datetime | None = None
    failures: int = 0
    suspicions: int = 0
    hinted_at: datetime | None = None  # when a hint last caused a look
    looked: float = 0.0  # monotonic: when the last look ended, or when the driver began
    late_seconds: float = 0.0  # from when the last look was due until it began


@dataclass(frozen=True, slots=True)
class Watch:
    """The carts that are watched at this moment."""

    at: datetime
    now: float  # the same moment, monotonic
    pulses: Mapping[int, Pulse] | None  # of the carts that are driven; None: no controller runs here
    aligning: Collection[int] = ()  # carts that a Send or Get is working on


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides a cart's state."""

    active: bool
    stopped: bool
    aligned: bool
    synchronize: bool  # the cart and the whole program
    controller: bool
    trouble_seconds: float | None  # how long looks have failed; None: the last one did not
    looked_seconds: float | None  # since the last look ended; None: no driver is working on it
    look_within: float  # seconds after which the next look should have ended
    aligning: bool  # a Send or Get is working on it: meanwhile nothing else looks
    in_step: bool  # the last look found the sums as expected, and nothing to post
    suspicions: int = 0  # seen once, and to be seen again
    to_decide: int = 0  # open differences that ask a person
    to_settle: int = 0  # open differences that only a person in the shop or an alignment resolves
    healing: int = 0  # open differences that a post is about to close
    held: int = 0  # listings whose units wait for a decision
    parked: int = 0  # parked by a person, or because the shop did not take the post: gone, or out of range
    not_aligned: int = 0  # listings with an item that no Send or Get has reached
    waiting: int = 0  # listings with news
    in_flight: int = 0  # posts without an outcome

    @property
    def watched(self) -> bool:
        """Return whether its shop should be looked at."""
        return self.active and self.aligned and self.synchronize and self.controller

    @property
    def down_seconds(self) -> float:
        """Return how long its shop could not be looked at; 0 if it can be."""
        if self.trouble_seconds is not None:
            return self.trouble_seconds
        return self.looked_seconds if self.unseen and self.looked_seconds is not None else 0.0

    @property
    def unseen(self) -> bool:
        """Return whether the last look is too old to tell anything about now."""
        return not self.aligning and self.looked_seconds is not None and self.looked_seconds > self.look_within

    @property
    def waits(self) -> bool:
        """Return whether a person has to do something."""
        return bool(self.to_decide or self.to_settle or self.held or self.parked or self.not_aligned)

    @property
    def works(self) -> bool:
        """Return whether something is under way, or was not compared yet."""
        under_way = self.suspicions or self.healing or self.waiting or self.in_flight
        return bool(under_way or self.aligning or self.looked_seconds is None or not self.in_step)


def look_within(tick_seconds: float) -> float:
    """Return the seconds within which the next look should follow the last one."""
    return LOOK_TICKS * tick_seconds + LOOK_SECONDS


def state(facts: Facts) -> CartState:
    """Return the state of a cart. No other code decides it."""
    said = (
        (CartState.INACTIVE, not facts.active),
        (CartState.STOPPED, facts.stopped),
        (CartState.NOT_ALIGNED, not facts.aligned),
        (CartState.OFF, not facts.synchronize),
        (CartState.TROUBLE, facts.trouble_seconds is not None),
        (CartState.NO_CONTROLLER, not facts.controller),
        (CartState.UNSEEN, facts.unseen),
        (CartState.WAITS, facts.waits),
        (CartState.WORKING, facts.works),
    )
    return next((word for word, holds in said if holds), CartState.IN_STEP)


def all_in_step(states: Iterable[CartState]) -> bool:
    """Return whether nothing keeps the active carts from being in sync."""
    return all(one in QUIET for one in states)
