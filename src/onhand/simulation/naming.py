"""Checks that each drift was named: by as much as the witnesses saw, with causes that fit, and nothing invented.

Path: ``checks`` calls ``differences`` at every quiet point.
Promise: what may be named is decided from what the witnesses know; what was named is read from the books.
Never: lets a name pass unless a rule here or in ``causes`` says why it may look like that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from onhand.domain.differences import UNBOOKED, Ending

from .causes import RETURN_CAUSES, Case, compare, is_about_gone, is_question
from .reading import Rows, differences_since, misjudged
from .shop import Drift, Writer
from .testimony import Testimony, testify
from .world import World

TOUCHING = (Writer.FORM, Writer.EDIT, Writer.IMPORT)
TOUCHED_SECONDS = 45.0  # the catalogue is read every half minute, and evidence reaches back ten seconds
# Differences that are not about a drift: a listing that came or went, and goods in doubt.
UNNAMED_CAUSES = {"new listing", "renamed", "deleted product", "set aside", "partial return", "given back twice"}


def differences(world: World) -> list[str]:
    """Return listings whose named differences do not match what the witness saw, by amount or by cause; and invented returns."""
    wrong, misled, named = [], misjudged(world), _named(world)
    for number, cart in enumerate(world.carts):
        for sku in world.skus:
            product = world.products[number][sku]
            told = testify(world, number, product)
            if told.aside or told.restored:
                continue  # while a cart is stopped or off nothing is concluded; the alignment ends all its differences
            if told.muddled:
                continue
            found = named[cart, sku]
            case = Case(
                seen=[*told.drifts, *_touched_before(world, number, product)],
                named=_named_since(told, found),
                misjudged=misled[cart, product] - world.before.misjudged[cart, product],
                # While a product had another name it was not watched, so what happened then need not have a name of its own.
                vague=told.clock_set or told.renamed,
                came_back=told.came_back or _seems_taken_out(told, found),
                edited_alone=bool(told.line_edits),
                events=told.events + len(list(_touched_before(world, number, product))),
            )
            text = compare(case, excused={one["id"] for one in found if _is_excused(told, one)})
            if text:
                wrong.append(f"shop {number} {sku}: {text}")
    return wrong + _partial_returns(world) + _given_back_twice(world)


def unbooked(world: World, found: dict[str, Any]) -> bool:
    """Return whether a person was asked about units that came back and were never booked as taken. The answer replaces the note."""
    return UNBOOKED in world.asked.get(found["id"], found["note"])


def _named(world: World) -> defaultdict[tuple[int, str], Rows]:
    """Return the differences since the last quiet point that are about a drift, by cart and SKU."""
    named: defaultdict[tuple[int, str], Rows] = defaultdict(list)
    for found in differences_since(world, world.before.difference):
        if found["sku"] is not None and found["cause"] not in UNNAMED_CAUSES and not unbooked(world, found):
            named[found["cart_id"], found["sku"]].append(found)
    return named


def _touched_before(world: World, number: int, product: int) -> Iterator[Drift]:
    """Yield forms saved shortly before the last quiet point, of no amount: their date is still visible next to what happens after it."""
    for drift in world.shops[number].drifts[: world.before.drifts[number]]:
        lately = drift.time > world.before.time - TOUCHED_SECONDS
        if drift.product == product and lately and drift.writer in TOUCHING:
            yield replace(drift, amount=0)


def _named_since(told: Testimony, named: Rows) -> Rows:
    """Return the differences that count. After a rename, an old question is found again, with what was added meanwhile."""
    if not told.renamed:
        return named
    return [found for found in named if found["cause"] in RETURN_CAUSES or found["note"] != Ending.UNSYNCED]


def _seems_taken_out(told: Testimony, named: Rows) -> bool:
    """Return whether a line was deleted and gave nothing back: it looks like one that an editor removed."""
    return "delete" in told.acts and all(found["cause"] == "unknown" for found in named)


def _is_excused(told: Testimony, found: dict[str, Any]) -> bool:
    """Return whether a difference may be named although no matching drift happened."""
    if (told.renumbered or told.ever_restored) and is_question(found):
        return True  # a line with the numbers of a deleted one looks like that one, edited: then a person is asked
    if told.counted_edit and found["cause"] == "order edited":
        return True  # an order was edited: next to a race it may be named, although its counter moved as well
    # Next to a race, a deleted line that gave nothing back may have given back as much as was lost less.
    return bool(told.acts & {"delete", "numbers begin again"}) and is_about_gone(found)


def _partial_returns(world: World) -> list[str]:
    """Return listings of which more units are reported as left out of returns than were.

    The total is what shops kept back that give back one line of two, and what was removed from orders alone: such a line seems to be left
    out when the others of its order come back.
    """
    told: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, 0):
        if found["cause"] == "partial return" and found["sku"] is not None:
            told[found["cart_id"], found["sku"]] -= found["amount"]
    return [
        f"shop {number} {sku}: {told[cart, sku]} units are said to be left out of returns, {kept} were"
        for number, cart in enumerate(world.carts)
        for sku in world.skus
        if told[cart, sku] > (kept := _kept_back(world, number, world.products[number][sku]))
    ]


def _kept_back(world: World, number: int, product: int) -> int:
    shop = world.shops[number]
    alone = sum(-edit.units for edit in shop.line_edits if edit.product == product and edit.units < 0)
    return shop.kept_back[product] + alone


def _given_back_twice(world: World) -> list[str]:
    """Return listings of which more units are reported as returned twice than the witness saw.

    If a counter was reset, or an order from before an alignment was changed, the fall can look like a return.
    """
    said: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, world.before.difference):
        if (found["cause"], found["remedy"]) == ("given back twice", "post") and found["sku"] is not None:
            said[found["cart_id"], found["sku"]] += found["amount"]
    wrong = []
    for number, cart in enumerate(world.carts):
        for sku in world.skus:
            product = world.products[number][sku]
            told = testify(world, number, product)
            obscure = any(drift.obscure for drift in world.shops[number].drifts if drift.product == product)
            if said[cart, sku] > told.twice and not (told.restored or told.muddled or obscure):
                units = f"{said[cart, sku]} units are said to have come back twice, {told.twice} did"
                wrong.append(f"shop {number} {sku}: {units}")
    return wrong
