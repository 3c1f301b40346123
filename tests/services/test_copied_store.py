"""Two runs of OnHand with copies of one store: a shop gives them away, at the latest when either of them has posted."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest

from onhand.carts.endpoint import Endpoint
from onhand.domain.errors import Conflict, Retriable
from onhand.running.controller import Driver
from onhand.services import receiving, settings, ticking
from onhand.services.memory import Memory
from onhand.services.ports import House
from onhand.storage.database import Database
from tests.builders import KEY_ID, SECRET, World, failing


class Run:
    """One process with a store of its own, and a name that no other run has."""

    def __init__(self, world: World, address, holder: str) -> None:
        self.store = Database(address, key_file=world.key_file)
        self.house = House(self.store, world.clock)
        self._world, self._holder = world, holder
        self._memories: dict[int, Memory] = {}

    def driver(self, stall) -> Driver:
        shop = Endpoint(stall.front.connector_url, KEY_ID, SECRET, clock=time.time, holder=self._holder)
        memory = self._memories.setdefault(stall.id, Memory())
        return Driver(self.house, self.cart(stall), shop, memory, lambda: 0.0)

    def cart(self, stall):
        return self.store.read(lambda books: books.carts.get(stall.id))

    def tick(self, stall) -> None:
        self._world.clock.advance(1)
        driver = self.driver(stall)
        driver.step()
        driver.disconnect()

    def look_only(self, stall) -> None:
        pace = self.store.read(lambda books: settings.pace_of(books, self.cart(stall)))
        shop = Endpoint(stall.front.connector_url, KEY_ID, SECRET, clock=time.time, holder=self._holder)
        ticking.observe(self.house, stall.id, shop, self._memories.setdefault(stall.id, Memory()), pace)
        shop.disconnect()

    def deliver_only(self, stall) -> None:
        shop = Endpoint(stall.front.connector_url, KEY_ID, SECRET, clock=time.time, holder=self._holder)
        try:
            ticking.deliver_all(self.house, stall.id, shop, 100, Memory())
        finally:
            shop.disconnect()

    def receive(self, sku: str, units: int) -> None:
        receiving.receive(self.house, [(sku, units)], "", "", "")


@contextmanager
def copied(world: World):
    """The world's store, and a copy of it, each in use."""
    copy = world.backup()
    world.store.close()
    one, two = Run(world, world.address, "1" * 16), Run(world, copy, "2" * 16)
    try:
        yield one, two
    finally:
        one.store.close()
        two.store.close()
        world.reopen()


def stopped(run: Run, stall) -> bool:
    return run.cart(stall).halted is not None


def test_the_one_that_did_not_post_is_stopped_at_its_next_look(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    with copied(world) as (one, two):
        for run in (one, two):
            run.tick(amber)
            assert not stopped(run, amber), "nobody posted yet: nothing can be known"
        one.receive("TEA", 5)
        one.tick(amber)
        two.tick(amber)
        assert (stopped(one, amber), stopped(two, amber)) == (False, True)
        one.tick(amber)
        assert amber.shows("TEA") == 15


def test_both_book_the_same_sale_and_post_the_same(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 10})
    with copied(world) as (one, two):
        amber.sample.buy("TEA", 3)
        for run in (one, two):
            run.look_only(amber)
            run.look_only(birch)
        one.deliver_only(birch)
        with pytest.raises(Conflict) as refusal:
            two.deliver_only(birch)
        assert refusal.value.facts["reason"] == "copied"
        assert (stopped(one, birch), stopped(two, birch)) == (False, True)
        assert birch.shows("TEA") == 7
        one.tick(birch)
        assert not stopped(one, birch)


def test_both_post_different_things_under_the_same_number(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    with copied(world) as (one, two):
        for run in (one, two):
            run.look_only(amber)
        one.receive("TEA", 5)
        two.receive("TEA", 2)
        one.deliver_only(amber)
        with pytest.raises(Conflict) as refusal:
            two.deliver_only(amber)
        assert refusal.value.facts["reason"] == "other"
        assert (stopped(one, amber), stopped(two, amber)) == (False, True)
        assert amber.shows("TEA") == 15


def test_a_restart_between_a_post_and_its_answer_is_no_copy(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    amber.wire.after["apply"].append(failing(Retriable("The answer was lost.", reason="timeout")))
    world.house.store.write(lambda books: None)
    receiving.receive(world.house, [("TEA", 5)], "", "", "")
    with pytest.raises(Retriable):
        amber.tick()
    world.store.close()
    again = Run(world, world.address, "3" * 16)
    again.tick(amber)
    assert not stopped(again, amber)
    again.tick(amber)
    assert amber.shows("TEA") == 15
    again.store.close()
    world.reopen()
