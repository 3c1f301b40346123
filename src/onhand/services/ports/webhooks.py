"""The floor plan's room for webhooks: where they are kept, and who carries a message to its address.

Path: ``services.webhooks`` is written against these; ``storage`` and ``running.messenger`` implement them; ``app`` puts them together.
Promise: carrying a message takes bounded time and never raises: what went wrong is the answer.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from onhand.domain.webhooks import Answer, Delivery, DeliveryState, Event, Webhook


class Messenger(Protocol):
    """Carries messages to other people's servers."""

    def deliver(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """One POST; what was answered, or why nothing was."""


class WebhookBook(Protocol):
    """Webhooks and their deliveries."""

    def add(self, url: str, secret: str, events: Collection[Event], allow_http: bool, at: datetime) -> int:
        """A new webhook, which is told of what happens from now on. Raises Refused if there is one to this address."""

    def edit(self, changed: Webhook) -> None:
        """Take over what a person edits. What was not told of before is told from now on. Raises Refused like ``add``."""

    def remove(self, webhook: int) -> None:
        """Forget a webhook and its deliveries."""

    def switch_off(self, webhook: int) -> None:
        """Stop sending to a webhook."""

    def get(self, webhook: int) -> Webhook:
        """Return a webhook. Raises Refused if there is none."""

    def all(self) -> list[Webhook]:
        """Return all webhooks."""

    def movements_after(self, cursor: int) -> list[tuple[int, int]]:
        """The next movements in the order of booking, with their items; a bounded number."""

    def differences_after(self, cursor: int) -> list[dict[str, Any]]:
        """The next differences in the order of opening, as they are told; a bounded number."""

    def advance(self, webhook: int, movement: int, difference: int, down: Collection[int]) -> None:
        """All this is told now."""

    def store(
        self, webhook: int, event: str, body: str, at: datetime, state: DeliveryState = DeliveryState.WAITING
    ) -> int:
        """Keep a delivery, to be sent at once if it waits; its number."""

    def delivery(self, number: int) -> Delivery:
        """Return a delivery. Raises Refused if there is none."""

    def waiting(self, webhook: int) -> int:
        """How many deliveries wait."""

    def next(self, webhook: int) -> Delivery | None:
        """The oldest delivery that waits."""

    def settle(self, number: int, state: DeliveryState, next_at: datetime, answer: str, at: datetime) -> None:
        """Note what came of one more try."""

    def again(self, number: int, at: datetime) -> None:
        """Let a delivery wait for a try that is due now."""

    def latest(self, webhook: int, limit: int, before: int | None = None) -> list[Delivery]:
        """Newest first, from below a number."""

    def forget(self, before: datetime) -> bool:
        """Drop some deliveries that were settled long ago or are too many; whether there may be more of them."""
