"""Holds a cart's state to the books: over random stores, and with a driver that stops looking."""

from __future__ import annotations

import random
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from onhand.domain.carts import Cart
from onhand.domain.listings import target
from onhand.domain.states import CartState, Pulse, Watch, look_within, state
from onhand.running.controller import Driver
from onhand.services.standing import facts_of
from onhand.storage.tables import differences, items, listings, posts
from tests.builders import World

STORES = 60
PRODUCTS = 12


def word(world: World, cart: int, watch: Watch) -> CartState:
    def read(books) -> CartState:
        return state(facts_of(books, books.carts.get(cart), watch, books.reports.cart_counts(cart)))

    return world.store.read(read)


def test_a_cart_is_in_step_only_if_every_listing_kept_shows_its_target_and_nothing_is_open(
    tmp_path: Path, kept_in: str
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    world = World(
        tmp_path, kept_in
    )  # one whose ledger need not hold: its listings are written as a look would leave them
    world.parameter("SynchQOH", "true")
    stall = world.cart("Amber", {})
    stall.get()
    world.store.write(lambda books: books.carts.switch(stall.id, True))
    said = set()
    for _ in range(STORES):
        world.store.write(lambda books: fill(books, chance, stall.id))
        pulse = Pulse(in_step=chance.random() < 0.9, looked=world.clock.monotonic() - chance.choice((0, 1, 9, 11, 99)))
        watch = Watch(world.clock.now(), world.clock.monotonic(), {stall.id: pulse})
        found = word(world, stall.id, watch)
        said.add(found)
        open_ones = world.store.read(lambda books: whatever_is_open(books, stall.id))
        stale = watch.now - pulse.looked > look_within(1.0)
        assert (found is CartState.IN_STEP) == (not open_ones and pulse.in_step and not stale), open_ones
    world.close()
    assert said == {CartState.IN_STEP, CartState.WAITS, CartState.WORKING, CartState.UNSEEN}


def fill(books, chance: random.Random, cart: int) -> None:
    """Listings in a state in which booking and delivery leave them, of which few are anything but well."""
    run = books._connection.execute
    for table in (differences, posts, listings):
        run(delete(table).where(table.c.cart_id == cart))
    run(delete(items))
    odd = chance.choice((0.0, 0.0, 0.1))
    for n in range(1, PRODUCTS + 1):
        on_hand = chance.randint(-5, 20)
        run(insert(items).values(id=n, sku=f"S{n}", sku_key=f"s{n}", name="", on_hand=on_hand, created_at=0))
        plain = {"sku_key": f"s{n}", "name": "", "status": 1, "unnamed": 0, "off_by_sale": False, "item_id": n}
        own = {"aligned": True, "news": False, "held": 0, "parked": None, "problem": None, "shows": on_hand}
        if chance.random() < odd:
            own |= chance.choice((
                {"shows": on_hand + 3, "news": True},  # a post is due
                {"shows": on_hand - 2, "parked": "out of range"},
                {"shows": on_hand + 4, "held": 4},
                {"aligned": False, "shows": 77},
                {"problem": "unmatched", "aligned": False, "shows": 50},  # not kept: it is no matter what it shows
                {"problem": "deleted", "aligned": False, "shows": 50},
            ))  # fmt: skip
        ordered, shows = chance.randint(0, 9), own.pop("shows")
        counters = {"ordered": ordered, "sum": shows + ordered}
        run(insert(listings).values(cart_id=cart, product=n, **plain, **own, **counters))
    seen = dict.fromkeys(("seen_quantity", "seen_ordered", "expected_quantity", "expected_ordered"), 0)
    for n in range(chance.choice((0, 0, 1, 3))):
        remedy = chance.choice(("ask", "show", "post", "stop"))
        closed = chance.choice((None, 5, 5))
        what = {"cause": "unknown", "remedy": remedy, "amount": n, "opened_at": 1, "closed_at": closed, "note": ""}
        run(insert(differences).values(cart_id=cart, **what, **seen))
    if chance.random() < 0.1:
        one = run(select(listings.c.id).where(listings.c.cart_id == cart).limit(1)).scalar_one()
        flying = {"first": 1, "listing_id": one, "product": 1, "delta": 1, "reactivate": False, "created_at": 0}
        run(insert(posts).values(cart_id=cart, epoch="e", seq=1, state="sent", **flying))


def whatever_is_open(books, cart: int) -> list[str]:
    """Each thing that keeps the cart from being in step, by a plain look at every row."""
    run = books._connection.execute
    on_hand = dict(run(select(items.c.id, items.c.on_hand)).all())
    found = []
    for row in run(select(listings).where(listings.c.cart_id == cart)):
        if row.problem is None and (not row.aligned or row.sum - row.ordered != target(on_hand[row.item_id], 0)):
            found.append(f"product {row.product} does not show its target")
        if row.held or row.parked:
            found.append(f"product {row.product} is held or parked")
    open_ones = select(differences).where(differences.c.cart_id == cart, differences.c.closed_at.is_(None))
    found += [f"difference {row.id} is open" for row in run(open_ones)]
    found += [f"post {row.seq} is in flight" for row in run(select(posts).where(posts.c.state == "sent"))]
    return found


@pytest.fixture
def driven(world: World) -> tuple[Driver, Cart]:
    (amber,) = world.running("Amber", wares={"TEA": 5})
    driver = Driver(world.house, amber.cart, amber.wire, amber.memory, lambda: 1.0)
    world.clock.advance(1)
    driver.step()
    return driver, amber.cart


def watching(world: World, driver: Driver, cart: Cart, at: timedelta = timedelta()) -> Watch:
    return Watch(world.clock.now() + at, world.clock.monotonic(), {cart.id: driver.pulse})


def test_a_cart_whose_driver_hangs_is_in_step_for_a_few_ticks_and_no_longer(world: World, driven) -> None:
    driver, cart = driven
    assert word(world, cart.id, watching(world, driver, cart)) is CartState.IN_STEP
    world.clock.advance(look_within(1.0) - 0.5)
    assert word(world, cart.id, watching(world, driver, cart)) is CartState.IN_STEP
    world.clock.advance(1)
    assert word(world, cart.id, watching(world, driver, cart)) is CartState.UNSEEN
    driver.step()
    assert word(world, cart.id, watching(world, driver, cart)) is CartState.IN_STEP


def test_a_clock_that_is_set_back_makes_no_old_look_a_fresh_one(world: World, driven) -> None:
    driver, cart = driven
    world.clock.advance(60)
    set_back = watching(world, driver, cart, -timedelta(hours=1))
    assert word(world, cart.id, set_back) is CartState.UNSEEN
    assert word(world, cart.id, watching(world, driver, cart, timedelta(hours=9))) is CartState.UNSEEN


def test_a_driver_that_has_never_ended_a_look_is_not_looked_at_after_the_same_time(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 5})
    driver = Driver(world.house, amber.cart, amber.wire, amber.memory, lambda: 1.0)
    assert word(world, amber.id, watching(world, driver, amber.cart)) is CartState.WORKING
    world.clock.advance(look_within(1.0) + 1)
    assert word(world, amber.id, watching(world, driver, amber.cart)) is CartState.UNSEEN


def test_a_send_or_get_at_work_keeps_the_driver_from_looking_and_is_said_as_work(world: World, driven) -> None:
    driver, cart = driven
    world.clock.advance(600)
    watch = watching(world, driver, cart)
    busy = Watch(watch.at, watch.now, watch.pulses, frozenset({cart.id}))
    assert word(world, cart.id, busy) is CartState.WORKING
