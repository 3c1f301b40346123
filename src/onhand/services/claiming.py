"""Tells which cart or which OnHand owns a shop, where two reach the same one.

Path: ``probing`` and ``aligning`` → ``check_free`` before a cart takes a shop; ``ticking`` → ``explain`` when the epoch is another.
Promise: one shop is kept by one cart. An epoch is 16 random digits, so a cart that finds another cart's epoch has reached that cart's shop.
Never: asks a shop, or decides which of two carts is to stay.
"""

from __future__ import annotations

from onhand.domain.carts import Cart
from onhand.domain.errors import Conflict, Refused
from onhand.domain.shop import Hello

from .ports import Books, House

ALIGN = "Compare, then align the cart with Send QOH or Get QOH."


def check_free(house: House, cart: Cart, hello: Hello) -> None:
    """Raise Refused, with reason ``same_shop``, if another cart keeps this shop.

    A copy of a shop has the same epoch. Its sequence number tells it apart: the original received posts since.
    """

    def read(books: Books) -> Cart | None:
        other = _other(books, cart, hello.epoch)
        if other is None or other.halted is not None:
            return other
        pending = books.posts.pending(other.id)
        last = (pending.first if pending else other.next_seq) - 1
        return other if hello.last_seq >= last else None

    other = house.store.read(read)
    if other is not None:
        raise Refused(
            f"{cart.name} is the same shop as {other.name}: both reach one database, and a shop can be one cart only. Remove one of"
            f" them, and edit the other's address if it should be reached that way. If {cart.name} is a copy of {other.name}'s shop,"
            " delete the table onhand_state in the copy first.",
            reason="same_shop",
            cart=cart.name,
            same_as=other.name,
        )


def explain(house: House, cart: Cart, conflict: Conflict) -> Conflict:
    """Return the conflict, or one that names who took the shop over, if its epoch tells."""
    epoch = conflict.facts.get("epoch")
    if not isinstance(epoch, str) or epoch == cart.epoch:
        return conflict
    other, former = house.store.read(
        lambda books: (_other(books, cart, epoch), books.posts.knows_epoch(cart.id, epoch))
    )
    if other is not None:
        return Conflict(
            f"{cart.name} is the same shop as {other.name}, which was aligned later: both reach one database, and a shop can be one"
            f" cart only. Remove one of them; if {cart.name} stays, align it then with Send QOH or Get QOH.",
            reason="same_shop",
            cart=cart.name,
            same_as=other.name,
        )
    if former:
        what = "The shop's database was restored from a backup that is older than the last alignment."
        return Conflict(f"{what} {ALIGN}", reason="restored", cart=cart.name)
    if conflict.facts.get("last_seq"):
        return Conflict(
            "Another OnHand keeps this shop too, and has posted there since. Stop one of the two; if this one stays, compare, then"
            " align the cart with Send QOH or Get QOH.",
            reason="another_onhand",
            cart=cart.name,
        )
    what = "The shop's OnHand table was made again, or another OnHand has just aligned this shop: if there is one, stop it."
    return Conflict(f"{what} {ALIGN}", reason="restored", cart=cart.name)


def _other(books: Books, cart: Cart, epoch: str) -> Cart | None:
    return next((other for other in books.carts.all() if other.id != cart.id and other.epoch == epoch), None)
