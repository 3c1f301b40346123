"""One small world: an OnHand, its shops, the people in it, and everything that breaks; it performs one plan.

Path: ``run`` makes a ``World`` of a ``Plan``, and hands it ``acts.perform``, which does what the plan says, and ``checks.check``,
which looks at the world whenever all is quiet.
Promise: every phase ends quiet: trade stops, faults end, an operator answers all questions, and the counts are compared.
Never: repairs anything for OnHand: the operator does only what a person could do with the commands.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from onhand.address import Server
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Difference, Remedy
from onhand.domain.errors import OnHandError, Refused, Retriable
from onhand.services import aligning, reconciling, settings
from onhand.services.looking import CATALOGUE_SECONDS
from onhand.storage.books import SqlBooks

from .disks import Disk, Image, ServerDisk
from .glance import EVERY_SECONDS, Glance
from .people import Family
from .plan import CHANGELINGS, ITEMS, PHASE_SECONDS, Act, Plan
from .program import Killed, Program
from .quiet import snapshot, untold, why_not_calm
from .reading import causes
from .shop import SimShop, Tables, Writer
from .timeline import SimClock, Timeline
from .wire import Network

TICK_SECONDS, SETTLE_SECONDS = 1.0, 3.0
BRAKE_PERCENT, BRAKE_LISTINGS = 30, 3
CALM_SECONDS = 0.25
TRADE_ENDS_SECONDS = 120.0  # by then every program of the shops has ended, even after the longest wait
OPENING = 40
SEND_BATCH = 5
TRIES_MAX = 300


Performer = Callable[["World", Act], None]
Checker = Callable[["World"], None]


@dataclass(slots=True)
class Phase:
    """The facts since the last quiet point that checks need."""

    done: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # shop: kinds of acts
    aside: set[int] = field(default_factory=set)  # carts that were stopped or switched off
    stopped: set[int] = field(default_factory=set)  # carts that OnHand stopped
    copied: set[int] = field(default_factory=set)  # carts where a copy of the store has posted, too
    restored: set[int] = field(default_factory=set)  # shops that were restored from a backup
    clocks_set: set[int] = field(default_factory=set)  # shops whose clock was set
    renamed: set[tuple[int, int]] = field(default_factory=set)  # (shop, product) that had another name for a while
    store_restored: bool = False


class World:
    """One world. ``violations`` lists the failures."""

    def __init__(self, plan: Plan, store: Server | None = None) -> None:
        """Begin a world. Its stores are in memory, or with ``store`` on that server."""
        self.plan = plan
        self._store = store
        self._disks: list[Disk] = []
        self.chance = Random(plan.seed ^ 0x5EED)
        self.time = Timeline()
        self.clock = SimClock(self.time)
        self.disk = self.new_disk()
        self.story: list[str] = []
        self.violations: list[str] = []
        self.phase = Phase()
        self.glance = Glance()
        self.phase_ends = 0.0  # after this nothing new happens
        self.checked: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()  # acts by kind
        self.calm_after: list[float] = []  # seconds from the end of trade until all was in sync
        self.booked: Counter[str] = Counter()  # per SKU, units that users of OnHand are sure to have booked
        self.returned: Counter[str] = Counter()  # per SKU, units of shops' orders that clerks booked as returned
        self.asked: dict[int, str] = {}  # differences that a person was asked about, with the answers
        self.open_orders: dict[int, list[int]] = {}  # shop: orders that may be deleted
        self.void: set[str] = set()  # epochs in which one side was restored: their numbers belong to more than one post
        self.ever_restored: set[int] = set()  # shops, or all of them after the store was restored
        self.renumbered: set[int] = set()  # shops where order lines reuse numbers
        self._backups: dict[int, tuple[Tables, Counter[int]]] = {}
        self._image: Image | None = None
        self.must_halt: set[int] = set()  # carts that OnHand has to stop
        self.unsure = 0  # users of OnHand who have not seen an answer yet, or have a cart to switch on again
        self.carts: list[int] = []
        self.shops = [
            SimShop(f"shop{number}", own.transactional, own.allow_checkout) for number, own in enumerate(plan.shops)
        ]
        for shop, own in zip(self.shops, plan.shops, strict=True):
            shop.family = "phoenix" if own.family is Family.PHOENIX else "oscommerce"
        self.skus = [f"SKU-{n}" for n in range(ITEMS)]
        self.products: list[dict[str, int]] = []
        self.networks: dict[int, Network] = {}
        self.program = self._start()

    # The beginning

    def _furnish(self) -> None:
        """Add shops with products, and carts for them, and bring all in sync."""
        settings.set_parameter(self.program.house, "SynchQOH", "True", "")
        settings.set_parameter(self.program.house, "BrakePercent", str(BRAKE_PERCENT), "")
        settings.set_parameter(self.program.house, "BrakeListings", str(BRAKE_LISTINGS), "")
        for number, (shop, own) in enumerate(zip(self.shops, self.plan.shops, strict=True)):
            for _ in range(self.chance.randrange(3)):  # ids differ from shop to shop
                shop.tables.next_product += self.chance.randrange(1, 5)
            names = [*self.skus, *(f"ODD-{n}" for n in range(CHANGELINGS))]
            self.products.append(
                {sku: shop.add_product(sku, OPENING, ordered=self.chance.randrange(9)) for sku in names}
            )
            self.open_orders[number] = []
            cart = Settings(
                shop.name,
                "",
                policy=own.policy,
                buffer=own.buffer,
                tick_seconds=TICK_SECONDS,
                settle_seconds=SETTLE_SECONDS,
            )
            cart_id = self.program.write(lambda books, cart=cart: books.carts.add(cart, self.clock.now()))  # type: ignore[misc]
            self.carts.append(cart_id)
            self.networks[cart_id] = Network(self.time, shop, Random(self.chance.getrandbits(32)))
        for number, cart_id in enumerate(self.carts):
            self.align(cart_id, get=number == 0)
            with self.program.at_cart(self.cart(cart_id)) as (wire, memory):
                aligning.enable(self.program.house, self.cart(cart_id), wire, memory, "", "")
        self.program.arrange()
        self.time.run_until(self.time.now + 2 * TICK_SECONDS)
        self.before = snapshot(self)
        self._glance()

    def _glance(self) -> None:
        """Look at Home, and again a moment later."""
        self.glance.look(self)
        self.time.at(self.time.now + EVERY_SECONDS, self._glance)

    def _start(self) -> Program:
        program = Program(
            self.disk, self.time, self.clock, self.networks, Random(self.chance.getrandbits(32)), self._died
        )
        program.arrange()
        return program

    # Called from outside

    def new_disk(self) -> Disk:
        """Return a disk with an empty store."""
        self._disks.append(Disk() if self._store is None else ServerDisk(self._store))
        return self._disks[-1]

    def close(self) -> None:
        """Throw all stores away."""
        for disk in self._disks:
            disk.close()

    def cart(self, cart: int) -> Cart:
        return self.program.read(lambda books: books.carts.get(cart))

    def tell(self, text: str) -> None:
        """Note what happens, for the history of a world that fails."""
        self.story.append(f"{self.time.now:9.3f}  {text}")

    def _died(self) -> None:
        """Start another process soon on what the dead one left, sometimes in the very same moment."""
        self.time.at(self.time.now + self.chance.choice((0.0, 0.5, 4.0)), self.ensure_running)

    def ensure_running(self) -> None:
        if self.program.dead:
            self.tell("OnHand starts")
            self.program = self._start()

    def causes(self) -> Counter[str]:
        """Return how many differences of each cause are on record."""
        return causes(self)

    def traffic(self) -> Counter[str]:
        """Return the amount of traffic."""
        return Counter(
            {
                "shops": len(self.shops),
                "sales": sum(shop.sales for shop in self.shops),
                "posts that took effect": sum(sum(shop.taken.values()) for shop in self.shops),
                "commits of ours": self.disk.commits,
                "requests": sum(network.requests for network in self.networks.values()),
                "units destroyed by races": sum(
                    abs(drift.amount) for shop in self.shops for drift in shop.drifts if drift.writer is Writer.SALE
                ),
            }
        )

    # The phases

    def run(self, perform: Performer, check: Checker) -> None:
        """Furnish the world and perform its whole plan; stop at the first violation."""
        self._furnish()
        phases = sorted({act.phase for act in self.plan.acts})
        for phase in phases:
            self._phase(phase, perform, check)
            if self.violations:
                return

    def _phase(self, phase: int, perform: Performer, check: Checker) -> None:
        begin = self.time.now
        self.phase_ends = begin + PHASE_SECONDS
        acts = [act for act in self.plan.acts if act.phase == phase]
        last = [act for act in acts if act.at >= PHASE_SECONDS]
        for act in last:
            self.time.at(begin + Random(act.seed).uniform(0.0, PHASE_SECONDS), lambda act=act: self._back_up(act.shop))  # type: ignore[misc]
        for act in acts:
            if act not in last:
                self.time.at(begin + act.at, lambda act=act: perform(self, act))  # type: ignore[misc]
        self.time.run_until(begin + PHASE_SECONDS)
        self._fall_silent(check)
        for act in last:
            if not self.violations:
                perform(self, act)
                self._fall_silent(check)

    def _fall_silent(self, check: Checker) -> None:
        """End trade and faults; then everything has to come in sync, and the books are compared."""
        deadline = self.time.now + TRADE_ENDS_SECONDS
        while (self.time.processes or self.unsure or self.program.dead) and self.time.now < deadline:
            self.time.run_until(self.time.now + 1.0)
        for network in self.networks.values():
            network.calm()
        self.disk.full = False
        self.program.kill_after = None
        self.tell("quiet")
        self._come_in_step("after trade")
        self._operate()
        self._come_in_step("after the operator")
        self.time.run_until(self.time.now + 1.5 * TICK_SECONDS)  # the next look sees what was deleted a moment ago
        self._come_in_step("after one more look")
        self._operate()
        self._come_in_step("after the operator looked again")
        if untold(self):  # a switched-off product shows when the listing set is read again
            self.time.run_until(self.time.now + CATALOGUE_SECONDS + TICK_SECONDS)
            self._come_in_step("after the listing set was read again")
        self.renumbered.update(shop for shop, kinds in self.phase.done.items() if "numbers begin again" in kinds)
        check(self)
        self.before = snapshot(self)
        self.phase = Phase()

    def _back_up(self, shop: int) -> None:
        sim = self.shops[shop]
        self._backups[shop] = sim.back_up(), Counter(sim.traded)
        self._image = self.disk.image()

    def restore_shop(self, shop: int) -> None:
        """Restore a shop's database from its backup. OnHand has to notice if the shop lost any trade or post that way."""
        sim, (tables, traded) = self.shops[shop], self._backups[shop]
        forgot = any(sim.traded[self.products[shop][sku]] != traded[self.products[shop][sku]] for sku in self.skus)
        now, then = sim.tables.memory, tables.memory
        self.void.update((now.epoch,) if now else ())
        sim.restore(tables)
        self.phase.restored.add(shop)
        self.ever_restored.add(shop)
        if (
            now is not None
            and then is not None
            and (forgot or (now.epoch, now.last_seq) != (then.epoch, then.last_seq))
        ):
            self.must_halt.add(self.carts[shop])

    def restore_store(self) -> None:
        """Restore the store data file from a copy: later bookings are lost, and the shops are newer."""
        if self._image is not None:
            self.program.kill()
            self.void.update(shop.tables.memory.epoch for shop in self.shops if shop.tables.memory)
            self.disk.put_back(self._image)
            self.phase.store_restored = True
            self.ever_restored.update(range(len(self.shops)))
            self.ensure_running()

    def _come_in_step(self, when: str) -> None:
        """Wait until all carts are in sync; it has to happen in time."""
        begin = self.time.now
        pause = max([driver.next_tick - begin for driver in self.program.drivers.values()], default=0.0)
        bound = max(pause, 0.0) + 2 * SETTLE_SECONDS + 4 * TICK_SECONDS
        while why_not_calm(self):
            if self.time.now > begin + bound:
                self.violations.append(f"in step: not within {bound:.1f} s {when}: {why_not_calm(self)}")
                return
            self.time.run_until(self.time.now + CALM_SECONDS)
        self.checked["in step in time"] += 1
        self.calm_after.append(self.time.now - begin)

    def _operate(self) -> None:
        """Let a person answer every question and align every stopped cart."""
        stopped = [cart_id for cart_id in self.carts if self.cart(cart_id).halted is not None]
        for cart_id in self.must_halt.difference(stopped):
            self.violations.append(
                f"restored: nobody noticed that {self.cart(cart_id).name} is an older copy, or not ours alone"
            )
        self.must_halt.clear()
        for cart_id in stopped:
            self.tell(f"{self.cart(cart_id).name} is stopped: {self.cart(cart_id).halted}")
            # The shops know better than a restored store; the first of them decides, the others follow.
            self.align(cart_id, get=self.phase.store_restored and cart_id == stopped[0])
        for cart_id in self.carts:
            if not self.cart(cart_id).synchronize:  # a restored store may not know that it was switched on
                self.unsure += 1
                self.switch_on(cart_id)
                deadline = self.time.now + TRADE_ENDS_SECONDS
                while not self.cart(cart_id).synchronize and self.time.now < deadline:
                    self.time.run_until(self.time.now + 1.0)
        for difference in self.questions():
            ours = self.chance.random() < 0.5
            self.asked[difference.id] = difference.note
            self.tell(f"difference {difference.id} ({difference.amount:+d}) is decided: {'ours' if ours else 'theirs'}")
            reconciling.decide(self.program.house, difference.id, ours, "operator")
        self.program.arrange()

    def switch_on(self, cart_id: int) -> None:
        """Switch real-time synchronization on again like a clerk, who tries until it is on; if counts differ, ours win."""
        if not self.program.dead:
            cart = self.cart(cart_id)
            with suppress(Killed, OnHandError):
                try:
                    with self.program.at_cart(cart) as (wire, memory):
                        aligning.enable(self.program.house, cart, wire, memory, "", "clerk")
                except Refused:
                    self.press(cart_id, get=False)
                    with self.program.at_cart(self.cart(cart_id)) as (wire, memory):
                        aligning.enable(self.program.house, self.cart(cart_id), wire, memory, "ours", "clerk")
                self.program.arrange()
                self.unsure -= 1
                return
        self.time.at(self.time.now + 1.0, lambda: self.switch_on(cart_id))

    def questions(self) -> list[Difference]:
        """Return the differences that wait for a person."""

        def read(books: SqlBooks) -> list[Difference]:
            found = [books.differences.get(row["id"]) for row in books.reports.differences(None, True, 1000)]
            return [difference for difference in found if difference.remedy is Remedy.ASK]

        return self.program.read(read)

    def align(self, cart_id: int, get: bool) -> None:
        """Press Send QOH or Get QOH, and repeat while another process speaks to the shop or the shop is not quiet."""
        for _ in range(TRIES_MAX):
            try:
                self.press(cart_id, get)
            except Retriable:
                self.time.run_until(self.time.now + 0.1)
            else:
                return
        self.violations.append(f"operator: {self.cart(cart_id).name} could not be aligned")

    def press(self, cart_id: int, get: bool) -> None:
        """Press Send QOH or Get QOH once."""
        cart, house = self.cart(cart_id), self.program.house
        self.asked |= {
            difference.id: difference.note for difference in self.questions()
        }  # the alignment answers them all
        shop = self.shops[self.carts.index(cart_id)]
        for row in shop.tables.products.values():
            row.off_by_sale = False  # it may have gone off unwatched
        if cart.halted is not None:
            for fate in shop.fates.values():
                fate.history = True
            self.phase.aside.add(cart_id)
            self.phase.stopped.add(cart_id)
            self.must_halt.discard(cart_id)  # it was noticed
        with self.program.at_cart(cart) as (wire, memory):
            if get:
                aligning.get_qoh(house, cart, wire, memory, create=True, progress=_silent)
            else:
                aligning.send_qoh(house, cart, wire, memory, SEND_BATCH, progress=_silent)
        self.must_halt.discard(cart_id)  # other runs that posted there do so no more


def _silent(phase: str, done: int, of: int) -> None:
    """Ignore the progress."""
