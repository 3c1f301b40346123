"""The record of one connected shop: its settings and how far it has been read.

Path: ``services`` pass it along a tick; the Shopping Carts screen edits its settings.
Promise: the secret never shows in a repr or a log.
Never: opens a connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .differences import Policy
from .listings import Direction
from .numbering import Place
from .shop import Hello
from .sketch import Sums
from .stock import Source

DIRECT = "mysql://"  # the address of a cart that is reached through its database, without a file in the shop, begins with this


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that a person edits. None means the system parameter of that name."""

    name: str
    url: str
    key_id: str = ""
    secret: str | None = field(default="", repr=False)  # None: sealed with a key that is not here
    allow_http: bool = False
    active: bool = True
    policy: Policy | None = None
    buffer: int = 0  # units withheld from this shop
    batch_size: int | None = None  # posts in one request
    tick_seconds: float | None = None
    settle_seconds: float | None = None

    @property
    def direct(self) -> bool:
        """Return whether the cart is reached through its database; the secret is then the password there."""
        return self.url.startswith(DIRECT)


@dataclass(frozen=True, slots=True)
class Cart:
    """One connected shop."""

    id: int
    settings: Settings
    synchronize: bool  # real-time is on
    halted: str | None  # why posting stopped until a person aligns the cart again
    epoch: str | None  # None: never aligned
    next_seq: int  # number of the next post
    unmarked: bool  # the shop's own trade was booked since the last post
    aligned_movement: int  # id of the last movement when Send or Get last made both sides equal
    aligned_at: datetime | None
    aligned_by: Direction | None
    baseline_line: int  # order lines up to here are history
    cursor_line: int  # order lines up to here are collected
    sums: Sums  # what the shop's five sums should be
    catalogue: str | None
    hello: Hello | None  # the shop's latest hello
    looked_at: datetime | None
    in_step_at: datetime | None
    trouble: str | None  # the last error, None when the last look succeeded
    trouble_since: datetime | None
    revision: int  # how often a person edited the settings
    restart_line: int | None = None  # line numbers began again below the baseline: only lines up to here are history

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def sku_length(self) -> int:
        """Return the longest SKU that the shop can hold, 0 if that is not known yet."""
        return self.hello.sku_length if self.hello else 0

    @property
    def aligned(self) -> bool:
        return self.epoch is not None

    @property
    def place(self) -> Place:
        return Place(self.baseline_line, self.cursor_line, self.restart_line)

    @property
    def source(self) -> Source:
        if self.epoch is None:
            raise ValueError("a cart has no epoch before it is aligned")
        return Source(self.id, self.epoch)
