"""Drives the carts that are this process's duty: one thread per cart looks at its shop every tick, and posts what is booked at once.

Path: ``serve`` and ``controller`` start one; the database wakes it after a commit that has news, ``hints`` when a shop has sold; after a
commit of another process it looks for both.
Promise: a dead shop delays no other cart; work that was stored before a kill continues after it.
Never: decides anything about quantities: ``services.ticking`` does the work.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from onhand.domain import duties
from onhand.domain.carts import Cart
from onhand.domain.duties import Lease
from onhand.domain.errors import OnHandError
from onhand.domain.states import Pulse
from onhand.services import settings, ticking
from onhand.services.memory import Memory
from onhand.services.ports import Books, Clock, House, Shop
from onhand.services.ticking import Seen

from .duties import Duties

PAUSE_SECONDS_MAX = 30.0  # longest pause after failures, before jitter
REPORT_SECONDS = 5.0  # how often a cart's last look is saved when nothing changed
SAVE_SECONDS = 1.0  # how often reports that can wait are saved, all together
SUPERVISE_SECONDS = 0.5  # how soon a cart that was switched on or off is noticed
STIR_SECONDS = 0.1  # least time between two looks at what other processes booked
STOP_SECONDS = 0.5  # how long to wait for a driver that stops, before others are seen to
HINT_SECONDS = 0.05  # least time from the end of a look to a look after a hint, so that a burst of hints is one look
TIDY_SECONDS = 5.0  # how often tasks of dead processes are looked for
SAMPLE_SECONDS = 60.0  # how often the depth of the post stack is saved, for its chart
FAULT_MAX = 300  # characters shown of a fault in OnHand
KEEP_SAMPLES = timedelta(days=31)

log = structlog.get_logger()

Report = Callable[[Books], None]  # a unit of work that saves when a shop was last looked at


class Driver:
    """The steps that keep one cart in sync. A thread or a simulation calls them one after the other, and waits in between."""

    def __init__(
        self,
        house: House,
        cart: Cart,
        shop: Shop,
        memory: Memory,
        jitter: Callable[[], float],
        later: Callable[[Report], object] | None = None,
    ) -> None:
        """Set up a driver. ``jitter`` returns numbers from 0 to 1, so that carts that failed together do not all return together.

        ``later`` takes reports that can wait a second; by default they are written at once.
        """
        self._looked = house.clock.monotonic()  # when the last look ended
        self.pulse = Pulse(
            cart.looked_at, cart.in_step_at, False, cart.trouble, cart.trouble_since, looked=self._looked
        )
        self.settings = cart.settings
        self.next_tick = house.clock.monotonic()
        self._house, self._cart, self._shop, self._memory, self._jitter = house, cart, shop, memory, jitter
        self._later = later or house.store.write
        self._reported = 0.0
        self._hinted = False  # set by other threads, reset by the thread that steps

    @property
    def due(self) -> float:
        """Return the monotonic time of the next tick. A hint brings it forward, unless the cart is failing."""
        if self._hinted and not self.failing:
            return min(self.next_tick, self._looked + HINT_SECONDS)
        return self.next_tick

    def try_again(self) -> None:
        """Make the next tick due now, because someone else reached the shop during the pause."""
        self.next_tick = self._house.clock.monotonic()

    def hint(self) -> bool:
        """Make the next tick due soon, because the shop sold something. Return whether no other hint was waiting."""
        news, self._hinted = not self._hinted, True
        return news

    @property
    def failing(self) -> bool:
        """Return whether the last step failed. Then the next one comes at ``next_tick``, even if something is booked."""
        return self.pulse.failures > 0

    def step(self) -> None:
        """Run a whole tick if one is due, otherwise only deliver. A failure postpones the next tick."""
        clock = self._house.clock
        try:
            # Read the current settings: a policy that a person just changed decides the next difference.
            pace = self._house.store.read(lambda books: settings.pace_of(books, books.carts.get(self._cart.id)))
            if (late := clock.monotonic() - self.due) >= 0:
                # Reset the hint first: a sale from here on is for the next look.
                hinted, self._hinted = self._hinted, False
                self.next_tick = clock.monotonic() + pace.tick_seconds
                if hinted:
                    self._memory.hurry()
                seen = ticking.tick(self._house, self._cart.id, self._shop, self._memory, pace)
                self._looked = clock.monotonic()
                self._report_look(seen, hinted, late)
            else:
                ticking.deliver_all(self._house, self._cart.id, self._shop, pace.batch_size, self._memory)
        except OnHandError as error:
            asked = error.facts.get("retry_after_seconds")
            pause = self._report_trouble(error.message)
            self.next_tick = clock.monotonic() + max(pause, float(asked) if isinstance(asked, float) else 0.0)
        except Exception as error:
            # The outermost loop: a fault in OnHand must not stop this cart, let alone others.
            log.exception("tick.broke", cart=self._cart.name)
            fault = f"Fault in OnHand: {type(error).__name__}: {error}"[:FAULT_MAX]
            self.next_tick = clock.monotonic() + self._report_trouble(fault)

    def disconnect(self) -> None:
        """Close the connection to the shop."""
        self._shop.disconnect()

    def _report_look(self, seen: Seen, hinted: bool, late: float) -> None:
        now = self._house.clock.now()
        in_step = self.pulse.in_step if seen is Seen.NOT_COMPARED else seen is Seen.IN_STEP
        recovered = self.pulse.trouble is not None
        self.pulse = Pulse(
            now,
            now if in_step else self.pulse.in_step_at,
            in_step,
            suspicions=len(self._memory.suspicions),
            hinted_at=now if hinted else self.pulse.hinted_at,
            looked=self._looked,
            late_seconds=late,
        )
        if recovered:
            log.info("cart.recovered", cart=self._cart.name)
        if recovered or self._house.clock.monotonic() - self._reported >= REPORT_SECONDS:
            self._write_report(self._house.store.write if recovered else self._later)

    def _report_trouble(self, message: str) -> float:
        """Record a failure and return the seconds to pause: growing, limited and with jitter."""
        failures = self.pulse.failures + 1
        changed = self.pulse.trouble != message
        since = self.pulse.trouble_since or self._house.clock.now()
        self.pulse = replace(
            self.pulse, in_step=False, trouble=message, trouble_since=since, failures=failures, suspicions=0
        )
        if changed:
            log.warning("cart.trouble", cart=self._cart.name, trouble=message)
            self._write_report(self._house.store.write)
        longest = min(PAUSE_SECONDS_MAX, float(2 ** min(failures - 1, 10)))
        return longest * (0.5 + 0.5 * self._jitter())

    def _write_report(self, write: Callable[[Report], object]) -> None:
        cart, pulse = self._cart.id, self.pulse
        try:
            write(
                lambda books: books.carts.report(
                    cart, pulse.looked_at, pulse.in_step_at, pulse.trouble, pulse.trouble_since
                )
            )
        except OnHandError as error:  # a full disk must not end the thread; the next look reports it again
            log.warning("report.failed", cart=self._cart.name, trouble=error.message)
        self._reported = self._house.clock.monotonic()


class DriverThread(threading.Thread):
    """A thread that runs a driver's steps: every tick, after a booking, and after a hint."""

    def __init__(
        self, driver: Driver, cart: Cart, lock: threading.Lock, clock: Clock, lease: Lease | None = None
    ) -> None:
        super().__init__(name=f"onhand-cart-{cart.id}", daemon=True)
        self.driver, self.lease = driver, lease
        self._lock, self._clock = lock, clock
        self._wake = threading.Event()
        self._called = threading.Event()  # ends the pause after a failure
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Wake the driver, because something was booked that this cart should show."""
        self._wake.set()

    def try_again(self) -> None:
        """End a pause after failures, because the shop was reached."""
        if self.driver.failing:
            self.driver.try_again()
            self._called.set()

    def look_now(self) -> None:
        """Wake the driver, because the shop just sold something."""
        if self.driver.hint():
            self._wake.set()

    def stop(self) -> None:
        """Stop after the current request."""
        self._stopping.set()
        self._wake.set()
        self._called.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                self._wake.clear()
                self._called.clear()
                self.driver.step()
            if self._stopping.is_set():
                break  # ``stop`` was called before the events were cleared
            sleeping_on = self._called if self.driver.failing else self._wake
            sleeping_on.wait(max(0.0, self.driver.due - self._clock.monotonic()))
        self.driver.disconnect()


class Controller:
    """The drivers of all carts, started and stopped as carts are switched on, off and edited."""

    def __init__(
        self,
        house: House,
        open_shop: Callable[[Cart], Shop],
        lock_of: Callable[[int], threading.Lock],
        memory_of: Callable[[Lease], Memory],
        our_duties: Duties,
        tidy_up: Callable[[House], None],
    ) -> None:
        self._house, self._open_shop, self._lock_of, self._memory_of = house, open_shop, lock_of, memory_of
        self._duties, self._tidy_up = our_duties, tidy_up
        self._drivers: dict[int, DriverThread] = {}
        self._known: tuple[object, list[Cart]] = None, []  # the carts to drive, and what they were read from
        self._reports: dict[Lease, Report] = {}  # the latest of each driver that is not saved yet
        self._reporting = threading.Lock()
        self._saved = house.clock.monotonic()
        self._hints: dict[str, int] = {}  # how many there were, of each duty
        self._sampled = self._tidied = house.clock.monotonic()
        self._stopping = threading.Event()
        self._stirred = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="onhand-controller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop all drivers after their current requests."""
        self._stopping.set()
        self._stirred.set()
        self._thread.join()
        for thread in self._drivers.values():
            thread.stop()
        for thread in self._drivers.values():
            thread.join()

    def wake(self, carts: Iterable[int]) -> None:
        """Wake the drivers of these carts, because something was booked that they should show."""
        for cart in carts:
            if thread := self._drivers.get(cart):
                thread.wake()

    def stir(self) -> None:
        """Check what there is to do, because another process wrote something."""
        self._stirred.set()

    def look_now(self, cart: int) -> bool:
        """Look at a cart's shop before its next tick, because it just sold something. Return whether the cart has a driver here."""
        thread = self._drivers.get(cart)
        if thread is not None:
            thread.look_now()
        return thread is not None

    def try_again(self, cart: int) -> None:
        """End a cart's pause after failures, because a person just reached its shop."""
        if thread := self._drivers.get(cart):
            thread.try_again()

    def pulses(self) -> dict[int, Pulse]:
        """Return the pulse of each running driver, by cart."""
        return {cart: thread.driver.pulse for cart, thread in list(self._drivers.items())}

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            try:
                stopped = self._arrange(self._house.store.read(self._driven))
                if self._house.clock.monotonic() - self._saved >= SAVE_SECONDS:
                    self._save_reports()
                if self._house.clock.monotonic() - self._sampled >= SAMPLE_SECONDS:
                    self._sample()
                if self._house.clock.monotonic() - self._tidied >= TIDY_SECONDS:
                    self._tidy()
                if not stopped:  # what has just stopped is given up at once
                    self._rest()
            except OnHandError as error:
                log.warning("controller.trouble", trouble=error.message)
                self._stopping.wait(SUPERVISE_SECONDS)

    def _rest(self) -> None:
        """Wait until carts have to be checked again. Meanwhile, hear what other processes booked."""
        until = time.monotonic() + SUPERVISE_SECONDS
        while (left := until - time.monotonic()) > 0 and self._stirred.wait(left) and not self._stopping.is_set():
            self._stirred.clear()
            self._hear()
            self._stopping.wait(min(left, STIR_SECONDS))

    def _driven(self, books: Books) -> list[Cart]:
        """Return the carts to drive. A thousand are read again only when something changed that decides it."""
        mark = (settings.values(books)["SynchQOH"], books.carts.arrangement())
        if self._known[0] != mark:
            self._known = mark, driven(books)
        return self._known[1]

    def _save_reports(self) -> None:
        """Save the reports of all drivers in one commit: one of its own for each would keep everybody else's writes waiting."""
        with self._reporting:
            reports, self._reports = self._reports, {}
        self._saved = self._house.clock.monotonic()

        def write(books: Books) -> None:
            for lease, report in reports.items():
                if self._duties.holds(books, lease):
                    report(books)

        if reports:
            self._house.store.write(write)

    def _sample(self) -> None:
        """Save the depth of the post stack, if that is the duty of this process."""
        lease, at = self._duties.lease_of(duties.HOUSEKEEPING), self._house.clock.now()

        def write(books: Books) -> None:
            books.figures.sample(at)
            books.figures.forget(at - KEEP_SAMPLES)

        if lease is not None:
            self._duties.fenced(self._house, lease).store.write(write)
        self._sampled = self._house.clock.monotonic()

    def _tidy(self) -> None:
        """Mark the tasks of dead processes, if that is the duty of this one."""
        if lease := self._duties.lease_of(duties.HOUSEKEEPING):
            self._tidy_up(self._duties.fenced(self._house, lease))
        self._tidied = self._house.clock.monotonic()

    def _arrange(self, carts: list[Cart]) -> bool:
        """Start and stop drivers, so that each cart that is a duty of this process has one. Return whether one has stopped."""
        work = {duties.of_cart(cart.id): cart for cart in carts}
        busy = {duties.of_cart(cart_id) for cart_id, thread in self._drivers.items() if thread.is_alive()}
        leases = self._duties.take([*work, duties.WEBHOOKS, duties.HOUSEKEEPING], busy)
        wanted = {cart.id: cart for duty, cart in work.items() if duty in leases}
        leaving, stopped = [], False
        for cart_id, thread in self._drivers.items():
            cart = wanted.get(cart_id)
            same = cart is not None and cart.settings == thread.driver.settings
            if not same or thread.lease != leases[duties.of_cart(cart_id)] or not thread.is_alive():
                thread.stop()
                leaving.append(cart_id)
        for cart_id in leaving:
            self._drivers[cart_id].join(STOP_SECONDS)
            if not self._drivers[cart_id].is_alive():
                del self._drivers[cart_id]
                stopped = True
        for cart_id, cart in wanted.items():
            if cart_id not in self._drivers:
                self._drive(cart, leases[duties.of_cart(cart_id)])
        return stopped

    def _drive(self, cart: Cart, lease: Lease) -> None:
        """Start the driver of a cart, under a lease."""
        house, settings_known = self._duties.fenced(self._house, lease), cart.settings
        cart = self._house.store.read(lambda books: books.carts.get(cart.id))  # with what was reported of it last
        if cart.settings != settings_known:  # a key file that came back opens its secret
            self._known = None, []
        try:
            shop = self._open_shop(cart)
        except OnHandError as error:
            self._report_not_driven(cart, error.message)  # this cart needs a person; continue with the others
            return
        later = partial(self._report_later, lease)
        driver = Driver(house, cart, shop, self._memory_of(lease), random.random, later)
        thread = DriverThread(driver, cart, self._lock_of(cart.id), house.clock, lease)
        self._drivers[cart.id] = thread
        self._hints.pop(lease.duty, None)
        thread.start()

    def _report_later(self, lease: Lease, report: Report) -> None:
        with self._reporting:
            self._reports[lease] = report

    def _hear(self) -> None:
        """Wake the drivers for which other processes booked something, or took a hint."""
        if not self._drivers:
            return
        news, hints = self._house.store.read(lambda books: (books.listings.with_news(), books.leases.hints()))
        self.wake(news)
        for cart in list(self._drivers):
            number = hints.get(duties.of_cart(cart), 0)
            if self._hints.setdefault(duties.of_cart(cart), number) != number:
                self._hints[duties.of_cart(cart)] = number
                self.look_now(cart)

    def _report_not_driven(self, cart: Cart, trouble: str) -> None:
        """Save the reason why a cart is not driven."""
        if cart.trouble == trouble:
            return
        log.warning("cart.not_driven", cart=cart.name, trouble=trouble)
        since = self._house.clock.now()
        self._house.store.write(
            lambda books: books.carts.report(cart.id, cart.looked_at, cart.in_step_at, trouble, since)
        )


def driven(books: Books) -> list[Cart]:
    """Return the carts to drive: active, aligned and switched on, while SynchQOH is on."""
    if not settings.values(books)["SynchQOH"]:
        return []
    return [cart for cart in books.carts.all() if cart.synchronize and cart.settings.active and cart.aligned]
