"""Acts for everybody who writes into a shop: buyers, its admin, its importers; as measured on the carts of the family.

Path: ``world`` starts these processes on the timeline; every ``yield`` is the pause before the next statement.
Promise: the order of statements is the cart's; a quantity is read, computed and written as a literal, wherever the cart does so.
Never: asks what OnHand does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from enum import StrEnum
from random import Random
from typing import Self

from .shop import SimShop, Writer
from .timeline import Process, Timeline

Counts = Generator[float, None, None]
REORDER_LEVEL = 5  # POSM writes this and one more while it works


class Family(StrEnum):
    """The order of a checkout's statements."""

    OSCOMMERCE = "oscommerce"  # history, then per product: quantity, counter, line
    PHOENIX = "phoenix"  # lines, then quantities, then counters, then the history
    POSM = "posm"  # as osCommerce, but the quantity jumps to a meaningless value and back


def pause(chance: Random) -> float:
    """Return a pause between two statements of one program: about a millisecond, now and then much longer."""
    return chance.uniform(0.0005, 0.005) if chance.random() < 0.97 else chance.uniform(0.005, 0.4)


def sale(time: Timeline, shop: SimShop, family: Family, wanted: Sequence[tuple[int, int]], chance: Random) -> Process:
    """Run a checkout that is paid at once. ``wanted`` are (product, units); it dies half way if the process is closed."""
    order = shop.begin_order()
    yield pause(chance)  # the totals come next
    with _Till(time, shop) as till:
        if family is Family.PHOENIX:
            yield from _lines(shop, order, wanted, chance)
            for product, units in wanted:
                yield from till.subtract(family, product, units, chance)
            for product, units in wanted:
                till.count(product, units)
                shop.left(order, product, units)
                yield pause(chance)
            shop.tables.histories.add(order)
        else:
            shop.tables.histories.add(order)
            for product, units in wanted:
                yield pause(chance)
                yield from till.subtract(family, product, units, chance)
                till.count(product, units)
                yield pause(chance)
                yield from _lines(shop, order, [(product, units)], chance, counted=True)
    shop.finished.add(order)
    shop.sales += 1


def redirect_sale(
    time: Timeline, shop: SimShop, family: Family, product: int, units: int, chance: Random, paid_after: float | None
) -> Process:
    """Run a checkout that sends the buyer away to pay: lines at once, everything else when the money comes, if it comes.

    ``paid_after`` None: never; then the order is deleted or stays.
    """
    order = shop.begin_order()
    yield pause(chance)
    yield from _lines(shop, order, [(product, units)], chance)
    if paid_after is None:
        yield chance.uniform(1.0, 10.0)
        if chance.random() < 0.5:
            shop.delete_lines(order)
            yield pause(chance)
            shop.delete_order(order)
        return
    yield paid_after
    shop.tables.histories.add(order)
    yield pause(chance)
    with _Till(time, shop) as till:
        yield from till.subtract(family, product, units, chance)
        till.count(product, units)
        shop.left(order, product, units)
    shop.sales += 1


def deletion(shop: SimShop, family: Family, order: int, restock: bool, chance: Random) -> Process:
    """Delete an order as an admin. Phoenix gives back only one line of a product that is on two."""
    units: dict[int, int] = {}
    given = {}
    for line in [line for line in shop.tables.lines.values() if line.order == order]:
        if family is Family.PHOENIX and line.product in units:
            continue
        units[line.product] = units.get(line.product, 0) + line.quantity
        given[line.line] = line
    if restock:
        for product, number in units.items():
            shop.restock(product, number)
            for line in given.values():
                if line.product == product and product in shop.tables.products:
                    shop.came_back(shop.fates[line.line], line.quantity)
            yield pause(chance)
        # Also a line that was written during the deletion is deleted without giving anything back.
        for line in shop.tables.lines.values():
            if line.order == order and line.line not in given:
                shop.kept_back[line.product] += line.quantity
    if not restock:
        shop.vanished += units  # next to a restocked one it cannot be told which of the two it was
    shop.delete_lines(order)
    yield pause(chance)
    shop.delete_order(order)


def form(time: Timeline, shop: SimShop, product: int, chance: Random, typed: int | None) -> Process:
    """Open the product form and save it later. ``typed``: units the count is changed by; None: the count was not meant."""
    row = shop.tables.products.get(product)
    if row is None:
        return
    count, seen = row.quantity, len(row.log)
    yield chance.uniform(0.5, 12.0)
    if product not in shop.tables.products:
        return
    writer = Writer.FORM if typed is None else Writer.EDIT
    _save(time, shop, product, count + (typed or 0), seen, writer)
    shop.touch(product, time.now)


def import_counts(time: Timeline, shop: SimShop, products: Sequence[int], chance: Random, touches: bool) -> Process:
    """Write back a file with counts exported some time ago and changed in places, row by row."""
    old = {p: (row.quantity, len(row.log)) for p in products if (row := shop.tables.products.get(p)) is not None}
    yield chance.uniform(0.5, 6.0)
    for product, (count, seen) in old.items():
        if product in shop.tables.products:
            change = chance.choice((0, 0, 3, -2, 7))  # 0: the old count comes back
            _save(time, shop, product, count + change, seen, Writer.IMPORT)
            if touches:
                shop.touch(product, time.now)
            yield pause(chance)


def reset_counters(time: Timeline, shop: SimShop, products: Sequence[int]) -> Process:
    """Set counters to nothing, to restart statistics."""
    yield 0.0
    for product in products:
        row = shop.tables.products.get(product)
        if row is not None:
            shop.saw(time.now, product, -row.ordered, Writer.RESET, frozenset())
            row.ordered = 0


def _lines(
    shop: SimShop, order: int, wanted: Sequence[tuple[int, int]], chance: Random, counted: bool = False
) -> Counts:
    """Write the lines. Ids are given in one order and now and then rows appear in another."""
    for product, units in wanted:
        line = shop.next_line_id()
        if chance.random() < 0.1:
            yield pause(chance)
        shop.add_line(line, order, product, units)
        if counted:
            shop.left(order, product, units)
        yield pause(chance)


class _Till:
    """The units of each product that one checkout has taken and not yet counted as sold."""

    def __init__(self, time: Timeline, shop: SimShop) -> None:
        self._time, self._shop, self._life = time, shop, shop.lives
        self._open: Counter[int] = (
            Counter()
        )  # product: by how much quantity + counter is wrong until the counter follows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the checkout. What it left half done stays so: it will never be counted."""
        if self._shop.lives == self._life:
            for product, units in self._open.items():  # those that came to nothing do not concern the witness
                self._shop.saw(self._time.now, product, units, Writer.CRASH, frozenset())

    def subtract(self, family: Family, product: int, units: int, chance: Random) -> Counts:
        """SELECT, subtract in PHP, UPDATE with a literal. Writes of others in between are undone, and the witness notes it."""
        row = self._shop.tables.products.get(product)
        if row is None:
            return
        while row.jumping:  # its real count is kept with its variants, where no buyer sees the jump
            yield pause(chance)
        left, seen = row.quantity - units, len(row.log)
        yield pause(chance)
        before = self._open[product]
        mine = 0
        own: list[int] = []
        for literal in (REORDER_LEVEL + 1, left) if family is Family.POSM else (left,):
            if own:
                row.jumping += 1
                try:
                    yield chance.uniform(0.0005, 0.004)
                finally:
                    row.jumping -= 1
            own.append(len(row.log))
            mine += self._shop.write_quantity(product, literal, Writer.SALE)
            self._open[product] = before + mine
        others = frozenset(w for at, (w, n) in enumerate(row.log[seen:], seen) if n and at not in own)
        self._shop.saw(self._time.now, product, mine + units, Writer.SALE, others)
        self._open[product] = before - units
        if left < 1 and not self._shop.allow_checkout:
            yield pause(chance)
            row.off_by_sale = row.off_by_sale or row.status == 1
            row.status = 0
        yield pause(chance)

    def count(self, product: int, units: int) -> None:
        """Raise the counter, in one atomic statement."""
        self._shop.raise_counter(product, units)
        self._open[product] += units


def _save(time: Timeline, shop: SimShop, product: int, count: int, seen: int, writer: Writer) -> None:
    """Write a literal over whatever the count is by now."""
    row = shop.tables.products[product]
    others = frozenset(w for w, n in row.log[seen:] if n)
    shop.saw(time.now, product, shop.write_quantity(product, count, writer), writer, others)
