"""Reads and sets system parameters, and tells which values apply to a cart.

Path: ``onhand param`` and the System Parameters screen → here; the controller asks ``pace_of`` before each tick.
Promise: what is set is checked against its bounds first; a cart's own value overrides the system's.
Never: keeps a value in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from onhand.domain.carts import Cart
from onhand.domain.differences import Policy
from onhand.domain.errors import Conflict, Refused
from onhand.domain.parameters import PARAMETERS, Parameter, Value

from .ports import Books, House
from .weighing import Rules

DIRECT_TICK_SECONDS = 0.1  # for a cart that is reached through its database: a look there takes milliseconds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """The values that apply to one cart."""

    tick_seconds: float
    batch_size: int
    rules: Rules


def parameter(name: str) -> Parameter:
    """Return the parameter of that name, ignoring case. Raise Refused if there is none."""
    for known in PARAMETERS.values():
        if known.name.casefold() == name.strip().casefold():
            return known
    raise Refused(f"There is no parameter {name!r}. There are: {', '.join(sorted(PARAMETERS))}.", parameter=name)


def values(books: Books) -> dict[str, Value]:
    """Return every parameter's current value."""
    kept = books.parameters.get()
    return {name: known.parse(kept[name]) if name in kept else known.default for name, known in PARAMETERS.items()}


def set_parameter(house: House, name: str, text: str, person: str, seen: str | None = None) -> tuple[Parameter, Value]:
    """Set a parameter; return it with its new value.

    Raises Refused if the value is invalid, Conflict if it is not what the caller saw any more.
    """
    known = parameter(name)
    value = known.parse(text)

    def write(books: Books) -> None:
        now = values(books)[known.name]
        if seen is not None and str(now) != seen:
            raise Conflict(
                f"{known.name} was changed since you opened this page: look at the current value.",
                reason="stale",
                current={known.name: str(now)},
            )
        books.parameters.set(known.name, str(value), person, house.clock.now())

    house.store.write(write)
    log.info("parameter.set", parameter=known.name, value=value, person=person)
    return known, value


def pace_of(books: Books, cart: Cart) -> Pace:
    """Return what applies to a cart: its own values, else the system's. By default a direct cart is never slower
    than DIRECT_TICK_SECONDS."""
    system, own = values(books), cart.settings
    usual = min(float(system["TickSeconds"]), DIRECT_TICK_SECONDS if own.direct else float("inf"))
    return Pace(
        tick_seconds=own.tick_seconds if own.tick_seconds is not None else usual,
        batch_size=own.batch_size if own.batch_size is not None else int(system["BatchSize"]),
        rules=Rules(
            settle_seconds=own.settle_seconds if own.settle_seconds is not None else float(system["SettleSeconds"]),
            policy=own.policy if own.policy is not None else Policy(str(system["EditPolicy"])),
            brake_percent=float(system["BrakePercent"]),
            brake_listings=int(system["BrakeListings"]),
        ),
    )
