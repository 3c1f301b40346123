"""The three shops of a day, and the roads to them: the simulation's own, watched and weighed.

Every keeper of the day gets the same shops: the same checkouts, statement by statement, which read a count, subtract, and write the
result back; a product that sold out is switched off; the same network, where the answer to every so many requests is lost after the
shop has done what it was asked. Whether the k-th request to a shop loses its answer is the same for every keeper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from onhand.domain.sketch import Sums
from onhand.simulation.connector import Connector, Verb
from onhand.simulation.lies import Border
from onhand.simulation.people import Family
from onhand.simulation.shop import Product, SimShop, Writer
from onhand.simulation.timeline import Timeline
from onhand.simulation.wire import Fault, Network, Wire

from .trade import Trade

T = TypeVar("T")
KINDS = (
    (Family.OSCOMMERCE, True),
    (Family.PHOENIX, True),
    (Family.OSCOMMERCE, False),
)  # order of statements, transactions
LOST_ANSWERS = 1 / 500


@dataclass(frozen=True, slots=True)
class Headers:
    """Bytes of HTTP headers that one request and its answer carry. ``__init__`` measures them at a real shop."""

    signed: int = 546  # of OnHand
    plain: int = 330  # of a plain form post


class Watched(Product):
    """A row of which every write is noticed."""

    def __init__(self, row: Product, changed: Callable[[int], None]) -> None:
        super().__init__(row.product, row.model, row.quantity, row.ordered, row.status, name=row.name)
        self.changed = changed

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if "changed" in self.__dict__:
            self.changed(self.product)


class Shop(SimShop):
    """A simulated shop that sells the SKUs of the day. Product n is SKU n − 1."""

    def __init__(self, number: int, trade: Trade, changed: Callable[[int, int], None]) -> None:
        """Fill the shop. ``changed`` is called with the numbers of shop and SKU after each write of a row."""
        self.kind, transactional = KINDS[number]
        super().__init__(f"shop{number}", transactional, allow_checkout=False)
        self.family = "phoenix" if self.kind is Family.PHOENIX else "oscommerce"
        self.version = 0  # rises with every write
        self.done: list[tuple[int, int]] = []  # (SKU, units) of all completed orders, in the order of completion
        self._written: set[int] = set()  # products, since the sums were last added up
        self._totals = Sums()
        self._parts: dict[int, Sums] = {}  # the part of each product in them

        def written(product: int) -> None:
            self.version += 1
            self._written.add(product)
            changed(number, product - 1)

        for sku, units in enumerate(trade.opening):
            product = self.add_product(sku_name(sku), units)
            self.tables.products[product] = Watched(self.tables.products[product], written)

    def offered(self, sku: int) -> int:
        """Return how many units a buyer can order."""
        row = self.tables.products[sku + 1]
        return max(0, row.quantity) if row.status else 0

    def totals(self) -> Sums:
        """Return the sums over all products. A database adds them up in a moment; here only what was written since is added."""
        for product in self._written:
            row = self.tables.products[product]
            sums = Sums.of(product, row.quantity, row.ordered, 1)
            self._totals += sums - self._parts.get(product, Sums())
            self._parts[product] = sums
        self._written.clear()
        return self._totals

    def add_line(self, line: int, order: int, product: int, units: int) -> None:
        super().add_line(line, order, product, units)
        self.version += 1

    def left(self, order: int, product: int, units: int) -> None:
        """Do nothing: nobody asks this shop's witness."""


class Verbs(Connector):
    """The connector of such a shop."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self._traded = shop

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Verb[Any]:
        totals = self._traded.totals() if sums else None
        seen = yield from super().look(after, low, limit, False, catalogue)
        return replace(seen, sums=totals)


class Road(Network):
    """The network between a keeper and one shop. It loses answers, and counts requests and bytes."""

    def __init__(self, time: Timeline, shop: Shop, seed: int, headers: Headers) -> None:
        super().__init__(time, shop, Random(f"pauses {seed} {shop.name}"))
        self.connector = Verbs(shop)
        self.to, self.bytes = shop, 0
        self.last_look = 0  # bytes of the last look of OnHand
        self.loses_next = False  # whether the answer to the next request will be lost; never before the day begins
        self._lossy = False
        self._fates, self._scale = Random(f"fates {seed} {shop.name}"), Scale(headers)

    def begin_losing(self) -> None:
        """Lose some answers from now on."""
        self._lossy, self.loses_next = True, self._fates.random() < LOST_ANSWERS

    def next_fault(self, writes: bool) -> Fault | None:  # noqa: ARG002 - reads and writes lose as many
        lost, self.loses_next = self.loses_next, self._lossy and self._fates.random() < LOST_ANSWERS
        return Fault.ANSWER_LOST if lost else None

    def lie(self, verb: str, answer: T, read: Callable[[Any], T]) -> T:
        """Return the honest answer, and weigh it with its request. Those whose answer is lost are not weighed."""
        weight = self._scale.weigh(answer, read)
        self.bytes += weight
        self.last_look = weight if verb == "look" else self.last_look
        return answer


class Scale(Border):
    """The real client of a shop, which weighs what it would send and receive."""

    def __init__(self, headers: Headers) -> None:
        super().__init__()
        self._headers, self._weight = headers, 0
        self._answer: object = None

    def weigh(self, answer: object, read: Callable[[Any], Any]) -> int:
        """Return the bytes of an answer and of the request that ``read`` makes for it."""
        self._answer = answer
        read(self)
        return self._weight

    def plain(self, asked: object) -> None:
        """Weigh a request without signature, and its answer."""
        self._weight = self._headers.plain + _size(asked) + _size(self._answer)

    def _ask(self, asked: Mapping[str, object]) -> dict[str, Any]:
        self.hear(self._answer, _honest, Random(0))
        self._weight = self._headers.signed + _size(asked) + _size(self._said)
        return self._said


class Plain(Wire):
    """A program that calls a shop without signature or number. Raises Retriable if no answer comes, whatever the shop did."""

    def __init__(self, road: Road) -> None:
        super().__init__(road, Undying())
        self._shop = road.to

    def orders_after(self, known: int) -> list[tuple[int, int]]:
        """Return (SKU, units) of all completed orders but the first ``known``."""

        def verb() -> Verb[list[tuple[int, int]]]:
            yield
            return self._shop.done[known:]

        return self._call(verb, {"after": known})

    def add(self, sku: int, units: int) -> int:
        """Change a count by some units, in one statement; return the count."""

        def verb() -> Verb[int]:
            yield
            self._shop.add_quantity(sku + 1, units, Writer.POST)
            return self._switched_on(sku)

        return self._call(verb, {"sku": sku_name(sku), "add": units})

    def put(self, counts: Mapping[int, int]) -> list[int]:
        """Write counts over whatever the shop has, one statement each; return them."""

        def verb() -> Verb[list[int]]:
            found = []
            for sku, units in counts.items():
                yield
                self._shop.write_quantity(sku + 1, units, Writer.POST)
                found.append(self._switched_on(sku))
            return found

        return self._call(verb, {sku_name(sku): units for sku, units in counts.items()})

    def _switched_on(self, sku: int) -> int:
        """Switch a product on if it is in stock; return its count. Few such programs do it; these shall not fail by that."""
        row = self._shop.tables.products[sku + 1]
        row.status = 1 if row.quantity > 0 else row.status
        return row.quantity

    def _call(self, verb: Callable[[], Verb[T]], asked: object) -> T:
        return self._ask(verb, "plain", lambda scale: scale.plain(asked))


class Undying:
    """A process that nobody kills."""

    def boundary(self) -> None:
        """Go on."""

    def survive(self) -> None:
        """Go on."""


def sku_name(sku: int) -> str:
    return f"SKU-{sku + 1:03}"


def _size(document: object) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def _honest(said: object, asked: object, chance: Random) -> None:
    """Tell no lie."""
