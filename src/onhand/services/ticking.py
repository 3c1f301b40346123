"""One tick of one cart: look, book, compare, deliver, settle.

Path: the controller calls ``tick`` at its pace and ``deliver_all`` when a booking wakes it; ``aligning`` calls ``tick`` before it compares.
Promise: an unsettled batch is settled before anything is looked at, so what is seen is never in doubt because of us.
Never: decides anything about quantities itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from onhand.domain.carts import Cart
from onhand.domain.differences import Cause, braked
from onhand.domain.errors import Conflict

from . import claiming, collecting, delivering, reconciling, refreshing
from .collecting import Collected, Memory, Moment
from .ports import ROWS_MAX, Books, House, Shop
from .settings import Pace
from .weighing import Rules

SHARED = {"same_shop", "another_onhand"}  # reasons of conflicts: somebody else keeps the shop too
_MOVED = "The shop is not where our posts left it: one side was restored from a backup, or a second OnHand posts there"
_COPIED = (
    "A second OnHand posts to this shop, with a copy of this store data file: stop one of the two and keep it stopped"
)
# Why a shop is not where our posts left it, by the reason of a conflict.
MISPLACED = {"epoch": _MOVED, "gap": _MOVED, "other": _COPIED, "copied": _COPIED}
ROUNDS_MAX = 50  # batches in a row before the next look


def tick(house: House, cart_id: int, shop: Shop, memory: Memory, pace: Pace, deliver: bool = True) -> bool | None:
    """One whole tick. Returns whether the cart was seen in step: sums as expected, nothing left to post. None: on a
    large shop the sums were not due, so nothing was compared.

    Raises what the shop raises; all that was stored before stays, and the next tick goes on from there. A Conflict
    has stopped the cart.
    """
    cart = _get(house, cart_id)
    with _stopping_on_conflict(house, cart):
        if cart.halted is None:
            delivering.resend(house, cart, shop)
            cart = _get(house, cart_id)
        now = house.clock.monotonic()
        memory.hello_due = memory.hello_due or now + collecting.HELLO_SECONDS
        if cart.hello is None or now >= memory.hello_due:
            hello = shop.hello()
            house.store.write(lambda books: books.carts.greet(cart_id, hello))
            memory.hello_due = now + collecting.HELLO_SECONDS
        collected = collecting.look(house, cart, shop, memory, pace.tick_seconds)
    if _looks_empty(house, cart, collected, pace.rules):
        return False
    booked = collecting.book(house, cart, collected)
    if booked.emptied:
        _note_switched_off(house, cart, shop, memory, booked.emptied)
    _refresh_if_changed(house, cart, shop, collected)
    open_ones = 0
    # Sums that agree can hide drifts that cancel each other. The cells are asked until they agree too, and then not for long.
    deep = booked.explained and cart.halted is None and house.clock.monotonic() >= memory.cells_due
    products, whole = booked.suspects, False
    if booked.explained and not deep:
        # Sums that agree may do so because another drift cancels the one that was seen: only its own row ends a suspicion.
        products = frozenset(product for product, _ in memory.suspicions) if cart.halted is None else frozenset()
        memory.misled = 0
    if products is None or deep:
        # A stopped cart is searched no further than its new lines: everything else waits for the alignment.
        sold = frozenset(line.product for line in collected.lines)
        halted = cart.halted is not None
        products, whole = sold if halted else reconciling.suspects(house, cart, shop, memory.misled), True
    if deep and not products:
        memory.cells_due = house.clock.monotonic() + collecting.CELLS_SECONDS
    if whole or products or booked.late or booked.edited or booked.new:
        asked = products | booked.late | booked.edited | booked.new
        open_ones = reconciling.compare(
            house, cart, shop, memory, asked, pace.rules, whole, booked.edited, collected.partial, booked.new - products
        )
    compared = collected.look.sums is not None and not collected.partial
    if compared and not memory.misled:  # else what differs was not seen, or not named yet
        memory.looked_at = Moment.now(house.clock)
    if not deliver or cart.halted is not None:
        return False
    posted = deliver_all(house, cart_id, shop, pace.batch_size)
    if open_ones or posted or collected.partial:
        return False
    return True if compared else None


def deliver_all(house: House, cart_id: int, shop: Shop, batch_size: int) -> int:
    """Deliver until nothing is due; returns how many posts went out."""
    total = 0
    for _ in range(ROUNDS_MAX):
        cart = _get(house, cart_id)
        if cart.halted is not None:
            break
        with _stopping_on_conflict(house, cart):
            posted = delivering.deliver(house, cart, shop, batch_size)
        total += posted
        if not posted:
            break
    return total


@contextmanager
def _stopping_on_conflict(house: House, cart: Cart) -> Iterator[None]:
    """A shop that is not where our posts left it stops the cart: a person has to see it before anything is posted there."""
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
    """The brake on vanished products: a shop that suddenly lacks many is more likely broken than sold out."""
    sums = collected.look.sums
    if sums is None or cart.halted is not None:
        return False
    lost = cart.sums.count - sums.count
    if lost <= 0 or not (sums.count == 0 or braked(lost, cart.sums.count, rules.brake_percent, rules.brake_listings)):
        return False
    reconciling.halt(house, cart, Cause.BRAKE, f"{lost} of {cart.sums.count} products are gone from the shop.")
    return True


def _refresh_if_changed(house: House, cart: Cart, shop: Shop, collected: Collected) -> None:
    """Read the listing set again when products came, went, or changed their SKU or status."""
    look = collected.look
    if cart.halted is not None:
        return
    fewer_or_more = look.sums is not None and look.sums.count != cart.sums.count
    changed = look.catalogue is not None and look.catalogue != cart.catalogue
    if fewer_or_more or changed:
        refreshing.refresh(house, cart, shop, look.catalogue)


def _note_switched_off(house: House, cart: Cart, shop: Shop, memory: Memory, products: tuple[int, ...]) -> None:
    """Did the shop switch off what a sale emptied? Then stock that comes back will switch it on."""
    seconds = memory.seconds_since_look(Moment.now(house.clock))
    rows = shop.rows(products[:ROWS_MAX])
    at = house.clock.now()

    def write(books: Books) -> None:
        listings = books.listings.of(cart.id, [row.product for row in rows])
        for row in rows:
            if row.product in listings:  # else it was found gone just now, and is back already
                reconciling.note_switch(books, listings[row.product], row, seconds, at)

    house.store.write(write)
