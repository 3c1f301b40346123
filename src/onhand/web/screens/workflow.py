"""Getting started: the seven steps from an empty store to shops in sync, each ticked off with evidence from the store.

Path: ``/start``; each open step links to where it is done.
Promise: a step is ticked by evidence in the books and by what the controller sees, never because a person pressed a button here.
Never: changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.listings import Direction
from onhand.domain.people import Scope
from onhand.domain.states import CartState
from onhand.domain.stock import Kind
from onhand.web import drawing
from onhand.web.declaring import page
from onhand.web.visit import Page, Visit
from onhand.wire import Data
from onhand.words import counted, label_of, signed

WORDS = {Direction.SEND: "Send QOH", Direction.GET: "Get QOH"}
CARTS_SHOWN = 20  # carts in the evidence of one step


@dataclass(frozen=True, slots=True)
class Fact:
    """The evidence for one step: a sentence, and where to go if it does not hold yet."""

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
    """All facts that decide the steps."""

    carts: Sequence[Data]  # the active ones, as ``cart_list`` shows them
    items: int
    synch_qoh: bool
    evidence: Mapping[int, Data]  # by cart, as ``cart_evidence`` shows it


def _start(visit: Visit) -> Page:
    found = steps(_known(visit))
    done = sum(step.done for step in found)
    next_one = next((number for number, step in enumerate(found, 1) if not step.done), None)
    return Page(
        "workflow.html",
        {"steps": found, "done": done, "next": next_one},
        f"Getting started: {done} of {len(found)}",
        ("steps",),
    )


def steps(known: Known) -> list[Step]:
    """Return the seven steps with their evidence."""
    shop = "Connect your first shop", "/carts/new"
    switch = "System Parameters, group Program", "/parameters#SynchQOH"
    stock = Fact(True, counted(known.items, "item") + " in OnHand.")
    return [
        Step(
            "Decide which side has the right counts",
            "Either the shop's counts are right, or yours are: counted here or imported from a file.",
            (*_each(known, _answers, *shop), stock) if known.carts else _each(known, _answers, *shop),
        ),
        Step(
            "Align both sides",
            "If the shop is right, use Get QOH from Website. If our counts are right, use Send QOH to Website. Both show a preview first.",
            _each(known, _aligned, *shop),
        ),
        Step(
            "Leave no product out",
            "Products without a matching item are not synchronized. Create items for them, or ignore them.",
            _each(known, _matched, *shop),
        ),
        Step(
            "Set SynchQOH to True",
            "This allows real-time synchronization. Until then, carts have no Synchronize Inventory check box.",
            (Fact(known.synch_qoh, f"SynchQOH is {known.synch_qoh}.", *(switch if not known.synch_qoh else ())),),
        ),
        Step(
            "Check Synchronize Inventory on each cart",
            "OnHand compares both sides first and lists counts that differ.",
            _each(known, _synchronized, *shop),
        ),
        Step(
            "Try it out",
            "Receive goods, enter a phone order, or buy something in one shop. The shops are updated within seconds.",
            _each(known, _followed, *shop),
        ),
        Step(
            "Stay in sync",
            "From now on, OnHand compares all the time, corrects what it can explain, and asks you about the rest.",
            _each(known, _in_step, *shop),
        ),
    ]


def _each(known: Known, fact: Callable[[Known, Data], Fact], label: str, address: str) -> tuple[Fact, ...]:
    """Return the same fact for each cart; without a cart, where to connect one."""
    if not known.carts:
        return (Fact(False, "No shop is connected yet.", label, address),)
    return tuple(fact(known, cart) for cart in known.carts[:CARTS_SHOWN])


def _answers(_: Known, cart: Data) -> Fact:
    name = cart["name"]
    if cart["family"]:
        return Fact(True, f"{name} is connected: {cart['family']}, {cart['engine']} tables.")
    return Fact(False, f"{name} is not connected yet.", "Set up and test", _address(cart))


def _aligned(_: Known, cart: Data) -> Fact:
    name, functions = cart["name"], ("Send or Get QOH", f"/functions?cart={cart['id']}")
    if cart["halted"]:
        return Fact(False, f"{name} is stopped: {cart['halted']}", *functions)
    if cart["aligned_at"] is None or cart["aligned_by"] is None:
        return Fact(False, f"{name} is not aligned yet.", *functions)
    return Fact(True, f"{name}: {WORDS[Direction(cart['aligned_by'])]}, {drawing.when(cart['aligned_at'])}.")


def _matched(_: Known, cart: Data) -> Fact:
    name = cart["name"]
    if not cart["aligned"]:
        return Fact(False, f"Align {name} first.")
    left, unclear = cart["unmatched"], cart["duplicate"] + cart["blank"]
    listed = f"{_address(cart)}/listings"
    if left:
        what = f"{counted(left, 'product')} of {name} {'is' if left == 1 else 'are'} not synchronized."
        return Fact(False, what, "Create items", f"{listed}/create")
    if unclear:
        own = "its own SKU" if unclear == 1 else "their own SKUs"
        what = f"{counted(unclear, 'product')} of {name} without {own}."
        return Fact(False, what, "See products", listed)
    return Fact(True, f"{name}: all products have an item or are ignored.")


def _synchronized(known: Known, cart: Data) -> Fact:
    if cart["synchronize"]:
        return Fact(True, f"{cart['name']}: On.")
    label = "Open cart" if known.synch_qoh else "Open cart (after SynchQOH is True)"
    return Fact(False, f"{cart['name']}: Off.", label, f"{_address(cart)}#synchronize-box")


def _followed(known: Known, cart: Data) -> Fact:
    name, seen = cart["name"], _evidence(known, cart)["followed"]
    if seen is None:
        return Fact(False, f"{name} was not updated by a movement yet.", "Receive goods", "/receive")
    where = f" in {seen['cart'] or 'a removed cart'}" if seen["cart_id"] is not None else ""
    seconds = (datetime.fromisoformat(seen["settled_at"]) - datetime.fromisoformat(seen["at"])).total_seconds()
    units, change = signed(seen["quantity"]), signed(seen["change"])
    moved = f"{label_of(Kind, seen['kind'])} of {seen['sku']} ({units}){where}, {drawing.when(seen['at'])}"
    return Fact(True, f"{moved}: {name} changed by {change} within {max(seconds, 0.1):,.1f} s.")


def _in_step(known: Known, cart: Data) -> Fact:
    name, state = cart["name"], cart["state"]
    if state != CartState.IN_STEP:
        return Fact(False, f"{name}: {label_of(CartState, state)}.", "See Home", "/")
    differed = _evidence(known, cart)["differed"]
    quiet = _latest(cart["aligned_at"], differed["closed_at"] if differed else None)
    since = f", no differences since {drawing.when(quiet)}" if quiet else ""
    return Fact(True, f"{name} is in sync{since}.")


def _evidence(known: Known, cart: Data) -> Data:
    """Return the evidence of a cart that existed when both were read."""
    return known.evidence.get(cart["id"], {"followed": None, "differed": None})


def _latest(*times: str | None) -> datetime | None:
    return max((datetime.fromisoformat(at) for at in times if at), default=None)


def _address(cart: Data) -> str:
    return f"/carts/{cart['id']}"


def _known(visit: Visit) -> Known:
    evidence = {found["id"]: found for found in visit.do("cart_evidence")["carts"]}
    carts = [cart for cart in visit.do("cart_list")["carts"] if cart["active"]]
    items = visit.do("item_list", limit=1)["count"]
    return Known(carts, items, visit.do("param_get", name="SynchQOH")["value"], evidence)


SCREENS = (page("/start", Scope.READ, _start),)
