"""Tells webhooks what happened: stores each message first, then sends it until it is accepted.

Path: ``verbs.webhooks`` adds, edits and tests them; ``running.sender`` calls ``collect`` and ``send_next`` over and over.
Promise: each event is sent at least once and in order per webhook, every try under the same id; booking never waits for it.
Never: holds a transaction while it sends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict, Refused
from onhand.domain.states import Facts, Watch, state
from onhand.domain.webhooks import (
    KEEP,
    TEST,
    WAITING_MAX,
    WEBHOOKS_MAX,
    Answer,
    Delivery,
    DeliveryState,
    Event,
    Webhook,
    gather,
    judge,
    message,
    signed,
    turns,
)
from onhand.services.ports.webhooks import Messenger

from .ports import Books, House
from .standing import facts_of

LOCKED = "Not sent: its secret is sealed, and the key file does not open it. Put the right key file back, or add the webhook again."

log = structlog.get_logger()


def add(house: House, url: str, secret: str, events: Collection[Event], allow_http: bool) -> Webhook:
    """Add a webhook for events from now on. Raise Refused."""
    _check_events(events)

    def write(books: Books) -> Webhook:
        if len(books.webhooks.all()) >= WEBHOOKS_MAX:
            raise Refused(f"There are {WEBHOOKS_MAX} webhooks already: remove one first.")
        return books.webhooks.get(books.webhooks.add(url, secret, events, allow_http, house.clock.now()))

    return house.store.write(write)


def edit(house: House, webhook: int, changes: dict[str, Any], revision: int | None) -> Webhook:
    """Change a webhook's settings; return it as it is then. Raise Refused, and Conflict if the page was stale."""
    _check_events(changes.get("events", list(Event)))

    def write(books: Books) -> Webhook:
        before = books.webhooks.get(webhook)
        if revision is not None and revision != before.revision:
            raise Conflict(
                "This webhook was changed since you opened it: look at the current values.",
                reason="stale",
                current={"url": before.url, "events": sorted(before.events), "active": before.active},
            )
        books.webhooks.edit(replace(before, **changes))
        return books.webhooks.get(webhook)

    return house.store.write(write)


def remove(house: House, webhook: int) -> Webhook:
    """Delete a webhook with its unsent deliveries; return what it was. Raise Refused if there is none."""

    def write(books: Books) -> Webhook:
        found = books.webhooks.get(webhook)
        books.webhooks.remove(webhook)
        return found

    return house.store.write(write)


def retry(house: House, number: int) -> Delivery:
    """Retry a delivery at once, also one that was given up; return it. Raise Refused if it was accepted."""

    def write(books: Books) -> Delivery:
        found = books.webhooks.delivery(number)
        if found.state is DeliveryState.DELIVERED:
            raise Refused(f"Delivery {number} was taken already.", delivery=number)
        if not books.webhooks.get(found.webhook).active:
            raise Refused("This webhook is off: switch it on, then try again.", delivery=number)
        books.webhooks.again(number, house.clock.now())
        return books.webhooks.delivery(number)

    return house.store.write(write)


def try_out(house: House, messenger: Messenger, webhook: int) -> tuple[Delivery, Answer]:
    """Send a test message at once, ahead of waiting ones, and never again. Return it and the answer."""
    at = house.clock.now()
    told = message(TEST, at, {"webhook": webhook})

    def write(books: Books) -> tuple[Webhook, Delivery]:
        found = books.webhooks.get(webhook)
        number = books.webhooks.store(webhook, TEST, told, at, DeliveryState.GIVEN_UP)  # so the sender ignores it
        return found, books.webhooks.delivery(number)

    found, delivery = house.store.write(write)
    answer = _send(house, messenger, found, delivery)
    state = DeliveryState.DELIVERED if answer.taken else DeliveryState.GIVEN_UP
    now = house.clock.now()
    house.store.write(lambda books: books.webhooks.settle(delivery.id, state, now, answer.words, now))
    return delivery, answer


def collect(house: House, watch: Watch) -> list[int]:
    """Store the news for each webhook since the last time; return those with something to send now."""
    at = house.clock.now()
    hooks = house.store.read(lambda books: [hook for hook in books.webhooks.all() if hook.active])
    if not hooks:
        return []

    def with_news(books: Books) -> list[Webhook]:
        seen = _looked_at(books, books.carts.all(), watch)
        return [hook for hook in hooks if _news(books, hook, seen)]

    for behind in house.store.read(with_news):
        house.store.write(partial(_store_news, webhook=behind.id, watch=watch))
    return house.store.read(lambda books: [hook.id for hook in hooks if _due(books, hook.id, at)])


def send_next(house: House, messenger: Messenger, webhook: int) -> bool:
    """Send the oldest delivery of a webhook if it is due; return whether the next one may go at once."""
    at = house.clock.now()
    found = house.store.read(lambda books: _due(books, webhook, at))
    if found is None:
        return False
    hook, delivery = found
    answer = _send(house, messenger, hook, delivery)
    now = house.clock.now()
    outcome = judge(delivery, answer, now)

    def write(books: Books) -> None:
        books.webhooks.settle(delivery.id, outcome.state, outcome.next_at, answer.words, now)
        if outcome.gone:
            books.webhooks.switch_off(webhook)

    house.store.write(write)
    return outcome.state is not DeliveryState.WAITING and not outcome.gone


def tidy(house: House) -> None:
    """Delete deliveries that were settled long ago."""
    before = house.clock.now() - KEEP
    while house.store.write(lambda books: books.webhooks.forget(before)):
        pass  # a little at a time, so that no booking waits for it


def _check_events(events: Collection[Event]) -> None:
    if not events:
        raise Refused("Choose at least one event, or switch the webhook off.", events=[])


def _news(books: Books, hook: Webhook, seen: Sequence[tuple[Cart, Facts]]) -> bool:
    """Return whether a webhook has unsent news. Called often, so it costs next to nothing."""
    return books.webhooks.waiting(hook.id) < WAITING_MAX and (
        (hook.wants(Event.STOCK_CHANGED) and books.ledger.last() > hook.movement_cursor)
        or (hook.wants(Event.DIFFERENCE_OPENED) and bool(books.webhooks.differences_after(hook.difference_cursor)))
        or bool(turns(hook.down, seen))
    )


def _store_news(books: Books, webhook: int, watch: Watch) -> None:
    """Store at most one message of each kind, and how far the webhook is informed with it."""
    hook = next((known for known in books.webhooks.all() if known.id == webhook and known.active), None)
    if hook is None:
        return  # deleted or switched off since we looked
    at = watch.at
    movement, difference, down = hook.movement_cursor, hook.difference_cursor, set(hook.down)
    if hook.wants(Event.STOCK_CHANGED) and (moved := gather(books.webhooks.movements_after(movement))):
        movement = max(number for numbers in moved.values() for number in numbers)
        known = books.items.by_id(list(moved))
        changed = [
            {"sku": known[item].sku, "on_hand": known[item].on_hand, "movements": numbers}
            for item, numbers in moved.items()
        ]
        _store(books, hook, Event.STOCK_CHANGED, {"items": changed}, at)
    if hook.wants(Event.DIFFERENCE_OPENED) and (opened := books.webhooks.differences_after(difference)):
        difference = opened[-1]["id"]
        _store(books, hook, Event.DIFFERENCE_OPENED, {"differences": opened}, at)
    carts = books.carts.all()
    for event, cart in turns(hook.down, _looked_at(books, carts, watch)):
        if hook.wants(event):
            word = state(facts_of(books, cart, watch, books.reports.cart_counts(cart.id)))
            _store(books, hook, event, {"cart": cart.name, "state": word.value, "trouble": cart.trouble}, at)
        down ^= {cart.id}
    books.webhooks.advance(webhook, movement, difference, down & {cart.id for cart in carts})


def _looked_at(books: Books, carts: Iterable[Cart], watch: Watch) -> list[tuple[Cart, Facts]]:
    """Return each cart with what is known of the looks at its shop, which needs no count of its listings."""
    return [(cart, facts_of(books, cart, watch)) for cart in carts]


def _store(books: Books, hook: Webhook, event: Event, data: dict[str, Any], at: datetime) -> None:
    books.webhooks.store(hook.id, event.value, message(event.value, at, data), at)


def _due(books: Books, webhook: int, at: datetime) -> tuple[Webhook, Delivery] | None:
    """Return the oldest delivery of an active webhook, if it is due: a younger one never overtakes it."""
    hook = next((known for known in books.webhooks.all() if known.id == webhook and known.active), None)
    delivery = books.webhooks.next(webhook) if hook else None
    return (hook, delivery) if hook and delivery and delivery.next_at <= at else None


def _send(house: House, messenger: Messenger, hook: Webhook, delivery: Delivery) -> Answer:
    if hook.secret is None:
        return Answer(None, LOCKED)
    headers = signed(delivery, hook.secret, house.clock.now())
    answer = messenger.deliver(hook.url, headers, delivery.body)
    log.info("webhook.sent", webhook=hook.id, delivery=delivery.id, status=answer.status)
    return answer
