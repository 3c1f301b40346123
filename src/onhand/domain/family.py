"""Recognises a shop by the facts of ``families``, and names what weakens the law there.

Path: connectors name the family in their hello; ``probing.greet`` and the Shopping Carts screen show what ``concerns`` says.
Promise: an unknown shop is reported as unknown, never guessed; every concern says what OnHand does about it or what the owner can do.
Never: tests the name of a family.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from . import families
from .families import FAMILIES, Concern, Family
from .shop import Hello

UNKNOWN = families.UNKNOWN.key

_BY_KEY = {family.key: family for family in (*FAMILIES, families.UNKNOWN)}
_OTHER_STOCK = {
    each.place: each.says
    for each in (*families.OTHER_STOCK, *(each for family in FAMILIES for each in family.other_stock))
}
_WHOLE_TYPES = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")


def recognise(places: Collection[str]) -> str:
    """Return the key of the family that has these places, ``unknown`` if there is none."""
    return next((family.key for family in FAMILIES if all(mark in places for mark in family.marks)), UNKNOWN)


def family_of(key: str) -> Family:
    """Return the facts of a family. One that a connector knows and we do not goes by its key, and is unknown otherwise."""
    return _BY_KEY.get(key) or replace(families.UNKNOWN, key=key, name=key)


def is_known(hello: Hello) -> bool:
    """Return whether we know how this shop sells. A newer connector may recognise a cart that we do not."""
    return hello.family in _BY_KEY and hello.family != UNKNOWN


def title(key: str, version: str = "") -> str:
    """Return what people call a family, with its version where the shop says one."""
    family = family_of(key)
    return f"{family.name} {version}" if version else family.title or family.name


def restocks_in_part(hello: Hello | None) -> bool:
    """Return whether a deleted order may come back only in part; a shop that has not said what it is may do anything."""
    return hello is None or family_of(hello.family).restocks_in_part


def cancelling(hello: Hello | None) -> frozenset[int]:
    """Return the statuses with which this shop cancels an order, gives the goods back if its admin wants that, and keeps the lines."""
    family = family_of(hello.family if hello else UNKNOWN)
    if hello is None or family.cancelling_status is None:
        return frozenset()
    own = hello.switches.get(family.cancelling_setting, "")
    return frozenset({int(own) if own.isascii() and own.isdigit() else family.cancelling_status})


def concerns(hello: Hello) -> list[str]:
    """Return what weakens the law in this shop, and what to watch for, in sentences; none if nothing does."""
    on = {name for name, value in hello.switches.items() if value.casefold() == "true"}
    applying = (each.says for each in family_of(hello.family).concerns if _applies(each, on, hello.switches))
    return [*([hello.obstacle] if hello.obstacle else []), *applying, *_tables(hello)]


def _applies(concern: Concern, on: set[str], known: Collection[str]) -> bool:
    return (
        all(name in on for name in concern.on)
        and all(name in known and name not in on for name in concern.off)
        and on.isdisjoint(concern.unless)
    )


def _tables(hello: Hello) -> Iterator[str]:
    for place in hello.stock_elsewhere:
        yield _OTHER_STOCK.get(place, f"The shop keeps stock in {place} too: such products are not synced.")
    if hello.engine.casefold() != "innodb":
        yield f"Products are in {hello.engine or 'unknown'} tables, without transactions: after a crash, OnHand works out what was saved."
    if hello.quantity_type not in _WHOLE_TYPES:
        yield f"Quantities are of type {hello.quantity_type}: products with a fraction are not synced."
    for usual, name in sorted(hello.tables.items()):
        yield f"The shop calls its table {usual} {name}, and OnHand uses that name."
