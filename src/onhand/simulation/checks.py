"""Checks a quiet world against what its witnesses know: every promise, as a comparison that can fail.

Path: ``run`` hands ``check`` to ``World``, which calls it at every quiet point; what is wrong goes to ``World.violations``.
Promise: the expected state is computed from the shops' and the people's side alone; the actual one is read from the books.
Never: forgives: an exception from a rule is written with the rule, here or in ``naming``, ``trade`` and ``shelf``, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from onhand.domain.differences import HEALS_PER_HOUR
from onhand.domain.listings import Listing
from onhand.domain.numbering import same
from onhand.services import bookkeeping

from . import naming, shelf, trade
from .causes import RACE_CAUSES, SEVERAL
from .quiet import untold, why_not_calm
from .reading import differences_since, movements_since, posts_of
from .world import World

# Heals that trade explains. Goods given back twice are about one order each, and ``naming`` counts them against the witness.
BY_TRADE = RACE_CAUSES | {SEVERAL, "given back twice"}


def check(world: World) -> None:
    """Compare everything, and note each broken promise. The world is quiet and in sync."""
    if world.violations:
        return
    for found in differences_since(world, world.before.difference):
        if found["cause"] == "brake":  # it may have arrived in the middle of a Send, and been lost with it
            world.phase.aside.add(found["cart_id"])
            world.phase.stopped.add(found["cart_id"])
    for promise in PROMISES:
        name = promise.__name__.strip("_")
        world.checked[name] += 1
        world.violations += [f"{name}: {text}" for text in promise(world)]


def _listings(world: World, cart_id: int) -> dict[int, Listing]:
    found = world.program.read(lambda books: books.listings.all(cart_id))
    return {listing.product: listing for listing in found if not listing.deleted}


# One function for each promise: it returns what breaks it


def _balances(world: World) -> list[str]:
    """Return balances that are not the sum of their movements, and carts whose sums are not those of their listings."""
    proof = bookkeeping.prove(world.program.house)
    return [f"{sku} has {balance}, its movements {fold}" for sku, balance, fold in proof.items] + [
        f"{name}: its sums are not those of its listings" for name in proof.carts
    ]


def _targets(world: World) -> list[str]:
    """Return listings that were in sync at first, were not changed, and are no longer kept in sync or do not show their target."""
    wrong = [why for why in [why_not_calm(world)] if why]
    for number, cart_id in enumerate(world.carts):
        kept = _listings(world, cart_id)
        for sku in world.skus:
            listing = kept.get(world.products[number][sku])
            if listing is None or not listing.tracked:
                wrong.append(f"{sku} is not kept in step in shop {number}")
    return wrong


def _lines(world: World) -> list[str]:
    """Return shops whose newest order lines are not those in the books, also where their numbers began again.

    A line with the number and units of a deleted one shows only by its counter: not at all before it is paid, nor where another order gives
    back as much at the same moment.
    """
    wrong = []
    for number, cart_id in enumerate(world.carts):
        cart, tables = world.cart(cart_id), world.shops[number].tables
        known = world.program.read(lambda books, cart=cart: books.lines.present(cart.source, cart.place.low, 2**62))  # type: ignore[misc]
        there = {line: tables.lines[line] for line in tables.line_ids if line > cart.place.low}
        for line in sorted(known.keys() | there.keys()):
            old, now = known.get(line), there.get(line)
            hidden = old and now and number in world.renumbered and old.quantity == now.quantity
            if not hidden and (old is None or now is None or not same(old, now)):
                wrong.append(f"shop {number} has {now} as line {line}, known is {old}")
    return wrong


def _stock(world: World) -> list[str]:
    """Return items whose stock moved by anything but people's bookings, trade and accepted edits."""
    if world.phase.store_restored:
        return []  # bookings made after the copy are lost with it, and Get QOH took over the shops' counts
    moved: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    traded: Counter[str] = Counter()
    for entry in movements_since(world, world.before.movement):
        moved[entry["sku"]] += entry["quantity"]
        if entry["origin"].startswith("difference/"):
            accepted[entry["sku"]] += entry["quantity"]
        elif entry["cart"] is not None and entry["kind"] != "return":
            traded[entry["sku"]] += entry["quantity"]
    on_hand = world.program.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    wrong = []
    for sku in world.skus:
        people = world.booked[sku] - world.before.people[sku] + world.returned[sku] - world.before.returned[sku]
        should = world.before.on_hand[sku] + people + traded[sku] + accepted[sku]
        if on_hand[sku] != should or moved[sku] != people + traded[sku] + accepted[sku]:
            wrong.append(f"{sku} has {on_hand[sku]}, should have {should}")
    return wrong


def _posts(world: World) -> list[str]:
    """Return posts that the books call applied but that did not take effect once, and others that did.

    After a crash within a batch the law decides, and a race at that moment can mislead it; then the rest shows as a drift, which
    ``naming.differences`` adds up.
    """
    wrong = []
    for number, cart_id in enumerate(world.carts):
        shop = world.shops[number]
        for (epoch, seq), times in shop.taken.items():
            if times > 1 and epoch not in world.void:
                wrong.append(f"shop {number}: post {seq} took effect {times} times")
        raced = {drift.product for drift in shop.drifts}
        for post in posts_of(world, cart_id):
            took = shop.taken[post["epoch"], post["seq"]]
            if took == (post["state"] == "applied") or post["epoch"] in world.void:
                continue
            if not post["delta"]:
                continue  # whether a mark was applied cannot be seen
            if shop.transactional or post["product"] not in raced:
                wrong.append(f"shop {number}: post {post['seq']} is {post['state']} and took effect {took} times")
    return wrong


def _heals(world: World) -> list[str]:
    """Return listings that were healed more than a few times an hour for causes that trade does not explain."""
    healed: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, 0):
        if found["remedy"] == "post" and found["cause"] not in BY_TRADE and found["sku"] is not None:
            healed[found["cart_id"], found["sku"]] += 1
    worst = HEALS_PER_HOUR  # a world lasts for less than an hour, unless a clock is set
    if world.faults["clock set"]:
        return []
    return [f"{key} was healed {times} times" for key, times in healed.items() if times > worst]


def _states(world: World) -> list[str]:
    """Return carts that were called in sync while their shop did not answer, or showed something else for longer than a look may be old."""
    return world.glance.lies[:1]


def _switched(world: World) -> list[str]:
    """Return products that their shop switched off when they sold out, that are still off with new stock, and that no person heard of."""
    return untold(world)


def _stops(world: World) -> list[str]:
    """Return carts that were called restored although neither side was, and no copy of the store has posted there."""
    return [
        f"shop {number} is called restored, and nobody put anything back: {found['note']}"
        for found in differences_since(world, world.before.difference)
        if found["cause"] == "restored from backup"
        and (number := world.carts.index(found["cart_id"])) not in world.phase.restored
        and not world.phase.store_restored
        and found["cart_id"] not in world.phase.copied
    ]


def _border(world: World) -> list[str]:
    """Return impossible answers that were handed on to a service."""
    return [
        f"shop {number} was believed: {lie}"
        for number, cart in enumerate(world.carts)
        for lie in world.networks[cart].believed
    ]


PROMISES: tuple[Callable[[World], list[str]], ...] = (
    _balances,
    _targets,
    trade.sales,
    trade.names,
    _lines,
    _stock,
    _posts,
    naming.differences,
    _heals,
    _stops,
    _border,
    _states,
    _switched,
    shelf.returns,
    shelf.oversell,
)
