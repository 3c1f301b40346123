"""Verbs about webhooks: whom to tell what, and what came of it.

Path: called by name through ``verbs.run``; ``running.sender`` does the telling.
Promise: a secret is shown once, in the answer of ``webhook_add``.
Never: waits for a receiver, but to test one.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from onhand.app import App, Books
from onhand.domain.people import Scope
from onhand.domain.webhooks import URL_LENGTH_MAX, Delivery, DeliveryState, Event, Webhook
from onhand.running.messenger import check_address, new_secret
from onhand.services import webhooks
from onhand.wire import Data

from .registry import Number, Revision, iso, verb
from .tasks import PageLimit

BEGINNING = 300  # characters of a body that are shown

Url = Annotated[str, Field(min_length=1, max_length=URL_LENGTH_MAX)]
Events = Annotated[list[Event], Field(max_length=10)]


@verb(Scope.ADMINISTER)
def webhook_add(app: App, url: Url, events: Events, allow_http: bool = False) -> Data:
    """Tell an address of these events from now on; the answer has the secret that proves who sends, and is the only one to have it."""
    secret = new_secret()
    added = webhooks.add(app.house, check_address(url, allow_http), secret, set(events), allow_http)
    return {**_shown(added), "secret": secret}


@verb(Scope.ADMINISTER)
def webhook_edit(
    app: App,
    webhook: Number,
    url: Url | None = None,
    events: Events | None = None,
    active: bool | None = None,
    allow_http: bool | None = None,
    revision: Revision | None = None,
) -> Data:
    """Change a webhook, or switch it off and on; what happens while it is off is not told later."""
    before = app.read(lambda books: books.webhooks.get(webhook))
    given: Data = {
        "url": url,
        "events": None if events is None else frozenset(events),
        "active": active,
        "allow_http": allow_http,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if "url" in changes or "allow_http" in changes:
        http = changes.get("allow_http", before.allow_http)
        changes["url"] = check_address(changes.get("url", before.url), http)
    return _shown(webhooks.edit(app.house, webhook, changes, revision))


@verb(Scope.ADMINISTER)
def webhook_remove(app: App, webhook: Number) -> Data:
    """Remove a webhook, with what was not delivered to it yet."""
    return {"removed": webhooks.remove(app.house, webhook).url}


@verb(Scope.ADMINISTER)
def webhook_list(app: App) -> Data:
    """List all webhooks with how many deliveries wait and the last one's answer."""

    def read(books: Books) -> list[Data]:
        return [_with_state(books, webhook) for webhook in books.webhooks.all()]

    return {"webhooks": app.read(read)}


@verb(Scope.ADMINISTER)
def webhook_show(app: App, webhook: Number, before: Number | None = None, limit: PageLimit = 50) -> Data:
    """Show one webhook and its deliveries, newest first."""

    def read(books: Books) -> Data:
        shown = _with_state(books, books.webhooks.get(webhook))
        return {**shown, "deliveries": [_delivery(one) for one in books.webhooks.latest(webhook, limit, before)]}

    return app.read(read)


@verb(Scope.ADMINISTER)
def webhook_test(app: App, webhook: Number) -> Data:
    """Send a test message at once and say what was answered."""
    delivery, answer = webhooks.try_out(app.house, app.messenger, webhook)
    return {"webhook": webhook, "delivery": delivery.id, "delivered": answer.taken, "answer": answer.words}


@verb(Scope.ADMINISTER)
def webhook_retry(app: App, delivery: Number) -> Data:
    """Try a delivery again at once, also one that was given up."""
    return _delivery(webhooks.retry(app.house, delivery))


def _shown(webhook: Webhook) -> Data:
    """A webhook for people and programs. The secret stays inside."""
    return {
        "webhook": webhook.id,
        "url": webhook.url,
        "events": [event.value for event in Event if event in webhook.events],
        "active": webhook.active,
        "allow_http": webhook.allow_http,
        "created_at": iso(webhook.created_at),
        "revision": webhook.revision,
    }


def _with_state(books: Any, webhook: Webhook) -> Data:
    latest = books.webhooks.latest(webhook.id, 1)
    waiting = books.webhooks.next(webhook.id)
    return {
        **_shown(webhook),
        "waiting": books.webhooks.waiting(webhook.id),
        "failing": bool(waiting and waiting.attempts) or bool(latest and latest[0].state is DeliveryState.GIVEN_UP),
        "latest": _delivery(waiting if waiting and waiting.attempts else latest[0]) if latest else None,
    }


def _delivery(delivery: Delivery) -> Data:
    settled = delivery.settled_at
    return {
        "delivery": delivery.id,
        "webhook": delivery.webhook,
        "id": delivery.message,
        "event": delivery.event,
        "beginning": delivery.body[:BEGINNING],
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next_at": iso(delivery.next_at) if delivery.state is DeliveryState.WAITING else None,
        "answer": delivery.answer,
        "created_at": iso(delivery.created_at),
        "settled_at": iso(settled) if settled else None,
    }
