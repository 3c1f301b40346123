"""Names carts and suppliers: those to choose from, and the cart that an address names by its number.

Path: screens about carts have the number in their addresses, as a name can change; verbs take the name.
Promise: a name is the one that the cart has now.
Never: knows more about a cart than its number and name.
"""

from __future__ import annotations

from dataclasses import dataclass

from onhand.domain.errors import Refused

from .visit import Visit


@dataclass(frozen=True, slots=True)
class Named:
    """A cart."""

    id: int
    name: str


def carts(visit: Visit) -> list[Named]:
    """Return all carts."""
    return [Named(cart["id"], cart["name"]) for cart in visit.do("cart_names")["carts"]]


def numbered(visit: Visit, cart: str | int) -> Named:
    """Return the cart of that number. Raise Refused if there is none."""
    number = str(cart)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Refused("This cart does not exist. See Shopping Carts.")
    for found in carts(visit):
        if found.id == int(number):
            return found
    raise Refused(f"Cart number {int(number)} no longer exists.", cart=int(number))


def suppliers(visit: Visit, limit: int) -> list[str]:
    """Return the active suppliers, at most so many."""
    return [one["name"] for one in visit.do("supplier_list", active=True, limit=limit)["suppliers"]]
