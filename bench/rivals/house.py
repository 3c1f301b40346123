"""One process of OnHand on the day's clock: the real services, books and drivers, over a store in memory and shops without HTTP.

One shortcut: a look at a shop in which nothing was written since a look that found all in step would find the same again. The tick of
such a look is counted, with its request, its bytes and its chance to lose the answer, but not run, for a minute at most. So a day with
few sales takes seconds, and no decision changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from onhand.domain.carts import Cart
from onhand.running.controller import REPORT_SECONDS, Driver
from onhand.services import settings
from onhand.services.memory import Moment
from onhand.simulation.program import Disk, Program

from .day import Market
from .shops import Road

COUNTED_SECONDS = 60.0  # a tick is run at least so often


@dataclass(slots=True)
class Quiet:
    """What is known of a cart's last tick."""

    version: int | None = None  # of the shop, if that tick found all in step and nothing was written meanwhile
    run_at: float = 0.0
    reported_at: float = 0.0


class House(Program):
    """One process of OnHand, each of whose drivers waits on its own."""

    def __init__(self, market: Market, roads: Mapping[int, Road]) -> None:
        chance = Random(f"OnHand {market.trade.seed}")
        super().__init__(Disk(), market.time, market.clock, roads, chance, died=lambda: None)
        self.roads, self._time, self._clock = roads, market.time, market.clock
        self._quiet: defaultdict[int, Quiet] = defaultdict(Quiet)
        self._tick_seconds = float(self.read(settings.values)["TickSeconds"])

    def cart(self, cart: int) -> Cart:
        return self.read(lambda books: books.carts.get(cart))

    def _step(self, cart: int) -> None:
        driver = self.drivers.get(cart)
        if driver is None or not self._would_find_the_same(cart, driver):
            self._time.begin(lambda: self._run_step(cart))
            return
        self._count_tick(cart, driver)

    def _run_step(self, cart: int) -> None:
        driver, quiet, shop = self.drivers[cart], self._quiet[cart], self.roads[cart].to
        before, ticks = shop.version, self._time.now >= driver.due
        quiet.version = quiet.version if quiet.version == before else None
        super()._step(cart)
        if ticks:
            quiet.run_at = quiet.reported_at = self._time.now
            quiet.version = before if shop.version == before and driver.pulse.in_step else None

    def _would_find_the_same(self, cart: int, driver: Driver) -> bool:
        quiet, road, now = self._quiet[cart], self.roads[cart], self._time.now
        undisturbed = now >= max(driver.due, road.down_until) and not road.loses_next and cart not in self._at_work
        return undisturbed and quiet.version == road.to.version and now < quiet.run_at + COUNTED_SECONDS

    def _count_tick(self, cart: int, driver: Driver) -> None:
        """Leave all as a tick would that found all in step."""
        quiet, road, seen = self._quiet[cart], self.roads[cart], Moment.now(self._clock)
        driver.next_tick = self._time.now + self._tick_seconds
        driver.pulse = replace(driver.pulse, looked_at=seen.at, in_step_at=seen.at, looked=seen.monotonic)
        self.memories[cart].looked_at = seen
        if self._time.now >= quiet.reported_at + REPORT_SECONDS:
            self.write(lambda books: books.carts.report(cart, seen.at, seen.at, None, None))
            quiet.reported_at = self._time.now
        road.requests += 1
        road.bytes += road.last_look
        road.next_fault(writes=False)
        self._plan(cart, driver.next_tick)
