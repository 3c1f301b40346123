"""Checks a quiet world against what its witnesses know: every promise, as a comparison that can fail.

Path: ``World`` calls ``check`` at every quiet point; what is wrong goes to ``World.violations``.
Promise: what should be is reckoned from the shops' and the people's side alone; what is, is read from the books.
Never: forgives: an exception from a rule is written here, with its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from onhand.domain.differences import HEALS_PER_HOUR
from onhand.domain.listings import Listing, target
from onhand.domain.numbering import same
from onhand.services import bookkeeping
from onhand.storage.tables import differences, items, listings, movements, posts

from .shop import Drift, Writer

if TYPE_CHECKING:
    from .world import World

Rows = list[dict[str, Any]]
TOUCHING = (Writer.FORM, Writer.EDIT, Writer.IMPORT)
TOUCHED_SECONDS = 45.0  # the catalogue is read every half minute, and evidence reaches back ten seconds
YOUNG = 6  # units ever sold: no more than may be sold between two looks
RACE_CAUSES = {"lost sale", "lost post", "lost return"}
# What came back and was destroyed at once looks like a counter that was lowered alone. So where goods came back, both names are right,
# no stock moves, and what the shop's counter gave back waits for a person: it errs to selling too little.
RETURN_CAUSES = {"return in doubt", "counter lowered"}
# Which causes may be named for what the witness saw. Several things at once in one listing may be named as any of them.
CAUSES: dict[Writer, set[str]] = {
    Writer.SALE: RACE_CAUSES,
    Writer.FORM: {"stale form save", "edit in the shop"},
    Writer.EDIT: {"edit in the shop", "stale form save"},
    Writer.IMPORT: {"edit in the shop", "stale form save", "unknown"} | RACE_CAUSES,
    Writer.RESET: {"counter reset"},
    Writer.CRASH: {"unknown"} | RACE_CAUSES,
}
# Acts after which units may be booked that no line names: the line is gone before it was seen, or was never written.
UNNAMING = {
    "delete and restock",
    "delete",
    "sale, dying",
    "counter reset",
    "all counters reset",
    "redirect, never paid",
    "numbers begin again",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was true at the last quiet point."""

    time: float
    on_hand: dict[str, int]
    people: Counter[str]
    traded: list[Counter[int]]  # per shop: units by product
    drifts: list[int]  # per shop: how many drifts the witness had noted
    returns: list[int]  # per shop: how many returns
    misjudged: Counter[tuple[int, int]]
    movement: int
    difference: int


def snapshot(world: World) -> Snapshot:
    return world.program.read(
        lambda books: Snapshot(
            time=world.time.now,
            on_hand={item.sku: item.on_hand for item in books.items.all().values()},
            people=Counter(world.booked),
            traded=[Counter(shop.traded) for shop in world.shops],
            drifts=[len(shop.drifts) for shop in world.shops],
            returns=[len(shop.returns) for shop in world.shops],
            misjudged=_misjudged(world),
            movement=books.ledger.last(),
            difference=max([found["id"] for found in _rows(world, select(differences.c.id))], default=0),
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
    return Counter(found["cause"] for found in _rows(world, select(differences.c.cause)))


def check(world: World) -> None:
    """Compare everything. The world is quiet and in step."""
    if world.violations:
        return
    for found in _differences_since(world, world.before.difference):
        if found["cause"] == "brake":  # it may have come in the middle of a Send, and gone with it
            world.phase.aside.add(found["cart_id"])
            world.phase.stopped.add(found["cart_id"])
    for one in (_balances, _targets, _sales, _names, _lines, _stock, _posts, _differences, _heals, _stops):
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
    """What was booked for a shop is what its counters moved by trade: each sale once, each cancellation once."""
    booked: Counter[tuple[int, str]] = Counter()
    for entry in _movements_since(world, world.before.movement):
        if entry["kind"] in ("sale", "cancellation") and entry["cart"] is not None:
            booked[entry["cart"], entry["sku"]] -= entry["quantity"]
    doubted: Counter[tuple[int, str]] = Counter()
    for found in _differences_since(world, world.before.difference):
        if found["cause"] in RETURN_CAUSES and found["sku"] is not None:
            doubted[found["cart_id"], found["sku"]] -= found["amount"]
    wrong = []
    for number, cart_id in enumerate(world.carts):
        if number in world.phase.restored:
            continue  # what a restored shop has forgotten, and what it sold until it was aligned, nobody can know
        for sku in world.skus:
            product = world.products[number][sku]
            if _muddled(world, number, product):
                continue
            traded = world.shops[number].traded[product] - world.before.traded[number][product]
            difference = booked[cart_id, sku] - traded - doubted[cart_id, sku]
            if cart_id in world.phase.stopped and (difference > 0 or _drifted(world, number, product)):
                continue  # of a stopped cart only that is booked which lines speak for, or the quantity bears out
            if difference:
                wrong.append(f"shop {number} traded {traded} of {sku}, booked are {booked[cart_id, sku]}")
    return wrong


def _names(world: World) -> list[str]:
    """Where no line was deleted, lost or left unwritten, every sale is booked under its order's line."""
    wrong = []
    for entry in _movements_since(world, world.before.movement):
        if entry["kind"] not in ("sale", "cancellation") or entry["cart"] is None or entry["line"] is not None:
            continue
        number = world.carts.index(entry["cart"])
        excused = world.phase.store_restored or number in world.phase.restored or entry["cart"] in world.phase.aside
        if not excused and not world.phase.done[number] & UNNAMING and entry["sku"] in world.skus:
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
    for entry in _movements_since(world, world.before.movement):
        moved[entry["sku"]] += entry["quantity"]
        if entry["origin"].startswith("difference/"):
            accepted[entry["sku"]] += entry["quantity"]
        elif entry["cart"] is not None:
            trade[entry["sku"]] += entry["quantity"]
    on_hand = world.program.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    wrong = []
    for sku in world.skus:
        people = world.booked[sku] - world.before.people[sku]
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
        for post in _posts_of(world, cart_id):
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
    named: defaultdict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for found in _differences_since(world, world.before.difference):
        if found["sku"] is not None and found["cause"] not in (
            "new listing",
            "renamed",
            "deleted product",
            "set aside",
            "partial return",
        ):
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
            if _muddled(world, number, product):
                continue
            wrong_posts = misjudged[cart_id, product] - world.before.misjudged[cart_id, product]
            # While a product had another name nobody watched it, so what happened then need not have a name of its own.
            vague = number in world.phase.clocks_set or (number, product) in world.phase.renamed
            returned = _returned(world, number, product)
            if "delete" in world.phase.done[number] and all(
                found["cause"] == "unknown" for found in named[cart_id, sku]
            ):
                returned = True  # a line that went and gave nothing back looks like one that an editor took out
            # A line that has the numbers of one that went looks like that one, edited. Then a person is asked.
            reused = number in world.renumbered | world.ever_restored
            questions = {found["id"] for found in named[cart_id, sku] if reused and _is_question(found)}
            told = named[cart_id, sku]
            if (
                number,
                product,
            ) in world.phase.renamed:  # what was asked before is found once more, with what came on top meanwhile
                told = [found for found in told if found["note"] != "its product is not kept in step any more"]
            text = _compare(seen[product], told, wrong_posts, vague, returned, questions)
            if text:
                wrong.append(f"shop {number} {sku}: {text}")
    return wrong + _partial_returns(world)


def _partial_returns(world: World) -> list[str]:
    """No partial return is invented: in all, no more units than shops that give back one line of two have kept back."""
    told: Counter[tuple[int, str]] = Counter()
    for found in _differences_since(world, 0):
        if found["cause"] == "partial return" and found["sku"] is not None:
            told[found["cart_id"], found["sku"]] -= found["amount"]
    return [
        f"shop {number} {sku}: {told[cart, sku]} units are said to be left out of returns, {kept} were"
        for number, cart in enumerate(world.carts)
        for sku in world.skus
        if told[cart, sku] > (kept := world.shops[number].kept_back[world.products[number][sku]])
    ]


def _muddled(world: World, number: int, product: int) -> bool:
    """Whether a counter was reset while goods came back or something else changed the same count; or whether the return of so
    young a product was undone that its counter came to nothing, or near it, as a reset one does, or of an order from before the
    last alignment, which no line in the books names. Then one can look like the other. ``docs/promises.md`` says so."""
    seen = _drifted(world, number, product)
    returned = _returned(world, number, product)
    row = world.shops[number].tables.products.get(product)
    doubtful = number in world.ever_restored or (row is not None and row.ordered <= YOUNG)
    return (Writer.RESET in seen and (len(seen) > 1 or returned)) or (doubtful and returned and bool(seen))


def _returned(world: World, number: int, product: int) -> bool:
    """Whether a deleted order gave back units of a product since the last quiet point."""
    return product in world.shops[number].returns[world.before.returns[number] :]


def _drifted(world: World, number: int, product: int) -> set[Writer]:
    """Who changed the sum of a product since the last quiet point."""
    return {d.writer for d in world.shops[number].drifts[world.before.drifts[number] :] if d.product == product}


def _is_question(found: dict[str, Any]) -> bool:
    return (found["cause"], found["remedy"]) == ("unknown", "ask")


def _compare(
    seen: list[Drift], named: Rows, misjudged: int, vague: bool, returned: bool, excused: Container[int]
) -> str:
    amount = sum(drift.amount for drift in seen) + misjudged
    told = sum(found["amount"] for found in named if found["note"] != "undone in the shop")
    facts = f"the witness saw {_words(seen)}, named were {[(f['cause'], f['amount'], f['note']) for f in named]}"
    if told != amount:
        return f"{amount:+d} are to be named, {told:+d} were: {facts}"
    allowed = set().union(*(CAUSES[drift.writer] for drift in seen)) if seen else set()
    if misjudged:
        allowed |= RACE_CAUSES | {"unknown"}
    if vague and any(drift.writer is not Writer.SALE for drift in seen):
        # How long ago the shop says a form was saved is wrong by as much as its clock was moved: it may look like no edit.
        allowed |= {"unknown"} | RACE_CAUSES
    if len(moved := [drift for drift in seen if drift.amount]) == 1 and not misjudged and not vague and len(seen) == 1:
        allowed = _only(moved[0])
    if any(drift.writer is Writer.FORM and drift.amount > 0 and drift.destroyed == {Writer.SALE} for drift in seen):
        allowed |= {
            "lost sale"
        }  # a form that is saved over a sale undoes it as a race does, and is made good in the same way
    if returned:
        # An order that came and went between two looks leaves neither a line nor a counter that moved: a race of its sale is unknown.
        allowed |= RETURN_CAUSES | ({"unknown"} if any(drift.writer is Writer.SALE for drift in seen) else set())
    invented = {found["cause"] for found in named if found["id"] not in excused} - allowed
    return f"{invented} did not happen: {facts}" if invented else ""


def _misjudged(world: World) -> Counter[tuple[int, int]]:
    """Per (cart, product), by how much the shop's sum differs from what the books believe their posts did: after a crash
    within a batch the law decides, and a race at that moment can mislead it."""
    total: Counter[tuple[int, int]] = Counter()
    for number, cart_id in enumerate(world.carts):
        for post in _posts_of(world, cart_id):
            took = world.shops[number].taken[post["epoch"], post["seq"]]
            total[cart_id, post["product"]] += (took - (post["state"] == "applied")) * post["delta"]
    return total


def _heals(world: World) -> list[str]:
    """No listing is healed more than a few times an hour for causes that trade does not explain."""
    healed: Counter[tuple[int, str]] = Counter()
    for found in _differences_since(world, 0):
        if found["remedy"] == "post" and found["cause"] not in RACE_CAUSES and found["sku"] is not None:
            healed[found["cart_id"], found["sku"]] += 1
    worst = HEALS_PER_HOUR  # a world lasts for less than an hour, unless a clock is set
    if world.faults["clock set"]:
        return []
    return [f"{key} was healed {times} times" for key, times in healed.items() if times > worst]


def _stops(world: World) -> list[str]:
    """A cart is called restored from a backup only if one side was."""
    return [
        f"shop {number} is called restored, and nobody put anything back: {found['note']}"
        for found in _differences_since(world, world.before.difference)
        if found["cause"] == "restored from backup"
        and (number := world.carts.index(found["cart_id"])) not in world.phase.restored
        and not world.phase.store_restored
    ]


def _only(drift: Drift) -> set[str]:
    """The causes that may be named where nothing but this happened to a listing since the last quiet point.

    A post or a return that a race destroyed can be worth as much as sales of the same moment; then either is right.
    """
    if drift.writer is Writer.SALE and drift.destroyed == {Writer.SALE}:
        return {"lost sale"}
    if drift.writer is Writer.SALE and drift.amount < 0 and Writer.RESTOCK not in drift.destroyed:
        return {"lost post"}
    return CAUSES[drift.writer]


# Reading


def _listings(world: World, cart_id: int) -> dict[int, Listing]:
    found = world.program.read(lambda books: books.listings.all(cart_id))
    return {listing.product: listing for listing in found if not listing.deleted}


def _words(drifts: list[Drift]) -> list[str]:
    return [f"{d.time:.3f} {d.writer.value} {d.amount:+d} undoing {sorted(d.destroyed)}" for d in drifts]


def _movements_since(world: World, last: int) -> Rows:
    query = select(movements, items.c.sku).join(items).where(movements.c.id > last).order_by(movements.c.id)
    return [row | {"cart": row["cart_id"]} for row in _rows(world, query)]


def _differences_since(world: World, last: int) -> Rows:
    """With the SKU of the item, where the listing has one."""
    query = (
        select(differences, items.c.sku)
        .outerjoin(listings, listings.c.id == differences.c.listing_id)
        .outerjoin(items, items.c.id == listings.c.item_id)
        .where(differences.c.id > last)
        .order_by(differences.c.id)
    )
    return _rows(world, query)


def _posts_of(world: World, cart_id: int) -> Rows:
    return _rows(world, select(posts).where(posts.c.cart_id == cart_id))


def _rows(world: World, query: Select[Any]) -> Rows:
    return [dict(row) for row in world.disk.connection.execute(query).mappings()]
