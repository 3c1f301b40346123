"""Defines purchase orders: what is outstanding, and what should be ordered.

Path: ``services.purchasing`` asks before it books; the Receive screen shows what is outstanding.
Promise: goods are booked as received, short or over; more than was ordered only if the caller confirms it.
Never: knows prices; money is not our business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import Conflict, Refused
from .stock import QUANTITY_MAX, Kind, Movement, check_quantity, sku_key

LINES_MAX = 5000  # lines of one purchase order


class OrderState(StrEnum):
    """The stages of a purchase order."""

    DRAFT = "draft"  # can be changed
    SENT = "sent"  # the supplier has it; goods may come
    CLOSED = "closed"  # nothing more is expected
    CANCELLED = "cancelled"  # it was never sent, or nothing came of it


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier."""

    id: int
    name: str
    email: str
    phone: str
    note: str
    active: bool
    revision: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One item of a purchase order, in units."""

    line: int
    item: int
    sku: str
    name: str
    ordered: int
    received: int

    @property
    def outstanding(self) -> int:
        """Return what is outstanding; nothing if more was received than ordered."""
        return max(0, self.ordered - self.received)


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """An order to one supplier."""

    id: int
    number: str
    supplier: Supplier
    state: OrderState
    note: str
    person: str
    created_at: datetime
    sent_at: datetime | None
    closed_at: datetime | None
    revision: int
    lines: tuple[OrderLine, ...]

    @property
    def outstanding(self) -> int:
        """Return the units outstanding."""
        return sum(line.outstanding for line in self.lines) if self.state is OrderState.SENT else 0

    @property
    def ordered(self) -> int:
        return sum(line.ordered for line in self.lines)

    @property
    def received(self) -> int:
        return sum(line.received for line in self.lines)

    def check_revision(self, seen: int | None) -> None:
        """Raise Conflict if it changed since the caller saw it."""
        if seen is not None and seen != self.revision:
            raise Conflict(
                f"Purchase order {self.number} was changed since you opened it: look at it as it is now.",
                reason="stale",
                current={"state": self.state.value, "lines": len(self.lines), "received": self.received},
            )

    def check_state(self, *possible: OrderState) -> None:
        """Raise Refused if its state does not allow what is asked."""
        if self.state not in possible:
            raise Refused(
                f"Purchase order {self.number} is {self.state.value}: this is possible while it is "
                f"{' or '.join(state.value for state in possible)}.",
                order=self.number,
                state=self.state.value,
            )

    def arrived(self, units: Mapping[str, int], over: bool) -> list[tuple[OrderLine, int]]:
        """Return the lines and the units received of each, from SKU keys. Raise Refused for what is not on the order, for negative units
        and, unless ``over``, for more than is outstanding."""
        by_key = {sku_key(line.sku): line for line in self.lines}
        unknown = sorted(set(units) - set(by_key))
        if unknown:
            raise Refused(f"{unknown[0]!r} is not on this order: receive it without one.", unknown=unknown[:100])
        if not any(units.values()) or min(units.values()) < 0:
            raise Refused("Give the units that came, one or more of at least one item; never fewer than none.")
        came = [(by_key[key], check_quantity(number)) for key, number in units.items() if number]
        more = [line.sku for line, number in came if number > line.outstanding]
        if more and not over:
            raise Refused(
                f"More came of {more[0]} than is outstanding: count again, or say that it is meant.", over=more[:100]
            )
        return came

    def all_outstanding(self) -> list[tuple[OrderLine, int]]:
        """Return each line with something outstanding, with all of it. Raise Refused if there is none."""
        came = [(line, line.outstanding) for line in self.lines if line.outstanding]
        if not came:
            raise Refused(f"Nothing is outstanding of {self.number}: close it.", order=self.number)
        return came

    def receipts(self, arrived: Iterable[tuple[OrderLine, int]], reference: str, person: str) -> list[Movement]:
        """Return the movements of received goods. With a reference, receiving them a second time is recognised."""
        delivery = f"reference/{reference}" if reference else f"revision/{self.revision}"
        return [
            Movement(
                line.item,
                Kind.RECEIPT,
                units,
                f"purchase/{self.id}/{delivery}/{n}",
                order=self.number,
                person=person,
                reason=reference,
            )
            for n, (line, units) in enumerate(arrived, 1)
        ]


@dataclass(frozen=True, slots=True)
class Stocked:
    """An item with a reorder point, as ordering sees it."""

    item: int
    sku: str
    name: str
    on_hand: int
    outstanding: int  # on purchase orders that are drafts or sent
    reorder_point: int
    reorder_to: int | None
    supplier: int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item that should be ordered, and how many units of it."""

    stocked: Stocked
    units: int


def suggestions(stock: Iterable[Stocked]) -> list[Suggestion]:
    """Return items at or below their reorder point, counting units on order, and how many fill them up again."""
    return [Suggestion(one, units) for one in stock if (units := _missing(one))]


def _missing(stocked: Stocked) -> int:
    there = stocked.on_hand + stocked.outstanding
    if there > stocked.reorder_point:
        return 0
    return min(QUANTITY_MAX, max(stocked.reorder_to or 0, stocked.reorder_point + 1) - there)
