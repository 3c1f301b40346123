"""Checks a quiet world against what its witnesses know: every promise, as a comparison that can fail.

Path: ``World`` calls ``check`` at every quiet point; what is wrong goes to ``World.violations``.
Promise: what should be is reckoned from the shops' and the people's side alone; what is, is read from the books.
Never: forgives: an exception from a rule is written here, with its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from onhand.domain.differences import HEALS_PER_HOUR
from onhand.domain.listings import Listing, target
from onhand.domain.numbering import same
from onhand.services import bookkeeping
from onhand.storage.tables import differences

from . import shelf
from .causes import (
    RACE_CAUSES,
    RETURN_CAUSES,
    TOUCHED_SECONDS,
    TOUCHING,
    UNNAMED_CAUSES,
    compare,
    drifted,
    edited_alone,
    is_about_gone,
    is_question,
    muddled,
    returned,
    unbooked,
)
from .reading import Rows, differences_since, movements_since, posts_of, rows
from .shop import Drift, Writer

if TYPE_CHECKING:
    from .world import World

# Acts after which units may be booked that no line names: the line is gone before it was seen, or was never written.
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was true at the last quiet point."""

    time: float
    on_hand: dict[str, int]
    people: Counter[str]
    returned: Counter[str]
    traded: list[Counter[int]]  # per shop: units by product
    drifts: list[int]  # per shop: how many drifts the witness had noted
    returns: list[int]  # per shop: how many returns
    vanished: list[int]  # per shop: how many lines went before they were seen
    counted_edits: list[int]  # per shop: how many edits that moved the counter, too
    line_edits: list[int]  # per shop: how many lines were changed, and no stock with them
    edited: list[Counter[int]]  # per shop: units by product that left uncounted
    twice: list[Counter[int]]  # per shop: units by product that came back a second time
    misjudged: Counter[tuple[int, int]]
    movement: int
    difference: int


def snapshot(world: World) -> Snapshot:
    return world.program.read(
        lambda books: Snapshot(
            time=world.time.now,
            on_hand={item.sku: item.on_hand for item in books.items.all().values()},
            people=Counter(world.booked),
            returned=Counter(world.returned),
            traded=[Counter(shop.traded) for shop in world.shops],
            drifts=[len(shop.drifts) for shop in world.shops],
            returns=[len(shop.returns) for shop in world.shops],
            vanished=[len(shop.vanished) for shop in world.shops],
            counted_edits=[len(shop.counted_edits) for shop in world.shops],
            line_edits=[len(shop.line_edits) for shop in world.shops],
            edited=[Counter(shop.edited) for shop in world.shops],
            twice=[Counter(shop.twice) for shop in world.shops],
            misjudged=_misjudged(world),
            movement=books.ledger.last(),
            difference=max([found["id"] for found in rows(world, select(differences.c.id))], default=0),
        )
    )


def calm(world: World) -> bool:
    """Whether every cart that is driven is in step, and says so."""
    return not why_not_calm(world)


def why_not_calm(world: World) -> str:
    """The first thing that is not in step yet."""
    program = world.program
    for number, cart_id in enumerate(world.carts):
        cart = world.cart(cart_id)
        driver = program.drivers.get(cart_id)
        if cart.halted is not None or not cart.synchronize:
            continue  # it waits for the operator
        if driver is None:
            return f"{cart.name} is not driven"
        if driver.failing or not driver.pulse.in_step:
            return f"{cart.name} is not in step: {driver.pulse.trouble or program.memories[cart_id].suspicions}"
        products = world.shops[number].tables.products
        items = program.read(lambda books: books.items.all())
        for listing in program.read(lambda books, cart_id=cart_id: books.listings.all(cart_id)):  # type: ignore[misc]
            if not listing.tracked or listing.parked is not None or listing.item is None:
                continue
            row = products.get(listing.product)
            wanted = target(items[listing.item].on_hand, cart.settings.buffer) + listing.held
            if row is None or row.quantity != wanted:
                return f"{cart.name} shows {row.quantity if row else None} of {listing.model}, wanted {wanted}"
    return ""


def causes(world: World) -> Counter[str]:
    """How many differences of each cause are on record."""
    return Counter(found["cause"] for found in rows(world, select(differences.c.cause)))


def check(world: World) -> None:
    """Compare everything. The world is quiet and in step."""
    if world.violations:
        return
    for found in differences_since(world, world.before.difference):
        if found["cause"] == "brake":  # it may have come in the middle of a Send, and gone with it
            world.phase.aside.add(found["cart_id"])
            world.phase.stopped.add(found["cart_id"])
    for one in (
        _balances,
        _targets,
        _sales,
        _names,
        _lines,
        _stock,
        _posts,
        _differences,
        _heals,
        _stops,
        _border,
        _states,
        _switched,
        shelf.returns,
        shelf.oversell,
    ):
        wrong = one(world)
        world.checked[one.__name__.strip("_")] += 1
        world.violations += [f"{one.__name__.strip('_')}: {text}" for text in wrong]


def _balances(world: World) -> list[str]:
    proof = bookkeeping.prove(world.program.house)
    return [f"{sku} has {balance}, its movements {fold}" for sku, balance, fold in proof.items] + [
        f"{name}: its sums are not those of its listings" for name in proof.carts
    ]


def _targets(world: World) -> list[str]:
    """Every listing that was in step at first and that nobody changed is kept in step, and shows its target."""
    wrong = [why for why in [why_not_calm(world)] if why]
    for number, cart_id in enumerate(world.carts):
        kept = _listings(world, cart_id)
        for sku in world.skus:
            listing = kept.get(world.products[number][sku])
            if listing is None or not listing.tracked:
                wrong.append(f"{sku} is not kept in step in shop {number}")
    return wrong


def _sales(world: World) -> list[str]:
    """What was booked for a shop is what its counters moved by trade: each sale once, each cancellation once; and what edited orders
    took, less what had come back before."""
    booked: Counter[tuple[int, str]] = Counter()
    for entry in movements_since(world, world.before.movement):
        if entry["kind"] in ("sale", "cancellation") and entry["cart"] is not None:
            booked[entry["cart"], entry["sku"]] -= entry["quantity"]
    doubted: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, world.before.difference):
        if found["sku"] is None:
            continue
        number = world.carts.index(found["cart_id"])
        writers = drifted(world, number, world.products[number].get(found["sku"], 0))
        overwritten = Writer.COUNTER in writers and Writer.RESET not in writers
        reset = found["cause"] == "counter reset" and (overwritten or _edited_unseen(world, number, found["sku"]))
        if found["cause"] in RETURN_CAUSES or found["cause"] == "order edited" or reset:
            doubted[found["cart_id"], found["sku"]] -= found["amount"]
        elif found["cause"] == "given back twice" or unbooked(world, found):
            doubted[found["cart_id"], found["sku"]] += found["amount"]
    wrong = []
    for number, cart_id in enumerate(world.carts):
        if number in world.phase.restored:
            continue  # what a restored shop has forgotten, and what it sold until it was aligned, nobody can know
        for sku in world.skus:
            product = world.products[number][sku]
            if muddled(world, number, product):
                continue
            traded = world.shops[number].traded[product] - world.before.traded[number][product]
            noted = world.shops[number].drifts[world.before.drifts[number] :]
            # A counter that was lowered alone has the name of a return in doubt, or of a reset, or was aligned away; no stock moves.
            lowered = -sum(
                drift.amount for drift in noted if drift.product == product and drift.writer is Writer.LOWERED
            )
            difference = booked[cart_id, sku] - traded - doubted[cart_id, sku]
            # A line that an editor added before it was seen, and that was first read at an alignment, is booked as a sale: so it is.
            edits = [drift for drift in noted if drift.product == product and drift.writer is Writer.EDITOR]
            difference = 0 if difference == -sum(drift.amount for drift in edits if drift.obscure) else difference
            difference = difference if difference > 0 else min(0, difference + lowered)
            if cart_id in world.phase.stopped and (difference > 0 or drifted(world, number, product)):
                continue  # of a stopped cart only that is booked which lines speak for, or the quantity bears out
            if difference:
                wrong.append(f"shop {number} traded {traded} of {sku}, booked are {booked[cart_id, sku]}")
    return wrong


def _edited_unseen(world: World, number: int, sku: str) -> bool:
    """Whether an order was edited before it can have been seen: of a young product, the sale that was never seen and was never counted
    looks like a counter that was reset. What is on the line is booked either way."""
    noted = world.shops[number].drifts[world.before.drifts[number] :]
    drifts = [drift for drift in noted if drift.product == world.products[number].get(sku)]
    edited = any(drift.writer is Writer.EDITOR and drift.obscure for drift in drifts)
    edited = edited or any(edit.obscure for edit in edited_alone(world, number, world.products[number].get(sku, 0)))
    return edited and not any(drift.writer is Writer.RESET for drift in drifts)


def _moved_history(world: World, number: int, sku: str) -> bool:
    """Whether an order from before an alignment that made history of it may have come back, or have been edited, counter and all. The
    books have no line for that, nor for a sale of the same moment, of which only the rest shows."""
    shop, product = world.shops[number], world.products[number].get(sku, 0)
    history = any(fate.history and fate.product == product for fate in shop.fates.values())
    edited = product in shop.counted_edits[world.before.counted_edits[number] :]
    return history and (edited or returned(world, number, product))


def _names(world: World) -> list[str]:
    """Where no line was deleted, lost or left unwritten, every sale is booked under its order's line."""
    wrong = []
    for entry in movements_since(world, world.before.movement):
        if entry["kind"] not in ("sale", "cancellation") or entry["cart"] is None or entry["line"] is not None:
            continue
        number = world.carts.index(entry["cart"])
        excused = world.phase.store_restored or number in world.phase.restored or entry["cart"] in world.phase.aside
        if entry["kind"] == "cancellation" and number in world.ever_restored:
            excused = True  # of an order from before the alignment
        edited = _edited_unseen(world, number, entry["sku"]) or _moved_history(world, number, entry["sku"])
        if not excused and not edited and not world.phase.done[number] & UNNAMING and entry["sku"] in world.skus:
            wrong.append(f"shop {number}: {entry['quantity']:+d} of {entry['sku']} have no line: {entry['reason']}")
    return wrong


def _lines(world: World) -> list[str]:
    """The newest order lines that the books have of a shop are those that it has, also where their numbers began again.

    A line that has number and units of one that went shows by its counter alone: not at all before it is paid, nor where another
    order gives back as much at the same moment.
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
    """On hand moved by what people booked, less what was traded, and by accepted edits; by nothing else."""
    if world.phase.store_restored:
        return []  # what people booked after the copy was made is lost with it, and Get QOH took over the shops' counts
    moved: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    trade: Counter[str] = Counter()
    for entry in movements_since(world, world.before.movement):
        moved[entry["sku"]] += entry["quantity"]
        if entry["origin"].startswith("difference/"):
            accepted[entry["sku"]] += entry["quantity"]
        elif entry["cart"] is not None and entry["kind"] != "return":
            trade[entry["sku"]] += entry["quantity"]
    on_hand = world.program.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    wrong = []
    for sku in world.skus:
        people = world.booked[sku] - world.before.people[sku] + world.returned[sku] - world.before.returned[sku]
        should = world.before.on_hand[sku] + people + trade[sku] + accepted[sku]
        if on_hand[sku] != should or moved[sku] != people + trade[sku] + accepted[sku]:
            wrong.append(f"{sku} has {on_hand[sku]}, should have {should}")
    return wrong


def _posts(world: World) -> list[str]:
    """What the books call applied took effect once, and nothing else did. After a crash within a batch the law decides,
    and a race at that moment can mislead it; then the rest shows as a drift, which ``_differences`` adds up."""
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
            if post["delta"] and (
                shop.transactional or post["product"] not in raced
            ):  # that a mark landed nobody can see
                wrong.append(f"shop {number}: post {post['seq']} is {post['state']} and took effect {took} times")
    return wrong


def _differences(world: World) -> list[str]:
    """Per listing: what the witness saw is what was named, by amount and by cause; nothing was invented."""
    wrong, misjudged = [], _misjudged(world)
    named: defaultdict[tuple[int, str], Rows] = defaultdict(list)
    for found in differences_since(world, world.before.difference):
        if found["sku"] is not None and found["cause"] not in UNNAMED_CAUSES and not unbooked(world, found):
            named[found["cart_id"], found["sku"]].append(found)
    for number, cart_id in enumerate(world.carts):
        if cart_id in world.phase.aside or number in world.phase.restored:
            continue  # while a cart is stopped or off nothing is concluded; the alignment ends all its differences
        seen: defaultdict[int, list[Drift]] = defaultdict(list)
        noted, first = world.shops[number].drifts, world.before.drifts[number]
        for drift in noted[first:]:
            seen[drift.product].append(drift)
        for drift in noted[:first]:
            # A form saved shortly before the last quiet point still shows its date beside what happens after it.
            if drift.time > world.before.time - TOUCHED_SECONDS and drift.writer in TOUCHING:
                seen[drift.product].append(replace(drift, amount=0))
        for sku in world.skus:
            product = world.products[number][sku]
            if muddled(world, number, product):
                continue
            wrong_posts = misjudged[cart_id, product] - world.before.misjudged[cart_id, product]
            # While a product had another name nobody watched it, so what happened then need not have a name of its own.
            vague = number in world.phase.clocks_set or (number, product) in world.phase.renamed
            came_back = returned(world, number, product)
            if "delete" in world.phase.done[number] and all(
                found["cause"] == "unknown" for found in named[cart_id, sku]
            ):
                came_back = True  # a line that went and gave nothing back looks like one that an editor took out
            # A line that has the numbers of one that went looks like that one, edited. Then a person is asked.
            reused = number in world.renumbered | world.ever_restored
            questions = {found["id"] for found in named[cart_id, sku] if reused and is_question(found)}
            if product in world.shops[number].counted_edits[world.before.counted_edits[number] :]:
                # An order was edited. Beside a race it may be named, although its counter moved as well.
                questions |= {found["id"] for found in named[cart_id, sku] if found["cause"] == "order edited"}
            if world.phase.done[number] & {"delete", "numbers begin again"}:
                # Beside a race, a line that went and gave nothing back may have given back as much as was lost less.
                questions |= {found["id"] for found in named[cart_id, sku] if is_about_gone(found)}
            told = named[cart_id, sku]
            if (number, product) in world.phase.renamed:
                # What was asked before is found once more, with what came on top meanwhile.
                told = [
                    found
                    for found in told
                    if found["cause"] in RETURN_CAUSES or found["note"] != "its product is no longer synced"
                ]
            alone = edited_alone(world, number, product)
            text = compare(seen[product], told, wrong_posts, vague, came_back, questions, alone)
            if text:
                wrong.append(f"shop {number} {sku}: {text}")
    return wrong + _partial_returns(world) + _given_back_twice(world)


def _partial_returns(world: World) -> list[str]:
    """No partial return is invented: in all, no more units than shops that give back one line of two have kept back, and than were taken
    out of orders alone: such a line seems to be left out when the others of its order come back."""
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
    """No second return is invented: no more units than the witness saw come back twice. Where a counter was reset, or an order was
    changed that an alignment made history, the fall can look like a return."""
    told: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, world.before.difference):
        if (found["cause"], found["remedy"]) == ("given back twice", "post") and found["sku"] is not None:
            told[found["cart_id"], found["sku"]] += found["amount"]
    return [
        f"shop {number} {sku}: {told[cart, sku]} units are said to have come back twice, {twice} did"
        for number, cart in enumerate(world.carts)
        for sku in world.skus
        if number not in world.phase.restored
        and not muddled(world, number, product := world.products[number][sku])
        and not any(drift.obscure for drift in world.shops[number].drifts if drift.product == product)
        and told[cart, sku] > (twice := world.shops[number].twice[product] - world.before.twice[number][product])
    ]


def _misjudged(world: World) -> Counter[tuple[int, int]]:
    """Per (cart, product), by how much the shop's sum differs from what the books believe their posts did: after a crash
    within a batch the law decides, and a race at that moment can mislead it."""
    total: Counter[tuple[int, int]] = Counter()
    for number, cart_id in enumerate(world.carts):
        for post in posts_of(world, cart_id):
            took = world.shops[number].taken[post["epoch"], post["seq"]]
            total[cart_id, post["product"]] += (took - (post["state"] == "applied")) * post["delta"]
    return total


def _heals(world: World) -> list[str]:
    """No listing is healed more than a few times an hour for causes that trade does not explain."""
    healed: Counter[tuple[int, str]] = Counter()
    for found in differences_since(world, 0):
        if found["remedy"] == "post" and found["cause"] not in RACE_CAUSES and found["sku"] is not None:
            healed[found["cart_id"], found["sku"]] += 1
    worst = HEALS_PER_HOUR  # a world lasts for less than an hour, unless a clock is set
    if world.faults["clock set"]:
        return []
    return [f"{key} was healed {times} times" for key, times in healed.items() if times > worst]


def _states(world: World) -> list[str]:
    """No cart was called in step while its shop did not answer, or showed something else for longer than a look may be old."""
    return world.glance.lies[:1]


def _switched(world: World) -> list[str]:
    """A product that its shop switched off with the sale that emptied it is on again once there is stock, or a person is told."""
    wrong = []
    for number, cart_id in enumerate(world.carts):
        if number in world.phase.restored or cart_id in world.phase.aside or world.phase.store_restored:
            continue
        on_hand = world.program.read(lambda books: {item.id: item.on_hand for item in books.items.all().values()})
        for listing in _listings(world, cart_id).values():
            row = world.shops[number].tables.products.get(listing.product)
            if row is None or row.status or not row.off_by_sale or not listing.tracked or listing.item is None:
                continue
            if target(on_hand[listing.item], world.cart(cart_id).settings.buffer) + listing.held > 0:
                told = listing.switched_off or listing.parked is not None
                if not told:
                    wrong.append(f"shop {number} switched {listing.model} off when it sold out, and nobody is told")
    return wrong


def _stops(world: World) -> list[str]:
    """A cart is called restored from a backup only if one side was, or if a copy of the store has posted there."""
    return [
        f"shop {number} is called restored, and nobody put anything back: {found['note']}"
        for found in differences_since(world, world.before.difference)
        if found["cause"] == "restored from backup"
        and (number := world.carts.index(found["cart_id"])) not in world.phase.restored
        and not world.phase.store_restored
        and found["cart_id"] not in world.phase.copied
    ]


def _border(world: World) -> list[str]:
    """No answer that cannot be true was handed on to a service."""
    return [
        f"shop {number} was believed: {lie}"
        for number, cart in enumerate(world.carts)
        for lie in world.networks[cart].believed
    ]


# Reading


def _listings(world: World, cart_id: int) -> dict[int, Listing]:
    found = world.program.read(lambda books: books.listings.all(cart_id))
    return {listing.product: listing for listing in found if not listing.deleted}
