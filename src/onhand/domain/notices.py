"""Lists what needs a person although every listing shows its target: stock, and products that are not kept in sync.

Path: Home and ``status`` ask for the notices of all carts and of the stock; each adds how to act on one.
Promise: a count that is not zero makes one notice, which names the first things it is about.
Never: decides whether a cart is in sync.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .grammar import counted, number

Row = Mapping[str, Any]


class Kind(StrEnum):
    """The subject of a notice, the most urgent first."""

    OVERSOLD = "oversold"  # items below zero
    SWITCHED_OFF = "switched off"  # products of a shop that sold out and are still switched on there
    UNMATCHED = "unmatched"  # products of a shop whose SKU no item has
    UNCLEAR = "unclear"  # products of a shop without a SKU of their own
    LOW = "low"  # items at their reorder point


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence, the number of things it is about, and the cart if it is about one."""

    kind: Kind
    count: int
    text: str
    cart: int | None = None
    cart_name: str = ""


def notices(carts: Sequence[Row], stock: Row) -> list[Notice]:
    """Return all notices, by kind and cart. ``carts`` and ``stock`` are taken from ``status``."""
    kept = [cart for cart in carts if cart["active"] and cart["aligned"]]
    found = [_of_stock(Kind.OVERSOLD, stock, "is oversold", "are oversold")]
    found += [_of_cart(Kind.SWITCHED_OFF, cart, cart["switched_off"]) for cart in kept]
    found += [_of_cart(Kind.UNMATCHED, cart, cart["unmatched"]) for cart in kept]
    found += [_of_cart(Kind.UNCLEAR, cart, cart["duplicate"] + cart["blank"]) for cart in kept]
    found.append(_of_stock(Kind.LOW, stock, "is at or below its reorder point", "are at or below their reorder point"))
    return [notice for notice in found if notice.count]


# (of one product, of several), after "6 products of Iris"
_WORDS = {
    Kind.SWITCHED_OFF: ("sold out and is still switched off.", "sold out and are still switched off."),
    Kind.UNMATCHED: ("is not synchronized: create an item for it.", "are not synchronized: create items for them."),
    Kind.UNCLEAR: (
        "has no SKU of its own, so it is not synchronized.",
        "have no SKU of their own, so they are not synchronized.",
    ),
}


def _of_cart(kind: Kind, cart: Row, count: int) -> Notice:
    words = _WORDS[kind][count != 1]
    text = f"{counted(count, 'product')} of {cart['name']} {words}"
    return Notice(kind, count, text, cart["id"], cart["name"])


def _of_stock(kind: Kind, stock: Row, one: str, several: str) -> Notice:
    count, rows = stock[kind], stock[f"{kind}_items"]
    named = ", ".join(f"{row['sku']} {number(row['on_hand'])}" for row in rows)
    more = f" and {count - len(rows):,} more" if count > len(rows) else ""
    text = f"{counted(count, f'item {one}', f'items {several}')}: {named}{more}."
    return Notice(kind, count, text)
