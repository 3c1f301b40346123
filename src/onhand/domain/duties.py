"""Decides which of several processes does what: each cart, sending webhooks, housekeeping.

Path: ``running.duties`` reads the leases and asks ``share``; ``storage.leases`` keeps them.
Promise: the shares of all processes differ by one at most, and what is shared well stays where it is.
Never: reads the books or a clock.

A *duty* is work that one process at a time may do. A *lease* is the right to do it. A process that does duties is a *driver* here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WEBHOOKS = "webhooks"
HOUSEKEEPING = "housekeeping"  # samples for charts, tasks of dead processes
_CART = "cart:"


def of_cart(cart: int) -> str:
    """Return the name of the duty to keep a cart in sync. Only the process that has its lease sends requests to the shop."""
    return f"{_CART}{cart}"


def cart_of(duty: str) -> int | None:
    """Return the cart that a duty is about; None for others."""
    return int(duty.removeprefix(_CART)) if duty.startswith(_CART) else None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do a duty. The epoch grows whenever the holder changes, so an older right can be told from a newer one."""

    duty: str
    holder: str = ""  # a process; blank: free
    epoch: int = 0
    wanted: str = ""  # a process that waits for it, because a person wants something of this cart there


@dataclass(frozen=True, slots=True)
class Process:
    """A process that has a store open."""

    holder: str  # its name, new with each start
    machine: str
    role: str
    pid: int
    drives: bool
    since: datetime
    duties: tuple[str, ...] = ()
    report: Mapping[str, Any] | None = None  # what it last said of its carts and tasks
    age: float = 0.0  # seconds since it said so


@dataclass(frozen=True, slots=True)
class Share:
    """What one process should change: claim these free leases, and give up those once their work has stopped."""

    claim: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()


def share(me: str, drivers: Collection[str], work: Iterable[str], leases: Iterable[Lease]) -> Share:
    """Return what a process should claim and give up. ``leases`` of dead processes are free; ``work`` are all duties there are.

    Each driver gets an equal number of carts, and of other duties. Those who have most keep the ones that cannot be divided, so that
    nothing moves without need.
    """
    known = {lease.duty: lease for lease in leases}
    if me not in drivers:
        return Share(give_up=tuple(sorted(lease.duty for lease in known.values() if lease.holder == me)))
    duties = [known.get(duty, Lease(duty)) for duty in sorted(set(work))]
    needed = {lease.duty for lease in duties}
    mine = {lease.duty for lease in known.values() if lease.holder == me}
    leaving = {duty for duty in mine if duty not in needed or known[duty].wanted not in {"", me}}
    claim: list[str] = []
    for carts in (True, False):
        group = [lease for lease in duties if (cart_of(lease.duty) is not None) == carts]
        quota = _quota(me, drivers, group)
        kept = [lease.duty for lease in group if lease.holder == me and lease.duty not in leaving]
        free = [lease.duty for lease in group if not lease.holder and lease.wanted in {"", me}]
        leaving.update(kept[quota:])
        claim += free[: max(0, quota - len(kept))]
    return Share(tuple(claim), tuple(sorted(leaving)))


def _quota(me: str, drivers: Collection[str], duties: Collection[Lease]) -> int:
    """Return how many of these duties a driver should have."""
    number = Counter(lease.holder for lease in duties)
    least, rest = divmod(len(duties), len(drivers))
    order = sorted(drivers, key=lambda driver: (-number[driver], driver))
    return least + (order.index(me) < rest)
