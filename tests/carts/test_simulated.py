"""Holds the simulation's shop to the contract of every connector: what is proved in the simulation is proved on a faithful shop.

Path: pytest.
Promise: the shop's side moves by the programs that people run in the simulation, statement by statement on its timeline.
Never: repeats what the contract shows already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from inspect import GEN_CLOSED, getgeneratorstate
from random import Random
from threading import Condition

import pytest

from onhand.services.ports import Shop
from onhand.simulation import people
from onhand.simulation.people import Family
from onhand.simulation.shop import SimShop, Writer
from onhand.simulation.timeline import EPOCH, Process, Timeline
from onhand.simulation.wire import Network, Wire
from tests.carts.contract import ShopContract
from tests.carts.driver import Product

MOMENT_SECONDS = 0.004
PAYMENT_SECONDS = 3600.0  # no other pause of a checkout is as long


class Undying:
    """A process that nobody kills."""

    def boundary(self) -> None:
        pass

    def survive(self) -> None:
        pass


class Turns:
    """Threads take turns in the order in which they asked, so that a busy one cannot keep the others out."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._asked = self._had = 0

    def __enter__(self) -> None:
        with self._changed:
            mine = self._asked
            self._asked += 1
            self._changed.wait_for(lambda: self._had == mine)

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._had += 1
            self._changed.notify_all()
        time.sleep(0)  # lets go of the interpreter, so that another thread can ask for its turn at all


class TakingTurns(Wire):
    """A wire for tests with two threads: the one timeline moves for one of them at a time."""

    def __init__(self, network: Network, turn: Turns) -> None:
        super().__init__(network, Undying())
        self._turn = turn

    def _ask(self, *asked, **how):
        with self._turn:
            return super()._ask(*asked, **how)


class SimulatedDriver:
    """The shop's own side for the contract, through the people of the simulation."""

    family = "oscommerce"
    sku_length = 64
    quantity_max = 2**31 - 1
    reactivates = True
    stamped = False
    quantity_min = -(2**31)
    ordered_max = 2**31 - 1
    letters = "Ω – 漢字, ελληνικά, שלום"

    def __init__(self, transactional: bool, checkout: Family) -> None:
        self.engine = "InnoDB" if transactional else "MyISAM"
        self._checkout, self._chance, self._turn = checkout, Random(1), Turns()
        self._time = Timeline()
        self._time.now = time.time() - EPOCH.timestamp()  # the contract reads the real clock
        self._shop = SimShop("shop", transactional, allow_checkout=True)
        self._network = Network(self._time, self._shop, Random(2))
        self._client = TakingTurns(self._network, self._turn)
        self._unpaid: dict[int, Process] = {}

    def shop(self) -> Shop:
        return self._client

    def add_product(self, model: str | None, quantity: int, name: str = "", status: int = 1, ordered: int = 0) -> int:
        return self._shop.add_product(model, quantity, ordered, status, name)

    def sell(self, product: int, n: int) -> int:
        return self.sell_order([(product, n)])

    def sell_order(self, lines: Sequence[tuple[int, int]]) -> int:
        order = self._shop.tables.next_order
        if self._shop.tables.downloads.intersection(product for product, _ in lines):
            self._perform(self._sale_of_files(lines))
        else:
            self._perform(people.sale(self._time, self._shop, self._checkout, lines, self._chance))
        return order

    def prepare(self, product: int, n: int) -> int:
        order = self._shop.tables.next_order
        checkout = people.redirect_sale(
            self._time, self._shop, self._checkout, product, n, self._chance, PAYMENT_SECONDS
        )
        self._unpaid[order] = checkout
        self._perform(pause for pause in iter(checkout.__next__, PAYMENT_SECONDS))
        return order

    def pay(self, order: int) -> None:
        self._perform(self._unpaid.pop(order))

    def abandon(self, order: int) -> None:
        self._unpaid.pop(order).close()
        self.remove_order(order, restock=False)

    def remove_order(self, order: int, restock: bool) -> None:
        self._perform(people.deletion(self._shop, self._checkout, order, restock, self._chance))

    def set_order_status(self, order: int, status: int) -> None:
        self._shop.tables.orders[order] = status

    def lines_of(self, order: int) -> list[int]:
        return sorted(line.line for line in self._shop.tables.lines.values() if line.order == order)

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        self._shop.add_line(line, order, product, n)
        self._shop.tables.next_line = max(self._shop.tables.next_line, line + 1)

    def delete_order_row(self, order: int) -> None:
        del self._shop.tables.orders[order]

    def set(self, product: int, *, modified: bool = True, **columns: int | str | None) -> None:
        row = self._shop.tables.products[product]
        given = {name: value for name, value in columns.items() if value is not None}
        quantity = given.pop("quantity", row.quantity)
        if modified:
            self._perform(people.form(self._time, self._shop, product, self._chance, quantity - row.quantity))
        else:
            self._shop.write_quantity(product, quantity, Writer.IMPORT)
        for name, value in given.items():
            setattr(row, name, value)

    def delete_product(self, product: int) -> None:
        del self._shop.tables.products[product]

    def row(self, product: int) -> Product | None:
        row = self._shop.tables.products.get(product)
        if row is None:
            return None
        model = None if row.without_sku else row.model
        modified = None if row.modified is None else str(EPOCH + timedelta(seconds=row.modified))[:19]
        return Product(row.quantity, row.ordered, row.status, model, modified)

    def make_download(self, product: int) -> None:
        self._shop.tables.downloads.add(product)

    def leave_begun(self, first: int, last: int) -> None:
        self._shop.tables.memory.begun = (first, last)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Another request stands between two of its statements."""
        self._network._running = self._network.connector.cells(1)
        yield
        self._network._running = None

    def _perform(self, process: Process) -> None:
        """Run a program of the shop to its end, moment by moment: another thread's request may come between two statements."""
        with self._turn:
            self._time.start(process)
        while getgeneratorstate(process) != GEN_CLOSED:
            with self._turn:
                self._time.run_until(self._time.now + MOMENT_SECONDS)

    def _sale_of_files(self, wanted: Sequence[tuple[int, int]]) -> Process:
        """A checkout that leaves the quantity alone; nobody buys files in the simulation, as they are not tracked."""
        order = self._shop.begin_order()
        yield MOMENT_SECONDS
        self._shop.tables.histories.add(order)
        for product, units in wanted:
            yield MOMENT_SECONDS
            self._shop.raise_counter(product, units)
            yield MOMENT_SECONDS
            self._shop.add_line(self._shop.next_line_id(), order, product, units)


class TestSimulatedShop(ShopContract):
    @pytest.fixture(
        params=[(True, Family.OSCOMMERCE), (False, Family.OSCOMMERCE), (True, Family.PHOENIX), (False, Family.POSM)],
        ids=["InnoDB", "MyISAM", "InnoDB, Phoenix", "MyISAM, POSM"],
    )
    def driver(self, request):
        return SimulatedDriver(*request.param)
