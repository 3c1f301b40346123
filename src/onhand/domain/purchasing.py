"""Says what a purchase order is, what is still to come of it, and what ought to be ordered.

Path: ``services.purchasing`` asks before it books; the Receive screen shows what is outstanding.
Promise: what came is booked as it came, short or over; more than was ordered only if that is said to be meant.
Never: knows prices; money is not our business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import Conflict, Refused
from .stock import QUANTITY_MAX, Kind, Movement, check_quantity, sku_key

LINES_MAX = 5000  # of one purchase order


class OrderState(StrEnum):
    """How far a purchase order is."""

    DRAFT = "draft"  # can be changed
    SENT = "sent"  # the supplier has it; goods may come
    CLOSED = "closed"  # nothing more is expected
    CANCELLED = "cancelled"  # it was never sent, or nothing came of it


@dataclass(frozen=True, slots=True)
class Supplier:
    """Whom we buy from."""

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
        """What is still to come; nothing where more came than was ordered."""
        return max(0, self.ordered - self.received)


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """What we asked one supplier for."""

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
        """Units still to come."""
        return sum(line.outstanding for line in self.lines) if self.state is OrderState.SENT else 0

    @property
    def ordered(self) -> int:
        return sum(line.ordered for line in self.lines)

    @property
    def received(self) -> int:
        return sum(line.received for line in self.lines)

    def check_revision(self, seen: int | None) -> None:
        """Raises Conflict if somebody changed it since the caller saw it."""
        if seen is not None and seen != self.revision:
            raise Conflict(
                f"Purchase order {self.number} was changed since you opened it: look at it as it is now.",
                reason="stale",
                current={"state": self.state.value, "lines": len(self.lines), "received": self.received},
            )

    def check_state(self, *possible: OrderState) -> None:
        """Raises Refused if it is too late, or too early, for what is asked."""
        if self.state not in possible:
            raise Refused(
                f"Purchase order {self.number} is {self.state.value}: this is possible while it is "
                f"{' or '.join(state.value for state in possible)}.",
                order=self.number,
                state=self.state.value,
            )

    def arrived(self, units: Mapping[str, int], over: bool) -> list[tuple[OrderLine, int]]:
        """The lines and the units that came of each, from SKU keys. Raises Refused for what is not on the order, for fewer
        than none, and, unless ``over``, for more than is outstanding."""
        by_key = {sku_key(line.sku): line for line in self.lines}
        unknown = sorted(set(units) - set(by_key))
        if unknown:
            raise Refused(f"{unknown[0]!r} is not on this order: receive it without one.", unknown=unknown[:100])
        came = [(by_key[key], check_quantity(number)) for key, number in units.items() if number]
        if not came or any(number < 0 for _, number in came):
            raise Refused("Give the units that came, one or more of at least one item; never fewer than none.")
        more = [line.sku for line, number in came if number > line.outstanding]
        if more and not over:
            raise Refused(
                f"More came of {more[0]} than is outstanding: count again, or say that it is meant.", over=more[:100]
            )
        return came

    def all_outstanding(self) -> list[tuple[OrderLine, int]]:
        """Each line of which something is still to come, with all of that. Raises Refused if there is none."""
        came = [(line, line.outstanding) for line in self.lines if line.outstanding]
        if not came:
            raise Refused(f"Nothing is outstanding of {self.number}: close it.", order=self.number)
        return came

    def receipts(self, arrived: Iterable[tuple[OrderLine, int]], reference: str, person: str) -> list[Movement]:
        """What is booked of a delivery. By its reference, if it has one, it is told when it comes again."""
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
    """An item with a reorder point, as far as ordering needs to know it."""

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
    """An item that ought to be ordered, and how many units of it."""

    stocked: Stocked
    units: int


def suggestions(stock: Iterable[Stocked]) -> list[Suggestion]:
    """What is at or below its reorder point, counting what is on its way, and how many fill it up again."""
    return [Suggestion(one, units) for one in stock if (units := _missing(one))]


def _missing(stocked: Stocked) -> int:
    there = stocked.on_hand + stocked.outstanding
    if there > stocked.reorder_point:
        return 0
    return min(QUANTITY_MAX, max(stocked.reorder_to or 0, stocked.reorder_point + 1) - there)
