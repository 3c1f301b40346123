"""Webhooks and their deliveries.

Path: ``services.webhooks`` keeps what happened here and asks what is to be sent; the Webhooks screen lists.
Promise: deliveries of one webhook are sent in the order in which they were added; settled ones are deleted after a time.
Never: writes anything into the ledger it reads.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from onhand.domain.errors import Refused
from onhand.domain.webhooks import DIFFERENCES_MAX, KEEP_MAX, ROWS_MAX, Delivery, DeliveryState, Event, Webhook

from .ledger import IDS_MAX
from .office_tables import deliveries, webhooks
from .tables import carts, differences, listings, movements
from .times import iso, micros, moment
from .vault import Vault

WAITING = deliveries.c.state == DeliveryState.WAITING.value


class Webhooks:
    """Webhooks and deliveries."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection, self._vault = connection, vault

    # Webhooks

    def add(self, url: str, secret: str, events: Collection[Event], allow_http: bool, at: datetime) -> int:
        self._check_new(url)
        values = {
            "url": url,
            "secret": self._vault.seal(secret),
            "events": _joined(events),
            "active": True,
            "allow_http": allow_http,
            "down": "",
            "movement_cursor": self._last(movements),
            "difference_cursor": self._last(differences),
            "created_at": micros(at),
        }
        return int(self._connection.execute(insert(webhooks).values(values).returning(webhooks.c.id)).scalar_one())

    def edit(self, changed: Webhook) -> None:
        before = self.get(changed.id)
        if changed.url != before.url:
            self._check_new(changed.url)
        values: dict[str, Any] = {
            "url": changed.url,
            "events": _joined(changed.events),
            "active": changed.active,
            "allow_http": changed.allow_http,
            "revision": webhooks.c.revision + 1,
        }
        began = {event for event in changed.events if changed.active and not (before.active and before.wants(event))}
        if Event.STOCK_CHANGED in began:
            values["movement_cursor"] = self._last(movements)
        if Event.DIFFERENCE_OPENED in began:
            values["difference_cursor"] = self._last(differences)
        self._connection.execute(update(webhooks).where(webhooks.c.id == changed.id).values(values))

    def remove(self, webhook: int) -> None:
        self._connection.execute(delete(deliveries).where(deliveries.c.webhook_id == webhook))
        self._connection.execute(delete(webhooks).where(webhooks.c.id == webhook))

    def switch_off(self, webhook: int) -> None:
        values = {"active": False, "revision": webhooks.c.revision + 1}
        self._connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(values))

    def get(self, webhook: int) -> Webhook:
        row = self._connection.execute(select(webhooks).where(webhooks.c.id == webhook)).one_or_none()
        if row is None:
            raise Refused(f"There is no webhook number {webhook}: see the list of webhooks.", webhook=webhook)
        return self._webhook(row)

    def all(self) -> list[Webhook]:
        return [self._webhook(row) for row in self._connection.execute(select(webhooks).order_by(webhooks.c.id))]

    # What happened since

    def movements_after(self, cursor: int) -> list[tuple[int, int]]:
        query = select(movements.c.id, movements.c.item_id).where(movements.c.id > cursor)
        return [
            (row.id, row.item_id) for row in self._connection.execute(query.order_by(movements.c.id).limit(ROWS_MAX))
        ]

    def differences_after(self, cursor: int) -> list[dict[str, Any]]:
        query = (
            select(differences, carts.c.name, listings.c.model, listings.c.product)
            .join(carts, carts.c.id == differences.c.cart_id)
            .outerjoin(listings, listings.c.id == differences.c.listing_id)
            .where(differences.c.id > cursor)
            .order_by(differences.c.id)
            .limit(DIFFERENCES_MAX)
        )
        return [
            {
                "id": row.id,
                "cart": row.name,
                "sku": row.model,
                "product": row.product,
                "cause": row.cause,
                "remedy": row.remedy,
                "amount": row.amount,
                "opened_at": iso(row.opened_at),
            }
            for row in self._connection.execute(query)
        ]

    def advance(self, webhook: int, movement: int, difference: int, down: Collection[int]) -> None:
        values = {
            "movement_cursor": movement,
            "difference_cursor": difference,
            "down": ",".join(str(cart) for cart in sorted(down)),
        }
        self._connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(values))

    # Deliveries

    def store(
        self, webhook: int, event: str, body: str, at: datetime, state: DeliveryState = DeliveryState.WAITING
    ) -> int:
        values = {
            "webhook_id": webhook,
            "event": event,
            "body": body,
            "state": state.value,
            "attempts": 0,
            "next_at": micros(at),
            "answer": "",
            "created_at": micros(at),
        }
        statement = insert(deliveries).values(values).returning(deliveries.c.id)
        return int(self._connection.execute(statement).scalar_one())

    def delivery(self, number: int) -> Delivery:
        row = self._connection.execute(select(deliveries).where(deliveries.c.id == number)).one_or_none()
        if row is None:
            raise Refused(f"There is no delivery number {number}: deliveries are kept for 30 days.", delivery=number)
        return _delivery(row)

    def waiting(self, webhook: int) -> int:
        query = select(func.count()).select_from(deliveries).where(deliveries.c.webhook_id == webhook, WAITING)
        return int(self._connection.execute(query).scalar_one())

    def next(self, webhook: int) -> Delivery | None:
        query = select(deliveries).where(deliveries.c.webhook_id == webhook, WAITING)
        row = self._connection.execute(query.order_by(deliveries.c.id).limit(1)).one_or_none()
        return None if row is None else _delivery(row)

    def settle(self, number: int, state: DeliveryState, next_at: datetime, answer: str, at: datetime) -> None:
        values = {
            "state": state.value,
            "attempts": deliveries.c.attempts + 1,
            "next_at": micros(next_at),
            "answer": answer,
            "settled_at": None if state is DeliveryState.WAITING else micros(at),
        }
        self._connection.execute(update(deliveries).where(deliveries.c.id == number).values(values))

    def again(self, number: int, at: datetime) -> None:
        values = {"state": DeliveryState.WAITING.value, "next_at": micros(at), "settled_at": None}
        self._connection.execute(update(deliveries).where(deliveries.c.id == number).values(values))

    def latest(self, webhook: int, limit: int, before: int | None = None) -> list[Delivery]:
        query = (
            select(deliveries).where(deliveries.c.webhook_id == webhook).order_by(deliveries.c.id.desc()).limit(limit)
        )
        if before is not None:
            query = query.where(deliveries.c.id < before)
        return [_delivery(row) for row in self._connection.execute(query)]

    def forget(self, before: datetime) -> bool:
        found: list[int] = []
        for webhook in self._connection.execute(select(webhooks.c.id)).scalars().all():
            mine = deliveries.c.webhook_id == webhook
            ids = select(deliveries.c.id).where(mine).order_by(deliveries.c.id.desc())
            oldest = self._connection.execute(ids.offset(KEEP_MAX - 1).limit(1)).scalar_one_or_none()
            too_old = deliveries.c.created_at < micros(before)
            if oldest is not None:
                too_old |= deliveries.c.id < oldest
            settled = select(deliveries.c.id).where(mine, ~WAITING, too_old).order_by(deliveries.c.id)
            found += self._connection.execute(settled.limit(IDS_MAX)).scalars()
        self._connection.execute(delete(deliveries).where(deliveries.c.id.in_(found[:IDS_MAX])))
        return len(found) >= IDS_MAX

    def _webhook(self, row: Row[Any]) -> Webhook:
        return _webhook(row, self._vault.open(row.secret))

    def _check_new(self, url: str) -> None:
        if self._connection.execute(select(webhooks.c.id).where(webhooks.c.url == url)).first() is not None:
            raise Refused("There is already a webhook to this address: edit that one.", url=url)

    def _last(self, table: Any) -> int:
        return int(self._connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())


def _joined(events: Collection[Event]) -> str:
    return ",".join(event.value for event in Event if event in events)


def _webhook(row: Row[Any], secret: str | None) -> Webhook:
    return Webhook(
        row.id,
        row.url,
        secret,
        frozenset(Event(name) for name in row.events.split(",") if name),
        row.active,
        row.allow_http,
        row.movement_cursor,
        row.difference_cursor,
        frozenset(int(cart) for cart in row.down.split(",") if cart),
        moment(row.created_at),
        row.revision,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.webhook_id,
        row.event,
        row.body,
        DeliveryState(row.state),
        row.attempts,
        moment(row.next_at),
        row.answer,
        moment(row.created_at),
        moment(row.settled_at),
    )
