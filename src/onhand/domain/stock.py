"""Defines an item and a movement: the words of the ledger.

Path: every service that changes a quantity builds movements here and hands them to ``services.bookkeeping.book``.
Promise: a movement cannot be built with the wrong sign for its kind, without an origin, or outside the limits.
Never: edits a movement; a correction is a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import Refused
from .spelling import as_seen, unreadable

SKU_LENGTH_MAX = 255  # the widest ``products_model`` in the family
QUANTITY_MAX = 2**31 - 1  # the range of ``products_quantity``; a larger count could never be shown by a shop
TEXT_LENGTH_MAX = 500  # reasons, names, references


class Kind(StrEnum):
    """The closed list of reasons why a quantity on hand changes."""

    OPENING = "opening"  # what was there when the item was first recorded; any sign
    SALE = "sale"  # an order took it; negative
    CANCELLATION = "cancellation"  # the order was withdrawn and its stock given back; positive
    RETURN = "return"  # goods came back from a customer; positive
    RECEIPT = "receipt"  # goods came in from a supplier; positive
    ADJUSTMENT = "adjustment"  # a person, or an edit in a shop that wins, corrected it; any sign
    COUNT = "count"  # the difference to a counted quantity; any sign


RISES = frozenset({Kind.CANCELLATION, Kind.RETURN, Kind.RECEIPT})


def sku_key(text: str) -> str:
    """Return the form under which two spellings are one SKU: case, outer blanks and invisible characters do not count."""
    return as_seen(text).casefold()


def check_sku(text: str) -> str:
    """Return the SKU as it is kept: as a person sees it. Raise Refused if it cannot be one."""
    sku = as_seen(text)
    if not sku:
        raise Refused("A SKU cannot be blank: give each item a SKU of its own.", sku=text)
    if len(sku) > SKU_LENGTH_MAX:
        raise Refused(f"This SKU has {len(sku)} characters; at most {SKU_LENGTH_MAX} are possible.", sku=sku)
    if why := unreadable(sku):
        raise Refused(f"This SKU {why}.", sku=ascii(sku))
    return sku


def is_sku(text: str) -> bool:
    """Return whether the text could be a SKU; what a shop holds is a fact, and no reason to raise."""
    try:
        check_sku(text)
    except Refused:
        return False
    return True


def check_quantity(value: int, what: str = "quantity") -> int:
    """Return the value if it is one that a shop could show. Raise Refused if not."""
    if not -QUANTITY_MAX <= value <= QUANTITY_MAX:
        raise Refused(f"The {what} {value} is out of range (at most {QUANTITY_MAX:,}).", value=value)
    return value


def check_text(value: str, what: str) -> str:
    """Return free text of bounded length, without outer blanks. Raise Refused if it is too long."""
    text = value.strip()
    if len(text) > TEXT_LENGTH_MAX:
        raise Refused(f"The {what} has {len(text)} characters; at most {TEXT_LENGTH_MAX} are possible.")
    return text


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is sold. ``on_hand`` is the sum of its movements; negative means oversold by that much."""

    id: int
    sku: str
    name: str
    on_hand: int


@dataclass(frozen=True, slots=True)
class Source:
    """One run of a shop's own numbering: a shop restored from a backup uses ids again, under another epoch.

    The epoch of lines whose numbers were used again within an epoch ends with "~" and a number. Lists show it, and no origin contains it.
    """

    cart: int
    epoch: str

    def __str__(self) -> str:
        return f"cart/{self.cart}/{self.epoch.partition('~')[0]}"


def numbered(line: int, run: int) -> str:
    """Return a line's number as it appears in origins."""
    return f"{line}~{run}" if run else str(line)


@dataclass(frozen=True, slots=True)
class Movement:
    """One immutable ledger entry. ``origin`` names the fact behind it, so that the same fact is booked once."""

    item: int
    kind: Kind
    quantity: int  # signed units
    origin: str
    cart: int | None = None  # the cart the fact came from
    order: str | None = None
    line: int | None = None  # the shop's order line
    reason: str = ""
    person: str = ""

    def __post_init__(self) -> None:
        check_quantity(self.quantity)
        if not self.origin:
            raise ValueError("a movement needs an origin")
        if self.kind is Kind.SALE and self.quantity >= 0:
            raise ValueError("a sale lowers the quantity on hand")
        if self.kind in RISES and self.quantity <= 0:
            raise ValueError(f"a {self.kind} raises the quantity on hand")

    @classmethod
    def sale_line(
        cls, item: int, units: int, source: Source, order: int, line: int, taken: int = 0, run: int = 0
    ) -> Movement:
        """Return the movement of units that a shop's order line took. ``taken``: units that the line has taken in total by then, if it took
        some before; ``run``: which run of numbers the line's is from."""
        origin = f"{source}/line/{numbered(line, run)}" + (f"/taken/{taken}" if taken > units else "")
        reason = "order edited in the shop" if taken > units else ""
        return cls(item, Kind.SALE, -units, origin, source.cart, str(order), line, reason)

    @classmethod
    def sale_counter(cls, item: int, units: int, source: Source, product: int, mark: str) -> Movement:
        """Return the movement of units that a shop's counter says were sold, with no line to name them. ``mark`` tells this step from
        others."""
        origin = f"{source}/product/{product}/rose/{mark}"
        return cls(item, Kind.SALE, -units, origin, source.cart, reason="counter rose, no order line")

    @classmethod
    def cancellation_line(
        cls,
        item: int,
        units: int,
        source: Source,
        order: int,
        line: int,
        back: int,
        deleted: bool = True,
        run: int = 0,
        cancelled: bool = False,
    ) -> Movement:
        """Return the movement of units of an order line that a shop gave back. ``back``: units of the line that came back in total by then;
        ``deleted``: the line is gone; ``cancelled``: it exists, and its order was cancelled; else it was lowered; ``run``: which run of
        numbers the line's is from."""
        mark = numbered(line, run)
        origin = f"{source}/line/{mark}/restock" if deleted and back == units else f"{source}/line/{mark}/back/{back}"
        reason = "order deleted with restock" if deleted else "order edited in the shop"
        reason = "order cancelled in the shop" if cancelled else reason
        return cls(item, Kind.CANCELLATION, units, origin, source.cart, str(order), line, reason)

    @classmethod
    def cancellation_counter(cls, item: int, units: int, source: Source, product: int, mark: str) -> Movement:
        """Return the movement of units that a shop gave back, by its counter, with no deleted line to name them."""
        origin = f"{source}/product/{product}/fell/{mark}"
        return cls(item, Kind.CANCELLATION, units, origin, source.cart, reason="counter fell, no deleted line")

    @classmethod
    def edit(cls, item: int, change: int, cart: int, difference: int) -> Movement:
        """Return the movement of a change typed into a shop that wins under that cart's policy or a person's decision."""
        origin = f"difference/{difference}"
        return cls(item, Kind.ADJUSTMENT, change, origin, cart, reason="edited in the shop")


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement as the ledger holds it."""

    id: int
    at: datetime
    sku: str
    movement: Movement
