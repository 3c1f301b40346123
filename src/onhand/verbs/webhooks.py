"""Verbs about webhooks: their addresses, events and deliveries.

Path: called by name through ``verbs.run``; ``running.sender`` sends the messages.
Promise: a secret is shown once, in the answer of ``webhook_add``.
Never: waits for a receiver, except to test one.
"""

from __future__ import annotations

from typing import Any

from onhand.app import App, Books
from onhand.domain.webhooks import Delivery, DeliveryState, Event, Webhook
from onhand.requests import webhooks as requests
from onhand.running.messenger import check_address, new_secret
from onhand.services import webhooks
from onhand.wire import Data

from .registry import iso, verb

BEGINNING = 300  # characters of a body that are shown


@verb(requests.WebhookAdd)
def webhook_add(app: App, asked: requests.WebhookAdd) -> Data:
    secret = new_secret()
    added = webhooks.add(
        app.house,
        check_address(asked.url, asked.allow_http),
        secret,
        set(Event if asked.events is None else asked.events),
        asked.allow_http,
    )
    return {**_shown(added), "secret": secret}


@verb(requests.WebhookEdit)
def webhook_edit(app: App, asked: requests.WebhookEdit) -> Data:
    before = app.read(lambda books: books.webhooks.get(asked.webhook))
    given: Data = {
        "url": asked.url,
        "events": None if asked.events is None else frozenset(asked.events),
        "active": asked.active,
        "allow_http": asked.allow_http,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if "url" in changes or "allow_http" in changes:
        http = changes.get("allow_http", before.allow_http)
        changes["url"] = check_address(changes.get("url", before.url), http)
    return _shown(webhooks.edit(app.house, asked.webhook, changes, asked.revision))


@verb(requests.WebhookRemove)
def webhook_remove(app: App, asked: requests.WebhookRemove) -> Data:
    return {"removed": webhooks.remove(app.house, asked.webhook).url}


@verb(requests.WebhookList)
def webhook_list(app: App, _: requests.WebhookList) -> Data:

    def read(books: Books) -> list[Data]:
        return [_with_state(books, webhook) for webhook in books.webhooks.all()]

    return {"webhooks": app.read(read)}


@verb(requests.WebhookShow)
def webhook_show(app: App, asked: requests.WebhookShow) -> Data:

    def read(books: Books) -> Data:
        shown = _with_state(books, books.webhooks.get(asked.webhook))
        return {
            **shown,
            "deliveries": [_delivery(one) for one in books.webhooks.latest(asked.webhook, asked.limit, asked.before)],
        }

    return app.read(read)


@verb(requests.WebhookTest)
def webhook_test(app: App, asked: requests.WebhookTest) -> Data:
    delivery, answer = webhooks.try_out(app.house, app.messenger, asked.webhook)
    return {"webhook": asked.webhook, "delivery": delivery.id, "delivered": answer.taken, "answer": answer.words}


@verb(requests.WebhookRetry)
def webhook_retry(app: App, asked: requests.WebhookRetry) -> Data:
    return _delivery(webhooks.retry(app.house, asked.delivery))


def _shown(webhook: Webhook) -> Data:
    """Return a webhook for people and programs, without its secret."""
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
