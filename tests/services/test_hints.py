"""Holds a driver to what a hint may do: bring the next look forward, never more, and never to a shop that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from onhand.domain import duties
from onhand.domain.errors import Retriable
from onhand.running.controller import HINT_SECONDS, Controller, Driver, DriverThread
from onhand.running.duties import Alone
from onhand.services.looking import SUMS_SHARE
from onhand.services.memory import SUMS_TIMED
from tests.builders import Stall, World, failing

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

TICK_SECONDS = 5.0


@dataclass
class Driven:
    """A cart whose steps are taken by hand, and what it asked of its shop."""

    world: World
    stall: Stall
    driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        self.stall.set(tick_seconds=TICK_SECONDS)
        self.driver = Driver(self.world.house, self.stall.cart, self.stall.wire, self.stall.memory, lambda: 1.0)
        self.step()

    def step(self, after: float = 0.0) -> list[str]:
        """One step, so many seconds later; answers which verbs it asked."""
        self.world.clock.advance(after)
        self.stall.wire.asked.clear()
        self.driver.step()
        return list(self.stall.wire.asked)


@pytest.fixture
def amber(world: World) -> Driven:
    return Driven(world, world.running("Amber", "Birch", wares={"TEA": 10})[0])


def test_a_hinted_sale_is_booked_long_before_the_next_tick(amber: Driven) -> None:
    amber.stall.sample.buy("TEA", 3)
    assert amber.step(1.0) == []
    amber.driver.hint()
    assert "look" in amber.step()
    assert amber.world.on_hand("TEA") == 7
    assert amber.world.stalls[1].shows("TEA") == 10  # its own driver delivers that
    assert amber.driver.pulse.hinted_at == amber.driver.pulse.looked_at


def test_hints_in_a_burst_are_one_look(amber: Driven) -> None:
    assert [amber.driver.hint() for _ in range(100)] == [True] + [False] * 99
    assert amber.step(1.0).count("look") == 1
    assert amber.step() == []


def test_looks_that_hints_ask_for_keep_their_distance(amber: Driven) -> None:
    amber.driver.hint()
    assert amber.step(1.0) == ["look"]
    amber.driver.hint()
    assert amber.step(HINT_SECONDS * 0.9) == []
    assert amber.driver.due == pytest.approx(amber.world.clock.monotonic() + HINT_SECONDS * 0.1)
    assert amber.step(HINT_SECONDS * 0.2) == ["look"]


def test_a_sale_during_a_look_is_seen_by_the_next_one(amber: Driven) -> None:
    def sell_and_hint() -> None:
        amber.stall.sample.buy("TEA", 2)
        amber.driver.hint()

    amber.driver.hint()
    amber.stall.wire.after["look"].append(sell_and_hint)
    assert amber.step(1.0) == ["look"]
    assert amber.world.on_hand("TEA") == 10
    assert "look" in amber.step(HINT_SECONDS)
    assert amber.world.on_hand("TEA") == 8


def test_a_look_that_comes_by_itself_uses_the_hint_up(amber: Driven) -> None:
    amber.driver.hint()
    assert "look" in amber.step(TICK_SECONDS)
    assert amber.step(1.0) == []


def test_a_shop_that_fails_is_not_hurried(amber: Driven) -> None:
    amber.stall.wire.before["look"].append(failing(Retriable("The shop does not answer.")))
    amber.step(TICK_SECONDS)
    assert amber.driver.failing
    due = amber.driver.due
    amber.driver.hint()
    assert amber.driver.due == due
    amber.world.clock.advance(due - amber.world.clock.monotonic() - 0.01)
    assert amber.driver.due > amber.world.clock.monotonic()
    assert "look" in amber.step(0.01)
    assert not amber.driver.failing


def test_sums_confirm_a_hinted_sale_at_once(amber: Driven) -> None:
    """So a hinted look costs what a tick costs; without them each product of a new line would be asked for."""
    for _ in range(SUMS_TIMED):
        amber.step(TICK_SECONDS)
    amber.stall.memory.sums_ms.extend([0.5] * SUMS_TIMED)
    amber.step(TICK_SECONDS)
    amber.stall.sample.buy("TEA", 1)
    amber.driver.hint()
    assert amber.step(1.0)[0] == "look"
    assert amber.stall.memory.sums_due > amber.world.clock.monotonic() + 0.8 * TICK_SECONDS
    assert amber.world.on_hand("TEA") == 9


def test_sums_that_are_dear_are_not_hurried_and_the_sale_is_booked_all_the_same(amber: Driven) -> None:
    clock, memory = amber.world.clock, amber.stall.memory
    memory.sums_ms.extend([400.0] * SUMS_TIMED)  # a very large shop: sums may be asked for once in 40 seconds
    memory.sums_due = memory.sums_rested = clock.monotonic() + 0.4 * SUMS_SHARE
    amber.stall.sample.buy("TEA", 4)
    amber.driver.hint()
    assert amber.step(1.0)[:2] == ["look", "rows"]
    assert memory.sums_due == memory.sums_rested > clock.monotonic() + 30
    assert amber.world.on_hand("TEA") == 6


def test_a_hint_wakes_the_thread_of_its_cart_and_no_other(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares={"TEA": 10})
    for stall in (amber, birch):
        stall.set(tick_seconds=60.0)
        stall.wire.asked.clear()
    stalls = {stall.id: stall for stall in (amber, birch)}
    locks = {stall: threading.Lock() for stall in stalls}
    controller = Controller(
        world.house,
        lambda cart: stalls[cart.id].wire,
        locks.__getitem__,
        lambda lease: stalls[duties.cart_of(lease.duty) or 0].memory,
        Alone("tests"),
        lambda _: None,
    )
    controller.start()
    try:
        assert _eventually(lambda: amber.wire.asked == birch.wire.asked == ["look"])
        assert _eventually(lambda: all(pulse.looked_at for pulse in controller.pulses().values()))
        world.clock.advance(HINT_SECONDS)
        controller.look_now(amber.id)
        controller.look_now(999)  # of a cart that is not driven: nothing happens
        assert _eventually(lambda: amber.wire.asked == ["look", "look"])
        assert birch.wire.asked == ["look"]
    finally:
        controller.stop()


def test_a_hint_right_after_a_look_is_followed_by_itself(world: World) -> None:
    (stall,) = world.running("Amber", wares={"TEA": 10})
    stall.set(tick_seconds=60.0)
    stall.wire.asked.clear()
    driver = Driver(world.house, stall.cart, stall.wire, stall.memory, lambda: 1.0)
    thread = DriverThread(driver, stall.cart, threading.Lock(), world.clock)
    thread.start()
    try:
        assert _eventually(lambda: driver.pulse.looked_at)
        thread.look_now()
        assert driver.due == world.clock.monotonic() + HINT_SECONDS
        world.clock.advance(HINT_SECONDS)
        assert _eventually(lambda: stall.wire.asked == ["look", "look"])
    finally:
        thread.stop()
        thread.join()


def _eventually(fact: Callable[[], object], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not (true := fact()) and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true)
