"""Books what a look told of: the order lines that the sums confirm.

Path: the controller's tick → ``looking.look`` → ``book`` → what cannot be told from the lines alone goes on to ``reconciling``.
Promise: each sale is booked once, in the same commit that moves the cursor past it.
Never: books a line whose counter has not moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from onhand.domain import law
from onhand.domain.carts import Cart
from onhand.domain.shop import Line

from . import trading
from .looking import Collected
from .ports import Books, House

CELLS_SECONDS = 600.0  # how often the cells are asked although the sums agree: drifts can cancel each other in the sums

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Booked:
    """What the lines explained. ``suspects``: products to weigh one by one; None: unknown which, the sums differ.

    ``late``: products with a new line that no counter moved for, and with units that were booked before any line named them.
    ``edited``: products with a sold line that has other units now. ``new``: products with a paid line that was not known, if it is not
    certain yet that it was sold, and those with a sold line that is gone.
    """

    explained: bool
    suspects: frozenset[int] | None
    emptied: tuple[int, ...]  # products that a sale brought to nothing
    late: frozenset[int] = frozenset()
    edited: frozenset[int] = frozenset()
    new: frozenset[int] = frozenset()


def book(house: House, cart: Cart, collected: Collected) -> Booked:
    """Book the lines that the sums confirm. One commit; none when there is nothing to write."""
    comparable = collected.look.sums is not None and not collected.partial
    residual = collected.look.sums - cart.sums if comparable and collected.look.sums is not None else None
    begun_again = collected.place != cart.place
    if not (collected.lines or collected.gone or collected.edited or begun_again):
        return Booked(residual is not None and not residual, None if residual else frozenset(), ())
    at = house.clock.now()

    def write(books: Books) -> Booked:
        if begun_again:
            books.carts.begin_again(cart.id, collected.place)
        new = frozenset(books.lines.vanish(cart.source, collected.gone, at))
        fresh = books.lines.record(cart.source, collected.lines, at)
        again = [line for line in collected.lines if line.line not in {new.line for new in fresh}]
        if again and residual and residual == law.trade([*fresh, *again]):
            # The same order again, line by line, after its number was used before: the counters say that it is another sale.
            fresh += books.lines.record(cart.source, again, at, reused=True)
        if collected.lines:
            books.carts.advance(cart.id, max(collected.place.cursor, *(line.line for line in collected.lines)))
        products = frozenset(line.product for line in fresh)
        new = new.union(line.product for line in fresh if line.paid)
        edited = _restate(books, cart, collected.edited)
        if edited:  # what the sums show may be an order that was edited: its products are weighed one by one
            return Booked(False, None if residual else products | edited, (), edited=edited, new=new)
        if residual is None:
            return Booked(False, products, (), new=new)
        listings = books.listings.of(cart.id, sorted(products))
        late = frozenset(x.product for x in listings.values() if x.unnamed)
        if listings.keys() != products:
            return Booked(
                False, None, (), late, new=new
            )  # of a product that is new here, or gone: the sums cannot tell which
        confirmed = law.predict(residual, [line for line in fresh if line.quantity > 0])
        if confirmed is None:
            return Booked(False, None, (), late, new=new)
        if unsold := {line.product for line in fresh if line.paid and line.quantity > 0 and line not in confirmed}:
            # Who paid has bought, and yet nothing moved: the sums can agree by accident, as three drifts can cancel each other.
            return Booked(False, frozenset(unsold), (), late, new=new)
        emptied = trading.sell(books, cart, confirmed, at)
        booked = {line.product for line in confirmed}
        return Booked(True, frozenset(), emptied, late - booked, new=new - booked)

    return house.store.write(write)


def _restate(books: Books, cart: Cart, edited: Sequence[Line]) -> frozenset[int]:
    """Take over what is on edited lines that took nothing; the products of the others, whose stock is followed."""
    if not edited:
        return frozenset()
    listings = books.listings.of(cart.id, sorted({line.product for line in edited}))
    followed = {product for product, listing in listings.items() if listing.tracked}
    return frozenset(books.lines.restate(cart.source, edited, followed))
