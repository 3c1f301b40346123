"""Gathers the facts that decide a cart's state.

Path: ``verbs.carts``, Getting started and ``webhooks`` ask here; ``domain.states`` decides.
Promise: a shop's last look is timed by the monotonic clock, so setting the clock does not make an old look recent.
Never: decides the state itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from onhand.domain.carts import Cart
from onhand.domain.states import Facts, Watch, look_within

from . import settings
from .ports import Books

NOTHING: Mapping[str, int] = {}
COUNTED = ("to_decide", "to_settle", "healing", "held", "parked", "not_aligned", "waiting", "in_flight")


def facts_of(books: Books, cart: Cart, watch: Watch, counts: Mapping[str, int] = NOTHING) -> Facts:
    """Return the facts that decide a cart's state. Without ``counts``, only those about looks at its shop."""
    pulse = watch.pulses.get(cart.id) if watch.pulses is not None else None
    told = pulse or cart  # the driver's report is newer than the books
    since = (watch.at - told.trouble_since).total_seconds() if told.trouble_since else 0.0
    return Facts(
        active=cart.settings.active,
        stopped=cart.halted is not None,
        aligned=cart.aligned,
        synchronize=cart.synchronize and bool(settings.values(books)["SynchQOH"]),
        controller=watch.pulses is not None,
        trouble_seconds=since if told.trouble is not None else None,
        looked_seconds=watch.now - pulse.looked if pulse else None,
        look_within=look_within(settings.pace_of(books, cart).tick_seconds),
        aligning=cart.id in watch.aligning,
        in_step=pulse is not None and pulse.in_step,
        suspicions=pulse.suspicions if pulse else 0,
        **{name: counts.get(name, 0) for name in COUNTED},
    )
