"""The ports for webhooks: where they are kept, and what carries a message to its address.

Path: ``services.webhooks`` is written against these; ``storage`` and ``running.messenger`` implement them; ``app`` puts them together.
Promise: carrying a message takes bounded time and never raises: a failure is returned as the answer.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from onhand.domain.webhooks import Answer, Delivery, DeliveryState, Event, Webhook


class Messenger(Protocol):
    """A sender of messages to other people's servers."""

    def deliver(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Send one POST; return what was answered, or why there is no answer."""


class WebhookBook(Protocol):
    """Webhooks and their deliveries."""

    def add(self, url: str, secret: str, events: Collection[Event], allow_http: bool, at: datetime) -> int:
        """Add a webhook for events from now on. Raise Refused if there is one to this address."""

    def edit(self, changed: Webhook) -> None:
        """Keep a person's edit. Events that were added are sent from now on. Raise Refused like ``add``."""

    def remove(self, webhook: int) -> None:
        """Delete a webhook and its deliveries."""

    def switch_off(self, webhook: int) -> None:
        """Stop sending to a webhook."""

    def get(self, webhook: int) -> Webhook:
        """Return a webhook. Raise Refused if there is none."""

    def all(self) -> list[Webhook]:
        """Return all webhooks."""

    def movements_after(self, cursor: int) -> list[tuple[int, int]]:
        """Return the next movements in the order of booking, with their items; a bounded number."""

    def differences_after(self, cursor: int) -> list[dict[str, Any]]:
        """Return the next differences in the order of opening, as messages show them; a bounded number."""

    def advance(self, webhook: int, movement: int, difference: int, down: Collection[int]) -> None:
        """Note that all this has been handed over."""

    def store(
        self, webhook: int, event: str, body: str, at: datetime, state: DeliveryState = DeliveryState.WAITING
    ) -> int:
        """Store a delivery, to be sent at once if it waits; return its number."""

    def delivery(self, number: int) -> Delivery:
        """Return a delivery. Raise Refused if there is none."""

    def waiting(self, webhook: int) -> int:
        """Return how many deliveries wait."""

    def next(self, webhook: int) -> Delivery | None:
        """Return the oldest delivery that waits."""

    def settle(self, number: int, state: DeliveryState, next_at: datetime, answer: str, at: datetime) -> None:
        """Record the result of one more try."""

    def again(self, number: int, at: datetime) -> None:
        """Let a delivery wait for a try that is due now."""

    def latest(self, webhook: int, limit: int, before: int | None = None) -> list[Delivery]:
        """Return deliveries, newest first, from below a number."""

    def forget(self, before: datetime) -> bool:
        """Delete some deliveries that were settled long ago or are too many; return whether there may be more of them."""
