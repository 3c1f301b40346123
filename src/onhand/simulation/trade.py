"""Checks that what the shops traded is booked: each unit once, and under its order's line if there was one to see.

Path: ``checks`` calls both at every quiet point.
Promise: what was traded is what the shops' counters moved by, as their witnesses saw it.
Never: excuses a missing or double sale unless the shop shows the same for something else; the reason is written here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from .causes import RETURN_CAUSES, SEVERAL
from .naming import unbooked
from .reading import differences_since, movements_since
from .shop import Writer
from .testimony import Testimony, testify
from .world import World

# Acts after which units may be booked that no line names: the line was deleted before it was seen, or was never written.
UNNAMING = {
    "delete and restock",
    "delete",
    "sale, dying",
    "counter reset",
    "all counters reset",
    "redirect, never paid",
    "numbers begin again",
    "counter lowered",
}


def sales(world: World) -> list[str]:
    """Return listings of which other units were booked than their counters moved by trade.

    Each sale counts once, each cancellation once; and so does what edited orders took, less what had come back before.
    """
    booked: Counter[tuple[int, str]] = Counter()
    for entry in movements_since(world, world.before.movement):
        if entry["kind"] in ("sale", "cancellation") and entry["cart"] is not None:
            booked[entry["cart"], entry["sku"]] -= entry["quantity"]
    waiting = _not_booked_yet(world)
    wrong = []
    for number, cart in enumerate(world.carts):
        for sku in world.skus:
            told = testify(world, number, world.products[number][sku])
            if told.restored or told.muddled:
                continue  # what a restored shop has lost, and what it sold until it was aligned, cannot be known
            excess = _excess(told, booked[cart, sku] - told.traded - waiting[cart, sku])
            if told.stopped and (excess > 0 or told.drifts):
                continue  # of a stopped cart only that is booked which lines name, or the quantity confirms
            if excess:
                wrong.append(f"shop {number} traded {told.traded} of {sku}, booked are {booked[cart, sku]}")
    return wrong


def _not_booked_yet(world: World) -> Counter[tuple[int, str]]:
    """Return, by cart and SKU, signed units that the counter moved by and that are a difference instead of a movement."""
    waiting: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, world.before.difference):
        if found["sku"] is not None:
            number = world.carts.index(found["cart_id"])
            told = testify(world, number, world.products[number].get(found["sku"], 0))
            if _moved_the_counter(told, found):
                waiting[found["cart_id"], found["sku"]] -= found["amount"]
            elif found["cause"] == "given back twice" or unbooked(world, found):
                waiting[found["cart_id"], found["sku"]] += found["amount"]
    return waiting


def _moved_the_counter(told: Testimony, found: dict[str, Any]) -> bool:
    """Return whether a difference is about units that an order took or gave back.

    A counter that an editor wrote as it had read it before, or an order that was edited before it was seen, can have the name of a reset.
    """
    if found["cause"] == "counter reset":
        overwritten = Writer.COUNTER in told.writers and Writer.RESET not in told.writers
        return overwritten or told.edited_unseen
    # Under this name an edit may be booked, or nothing.
    by_order = found["cause"] == SEVERAL and found["note"].startswith("Order")
    return by_order or found["cause"] in RETURN_CAUSES or found["cause"] == "order edited"


def _excess(told: Testimony, units: int) -> int:
    """Return by how many units more was booked than traded (negative: fewer), except for explained units."""
    lowered = -sum(drift.amount for drift in told.drifts if drift.writer is Writer.LOWERED)
    unseen = -sum(drift.amount for drift in told.drifts if drift.writer is Writer.EDITOR and drift.obscure)
    if unseen and units in (unseen, told.uncounted):
        # A line that an editor added before it was seen, first read at an alignment, is rightly booked as a sale, with the units it has by
        # then.
        units = 0
    # A counter that was lowered alone is named as a return in doubt or a reset, or was aligned away; no stock moves.
    return units if units > 0 else min(0, units + lowered)


def names(world: World) -> list[str]:
    """Return movements without an order line, where no line was deleted, lost or left unwritten."""
    wrong = []
    for entry in movements_since(world, world.before.movement):
        if entry["kind"] not in ("sale", "cancellation") or entry["cart"] is None or entry["line"] is not None:
            continue
        number = world.carts.index(entry["cart"])
        told = testify(world, number, world.products[number].get(entry["sku"], 0))
        excused = world.phase.store_restored or _may_lack_a_line(told, entry)
        if not excused and entry["sku"] in world.skus:
            wrong.append(f"shop {number}: {entry['quantity']:+d} of {entry['sku']} have no line: {entry['reason']}")
    return wrong


def _may_lack_a_line(told: Testimony, entry: dict[str, Any]) -> bool:
    if told.restored or told.aside or told.acts & UNNAMING:
        return True
    if entry["kind"] == "cancellation" and told.ever_restored:
        return True  # of an order from before the alignment
    return told.edited_unseen or told.moved_history
