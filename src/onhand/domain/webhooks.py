"""Defines webhooks: the events, the message, its signature, and when a delivery is retried.

Path: ``services.webhooks`` asks here what to store and what an answer means; ``running.sender`` carries it out.
Promise: every try of a delivery has the same id and the same body; a pause never exceeds ``PAUSE_MAX``.
Never: sends, or reads a clock.

Id, timestamp and signature are those of Standard Webhooks 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .carts import Cart
from .states import Facts

WEBHOOKS_MAX = 20
URL_LENGTH_MAX = 2000
ROWS_MAX = 1000  # movements or differences looked through for one message
SKUS_MAX = 100  # in one message
DIFFERENCES_MAX = 100  # in one message
WAITING_MAX = 100  # waiting deliveries of one webhook; beyond that nothing is taken from the ledger until some are done
PAUSE_FIRST = timedelta(seconds=5)
PAUSE_MAX = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
KEEP = timedelta(days=30)
KEEP_MAX = 10_000  # settled deliveries of one webhook
DOWN_AFTER = timedelta(minutes=1)
GONE = 410  # a receiver that answers this wants no more messages
SECRET_PREFIX = "whsec_"  # noqa: S105 - it only says what follows
TEST = "webhook.test"  # an event that only a person can cause


class Event(StrEnum):
    """The events that a webhook can receive."""

    STOCK_CHANGED = "stock.changed"
    DIFFERENCE_OPENED = "difference.opened"
    CART_DOWN = "cart.down"  # a shop could not be looked at for longer than a minute
    CART_UP = "cart.up"  # and can be again


class DeliveryState(StrEnum):
    """The states of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that receives events. ``down`` are the carts that it knows to be down."""

    id: int
    url: str
    secret: str | None = field(repr=False)  # None: sealed with a key that is not here
    events: frozenset[Event]
    active: bool
    allow_http: bool
    movement_cursor: int  # all movements up to this one were sent, or are not to be
    difference_cursor: int
    down: frozenset[int]
    created_at: datetime
    revision: int

    def wants(self, event: Event) -> bool:
        return event in self.events


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook, kept until it is answered and for a while after."""

    id: int
    webhook: int
    event: str
    body: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    answer: str
    created_at: datetime
    settled_at: datetime | None

    @property
    def message(self) -> str:
        """Return its id for the receiver. The time is part of it, so that a store restored from a backup does not use it again."""
        return f"msg_{self.id}_{int(self.created_at.timestamp() * 1_000_000)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: its HTTP status, or None if there was no answer; and in words."""

    status: int | None
    words: str

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of an answer on a delivery and its webhook."""

    state: DeliveryState
    next_at: datetime
    gone: bool = False


def message(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the body of a delivery."""
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": timestamp, "data": data}, ensure_ascii=False, separators=(",", ":"))


def signed(delivery: Delivery, secret: str, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sent it, what, and when."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": delivery.message,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + signature(secret, delivery.message, timestamp, delivery.body),
    }


def signature(secret: str, name: str, timestamp: str, body: str) -> str:
    """Return the HMAC-SHA256 over id, timestamp and body, in Base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, f"{name}.{timestamp}.{body}".encode(), hashlib.sha256)).decode()


def judge(delivery: Delivery, answer: Answer, at: datetime) -> Outcome:
    """Return what becomes of a delivery after one more try."""
    if answer.taken:
        return Outcome(DeliveryState.DELIVERED, at)
    if answer.status == GONE:
        return Outcome(DeliveryState.GIVEN_UP, at, gone=True)
    if at - delivery.created_at >= GIVE_UP_AFTER:
        return Outcome(DeliveryState.GIVEN_UP, at)
    return Outcome(DeliveryState.WAITING, at + pause(delivery.attempts + 1))


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: twice as long each time."""
    return min(PAUSE_MAX, PAUSE_FIRST * (1 << min(attempts - 1, 20)))


def gather(movements: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Return, from (movement, item) in the order of booking, the movements of each item, up to where one item more would be too many."""
    of_item: dict[int, list[int]] = {}
    for movement, item in movements:
        if item not in of_item and len(of_item) == SKUS_MAX:
            break
        of_item.setdefault(item, []).append(movement)
    return of_item


def turns(told: frozenset[int], carts: Iterable[tuple[Cart, Facts]]) -> list[tuple[Event, Cart]]:
    """Return which carts went down or came up since the webhook's last message. A cart that is not watched does neither."""
    found = []
    for cart, facts in carts:
        if not facts.watched:
            continue
        if cart.id in told:
            if not facts.down_seconds:
                found.append((Event.CART_UP, cart))
        elif facts.down_seconds >= DOWN_AFTER.total_seconds():
            found.append((Event.CART_DOWN, cart))
    return found
