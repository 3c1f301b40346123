"""Getting started: the seven steps from an empty store to shops in step, each ticked off with what the store shows for it.

Path: ``/start``; each open step links to where it is done.
Promise: a step is ticked by evidence in the books and by what the controller sees, never because somebody pressed a button here.
Never: changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onhand.app import App, Books
from onhand.domain import family
from onhand.domain.carts import Cart
from onhand.domain.listings import Direction
from onhand.domain.people import Scope
from onhand.domain.states import CartState, state
from onhand.services import settings
from onhand.services.standing import facts_of
from onhand.web import drawing
from onhand.web.declaring import page
from onhand.web.visit import Page, Visit

WORDS = {Direction.SEND: "Send QOH", Direction.GET: "Get QOH"}
CARTS_SHOWN = 20  # in the evidence of one step


@dataclass(frozen=True, slots=True)
class Fact:
    """What one step stands on: a sentence, and where to go if it does not hold yet."""

    holds: bool
    text: str
    label: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Done if there are facts and all hold."""

    title: str
    why: str
    facts: tuple[Fact, ...]

    @property
    def done(self) -> bool:
        return bool(self.facts) and all(fact.holds for fact in self.facts)


@dataclass(frozen=True, slots=True)
class Known:
    """All that the steps are ticked off with."""

    carts: tuple[Cart, ...]  # the active ones
    names: Mapping[int, str]
    items: int
    synch_qoh: bool
    followed: Mapping[int, Mapping[str, Any]]  # by cart: what moved elsewhere, and the post there
    differed: Mapping[int, Mapping[str, Any]]  # by cart: its newest difference
    states: Mapping[int, CartState]
    counts: Mapping[int, Mapping[str, int]]


def _start(visit: Visit) -> Page:
    found = steps(_known(visit.app))
    done = sum(step.done for step in found)
    next_one = next((number for number, step in enumerate(found, 1) if not step.done), None)
    return Page(
        "workflow.html",
        {"steps": found, "done": done, "next": next_one},
        f"Getting started: {done} of {len(found)}",
        ("steps",),
    )


def steps(known: Known) -> list[Step]:
    """The seven steps with their evidence."""
    shop = "Connect your first shop", "/carts/new"
    switch = "System Parameters, group Program", "/parameters#SynchQOH"
    stock = Fact(True, drawing.plural(known.items, "item") + " here.")
    return [
        Step(
            "Decide which side has the right counts",
            "Either the shop's counts are right, or yours are: counted here, or brought in from a file.",
            (*_each(known, _answers, *shop), stock) if known.carts else _each(known, _answers, *shop),
        ),
        Step(
            "Make both sides equal",
            "The cart is right: Get QOH from Website. We are right: Send QOH to Website. Both show a preview first.",
            _each(known, _aligned, *shop),
        ),
        Step(
            "Leave no product out",
            "A product whose SKU no item has is not synchronized. Create items for those that only one shop sells, or ignore them.",
            _each(known, _matched, *shop),
        ),
        Step(
            "Set SynchQOH to True",
            "It switches real-time synchronization on for the whole program. Until then, carts have no Synchronize Inventory box.",
            (Fact(known.synch_qoh, f"SynchQOH is {known.synch_qoh}.", *(switch if not known.synch_qoh else ())),),
        ),
        Step(
            "Check Synchronize Inventory on each cart",
            "OnHand compares both sides first, and says what differs.",
            _each(known, _synchronized, *shop),
        ),
        Step(
            "Try it with something real",
            "Receive goods, take an order by phone, or buy something in one shop: the other side follows within seconds.",
            _each(known, _followed, *shop),
        ),
        Step(
            "Stay in step",
            "From now on OnHand compares all the time, heals what it can explain, and asks about the rest.",
            _each(known, _in_step, *shop),
        ),
    ]


def _each(known: Known, fact: Callable[[Known, Cart], Fact], label: str, address: str) -> tuple[Fact, ...]:
    """The same fact for each cart; without a cart, where to connect one."""
    if not known.carts:
        return (Fact(False, "No shop is connected yet.", label, address),)
    return tuple(fact(known, cart) for cart in known.carts[:CARTS_SHOWN])


def _answers(_: Known, cart: Cart) -> Fact:
    if cart.hello:
        title = family.title(cart.hello.family, cart.hello.version)
        return Fact(True, f"{cart.name} answered: {title}, {cart.hello.engine} tables.")
    return Fact(False, f"{cart.name} has not answered yet.", "Put its files into the shop and test it", _cart(cart))


def _aligned(_: Known, cart: Cart) -> Fact:
    functions = "Send or Get QOH", f"/functions?cart={cart.id}"
    if cart.halted:
        return Fact(False, f"{cart.name} is stopped: {cart.halted}", *functions)
    if cart.aligned_at is None or cart.aligned_by is None:
        return Fact(False, f"{cart.name} was never aligned.", *functions)
    return Fact(True, f"{cart.name}: {WORDS[cart.aligned_by]}, {drawing.when(cart.aligned_at)}.")


def _matched(known: Known, cart: Cart) -> Fact:
    if not cart.aligned:
        return Fact(False, f"{cart.name}: its products are not known before it is aligned.")
    left, unclear = (
        known.counts[cart.id]["unmatched"],
        known.counts[cart.id]["duplicate"] + known.counts[cart.id]["blank"],
    )
    listed = f"{_cart(cart)}/listings"
    if left:
        what = f"{drawing.plural(left, 'product')} of {cart.name} {'is' if left == 1 else 'are'} not synchronized."
        return Fact(False, what, "Create items", f"{listed}/create")
    if unclear:
        what = f"{drawing.plural(unclear, 'product')} of {cart.name} without a SKU of {'its' if unclear == 1 else 'their'} own."
        return Fact(False, what, "Settle the SKUs", listed)
    return Fact(True, f"{cart.name}: every product has an item, or was left out by you.")


def _synchronized(known: Known, cart: Cart) -> Fact:
    if cart.synchronize:
        return Fact(True, f"{cart.name}: on.")
    label = "Open the cart" if known.synch_qoh else "Open the cart, once SynchQOH is True"
    return Fact(False, f"{cart.name}: off.", label, f"{_cart(cart)}#synchronize-box")


def _followed(known: Known, cart: Cart) -> Fact:
    seen = known.followed.get(cart.id)
    if seen is None:
        return Fact(False, f"{cart.name} has not followed a movement yet.", "Receive goods", "/receive")
    where = f" in {known.names.get(seen['cart'], 'a removed cart')}" if seen["cart"] is not None else ""
    seconds = (seen["settled_at"] - seen["at"]).total_seconds()
    moved = f"{seen['kind'].capitalize()} of {seen['sku']} ({drawing.signed(seen['quantity'])}){where}, {drawing.when(seen['at'])}"
    return Fact(
        True, f"{moved}: {cart.name} followed by {drawing.signed(seen['change'])} within {max(seconds, 0.1):,.1f} s."
    )


def _in_step(known: Known, cart: Cart) -> Fact:
    state = known.states[cart.id]
    if state is not CartState.IN_STEP:
        return Fact(False, f"{cart.name} is not in step: {state}.", "See Home", "/")
    differed = known.differed.get(cart.id)
    quiet = _latest(
        cart.aligned_at, datetime.fromisoformat(differed["closed_at"]) if differed and differed["closed_at"] else None
    )
    since = f"; nothing differed since {drawing.when(quiet)}" if quiet else ""
    return Fact(True, f"{cart.name} is in step{since}.")


def _latest(*moments: datetime | None) -> datetime | None:
    return max((at for at in moments if at is not None), default=None)


def _cart(cart: Cart) -> str:
    return f"/carts/{cart.id}"


def _known(app: App) -> Known:
    watch = app.watch()

    def read(books: Books) -> Known:
        every = books.carts.all()
        carts = tuple(cart for cart in every if cart.settings.active)
        counts = {cart.id: books.reports.cart_counts(cart.id) for cart in carts}
        newest = {cart.id: books.reports.differences(cart.id, open_only=False, limit=1) for cart in carts}
        waiting = {cart.id: books.reports.differences(cart.id, open_only=True, limit=1) for cart in carts}
        followed = {cart.id: books.evidence.followed(cart) for cart in carts if cart.aligned}
        return Known(
            carts,
            {cart.id: cart.name for cart in every},
            books.reports.item_count(),
            bool(settings.values(books)["SynchQOH"]),
            {cart: seen for cart, seen in followed.items() if seen},
            {cart: (waiting[cart] or rows)[0] for cart, rows in newest.items() if waiting[cart] or rows},
            {cart.id: state(facts_of(books, cart, watch, counts[cart.id])) for cart in carts},
            counts,
        )

    return app.read(read)


SCREENS = (page("/start", Scope.READ, _start),)
