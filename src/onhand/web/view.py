"""Decides what Home says: the verdict, a card per cart; and what Inventory says of a SKU in a shop.

Path: the screens read the house and hand plain rows in; the templates draw what comes out.
Promise: whatever is not in step is named, with a link to where it is settled.
Never: reads a database or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from onhand.domain.listings import target

Row = Mapping[str, Any]

# How a thing stands, for colour and icon; the word beside it says the same.
OK, WAY, WARN, BAD, OFF = "ok", "way", "warn", "bad", "off"
_TONES = {
    "in step": OK,
    "working": WAY,
    "waits for you": WARN,
    "trouble": WARN,
    "stopped": BAD,
    "no controller": BAD,
    "not aligned": OFF,
    "off": OFF,
    "inactive": OFF,
}
_PROBLEMS = {
    "fraction": "not kept: fraction",
    "download": "not kept: download",
    "derived": "not kept: derived",
    "duplicate": "SKU twice in shop",
    "deleted": "deleted in the shop",
}
_CARTS = ("Shopping Carts", "/carts")
_UNKEPT = ("unmatched", "duplicate", "blank", "untrackable")


@dataclass(frozen=True, slots=True)
class Say:
    """One sentence, how it stands, and (label, address) of where it is settled."""

    tone: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to the only question that matters: does every shop show what is on hand?"""

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
    address: str | None  # of the shop, for a link
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
    """What one shop shows for one SKU. ``wanted`` is given where it should be another number."""

    tone: str
    shows: int | None
    wanted: int | None = None
    why: str = ""


def verdict(carts: Sequence[Row], synch_qoh: bool, driving: bool) -> Verdict:
    """What is not in step, in sentences, the worst first."""
    active = [cart for cart in carts if cart["active"]]
    if not active:
        if carts:
            return Verdict(OFF, "No shop is connected", (Say(OFF, "Every cart is inactive.", (_CARTS,)),))
        why = "OnHand keeps your shops in step once they are connected."
        return Verdict(OFF, "No shop is connected", (Say(OFF, why, (("Getting started", "/start"),)),))
    says: list[Say] = []
    if not synch_qoh:
        ready = all(cart["aligned"] for cart in active)
        text = "Synchronization is off for the whole program." + ("" if ready else " Once the carts are aligned:")
        says.append(Say(OFF, text, (("Set SynchQOH", "/parameters#SynchQOH"),)))
    elif not driving:
        says.append(Say(BAD, "No controller is running, so nothing is looked at: start `onhand serve` again."))
    for cart in active:
        says += _of_cart(cart)
    says.sort(key=lambda say: (BAD, WARN, OFF, WAY).index(say.tone))
    if not says:
        whom = {1: "The shop shows", 2: "Both shops show"}.get(len(active), f"All {len(active)} shops show")
        return Verdict(OK, "In step", (Say(OK, f"{whom} what is on hand."),))
    if says[0].tone == WAY:
        return Verdict(WAY, "Catching up", tuple(says))
    return Verdict(says[0].tone, "Not in step", tuple(says))


def _state(cart: Row) -> str:
    """The cart's own word, or a truer one for a shop that does not yet show what we want it to."""
    if cart["state"] not in ("in step", "working"):
        return str(cart["state"])
    if cart["to_decide"] or cart["parked"]:
        return "waits for you"  # all that can be done without a person is done
    return "working" if cart["waiting"] or cart["in_flight"] else str(cart["state"])


def _of_cart(cart: Row) -> list[Say]:
    """What keeps one cart from being in step, in one sentence each; the card says what to do."""
    name, state = cart["name"], _state(cart)
    says = {
        "stopped": [Say(BAD, f"{name} is stopped: nothing is posted there.")],
        "trouble": [Say(WARN, f"{name} does not answer as it should.")],
        "not aligned": [Say(OFF, f"{name} was never aligned.")],
        "off": [Say(OFF, f"{name} is switched off.")],
        "working": [Say(WAY, _work(cart))],
    }.get(state, [])
    if cart["to_decide"]:
        what = "1 difference waits" if cart["to_decide"] == 1 else f"{cart['to_decide']} differences wait"
        says.append(
            Say(WARN, f"{name}: {what} for your decision.", (("Decide", f"/differences?cart={cart['id']}&open=yes"),))
        )
    if cart["parked"]:
        what = "1 post is" if cart["parked"] == 1 else f"{cart['parked']} posts are"
        says.append(Say(WARN, f"{name}: {what} parked.", (_stack(cart),)))
    if cart["state"] in ("in step", "working") and cart["not_aligned"]:
        what = "1 listing is" if cart["not_aligned"] == 1 else f"{cart['not_aligned']} listings are"
        says.append(Say(OFF, f"{name}: {what} not aligned."))
    return says


def _work(cart: Row) -> str:
    posts = cart["waiting"] + cart["in_flight"]
    if posts:
        return f"{cart['name']}: {posts} {'post is' if posts == 1 else 'posts are'} on the way."
    return f"{cart['name']} is being compared."


def card(cart: Row) -> Card:
    """A cart for its card."""
    state = _state(cart)
    return Card(
        id=cart["id"],
        name=cart["name"],
        tone=_TONES[state],
        state=state,
        address=_address(cart["url"]),
        looked_at=cart["looked_at"],
        says=tuple(_advice(cart)),
        waiting=cart["waiting"],
        in_flight=cart["in_flight"],
        parked=cart["parked"],
        differences=cart["differences_open"],
        kept=cart["in_step"],
        unkept=sum(cart[kind] for kind in _UNKEPT),
    )


def _advice(cart: Row) -> list[Say]:
    """Trouble and halts in full, and what to do next."""
    says: list[Say] = []
    state = cart["state"]
    align = (("Send or Get QOH", f"/functions?cart={cart['id']}"),)
    own = (("Open the cart", f"/carts/{cart['id']}"),)
    if state == "stopped":
        says.append(Say(BAD, cart["halted"]))
        says.append(Say(BAD, "Look into the shop, then align again: send our counts, or take over the shop's.", align))
    elif state == "not aligned":
        says.append(Say(OFF, "Test it, then take over its counts, or send it ours.", own + align))
    elif state == "off":
        says.append(Say(OFF, "Its sales are not seen and nothing is posted: check Synchronize Inventory.", own))
    elif state == "inactive":
        says.append(Say(OFF, "It is left alone until it is active again.", own))
    if cart["trouble"] and state in ("trouble", "stopped"):
        says.append(Say(WARN, cart["trouble"]))
        says.append(Say(WARN, "OnHand goes on trying by itself. Test it to see more.", own))
    if cart["parked"]:
        says.append(Say(WARN, "Settle what the post stack says, then try again.", (_stack(cart),)))
    if state in ("in step", "working", "trouble", "off") and cart["not_aligned"]:
        says.append(Say(OFF, "Some listings are not aligned: see which, then align.", align))
    return says


def _stack(cart: Row) -> tuple[str, str]:
    return "Post Stack", f"/stack?cart={cart['id']}"


def _address(url: str) -> str | None:
    """The shop's front page: the connector lies in its root."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rpartition("/")[0] + "/", "", ""))


def cell(listing: Row | None, on_hand: int, cart: Row, synch_qoh: bool) -> Cell:
    """What a shop shows for a SKU, and why that is not what we want it to show."""
    if listing is None:
        return Cell(OFF, None, why="not in this shop" if cart["aligned"] else "not aligned")
    shows = listing["shows"]
    if listing["problem"]:
        return Cell(OFF, shows, why=_PROBLEMS.get(listing["problem"]) or str(listing["problem"]))
    wanted = target(on_hand, cart["buffer"])
    if not listing["aligned"]:
        return Cell(OFF, shows, wanted if shows != wanted else None, "not aligned")
    if listing["held"]:
        return Cell(WARN, shows, wanted, "held for a decision")
    if listing["parked"]:
        return Cell(WARN, shows, wanted, f"parked: {listing['parked']}")
    if shows == wanted:
        return Cell(OK, shows)
    return _delayed(shows, wanted, cart, synch_qoh)


def _delayed(shows: int, wanted: int, cart: Row, synch_qoh: bool) -> Cell:
    """A change that is due; whether anything carries it there."""
    state = cart["state"]
    if not synch_qoh or state in ("stopped", "off", "inactive"):
        return Cell(OFF, shows, wanted, f"waits: {state if synch_qoh else 'off'}")
    return Cell(WAY, shows, wanted, "waits for shop" if state == "trouble" else "on its way")
