"""Performs the acts of a plan: what buyers, admins, clerks and bad luck do to a world.

Path: ``World`` calls ``perform`` when the time of an act has come.
Promise: an act draws only from its own seed; a user of OnHand who saw no answer repeats the request until there is one.
Never: looks at the books to decide what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

from onhand.domain.errors import Conflict, OnHandError, Refused, Retriable
from onhand.domain.importing import IMPORTED
from onhand.domain.stock import sku_key
from onhand.services import aligning, counting, importing, receiving, selling, settling
from onhand.services.importing import Entry
from onhand.services.ports import House
from onhand.storage.books import SqlBooks

from . import order_acts, people
from .copies import run_copy
from .editors import Editor
from .identities import begin_numbers_again, rename_and_back, start
from .plan import Act
from .program import Killed
from .shop import Product, SimShop, Writer
from .wire import Fault
from .world import World

RETRY_SECONDS = 2.0
LAST_UNITS = 40  # the largest part that one buyer takes of what is left
TRIES_MAX = 60


def perform(world: World, act: Act) -> None:
    """Perform an act."""
    chance = Random(act.seed)
    world.happened[act.kind] += 1
    world.phase.done[act.shop].add(act.kind)
    world.tell(f"{act.kind} (shop {act.shop})")
    ACTS[act.kind](world, act.shop, chance)


# Buyers


def _pick(world: World, shop: int, chance: Random) -> int | None:
    """Choose a product that is on sale; the first few are the most wanted."""
    sim = world.shops[shop]
    products = [p for p in sim.tables.products.values() if p.status and (sim.allow_checkout or p.quantity > 0)]
    return products[min(chance.randrange(len(products)), chance.randrange(len(products)))].product if products else None


def _sale(world: World, shop: int, chance: Random) -> None:
    product = _pick(world, shop, chance)
    if product is None:
        return
    wanted = [(product, chance.choice((1, 1, 1, 2, 3)))]
    if chance.random() < 0.15:
        wanted.append((product if chance.random() < 0.3 else _pick(world, shop, chance) or product, 1))
    sim = world.shops[shop]
    world.open_orders[shop].append(sim.tables.next_order)
    start(world, shop, people.sale(world.time, sim, world.plan.shops[shop].family, wanted, chance))


def _burst(world: World, shop: int, chance: Random) -> None:
    product = _pick(world, shop, chance)
    if product is None:
        return
    sim = world.shops[shop]
    for _ in range(chance.randrange(2, 7)):
        own = Random(chance.getrandbits(32))
        wanted = [(product, own.choice((1, 1, 2, 5)))]
        world.open_orders[shop].append(sim.tables.next_order)
        start(world, shop, people.sale(world.time, sim, world.plan.shops[shop].family, wanted, own))


def _redirect(paid: bool) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        product = _pick(world, shop, chance)
        if product is not None:
            after = chance.uniform(0.5, 12.0) if paid else None
            sim, family = world.shops[shop], world.plan.shops[shop].family
            start(world, shop, people.redirect_sale(world.time, sim, family, product, 1, chance, after))

    return act


def _dying_sale(world: World, shop: int, chance: Random) -> None:
    product = _pick(world, shop, chance)
    if product is None:
        return
    left = chance.randrange(1, 10)

    def dies() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    sim, family = world.shops[shop], world.plan.shops[shop].family
    start(world, shop, people.sale(world.time, sim, family, [(product, chance.choice((1, 2)))], chance), dies)


def _delete(restock: bool) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        orders = world.open_orders[shop]
        if orders:
            order = orders.pop(chance.randrange(len(orders)))
            sim, family = world.shops[shop], world.plan.shops[shop].family
            if order in sim.tables.histories and any(line.order == order for line in sim.tables.lines.values()):
                start(world, shop, people.deletion(sim, family, order, restock, chance))

    return act


# The shop's admin and its programs


def _strict(world: World, shop: int, chance: Random) -> int:
    return world.products[shop][chance.choice(world.skus)]


def _form(meant: bool) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        typed = chance.choice((-7, -3, 4, 6, 25)) if meant else None
        product = _strict(world, shop, chance)
        start(world, shop, people.form(world.time, world.shops[shop], product, chance, typed))

    return act


def _import(few: bool) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        number = chance.randrange(1, 3) if few else len(world.skus)
        products = [world.products[shop][sku] for sku in chance.sample(world.skus, number)]
        touches = chance.random() < 0.5
        start(world, shop, people.import_counts(world.time, world.shops[shop], products, chance, touches))

    return act


def _reset(one: bool) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        sim = world.shops[shop]
        products = [_strict(world, shop, chance)] if one else list(sim.tables.products)
        start(world, shop, people.reset_counters(world.time, sim, products))

    return act


def _odd(change: Callable[[World, SimShop, Product, Random], None]) -> Callable[[World, int, Random], None]:
    """Perform an act on a product whose identity changes."""

    def act(world: World, shop: int, chance: Random) -> None:
        sim = world.shops[shop]
        odd = [row for row in sim.tables.products.values() if not row.model.startswith("SKU-")]
        if odd:
            row = chance.choice(odd)
            change(world, sim, row, chance)
            world.time.operations += 1

    return act


def _switch_off(world: World, sim: SimShop, row: Product, chance: Random) -> None:
    row.status, row.off_by_sale = 1 - row.status, False
    sim.touch(row.product, world.time.now)


def _rename(world: World, sim: SimShop, row: Product, chance: Random) -> None:
    row.model = chance.choice(("", f"NEW-{chance.randrange(99)}", "ODD-0", "odd-1 "))
    sim.touch(row.product, world.time.now)


def _copy(world: World, sim: SimShop, row: Product, chance: Random) -> None:
    sim.add_product(row.model, row.quantity, status=0)


def _remove(world: World, sim: SimShop, row: Product, chance: Random) -> None:
    del sim.tables.products[row.product]


def _add(world: World, shop: int, chance: Random) -> None:
    model = chance.choice(("ODD-0", f"NEW-{chance.randrange(99)}", ""))
    world.shops[shop].add_product(model, chance.randrange(20))


def _shop_clock(world: World, shop: int, chance: Random) -> None:
    world.phase.clocks_set.add(shop)
    world.shops[shop].clock_wrong = chance.choice((-3600.0, -20.0, 0.0, 20.0, 3600.0))


def _restore_shop(world: World, shop: int, chance: Random) -> None:
    world.restore_shop(shop)
    for sku in world.skus:  # the backup may be from while it had another name
        world.shops[shop].tables.products[world.products[shop][sku]].model = sku
    _sale(world, shop, chance)


# The office


def _surely(world: World, chance: Random, ask: Callable[[House], object], sku: str, units: int) -> None:
    """Repeat a request until its answer is seen. The reference makes sure that it counts once."""
    world.unsure += 1

    def try_it(left: int) -> None:
        if not world.program.dead:
            try:
                ask(world.program.house)
            except Killed:
                pass
            except Refused as refused:
                if "already" in refused.message or "taken" in refused.message:
                    world.booked[sku] += units
                world.unsure -= 1
                return
            except OnHandError:
                pass
            else:
                world.booked[sku] += units
                world.unsure -= 1
                return
        if left:
            world.time.at(world.time.now + RETRY_SECONDS, lambda: try_it(left - 1))
        else:
            world.violations.append(f"office: {units:+d} of {sku} could not be booked")

    try_it(TRIES_MAX)


def _receipt(world: World, shop: int, chance: Random) -> None:
    sku, units, name = chance.choice(world.skus), chance.randrange(1, 9), f"PO {chance.getrandbits(48)}"
    _surely(world, chance, lambda house: receiving.receive(house, [(sku, units)], name, "clerk", ""), sku, units)


def _phone_order(world: World, shop: int, chance: Random) -> None:
    sku, units, name = chance.choice(world.skus), chance.randrange(1, 4), f"T {chance.getrandbits(48)}"
    _surely(
        world,
        chance,
        lambda house: selling.take_order(house, [(sku, units)], name, "clerk", "", oversell=True),
        sku,
        -units,
    )


def _adjustment(world: World, shop: int, chance: Random) -> None:
    """Adjust a quantity. An adjustment has no reference, so a user who saw no answer looks whether it was booked."""
    sku, units, why = chance.choice(world.skus), chance.choice((-3, -1, 2, 8)), f"why {chance.getrandbits(48)}"

    def ask(house: House) -> None:
        entries = house.store.read(lambda books: books.ledger.of_item(None, 200))
        if not any(entry.movement.reason == why for entry in entries):
            counting.adjust(house, sku, units, None, why, "clerk", below_zero=True)

    _surely(world, chance, ask, sku, units)


def _import_late(world: World, shop: int, chance: Random) -> None:
    """Export the items, correct a count in the file, and import it a while later: what was sold meanwhile stays sold."""
    sku, units = chance.choice(world.skus), chance.choice((-3, -1, 2, 8))
    if world.program.dead:
        return

    def export(books: SqlBooks) -> tuple[int, int, int]:
        item = books.items.by_key([sku_key(sku)])[sku_key(sku)]
        return item.id, item.on_hand, books.ledger.last()

    item, on_hand, movement = world.program.read(export)
    clerk = f"clerk {chance.getrandbits(32)}"
    entry = Entry(2, sku, on_hand=on_hand + units, exported_on_hand=on_hand, exported_movement=movement)

    def ask(house: House) -> None:
        """Look whether the correction was booked, if no answer was seen."""
        known = house.store.read(lambda books: books.ledger.of_item(item, 200))
        same_moment = [found for found in known if found.movement.origin.startswith(f"{IMPORTED}{movement}/")]
        if any(found.movement.person == clerk for found in same_moment):
            return
        if same_moment:
            raise Refused("Another file of the same moment came first.")
        try:
            importing.import_items(house, [entry], clerk, dry_run=False, overwrite=False)
        except Conflict as overtaken:  # another file has corrected this count
            raise Refused("Another file came first.") from overtaken

    late = chance.uniform(1.0, 20.0)
    world.unsure += 1

    def begin() -> None:
        world.unsure -= 1
        _surely(world, chance, ask, sku, units)

    world.time.at(world.time.now + late, begin)


def _send(world: World, shop: int, chance: Random) -> None:
    """Press Send QOH in the middle of trade: this must do no harm. If the cart is busy, try again later."""
    cart = world.carts[shop]
    if world.program.dead or world.cart(cart).halted is not None:
        return
    try:
        world.press(cart, get=False)
    except Retriable:
        world.time.at(world.time.now + 0.2, lambda: _send(world, shop, chance))
    except (OnHandError, Killed):
        pass


def _off_and_on(world: World, shop: int, chance: Random) -> None:
    cart = world.carts[shop]
    if world.program.dead:
        return
    world.phase.aside.add(cart)
    world.unsure += 1
    with suppress(OnHandError, Killed):
        aligning.disable(world.program.house, world.cart(cart), "clerk")
        world.program.arrange()
    world.time.at(world.time.now + chance.uniform(0.5, 6.0), lambda: world.switch_on(cart))


def _settled_by_hand(world: World, shop: int, chance: Random) -> None:
    """Choose an item for an odd product, ignore it, or undo that. An impossible request is refused and not repeated."""
    odd = [row for row in world.shops[shop].tables.products.values() if not row.model.startswith("SKU-")]
    if world.program.dead or not odd:
        return
    product, what = chance.choice(odd).product, chance.choice(("choose", "choose", "ignore", "release"))
    sku = f"ODD-{chance.randrange(3)}"
    with suppress(OnHandError, Killed):
        house, cart = world.program.house, world.cart(world.carts[shop])
        if what == "choose":
            settling.choose(house, cart, product, sku, "clerk")
        elif what == "ignore":
            settling.ignore(house, cart, [product], "clerk")
        else:
            settling.release(house, cart, [product], "clerk")


def _parked(world: World, shop: int, chance: Random) -> None:
    """Park a product and release it after a while; repeat until posting is known to go on."""
    product, cart = _strict(world, shop, chance), world.carts[shop]

    def release() -> None:
        if not world.program.dead:
            with suppress(OnHandError, Killed):
                settling.unpark(world.program.house, world.cart(cart), [product], by_person=True)
                world.unsure -= 1
                return
        world.time.at(world.time.now + RETRY_SECONDS, release)

    world.unsure += 1
    if not world.program.dead:
        with suppress(OnHandError, Killed):
            settling.park(world.program.house, world.cart(cart), product, "counting the shelf", "clerk")
    world.time.at(world.time.now + chance.uniform(0.5, 9.0), release)


# Faults on OnHand's side and on the way


def _kill(world: World, shop: int, chance: Random) -> None:
    if not world.program.dead:
        world.faults["OnHand killed"] += 1
        world.program.kill()


def _kill_at_step(world: World, shop: int, chance: Random) -> None:
    world.faults["OnHand killed at a step"] += 1
    world.program.kill_after = chance.randrange(1, 25)


def _disk_full(world: World, shop: int, chance: Random) -> None:
    world.faults["disk full"] += 1
    world.disk.full = True

    def make_room() -> None:
        world.disk.full = False

    world.time.at(world.time.now + chance.uniform(0.5, 8.0), make_room)


def _clock(world: World, shop: int, chance: Random) -> None:
    world.faults["clock set"] += 1
    world.clock.wrong_seconds = chance.choice((-3600.0, -5.0, 0.0, 5.0, 3600.0))


def _restore_store(world: World, shop: int, chance: Random) -> None:
    world.restore_store()


def _network(fault: Fault) -> Callable[[World, int, Random], None]:
    def act(world: World, shop: int, chance: Random) -> None:
        world.networks[world.carts[shop]].faults.append(fault)

    return act


def _lies(world: World, shop: int, chance: Random) -> None:
    """Make a shop answer impossible things for a while; it still does what it is asked."""
    network = world.networks[world.carts[shop]]
    network.liar = Random(chance.getrandbits(32))
    network.lying_until = world.time.now + chance.uniform(1.0, 12.0)


def _unreachable(world: World, shop: int, chance: Random) -> None:
    world.faults["shop unreachable"] += 1
    world.networks[world.carts[shop]].down_until = world.time.now + chance.uniform(0.5, 15.0)


def _sell_out(world: World, shop: int, chance: Random) -> None:
    """Save a form without a change; a moment later a buyer takes all that is left of the product."""
    sim, family, own = world.shops[shop], world.plan.shops[shop].family, Random(chance.getrandbits(32))
    on_sale = [row for row in sim.tables.products.values() if row.status and 0 < row.quantity <= LAST_UNITS]
    if not on_sale:
        return
    row = min(on_sale, key=lambda row: (row.quantity, row.product))
    sim.touch(row.product, world.time.now)
    sim.saw(world.time.now, row.product, 0, Writer.FORM, frozenset())

    def buy() -> None:
        world.unsure -= 1
        if row.status and row.quantity > 0 and sim.tables.products.get(row.product) is row:
            start(world, shop, people.sale(world.time, sim, family, [(row.product, row.quantity)], own))

    world.unsure += 1  # trade has not ended before
    world.time.at(world.time.now + chance.uniform(0.0, 3.0), buy)


ACTS: dict[str, Callable[[World, int, Random], None]] = {
    "sale": _sale,
    "burst": _burst,
    "redirect, paid late": _redirect(paid=True),
    "redirect, never paid": _redirect(paid=False),
    "delete and restock": _delete(restock=True),
    "delete": _delete(restock=False),
    "sale, dying": _dying_sale,
    "sold out after a form": _sell_out,
    "form saved": _form(meant=False),
    "count typed": _form(meant=True),
    "few counts imported": _import(few=True),
    "many counts imported": _import(few=False),
    "counter reset": _reset(one=True),
    "all counters reset": _reset(one=False),
    "numbers begin again": begin_numbers_again,
    "product switched off": _odd(_switch_off),
    "product renamed": _odd(_rename),
    "renamed and back": rename_and_back,
    "product copied": _odd(_copy),
    "product deleted": _odd(_remove),
    "product added": _add,
    "shop clock set": _shop_clock,
    "shop restored": _restore_shop,
    "units edited": order_acts.edit_units(Editor.UNCOUNTED),
    "line added": order_acts.add_line(Editor.UNCOUNTED),
    "line removed": order_acts.remove_line(Editor.UNCOUNTED),
    "units edited, counted": order_acts.edit_units(Editor.COUNTED),
    "line added, counted": order_acts.add_line(Editor.COUNTED),
    "line removed, counted": order_acts.remove_line(Editor.COUNTED),
    "units edited, counter as read": order_acts.edit_units(Editor.LITERAL),
    "line added, counter as read": order_acts.add_line(Editor.LITERAL),
    "line removed, counter as read": order_acts.remove_line(Editor.LITERAL),
    "line edited alone": order_acts.edit_units(Editor.ALONE),
    "line added alone": order_acts.add_line(Editor.ALONE),
    "line removed alone": order_acts.remove_line(Editor.ALONE),
    "counter lowered": order_acts.lower_counter,
    "order returned": order_acts.return_goods,
    "receipt": _receipt,
    "adjustment": _adjustment,
    "export imported late": _import_late,
    "phone order": _phone_order,
    "send pressed": _send,
    "switched off and on": _off_and_on,
    "settled by hand": _settled_by_hand,
    "parked and released": _parked,
    "kill": _kill,
    "kill at a step": _kill_at_step,
    "disk full": _disk_full,
    "clock set": _clock,
    "store restored": _restore_store,
    "shop unreachable": _unreachable,
    "shop lies": _lies,
    "copy of the store runs": run_copy,
    **{fault.value: _network(fault) for fault in Fault},
}
