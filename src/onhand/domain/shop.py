"""The values that a shop tells us: the answers of a connector's verbs.

Path: adapters in ``carts`` build these from the wire; services and the law read them.
Promise: whole numbers only; times of the shop's clock appear as ages in seconds, never as dates to sort by.
Never: decides anything.

The shapes are those of ``docs/protocol.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from .sketch import Sums


@dataclass(frozen=True, slots=True)
class Hello:
    """The connector's answer to who is at the other end."""

    protocol: int
    connector: str
    runtime: str
    database: str
    family: str  # a key of ``domain.family.FAMILIES``, or "unknown"
    version: str  # as the shop states it; "" if it does not
    engine: str
    prefix: str
    tables: Mapping[str, str]  # usual name → name, of tables that are not called prefix + usual name
    collation: str
    sku_length: int
    quantity_type: str
    columns: Mapping[str, str]  # table.column → type, of the columns that the law rests on
    stock_elsewhere: tuple[str, ...]  # table.column that also names products whose stock is kept elsewhere
    switches: Mapping[str, str]
    products: int
    epoch: str
    last_seq: int
    clock: int  # unix seconds, the shop's
    obstacle: str = ""  # why this shop cannot be kept in sync at all, and what to do about it


@dataclass(frozen=True, slots=True)
class Line:
    """One order line as the shop holds it now."""

    line: int
    order: int
    product: int
    model: str | None
    quantity: int
    status: int | None  # None: the order row is missing
    paid: bool  # the order has a status history; redirect payments have none before they are paid
    run: int = 0  # above 0: the run of numbers it came in, after its number had been used before

    @property
    def complete(self) -> bool:
        """Return whether it names a product. Gambio GX4 adds a line without one and fills it in a moment later."""
        return self.product > 0


WINDOW_PRIME = (
    65_521  # the largest prime of 16 bits: neighbouring lines weigh differently, and sums stay within 64 bits
)


@dataclass(frozen=True, slots=True)
class Window:
    """The number of order lines in a range of ids, the sum of their ids, and Σ units · (id mod ``WINDOW_PRIME`` + 1), which shows lines
    that were edited.

    ``weighed`` None: the connector is an older one that does not send it.
    """

    count: int
    total: int
    weighed: int | None = None

    def fits(self, known: Window) -> bool:
        """Return whether these are the known lines, unchanged as far as the shop tells."""
        return (self.count, self.total) == (known.count, known.total) and self.weighed in (None, known.weighed)


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one look at a shop."""

    epoch: str
    last_seq: int
    begun: bool
    lines: tuple[Line, ...]
    more: bool
    last_line: int
    window: Window
    sums: Sums | None
    sums_ms: float
    catalogue: str | None


FRACTION = 1  # flag of a row: quantity or counter is not whole
DOWNLOAD = 2  # flag of a row: sold as a download, so the counter moves without the quantity
MENDED = 8  # flag of a row, set by OnHand: the shop keeps a text in a broken character set, read as it was meant
DOUBTFUL = 16  # flag of a row, set by OnHand: a text may be broken, or has lost characters
DERIVED = 4  # flag of a row: the shop works the quantity out from others, of variants or sub-products


@dataclass(frozen=True, slots=True)
class Row:
    """One product as the shop holds it now."""

    product: int
    model: str | None
    name: str
    quantity: int
    ordered: int
    status: int
    modified: str | None
    age: int | None  # seconds since ``modified``, by the shop database's clock
    flags: int = 0

    @property
    def sum(self) -> int:
        return self.quantity + self.ordered


@dataclass(frozen=True, slots=True)
class Page:
    """Products in id order; ``more`` means that others follow."""

    rows: tuple[Row, ...]
    more: bool


class Change(NamedTuple):
    """The request of one post to a shop: a signed change of one product's quantity."""

    product: int
    delta: int
    reactivate: bool = False  # switch the product on again if its new quantity is above 0


class Outcome(StrEnum):
    """The outcome of a batch."""

    APPLIED = "applied"
    ALREADY = "already"
    UNFINISHED = "unfinished"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to a batch. ``failed`` maps product to ``missing`` or ``range``; all others were applied.

    ``elsewhere``: the batch was applied for another run of OnHand than this one.
    """

    outcome: Outcome
    epoch: str
    last_seq: int
    failed: Mapping[int, str] = field(default_factory=dict)
    elsewhere: bool = False
