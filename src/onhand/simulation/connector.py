"""Answers the connector's verbs for a simulated shop, statement by statement where its engine has no transactions.

Path: ``wire`` asks for a verb and runs the statements it yields; a crash simply stops running them.
Promise: what ``docs/protocol.md`` says, which the contract of the connectors checks; each ``yield`` is a point between two statements.
Never: reads what the witness knows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import TypeVar
from zlib import crc32

from onhand.domain.errors import Conflict, Permanent
from onhand.domain.shop import DOWNLOAD, WINDOW_PRIME, Applied, Change, Hello, Line, Look, Outcome, Page, Row, Window
from onhand.domain.sketch import Cell, Counters, Sums, cells_of

from .shop import Memory, Product, SimShop, Writer
from .timeline import EPOCH

T = TypeVar("T")
Verb = Generator[None, None, T]

QUANTITY_MIN, QUANTITY_MAX = -(2**31), 2**31 - 1  # the column is int
SKU_LENGTH = 64
ROWS_MAX = 2000  # rows, lines, ids or posts in one request
SIZE_MAX = 65536 // 3  # cells in one third


class Connector:
    """The endpoint inside one shop. ``now`` is the true time; the shop's clock may differ."""

    def __init__(self, shop: SimShop) -> None:
        self._shop = shop

    def hello(self, now: float, fresh_epoch_after: str | None = None) -> Verb[Hello]:
        memory = self._memory()
        if fresh_epoch_after == memory.epoch:
            memory = self._begin_epoch()
        yield
        return Hello(
            protocol=1,
            connector="simulated",
            runtime="simulated",
            database="simulated",
            family=self._shop.family,
            version="",
            engine="InnoDB" if self._shop.transactional else "MyISAM",
            prefix="",
            tables={},
            collation="utf8_general_ci",
            sku_length=SKU_LENGTH,
            quantity_type="int",
            columns={"products.products_quantity": "int"},
            stock_elsewhere=(),
            obstacle="",
            switches={
                "STOCK_LIMITED": "true",
                "STOCK_ALLOW_CHECKOUT": _word(self._shop.allow_checkout),
                "DOWNLOAD_ENABLED": _word(bool(self._shop.tables.downloads)),
            },
            products=len(self._shop.tables.products),
            epoch=memory.epoch,
            last_seq=memory.last_seq,
            clock=int(EPOCH.timestamp() + now + self._shop.clock_wrong),
        )

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Verb[Look]:
        _bound(limit, ROWS_MAX)
        memory, shop = self._memory(), self._shop
        epoch, last_seq, begun = memory.epoch, memory.last_seq, memory.begun is not None
        yield
        # Every read goes to the tables again: between two of them the shop may even have been restored.
        totals = Sums.total(Sums.of(p.product, p.quantity, p.ordered, 1) for p in self._products()) if sums else None
        yield
        print_ = None
        if catalogue:
            print_ = str(sum(crc32(f"{p.product}|{p.model}|{p.status}".encode()) for p in self._products()))
        yield
        ids = shop.lines_above(after)
        shop.seen()
        shop.watched_above = low if sums else shop.watched_above  # a look at only a page of lines asks for no sums
        shop.asked_after = after if after < shop.tables.next_line else shop.asked_after
        lines = tuple(shop.line(line) for line in ids[:limit])
        yield
        all_ids = shop.tables.line_ids
        window = all_ids[bisect_right(all_ids, low) : bisect_right(all_ids, after)]
        return Look(
            epoch=epoch,
            last_seq=last_seq,
            begun=begun,
            lines=lines,
            more=len(ids) > limit,
            last_line=all_ids[-1] if all_ids else 0,
            window=Window(
                len(window),
                sum(window),
                sum(shop.tables.lines[line].quantity * (line % WINDOW_PRIME + 1) for line in window),
            ),
            sums=totals,
            sums_ms=0.1,
            catalogue=print_,
        )

    def cells(self, size: int) -> Verb[Sequence[Cell]]:
        _bound(size, SIZE_MAX)
        yield
        return cells_of({p.product: Counters(p.quantity, p.ordered) for p in self._products()}, size)

    def listings(self, now: float, after: int, limit: int) -> Verb[Page]:
        _bound(limit, ROWS_MAX)
        yield
        ids = sorted(product for product in self._shop.tables.products if product > after)
        rows = tuple(self._row(now, self._shop.tables.products[product]) for product in ids[:limit])
        return Page(rows, len(ids) > limit)

    def rows(self, now: float, products: Sequence[int]) -> Verb[tuple[Row, ...]]:
        _bound(len(products), ROWS_MAX)
        yield
        known = self._shop.tables.products
        return tuple(self._row(now, known[product]) for product in sorted(set(products)) if product in known)

    def orders(self, lines: Sequence[int]) -> Verb[tuple[Line, ...]]:
        _bound(len(lines), ROWS_MAX)
        yield
        return tuple(self._shop.line(line) for line in sorted(set(lines)) if line in self._shop.tables.lines)

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool, holder: str = "") -> Verb[Applied]:
        _bound(len(changes), ROWS_MAX)
        if not changes or len({change.product for change in changes}) < len(changes):
            raise Permanent("Give at least one post, and each product at most once.", reason="request")
        memory, last = self._memory(), first + len(changes) - 1
        if epoch != memory.epoch:
            raise Conflict("The shop is in another epoch.", reason="epoch", epoch=memory.epoch)
        if (memory.last_first, memory.last_seq) == (first, last):
            if memory.last_changes != tuple(changes):
                raise Conflict("Another batch has these numbers.", reason="other", last_seq=memory.last_seq)
            return Applied(Outcome.ALREADY, epoch, last, memory.last_answer, memory.last_holder != holder)
        if memory.begun == (first, last):
            if not close:
                return Applied(Outcome.UNFINISHED, epoch, memory.last_seq)
            self._done(memory, first, changes, {}, holder)
            return Applied(Outcome.CLOSED, epoch, last)
        if memory.begun or close or first != memory.last_seq + 1:
            raise Conflict("The shop expects another batch.", reason="gap", last_seq=memory.last_seq)
        yield
        failed = {change.product: reason for change in changes if (reason := self._refusal(change))}
        if self._shop.transactional:
            for _ in self._write(epoch, first, changes, failed):
                pass
        else:
            memory.begun = (first, last)
            yield
            yield from self._write(epoch, first, changes, failed)
        self._done(memory, first, changes, failed, holder)
        return Applied(Outcome.APPLIED, epoch, last, failed)

    # Shared by the verbs

    def _write(self, epoch: str, first: int, changes: Sequence[Change], failed: dict[int, str]) -> Verb[None]:
        """Run one statement; killed in the middle, it has written its first rows on an engine without transactions."""
        for number, change in enumerate(changes, first):
            row = self._shop.tables.products.get(change.product)
            if row is not None and change.product not in failed:
                self._shop.add_quantity(change.product, change.delta, Writer.POST)
                if change.reactivate and row.quantity > 0:
                    row.status, row.off_by_sale = 1, False
                self._shop.taken[(epoch, number)] += 1
            yield

    def _refusal(self, change: Change) -> str | None:
        row = self._shop.tables.products.get(change.product)
        if row is None:
            return "missing"
        return None if QUANTITY_MIN <= row.quantity + change.delta <= QUANTITY_MAX else "range"

    def _memory(self) -> Memory:
        return self._shop.tables.memory or self._begin_epoch()

    def _begin_epoch(self) -> Memory:
        self._shop.epochs += 1
        name = f"{self._shop.name}-{self._shop.epochs}".encode()
        self._shop.tables.memory = Memory(blake2b(name, digest_size=8).hexdigest())
        return self._shop.tables.memory

    def _done(self, memory: Memory, first: int, changes: Sequence[Change], failed: dict[int, str], holder: str) -> None:
        memory.begun, memory.last_seq, memory.last_first = None, first + len(changes) - 1, first
        memory.last_answer, memory.last_changes, memory.last_holder = dict(failed), tuple(changes), holder

    def _products(self) -> Iterator[Product]:
        return iter(self._shop.tables.products.values())

    def _row(self, now: float, product: Product) -> Row:
        modified, text, age = product.modified, None, None
        if modified is not None:
            text = f"{EPOCH + timedelta(seconds=int(modified)):%Y-%m-%d %H:%M:%S}"
            age = int(now + self._shop.clock_wrong - modified)
        return Row(
            product.product,
            product.sku,
            product.name,
            product.quantity,
            product.ordered,
            product.status,
            text,
            age,
            DOWNLOAD if product.product in self._shop.tables.downloads else 0,
        )


def _bound(number: int, most: int) -> None:
    if number > most:
        raise Permanent(f"Ask for at most {most} at once.", reason="too_large")


def _word(switch: bool) -> str:
    """Return a setting as the shop's configuration table has it."""
    return "true" if switch else "false"
