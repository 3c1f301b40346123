"""Takes one tick of one cart: look, book, compare, deliver.

Path: the controller calls ``tick`` at its pace and ``deliver_all`` when a booking wakes it; ``aligning`` calls ``observe`` before it
compares.
Promise: a batch without an answer is resent before any look, so our own posts cast no doubt on the result.
Never: decides about quantities.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from onhand.domain import looks
from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, braked
from onhand.domain.errors import Conflict
from onhand.domain.looks import Asked, Told

from . import claiming, collecting, delivering, looking, reconciling, refreshing
from .looking import Collected
from .memory import Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop
from .settings import Pace
from .weighing import Rules

SHARED = {"same_shop", "another_onhand"}  # reasons of conflicts: another cart or another OnHand keeps the shop too
_MOVED = "The shop is not where our posts left it: one side was restored from a backup, or a second OnHand posts there"
_COPIED = (
    "A second OnHand posts to this shop, with a copy of this store data file: stop one of the two and keep it stopped"
)
# Why a shop is not where our posts left it, by the reason of a conflict.
MISPLACED = {"epoch": _MOVED, "gap": _MOVED, "other": _COPIED, "copied": _COPIED}
CELLS_SECONDS = 600.0  # how often cells are asked for although the sums match: drifts can cancel each other in the sums
LOOKS_MAX = 20  # looks in a row until all order lines of a shop are read
DELIVER_SECONDS = 5.0  # how long batches go out one after the other before the next look


class Seen(StrEnum):
    """The result of one tick."""

    IN_STEP = "in step"  # sums as expected, nothing open, nothing left to post
    DIFFERS = "differs"
    NOT_COMPARED = "not compared"  # nothing was seen to differ, but on a large shop the sums were not due
    STOPPED = "stopped"  # a person has to align it


def tick(house: House, cart_id: int, shop: Shop, memory: Memory, pace: Pace) -> Seen:
    """Observe a shop, then deliver what is due.

    Raises what the shop raises; everything stored before that stays, and the next tick continues from there. A Conflict has stopped the
    cart.
    """
    seen = observe(house, cart_id, shop, memory, pace)
    if seen is Seen.STOPPED:
        return seen
    return Seen.DIFFERS if deliver_all(house, cart_id, shop, pace.batch_size, memory) else seen


def observe(house: House, cart_id: int, shop: Shop, memory: Memory, pace: Pace) -> Seen:
    """Look at a shop, book what was sold, and act on what differs; nothing new is posted. Raise as ``tick`` does."""
    cart, collected = _look(house, cart_id, shop, memory, pace)
    if _looks_empty(house, cart, collected, pace.rules):
        return Seen.STOPPED
    booked = collecting.book(house, cart, collected)
    if booked.emptied:
        _note_switched_off(house, cart, shop, memory, booked.emptied)
    if booked.told.explained:
        memory.trust()
    _refresh_if_changed(house, cart, shop, memory, collected)
    open_ones = _compare(house, cart, shop, memory, pace.rules, collected, booked.told)
    compared = collected.look.sums is not None and not collected.partial
    if compared and not memory.misled:  # otherwise what differs was not seen, or not named yet
        memory.looked_at = Moment.now(house.clock)
    if cart.halted is not None:
        return Seen.STOPPED
    if open_ones or collected.partial:
        return Seen.DIFFERS
    return Seen.IN_STEP if compared else Seen.NOT_COMPARED


def _look(house: House, cart_id: int, shop: Shop, memory: Memory, pace: Pace) -> tuple[Cart, Collected]:
    """Resend what has no answer, so that our own posts cast no doubt on what is seen; then look."""
    cart, unanswered = house.store.read(lambda books: (books.carts.get(cart_id), books.posts.pending(cart_id)))
    with _stopping_on_conflict(house, cart):
        if cart.halted is None and unanswered is not None:
            delivering.resend(house, cart, shop, memory.doubted())
            cart = _get(house, cart_id)
        now = house.clock.monotonic()
        memory.hello_due = memory.hello_due or now + looking.HELLO_SECONDS
        if cart.hello is None or now >= memory.hello_due:
            hello = shop.hello()
            house.store.write(lambda books: books.carts.greet(cart_id, hello))
            memory.hello_due = now + looking.HELLO_SECONDS
        return cart, looking.look(house, cart, shop, memory, pace.tick_seconds)


def _compare(
    house: House, cart: Cart, shop: Shop, memory: Memory, rules: Rules, collected: Collected, told: Told
) -> int:
    """Compare with the books what the look leaves in doubt; return how many products are still open."""
    halted = cart.halted is not None
    deep = told.explained and not halted and house.clock.monotonic() >= memory.cells_due
    if told.explained and not deep:
        memory.misled = 0
    suspected = frozenset(product for product, _ in memory.suspicions)
    sold = frozenset(line.product for line in collected.lines)
    where = looks.search(told, suspected, sold, halted, deep)
    found = reconciling.suspects(house, cart, shop, memory.misled) if where.cells else where.products
    if deep and not found:  # the cells match too: do not ask for them again soon
        memory.cells_due = house.clock.monotonic() + CELLS_SECONDS
    asked = Asked.after(found, where.whole, told, collected.partial)
    return reconciling.compare(house, cart, shop, memory, asked, rules) if asked.needed else 0


def deliver_all(house: House, cart_id: int, shop: Shop, batch_size: int, memory: Memory) -> int:
    """Deliver until nothing is due, or until it is time for another look; return how many posts went out."""
    total, until = 0, house.clock.monotonic() + DELIVER_SECONDS

    def in_time(_: int = 0) -> bool:
        return house.clock.monotonic() < until

    while in_time():
        # Most ticks find nothing to send. To ask is a read; a write would keep all others waiting, and on a server be a commit.
        cart, due = house.store.read(lambda books: delivering.due(books, cart_id))
        if cart.halted is not None or not due:
            break
        with _stopping_on_conflict(house, cart):
            posted = delivering.deliver(house, cart, shop, batch_size, memory.doubted(), in_time)
        total += posted
        if not posted:
            break
    return total


@contextmanager
def _stopping_on_conflict(house: House, cart: Cart) -> Iterator[None]:
    """Stop the cart if its shop is not where our posts left it: a person has to see that before anything is posted there."""
    try:
        yield
    except Conflict as seen:
        conflict = claiming.explain(house, cart, seen)
        reason = str(conflict.facts.get("reason"))
        if cart.halted is None and reason in SHARED:
            reconciling.halt(house, cart, Cause.SHARED, conflict.message)
        elif cart.halted is None and reason == "restored":
            reconciling.halt(house, cart, Cause.RESTORED, conflict.message)
        elif cart.halted is None and reason in MISPLACED:
            reconciling.halt(house, cart, Cause.RESTORED, f"{MISPLACED[reason]}. {claiming.ALIGN}")
        if conflict is seen:
            raise
        raise conflict from seen


def _get(house: House, cart_id: int) -> Cart:
    return house.store.read(lambda books: books.carts.get(cart_id))


def _looks_empty(house: House, cart: Cart, collected: Collected, rules: Rules) -> bool:
    """Stop the cart if many products vanished at once: its shop is more likely broken than sold out. Return whether it was stopped."""
    sums = collected.look.sums
    if sums is None or cart.halted is not None:
        return False
    lost = cart.sums.count - sums.count
    if lost <= 0 or not (sums.count == 0 or braked(lost, cart.sums.count, rules.brake_percent, rules.brake_listings)):
        return False
    reconciling.halt(house, cart, Cause.BRAKE, f"{lost} of {cart.sums.count} products are gone from the shop.")
    return True


def _refresh_if_changed(house: House, cart: Cart, shop: Shop, memory: Memory, collected: Collected) -> None:
    """Read the listing set again when products were added, deleted or renamed, or changed their status."""
    look = collected.look
    if cart.halted is not None:
        return
    fewer_or_more = look.sums is not None and look.sums.count != cart.sums.count
    changed = look.catalogue is not None and look.catalogue != cart.catalogue
    if fewer_or_more or changed:
        refreshing.refresh(house, cart, shop, memory, look.catalogue)


def _note_switched_off(house: House, cart: Cart, shop: Shop, memory: Memory, products: tuple[int, ...]) -> None:
    """Note whether the shop switched off a product that a sale emptied: then new stock will switch it on again."""
    seconds = memory.seconds_since_look(Moment.now(house.clock))
    rows = shop.rows(products[:ROWS_MAX])
    at = house.clock.now()

    def write(books: Books) -> None:
        listings = books.listings.of(cart.id, [row.product for row in rows])
        for row in rows:
            if row.product in listings:  # otherwise it was found gone just now, and is back already
                reconciling.note_switch(books, listings[row.product], row, seconds, at)

    house.store.write(write)
