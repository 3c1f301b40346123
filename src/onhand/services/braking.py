"""Brakes: stops changes that are so large that a person has to look first.

Path: ``reconciling.compare`` asks before it acts on what has settled.
Promise: units of many listings that no order line names stop a cart at any pace, not only within one look; a line that comes late
takes its listing out of the reckoning.
Never: stops a cart itself, or forgets what a restart does not make it forget.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from onhand.domain import differences
from onhand.domain.carts import Cart

from .memory import Memory
from .ports import House

if TYPE_CHECKING:
    from .weighing import Rules


def why(house: House, cart: Cart, memory: Memory, settled: int, nameless: AbstractSet[int], rules: Rules) -> str:
    """Return why nothing that has settled may be acted on; blank if it may.

    ``settled``: how many listings would change now. ``nameless``: those of them whose counters rose with no line to name the units.
    """
    listings = cart.sums.count
    if differences.braked(settled, listings, rules.brake_percent, rules.brake_listings):
        return f"{settled} of {listings} listings would change at once."
    now = house.clock.monotonic()
    memory.nameless = {p: at for p, at in memory.nameless.items() if now - at <= differences.NAMELESS_SECONDS}
    if not nameless:
        return ""
    before = house.store.read(lambda books: books.listings.of(cart.id, sorted(memory.nameless)))
    still = nameless | {product for product, listing in before.items() if listing.unnamed > 0}
    if differences.braked(len(still), listings, rules.brake_percent, rules.brake_listings):
        minutes = int(differences.NAMELESS_SECONDS / 60)
        return f"{len(still)} of {listings} listings sold units within {minutes} minutes that no order names."
    return ""
