"""Decides what Home shows, the verdict and a card per cart, and what Inventory shows of a SKU in a shop.

Path: the screens read the house and pass plain rows in; the templates draw the result.
Promise: all that is not in sync is named, with a link to where it can be resolved.
Never: reads a database or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from onhand.domain.listings import Problem, target
from onhand.domain.notices import Kind, Notice
from onhand.domain.states import CartState, all_in_step
from onhand.words import counted, label, label_of, lower_first

Row = Mapping[str, Any]

# The tone of a status: its colour and icon; the word next to it says the same.
OK, WAY, WARN, BAD, OFF = "ok", "way", "warn", "bad", "off"
_TONES = {
    CartState.IN_STEP: OK,
    CartState.WORKING: WAY,
    CartState.WAITS: WARN,
    CartState.TROUBLE: WARN,
    CartState.UNSEEN: BAD,
    CartState.STOPPED: BAD,
    CartState.NO_CONTROLLER: BAD,
    CartState.NOT_ALIGNED: OFF,
    CartState.OFF: OFF,
    CartState.INACTIVE: OFF,
}
_WORST = (BAD, WARN, OFF, WAY, OK)
_CARTS = ("Shopping Carts", "/carts")
SAYS = 12  # sentences about carts in a verdict
CARDS = 24  # carts on Home
_UNKEPT = ("unmatched", "duplicate", "blank", "untrackable")


@dataclass(frozen=True, slots=True)
class Say:
    """One sentence, its tone, and (label, address) of where to act on it."""

    tone: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to the most important question: does every shop show what is on hand?"""

    tone: str
    headline: str
    says: tuple[Say, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One cart."""

    id: int
    name: str
    tone: str
    state: str
    address: str | None  # the shop's address, for a link
    looked_at: str | None
    says: tuple[Say, ...]
    waiting: int
    in_flight: int
    parked: int
    differences: int
    kept: int
    unkept: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The content of a shop's cell for one SKU. ``wanted`` is given if it should be another number, and ``why`` explains the difference."""

    tone: str
    shows: int | None
    wanted: int | None = None
    why: str = ""


_NO_ACTIVE = Say(OFF, "Every cart is inactive.", (_CARTS,))
_NO_CARTS = Say(OFF, "Connect your shops, and OnHand keeps them in sync.", (("Getting started", "/start"),))


def _of_program(active: Sequence[Row], synch_qoh: bool, driving: bool) -> list[Say]:
    """Return what keeps all carts out of sync."""
    if not synch_qoh:
        ready = all(cart["aligned"] for cart in active)
        text = "Synchronization is off for all carts." + ("" if ready else " Once the carts are aligned:")
        return [Say(OFF, text, (("Set SynchQOH", "/parameters#SynchQOH"),))]
    if not driving:
        return [
            Say(BAD, "No shop is being checked, because the sync process is not running: start `onhand serve` again.")
        ]
    return []


def verdict(carts: Sequence[Row], synch_qoh: bool, driving: bool, notices: Sequence[Notice] = ()) -> Verdict:
    """Return what is not in sync, in sentences, the worst first; then what else needs a person."""
    active, others = [cart for cart in carts if cart["active"]], [said(notice) for notice in notices]
    if not active:
        return Verdict(OFF, "No shop connected", (_NO_ACTIVE if carts else _NO_CARTS, *others))
    says = _of_program(active, synch_qoh, driving)
    for cart in active:
        says += _of_cart(cart, synch_qoh)
    says.sort(key=lambda say: _WORST.index(say.tone))
    if len(says) > SAYS:
        more = Say(says[SAYS].tone, f"And {len(says) - SAYS:,} more.", (_CARTS,))
        says = [*says[:SAYS], more]
    if all_in_step(CartState(cart["state"]) for cart in active):
        whom = {1: "The shop shows", 2: "Both shops show"}.get(len(active), f"All {len(active)} shops show")
        tone = WARN if any(say.tone == WARN for say in others) else OK
        return Verdict(tone, "In sync", (Say(OK, f"{whom} what is on hand."), *others))
    if says and says[0].tone == WAY:
        return Verdict(WAY, "Catching up", (*says, *others))
    return Verdict(says[0].tone if says else BAD, "Not in sync", (*says, *others))


def _of_cart(cart: Row, synch_qoh: bool) -> list[Say]:
    """Return what keeps one cart out of sync, in one sentence each; the card says what to do."""
    name, state = cart["name"], CartState(cart["state"])
    says = {
        CartState.STOPPED: [Say(BAD, f"{name} is stopped: no updates are sent there.")],
        CartState.TROUBLE: [Say(WARN, f"{name} has a connection problem.")],
        CartState.UNSEEN: [Say(BAD, f"{name} was last checked {cart['unseen_seconds']} s ago.")],
        CartState.NOT_ALIGNED: [Say(OFF, f"{name} is not aligned yet.")],
        CartState.OFF: [Say(OFF, f"Synchronization is off for {name}.")]
        if synch_qoh or not cart["synchronize"]
        else [],
        CartState.WORKING: [Say(WAY, _work(cart))],
    }.get(state, [])
    if cart["to_decide"]:
        what = counted(cart["to_decide"], "difference needs", "differences need")
        says.append(
            Say(WARN, f"{name}: {what} your decision.", (("Decide", f"/differences?cart={cart['id']}&open=yes"),))
        )
    elif cart["held"]:
        says.append(
            Say(WARN, f"{name}: units of {counted(cart['held'], 'product')} wait for a decision.", (_stack(cart),))
        )
    if cart["to_settle"]:
        what = counted(cart["to_settle"], "difference needs", "differences need")
        link = ("See differences", f"/differences?cart={cart['id']}&open=yes")
        says.append(Say(WARN, f"{name}: {what} your attention.", (link,)))
    if cart["parked"]:
        says.append(
            Say(WARN, f"{name}: {counted(cart['parked'], 'update is', 'updates are')} parked.", (_stack(cart),))
        )
    if cart["aligned"] and cart["not_aligned"]:
        says.append(Say(OFF, f"{name}: {counted(cart['not_aligned'], 'product is', 'products are')} not aligned."))
    return says


def _work(cart: Row) -> str:
    updates = cart["waiting"] + cart["in_flight"]
    if updates:
        return f"{cart['name']}: {counted(updates, 'update is', 'updates are')} on the way."
    return f"{cart['name']} is being checked."


def said(notice: Notice) -> Say:
    """Return a notice with where to act on it."""
    listed = f"/carts/{notice.cart}/listings"
    tone = OFF if notice.kind is Kind.LOW else WARN
    links = {
        Kind.OVERSOLD: (("See items", "/inventory?below_zero=yes"),),
        Kind.SWITCHED_OFF: (("See products", f"{listed}?problem=switched+off"),),
        Kind.UNMATCHED: (("Create items", f"{listed}/create"), ("See products", f"{listed}?problem=unmatched")),
        Kind.UNCLEAR: (("See products", listed),),
        Kind.LOW: (("Reorder", "/purchases/suggested"), ("See items", "/inventory?reorder=yes")),
    }
    return Say(tone, notice.text, links[notice.kind])


def card(cart: Row) -> Card:
    """Return what the card of a cart shows."""
    state = CartState(cart["state"])
    return Card(
        id=cart["id"],
        name=cart["name"],
        tone=_TONES[state],
        state=state,
        address=_address(cart["url"]),
        looked_at=cart["looked_at"],
        says=tuple(_advice(cart, state)),
        waiting=cart["waiting"],
        in_flight=cart["in_flight"],
        parked=cart["parked"],
        differences=cart["differences_open"],
        kept=cart["in_step"],
        unkept=sum(cart[kind] for kind in _UNKEPT),
    )


def cards(carts: Sequence[Row]) -> list[Card]:
    """Return the cards of the carts on Home: of more carts than fit, those that most need attention."""
    found = [card(cart) for cart in carts]
    if len(found) > CARDS:
        found.sort(key=lambda one: _WORST.index(one.tone))
    return found[:CARDS]


def _advice(cart: Row, state: CartState) -> list[Say]:
    """Return what is wrong in detail, and what to do next."""
    says: list[Say] = []
    align = (("Send or Get QOH", f"/functions?cart={cart['id']}"),)
    own = (("Open cart", f"/carts/{cart['id']}"),)
    if state is CartState.STOPPED:
        says.append(Say(BAD, cart["halted"]))
        says.append(Say(BAD, "Check the shop, then align it again: send our counts, or get the shop's counts.", align))
    elif state is CartState.NOT_ALIGNED:
        says.append(Say(OFF, "Test the connection. Then get the shop's counts, or send it ours.", own + align))
    elif state is CartState.OFF:
        says.append(
            Say(
                OFF,
                "Its sales are not recorded and no updates are sent. To change that, check Synchronize Inventory.",
                own,
            )
        )
    elif state is CartState.INACTIVE:
        says.append(Say(OFF, "OnHand does nothing with it until it is active again.", own))
    elif state is CartState.UNSEEN:
        says.append(
            Say(
                BAD,
                f"The shop has not finished its answer for {cart['unseen_seconds']} s. Test the connection to find out more.",
                own,
            )
        )
    if cart["trouble"] and state in (CartState.TROUBLE, CartState.STOPPED):
        says.append(Say(WARN, cart["trouble"]))
        says.append(Say(WARN, "OnHand keeps trying. Test the connection to find out more.", own))
    if cart["parked"]:
        says.append(Say(WARN, "Fix what the Post Stack says, then retry.", (_stack(cart),)))
    if cart["aligned"] and cart["active"] and state is not CartState.STOPPED and cart["not_aligned"]:
        says.append(Say(OFF, "Use Send or Get QOH to align the products that are not aligned yet.", align))
    return says


def _stack(cart: Row) -> tuple[str, str]:
    return "Post Stack", f"/stack?cart={cart['id']}"


def _address(url: str) -> str | None:
    """Return the address of the shop's front page: the connector is in the shop's root."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rpartition("/")[0] + "/", "", ""))


def cell(listing: Row | None, on_hand: int, cart: Row) -> Cell:
    """Return what a shop shows for a SKU, and why that is not what it should show."""
    if listing is None:
        return Cell(OFF, None, why="Not in the shop" if cart["aligned"] else label(CartState.NOT_ALIGNED))
    shows = listing["shows"]
    if listing["problem"]:
        return Cell(OFF, shows, why=label_of(Problem, listing["problem"]))
    wanted = target(on_hand, cart["buffer"])
    if not listing["aligned"]:
        return Cell(OFF, shows, wanted if shows != wanted else None, label(CartState.NOT_ALIGNED))
    if listing["held"]:
        return Cell(WARN, shows, wanted, "Needs a decision")
    if listing["parked"]:
        return Cell(WARN, shows, wanted, f"Parked: {listing['parked']}")
    if shows == wanted:
        return Cell(OK, shows)
    return _delayed(shows, wanted, cart)


def _delayed(shows: int, wanted: int, cart: Row) -> Cell:
    """Return an update that is due, and whether it is on its way."""
    state = CartState(cart["state"])
    if state in (CartState.STOPPED, CartState.OFF, CartState.INACTIVE):
        return Cell(OFF, shows, wanted, f"Waiting: {lower_first(label(state))}")
    waits = state in (CartState.TROUBLE, CartState.UNSEEN, CartState.NO_CONTROLLER)
    return Cell(WAY, shows, wanted, "Waiting for the shop" if waits else "Updating")
