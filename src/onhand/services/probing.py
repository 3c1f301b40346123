"""Probes a cart: who answers, what weakens the law there, and the real path with one SKU.

Path: ``onhand cart test`` and the Test button → ``greet``, ``round_trip``.
Promise: a round trip takes back what it adds; if it is killed in between, delivery does.
Never: changes a quantity by anything but a numbered post.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from onhand.domain.carts import Cart
from onhand.domain.errors import Refused
from onhand.domain.family import concerns
from onhand.domain.listings import Listing
from onhand.domain.posts import Batch, Post
from onhand.domain.shop import Hello
from onhand.domain.stock import sku_key

from . import claiming, delivering
from .ports import Books, House, Shop

T = TypeVar("T")

CLOCK_SECONDS = 60  # a clock difference worth a warning; 300 are refused


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a test and how long it took."""

    what: str
    milliseconds: float


def greet(house: House, cart: Cart, shop: Shop) -> tuple[Hello, list[str], list[Step]]:
    """Say hello and take one look; return who answered, what to watch for, and the time of each step.

    A shop that cannot be kept in sync answers the hello only.
    """
    steps: list[Step] = []
    hello = _timed(house, steps, "hello", shop.hello)
    house.store.write(lambda books: books.carts.greet(cart.id, hello))
    claiming.check_free(house, cart, hello)
    if hello.obstacle:
        return hello, concerns(hello), steps
    look = _timed(house, steps, "look", lambda: shop.look(cart.cursor_line, cart.cursor_line, 1, True, False))
    warnings = []
    if abs(hello.clock - house.clock.now().timestamp()) > CLOCK_SECONDS:
        warnings.append(
            f"The shop's clock differs by {hello.clock - house.clock.now().timestamp():+.0f} s; at 300 s it is refused."
        )
    warnings += concerns(hello)
    if look.sums is not None and look.sums.count == 0:
        warnings.append("The shop has no products.")
    return hello, warnings, steps


def round_trip(house: House, cart: Cart, shop: Shop, sku: str) -> list[Step]:
    """Send one unit there, check that it arrived, and take it back, by two numbered posts. Raise Refused if the SKU is not kept in sync
    there."""
    if cart.epoch is None or cart.halted is not None:
        raise Refused(f"{cart.name} is not aligned: use Get QOH or Send QOH first.", cart=cart.name)
    listing = house.store.read(
        lambda books: next(
            (x for x in books.listings.all(cart.id) if x.tracked and sku_key(x.model or "") == sku_key(sku)), None
        )
    )
    if listing is None:
        raise Refused(f"{cart.name} has no product with the SKU {sku!r} that is kept in sync.", sku=sku, cart=cart.name)
    steps: list[Step] = []
    delivering.resend(house, cart, shop)
    for delta in (1, -1):
        _one_way(house, cart, shop, listing, delta, steps)
    return steps


def _one_way(house: House, cart: Cart, shop: Shop, listing: Listing, delta: int, steps: list[Step]) -> None:
    before = shop.rows([listing.product])[0].quantity
    batch = house.store.write(lambda books: _post(books, cart, listing, delta, house))
    _timed(house, steps, f"post {delta:+d}", lambda: delivering.send(house, cart, shop, batch, fresh=True))
    row = _timed(house, steps, "seen there", lambda: shop.rows([listing.product])[0])
    if row.quantity != before + delta:
        raise Refused(
            f"The shop showed {before}, was asked for {delta:+d}, and shows {row.quantity}: a customer bought it at this "
            "moment, or the shop does not keep what is written. Test again with a quiet SKU.",
            sku=listing.model,
        )


def _post(books: Books, cart: Cart, listing: Listing, delta: int, house: House) -> Batch:
    current = books.carts.get(cart.id)
    batch = Batch(current.source.epoch, (Post(current.next_seq, listing.id, listing.product, delta, reactivate=False),))
    books.carts.take_seqs(cart.id, 1)
    books.posts.add(cart.id, batch, house.clock.now())
    books.listings.announce_listings([listing.id])  # so that delivery takes back what a kill leaves in the shop
    return batch


def _timed(house: House, steps: list[Step], what: str, work: Callable[[], T]) -> T:
    started = house.clock.monotonic()
    result = work()
    steps.append(Step(what, round(1000 * (house.clock.monotonic() - started), 2)))
    return result
