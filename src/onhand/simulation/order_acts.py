"""Performs the acts on orders after their sale: they are edited, taken out of the counter, and their goods come back.

Path: ``acts`` lists them; ``editors`` has the processes that they start.
Promise: as in ``acts``: an act draws only from its own seed; a clerk who saw no answer checks whether the return was booked.
Never: looks at the books except as a clerk does: for the order, and for their own return.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from onhand.domain.errors import OnHandError, Refused
from onhand.services import selling
from onhand.services.ports import House

from . import editors, people
from .editors import Editor
from .identities import start
from .program import Killed
from .shop import Fate
from .timeline import Process
from .world import World

RETRY_SECONDS = 2.0
TRIES_MAX = 60
UNKNOWN_TRIES_MAX = 8  # how often a clerk looks for an order that does not exist yet
MEET_SECONDS = (0.002, 0.012)  # from Confirm until the counter is written, less what an editor needs until it reads it
RESTOCK_WITHIN_SECONDS = 8.0  # before or after a return that is booked here


def edit_units(editor: Editor) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        order = _order(world, shop, chance)
        if order is not None:
            sim, family = world.shops[shop], world.plan.shops[shop].family
            line = chance.choice([line.line for line in sim.tables.lines.values() if line.order == order])
            change = chance.choice((-2, -1, 1, 2, 3))
            process = editors.edit_units(world.time, sim, family, editor, line, change, chance)
            start(world, shop, _meet(world, shop, editor, sim.tables.lines[line].product, process, chance))

    return act


def add_line(editor: Editor) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        order = _order(world, shop, chance)
        if order is not None:
            sim, family = world.shops[shop], world.plan.shops[shop].family
            product, units = world.products[shop][chance.choice(world.skus)], chance.choice((1, 1, 2))
            process = editors.add_line(world.time, sim, family, editor, order, product, units, chance)
            start(world, shop, _meet(world, shop, editor, product, process, chance))

    return act


def remove_line(editor: Editor) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        sim, family = world.shops[shop], world.plan.shops[shop].family
        lines = [line for line in sim.tables.lines.values() if line.order in sim.finished]
        orders = [line.order for line in lines]
        several = [line.line for line in lines if orders.count(line.order) > 1]
        if several:
            line = chance.choice(several)
            process = editors.remove_line(world.time, sim, family, editor, line, chance)
            start(world, shop, _meet(world, shop, editor, sim.tables.lines[line].product, process, chance))

    return act


def _meet(world: World, shop: int, editor: Editor, product: int, process: Process, chance: Random) -> Process:
    """Return an editor's process. One that can lose a sale from the counter usually begins a moment after a buyer's Confirm."""
    sim = world.shops[shop]
    row = sim.tables.products.get(product)
    if editor is not Editor.LITERAL or chance.random() < 0.3 or row is None or not row.status:
        return process
    if row.quantity > 0 or sim.allow_checkout:
        own = Random(chance.getrandbits(32))
        world.open_orders[shop].append(sim.tables.next_order)
        wanted = [(product, own.choice((1, 1, 2)))]
        start(world, shop, people.sale(world.time, sim, world.plan.shops[shop].family, wanted, own))
    return _later(chance.uniform(*MEET_SECONDS), process)


def _later(seconds: float, process: Process) -> Process:
    yield seconds
    yield from process


def lower_counter(world: World, shop: int, chance: Random) -> None:
    """Take an order out of the counter, without returned goods."""
    order = _order(world, shop, chance)
    if order is not None:
        world.open_orders[shop].remove(order)
        start(world, shop, editors.lower_counter(world.time, world.shops[shop], order, chance))


def return_goods(world: World, shop: int, chance: Random) -> None:
    """Return a customer's goods. A clerk books them here; in half of the cases an admin restocks the same order in the shop, too."""
    order = _order(world, shop, chance)
    if order is None:
        return
    sim, family = world.shops[shop], world.plan.shops[shop].family
    line = chance.choice([line for line in sim.tables.lines.values() if line.order == order])
    units, reason = chance.randint(1, line.quantity), f"back {chance.getrandbits(48)}"
    sku = next((sku for sku in world.skus if world.products[shop][sku] == line.product), None)
    both, after, own = (
        chance.random() < 0.5,
        chance.uniform(0.0, RESTOCK_WITHIN_SECONDS),
        Random(chance.getrandbits(32)),
    )
    if sku is None:
        return

    def restock() -> None:
        world.unsure -= 1
        if order in sim.tables.histories and any(one.order == order for one in sim.tables.lines.values()):
            world.open_orders[shop] = [one for one in world.open_orders[shop] if one != order]
            start(world, shop, people.deletion(sim, family, order, restock=True, chance=own))

    fate = sim.fates[line.line]
    begin = chance.uniform(0.0, RESTOCK_WITHIN_SECONDS)
    world.time.at(
        world.time.now + begin, lambda: _book_return(world, shop, (order, line.line), units, fate, sku, reason)
    )
    if both:
        world.unsure += 1
        world.time.at(world.time.now + after, restock)
    world.unsure += 1


def _book_return(world: World, shop: int, line: tuple[int, int], units: int, fate: Fate, sku: str, reason: str) -> None:
    """Book what came back, and repeat until there is an answer. If nothing is left of the line, stop."""
    life = world.shops[shop].lives
    order, number = line

    def booked(house: House) -> bool:
        entries = house.store.read(lambda books: books.ledger.of_item(None, 200))
        return any(entry.movement.reason == reason for entry in entries)

    def done(came: bool) -> None:
        world.unsure -= 1
        if came:
            world.returned[sku] += units
            world.shops[shop].came_back(fate, units)

    def try_it(left: int, unknown: int) -> None:
        house, cart = world.program.house, world.carts[shop]
        try:
            world.program.survive()
            if booked(house):
                done(came=True)
                return
            if world.shops[shop].lives != life or world.shops[shop].fates.get(number) is not fate or not unknown:
                done(came=False)  # the number belongs to another order by now, or the books do not know it
                return
            found = house.store.read(lambda books: books.orders.find(str(order), cart))
            # The clerk reads what is on the order: that it is the right one.
            wanted = [(number, units)] if (number, sku) in {(line.line, line.sku) for line in found.lines} else [(0, 1)]
            selling.take_back(house, str(order), cart, "", wanted, "clerk", reason)
        except Refused as refused:
            if "sold yet" in refused.message or "no order" in refused.message or "no line" in refused.message:
                unknown -= 1
            else:
                done(came=False)
                return
        except (OnHandError, Killed):
            pass
        else:
            done(came=True)
            return
        if left:
            world.time.at(world.time.now + RETRY_SECONDS, lambda: try_it(left - 1, unknown))
        else:
            world.unsure -= 1
            world.violations.append(f"office: {units} of {sku} could not be taken back")

    try_it(TRIES_MAX, UNKNOWN_TRIES_MAX)


def _order(world: World, shop: int, chance: Random) -> int | None:
    """Return an order that is complete and not deleted."""
    sim = world.shops[shop]
    there = {line.order for line in sim.tables.lines.values()} & sim.finished
    orders = [order for order in world.open_orders[shop] if order in there]
    return chance.choice(orders) if orders else None
