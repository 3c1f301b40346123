"""Books the order lines that a look found and the sums confirm.

Path: ``ticking`` → ``looking.look`` → ``book`` → ``trading.sell``; where the lines do not explain the sums, ``reconciling`` goes on.
Promise: each sale is booked once, in the same commit that moves the cursor past it.
Never: decides which lines were sold; ``looks`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain import looks
from onhand.domain.carts import Cart
from onhand.domain.looks import Noted, Told
from onhand.domain.shop import Line
from onhand.domain.sketch import Sums

from . import trading
from .looking import Collected
from .ports import Books, House


@dataclass(frozen=True, slots=True)
class Booked:
    """The result of a look, once it is booked."""

    told: Told
    emptied: tuple[int, ...] = ()  # products whose last units were sold


def book(house: House, cart: Cart, collected: Collected) -> Booked:
    """Book the lines that the sums confirm. One commit; none when there is nothing to write."""
    residual = _residual(cart, collected)
    begun_again = collected.place != cart.place
    if not (collected.lines or collected.gone or collected.edited or begun_again):
        return Booked(looks.judge(residual, Noted(), {}))
    at = house.clock.now()

    def write(books: Books) -> Booked:
        noted = _note(books, cart, collected, residual, at)
        told = looks.judge(residual, noted, books.listings.of(cart.id, sorted(noted.products)))
        return Booked(told, trading.sell(books, cart, told.sold, at))

    return house.store.write(write)


def _residual(cart: Cart, collected: Collected) -> Sums | None:
    """Return how far the shop's sums are from what the books expect; None if they cannot be compared."""
    sums = collected.look.sums
    return None if sums is None or collected.partial else sums - cart.sums


def _note(books: Books, cart: Cart, collected: Collected, residual: Sums | None, at: datetime) -> Noted:
    """Add the lines of a look to the books, and move the cursor past them. Nothing is booked as sold yet."""
    if collected.place != cart.place:
        books.carts.begin_again(cart.id, collected.place)
    gone = frozenset(books.lines.vanish(cart.source, collected.gone, at))
    fresh = books.lines.record(cart.source, collected.lines, at)
    numbers = {line.line for line in fresh}
    known = [line for line in collected.lines if line.line not in numbers]
    if looks.sold_again(residual, fresh, known):
        fresh += books.lines.record(cart.source, known, at, reused=True)
    if collected.lines:
        books.carts.advance(cart.id, max(collected.place.cursor, *(line.line for line in collected.lines)))
    return Noted(tuple(fresh), gone, _restate(books, cart, collected.edited))


def _restate(books: Books, cart: Cart, edited: Sequence[Line]) -> frozenset[int]:
    """Take over edited lines that took nothing; return the products of the others whose stock is followed."""
    if not edited:
        return frozenset()
    listings = books.listings.of(cart.id, sorted({line.product for line in edited}))
    followed = {product for product, listing in listings.items() if listing.tracked}
    return frozenset(books.lines.restate(cart.source, edited, followed))
