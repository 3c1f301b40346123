"""Books movements: the one door through which every quantity changes.

Path: selling, receiving, counting, aligning, collecting and reconciling call ``book`` → ledger, balances, news for the carts.
Promise: a movement, the balance it moves and the news it makes are committed together or not at all; the same origin is booked once.
Never: speaks to a shop, or edits a movement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.listings import Listing
from onhand.domain.sketch import Sums
from onhand.domain.stock import QUANTITY_MAX, Movement

from .ports import Books, House

UNBOOKABLE = "Our count would leave its range: put the number right in the shop and decide ours, or adjust ours first."


def book(books: Books, movements: Sequence[Movement], at: datetime) -> None:
    """Append movements, move balances, and tell every cart that lists one of the items.

    Raises Conflict if one of the origins is booked already, Refused if a balance would leave its range; then nothing is booked.
    """
    if not movements:
        return
    books.ledger.append(movements, at)
    changes: Counter[int] = Counter()
    for movement in movements:
        changes[movement.item] += movement.quantity
    # Rows are locked in one order, so that two bookings never wait for each other.
    books.items.move(dict(sorted(changes.items())))
    books.tell(books.listings.announce(sorted(changes)))


def unbookable(books: Books, changes: Mapping[int, int]) -> set[int]:
    """Return the items whose balance these signed units would move out of range.

    Ask before booking a fact: a fact cannot be refused, and one product must not stop the booking of all others.
    """
    found = books.items.by_id(sorted(changes))
    return {
        item for item, change in changes.items() if max(abs(change), abs(found[item].on_hand + change)) > QUANTITY_MAX
    }


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of ``prove``. Empty lists mean that the promises hold."""

    items: list[tuple[str, int, int]]  # SKU, balance, sum of movements
    carts: list[str]  # carts whose five sums are not those of their listings

    @property
    def holds(self) -> bool:
        return not self.items and not self.carts


def prove(house: House) -> Proof:
    """Recompute and compare: balances with movements, and each cart's sums with its listings."""
    return house.store.read(proof_of)


def proof_of(books: Books) -> Proof:
    """Return the same for one open transaction."""
    wrong = [cart.name for cart in books.carts.all() if cart.sums != books.listings.sums(cart.id)]
    return Proof(books.ledger.refold(), wrong)


def listing_sums(listing: Listing) -> Sums:
    """Return the contribution of one listing to its cart's five sums."""
    return Sums.of(listing.product, listing.agreed, listing.ordered, count=1)
