"""Differences.

Path: ``reconciling`` opens them; delivery, alignment or a person closes them.
Promise: each keeps what was seen, what was done and when it closed.
Never: deletes one, except together with its cart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal_column, select, update

from onhand.domain.differences import ABOUT_RETURNS, Cause, Difference, Ending, Finding, Remedy
from onhand.domain.errors import Refused
from onhand.domain.sketch import Counters

from .dialects import among, numbers
from .hot import Hot
from .ledger import chunks
from .tables import differences as table
from .times import micros, moment

EXPLAINED_BY_TRADE = tuple(
    cause.value
    for cause in (Cause.LOST_SALE, Cause.LOST_POST, Cause.LOST_RETURN, Cause.GIVEN_BACK_TWICE, Cause.SEVERAL)
)


class Differences:
    """Differences, open and closed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self,
        cart: int,
        listing: int | None,
        finding: Finding,
        amount: int,
        seen: Counters,
        expected: Counters,
        at: datetime,
        note: str = "",
    ) -> int:
        values = {
            "cart_id": cart,
            "listing_id": listing,
            "cause": finding.cause.value,
            "remedy": finding.remedy.value,
            "amount": amount,
            "seen_quantity": seen.quantity,
            "seen_ordered": seen.ordered,
            "expected_quantity": expected.quantity,
            "expected_ordered": expected.ordered,
            "opened_at": micros(at),
            "note": note,
        }
        return int(self._connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one())

    def close(self, difference: int, at: datetime, note: str) -> None:
        self._connection.execute(
            update(table)
            .where(table.c.id == difference, table.c.closed_at.is_(None))
            .values(closed_at=micros(at), note=note)
        )

    def close_healed(self, listings: Sequence[int], at: datetime) -> None:
        if listings:
            _HEALED.run(self._connection, [{"listings": numbers(listings), "at": micros(at)}])

    def close_listings(self, listings: Sequence[int], at: datetime, note: str) -> None:
        for chunk in chunks(listings):
            self._connection.execute(
                update(table)
                .where(table.c.listing_id.in_(chunk), table.c.closed_at.is_(None))
                .values(closed_at=micros(at), note=note)
            )

    def close_shown(self, listings: Sequence[int], at: datetime, note: str) -> None:
        for chunk in chunks(listings):
            self._connection.execute(
                update(table)
                .where(table.c.listing_id.in_(chunk), table.c.closed_at.is_(None), table.c.remedy == Remedy.SHOW.value)
                .values(closed_at=micros(at), note=note)
            )

    def close_cart(self, cart: int, at: datetime, note: str, listings: Sequence[int] | None = None) -> None:
        of_cart = (table.c.cart_id == cart, table.c.closed_at.is_(None))
        closed = {"closed_at": micros(at), "note": note}
        self._connection.execute(update(table).where(*of_cart, table.c.listing_id.is_(None)).values(closed))
        if listings is None:
            self._connection.execute(update(table).where(*of_cart).values(closed))
            return
        of_listings = update(table).where(*of_cart, among(table.c.listing_id, "listings")).values(closed)
        self._connection.execute(of_listings, {"listings": numbers(listings)})

    def unanswered(self, listing: int) -> list[Difference]:
        shown = table.alias()
        left_at = (
            select(func.min(shown.c.opened_at))
            .where(shown.c.listing_id == listing, shown.c.closed_at.is_(None), shown.c.remedy == Remedy.SHOW.value)
            .scalar_subquery()
        )
        query = select(table).where(
            table.c.listing_id == listing,
            table.c.remedy == Remedy.ASK.value,
            table.c.cause.in_([cause.value for cause in ABOUT_RETURNS]),
            table.c.note == Ending.UNSYNCED.value,
            table.c.closed_at >= left_at,
        )
        return [_difference(row) for row in self._connection.execute(query)]

    def reopen(self, difference: int, note: str) -> None:
        self._connection.execute(update(table).where(table.c.id == difference).values(closed_at=None, note=note))

    def get(self, difference: int) -> Difference:
        row = self._connection.execute(select(table).where(table.c.id == difference)).one_or_none()
        if row is None:
            raise Refused(
                f"There is no difference number {difference}: see the list of differences.", difference=difference
            )
        return _difference(row)

    def awaiting(self, listing: int, amount: int) -> int | None:
        query = select(func.min(table.c.id)).where(
            table.c.listing_id == listing,
            table.c.amount == amount,
            table.c.remedy == Remedy.ASK.value,
            table.c.cause.not_in([cause.value for cause in ABOUT_RETURNS]),
            table.c.closed_at.is_(None),
        )
        found: int | None = self._connection.execute(query).scalar_one()
        return found

    def restored(self, cart: int) -> bool:
        query = select(table.c.id).where(table.c.cart_id == cart, table.c.cause == Cause.RESTORED.value).limit(1)
        return self._connection.execute(query).first() is not None

    def heals(self, listing: int, since: datetime) -> int:
        query = select(func.count()).where(
            table.c.listing_id == listing,
            table.c.opened_at >= micros(since),
            table.c.remedy == Remedy.POST.value,
            table.c.cause.not_in(EXPLAINED_BY_TRADE),
        )
        return int(self._connection.execute(query).scalar_one())


# Hot: asked of every listing of every batch.
_HEALED = Hot(
    update(table)
    .where(
        among(table.c.listing_id, "listings"),
        table.c.closed_at.is_(None),
        table.c.remedy == literal_column(f"'{Remedy.POST.value}'"),
    )
    .values(closed_at=bindparam("at"), note=literal_column(f"'{Ending.CORRECTED.value}'"))
)


def _difference(row: Row[Any]) -> Difference:
    return Difference(
        row.id,
        row.cart_id,
        row.listing_id,
        Cause(row.cause),
        Remedy(row.remedy),
        row.amount,
        Counters(row.seen_quantity, row.seen_ordered),
        Counters(row.expected_quantity, row.expected_ordered),
        moment(row.opened_at),
        moment(row.closed_at),
        row.note,
    )
