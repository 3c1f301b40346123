"""Reaches a shop through its own database: the verbs of the connector in SQL, without a file in the shop.

Path: built by ``app`` for carts whose address begins with ``mysql://``; called by the services as a ``Shop``.
Promise: the same answers as ``connector/onhand.php`` and the same memory, the table onhand_state, so that a cart may switch from one to the
other in the middle of an epoch. A statement is sent once; whatever goes wrong, the connection ends, and with it the lock and
an open transaction. Only whole numbers of a request ever become part of a statement.
Never: writes anything but products_quantity, products_status and onhand_state; holds a lock or a transaction between two verbs.

Verbs, memory and SQL are in the order of ``connector/onhand.php``, to be compared with it. Only what MySQL 5.1 knows is used.
"""

from __future__ import annotations

import platform
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import pymysql

from onhand import __version__
from onhand.domain.errors import Conflict, OnHandError, Permanent
from onhand.domain.families import BEARING, SWITCHES, TELLING, VERSION_TABLES
from onhand.domain.family import recognise
from onhand.domain.shop import DERIVED, WINDOW_PRIME, Applied, Change, Hello, Line, Look, Outcome, Page, Row, Window
from onhand.domain.sketch import EMPTY, PARTITION_MULTIPLIERS, WORD, Cell, Sums

from . import answers, legible
from .mysql_posts import Noted, digest_of, state_of, write_at_once, write_noted
from .mysql_server import CONNECT_SECONDS, READ_SECONDS, Address, Server, Values
from .mysql_tables import LINES, Tables, ids_of, number, prefix_of, text
from .rowlog import RowLog

PROTOCOL = 1
ROWS_MAX = 2000  # rows, lines, ids or posts in one request
CELLS_MAX = 21_845  # cells in one third
WHOLE_MAX = 10**15 - 1

_THIRDS = "SELECT 0 AS third, {} AS multiplier UNION ALL SELECT 1, {} UNION ALL SELECT 2, {}".format(
    *PARTITION_MULTIPLIERS
)


class MySql:
    """One shop behind its own database; implements ``services.ports.Shop``."""

    def __init__(
        self,
        url: str,
        password: str,
        *,
        clock: Callable[[], float],
        connect_timeout_seconds: float = CONNECT_SECONDS,
        read_timeout_seconds: float = READ_SECONDS,
        allow_plain: bool = False,
        moved: Callable[[], None] | None = None,
        holder: str = "",
    ) -> None:
        """Keep how to reach the shop. ``clock`` returns seconds that never jump. ``moved`` is called from another thread when the shop's
        row log shows that stock or orders moved, if the address asks for that. ``holder`` names this run of OnHand in 16 hexadecimal
        digits. Raise Permanent if the address is unusable."""
        address = Address.of(url)
        self._server = Server(address, password, allow_plain, clock, connect_timeout_seconds, read_timeout_seconds)
        self._prefix = address.prefix
        self._moved = moved if address.rowlog else None
        self._rowlog: RowLog | None = None
        self._holder = holder

    # The verbs, in the order of the protocol

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        with self._turn(greeting=True) as shop:
            server, state = shop.server, state_of(shop)
            if fresh_epoch_after is not None and fresh_epoch_after == state.epoch:
                server.run(
                    f"UPDATE {shop.state} SET epoch = '{secrets.token_hex(8)}', last_seq = 0, begun_first = NULL,"
                    " begun_last = NULL, last_first = NULL, last_answer = NULL WHERE id = 1"
                )
                state = state_of(shop)
            ((database, clock),) = server.rows("SELECT VERSION(), UNIX_TIMESTAMP()")
            ((products,),) = server.rows(f"SELECT COUNT(*) FROM {shop.products}")
            places = shop.columns(TELLING)
            model = places["products.products_model"]
            said = Hello(
                protocol=PROTOCOL,
                connector=f"direct, OnHand {__version__}",
                runtime=f"Python {platform.python_version()}, PyMySQL {pymysql.__version__}",
                database=text(database),
                family=recognise(places),
                version=_version(shop, places),
                engine=shop.engine(),
                prefix=shop.prefix,
                tables={},
                collation=model.collation,
                sku_length=model.length,
                quantity_type=places["products.products_quantity"].type,
                columns={place: places[place].shape if place in places else "" for place in BEARING},
                stock_elsewhere=shop.stock_elsewhere(),
                switches=shop.switches(SWITCHES),
                products=number(products),
                epoch=state.epoch,
                last_seq=state.last_seq,
                clock=number(clock),
                obstacle=shop.obstacle(),
            )
            return answers.hello(said)

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        _check(after, low, at_least=0)
        _check_limit(limit)
        if low > after:
            raise Permanent("In a look, low must not be above after.", reason="request")
        with self._turn() as shop:
            server, state = shop.server, state_of(shop)
            q, o, h = shop.quantity(), shop.ordered(), shop.weight()
            server.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            seen, sums_ms = None, 0.0
            if sums:
                started = time.perf_counter()
                (row,) = server.rows(
                    f"SELECT COUNT(*), IFNULL(SUM({q.value}), 0), IFNULL(SUM({o.value}), 0),"
                    f" IFNULL(SUM({q.wide} * {h}), 0), IFNULL(SUM({o.wide} * {h}), 0) FROM {shop.products} p"
                )
                seen = Sums(*(number(value) for value in row))
                sums_ms = round((time.perf_counter() - started) * 1000, 1)
            figure = None
            if catalogue:
                ((total,),) = server.rows(
                    "SELECT IFNULL(SUM(CRC32(CONCAT(p.products_id, '|', IFNULL(p.products_model, ''), '|',"
                    f" IFNULL(p.products_status, 0), '|', ({q.fraction} OR {o.fraction})))), 0) + {shop.apart()} FROM {shop.products} p"
                )
                figure = text(total)
            lines = _lines(shop, f"l.orders_products_id > {after:d}", limit + 1)
            ((last, count, ids, weighed),) = server.rows(
                f"SELECT (SELECT MAX(orders_products_id) FROM {shop.name(LINES)}), COUNT(*), IFNULL(SUM(orders_products_id), 0),"
                f" IFNULL(SUM(CAST(ROUND(products_quantity) AS SIGNED) * (CAST(orders_products_id AS SIGNED) % {WINDOW_PRIME} + 1)), 0)"
                f" FROM {shop.name(LINES)} WHERE orders_products_id > {low:d} AND orders_products_id <= {after:d}"
            )
            glance = Look(
                epoch=state.epoch,
                last_seq=state.last_seq,
                begun=state.begun is not None,
                lines=lines[:limit],
                more=len(lines) > limit,
                last_line=number(last),
                window=Window(number(count), number(ids), number(weighed)),
                sums=seen,
                sums_ms=sums_ms,
                catalogue=figure,
            )
            return answers.look(glance, after, limit, sums, catalogue)

    def cells(self, size: int) -> Sequence[Cell]:
        _check(size, at_least=1)
        if size > CELLS_MAX:
            raise Permanent(f"Ask for at most {CELLS_MAX} cells in each third.", reason="too_large")
        x = f"(p.products_id * t.multiplier % {WORD})"
        with self._turn() as shop:
            state_of(shop)
            q, o, h = shop.quantity(), shop.ordered(), shop.weight()
            cells = [EMPTY] * (3 * size)
            for cell, *sums in shop.server.rows(
                f"SELECT t.third * {size:d} + (({x} DIV 65536) * ({x} DIV 65536) + {x}) % {size:d} AS cell,"
                f" SUM({q.value}), SUM({o.value}), SUM({q.wide} * {h}), SUM({o.wide} * {h})"
                f" FROM {shop.products} p JOIN ({_THIRDS}) t GROUP BY cell ORDER BY NULL"
            ):
                quantity, ordered, quantity_h, ordered_h = (number(value) for value in sums)
                cells[number(cell)] = (quantity, ordered, quantity_h, ordered_h)
            return answers.cells(cells, size)

    def listings(self, after: int, limit: int) -> Page:
        _check(after, at_least=0)
        _check_limit(limit)
        with self._turn() as shop:
            rows = _rows(shop, f"p.products_id > {after:d}", limit + 1)
            return answers.page(Page(rows[:limit], len(rows) > limit), after, limit)

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        _check_list(products, "ids")
        which = f"p.products_id IN ({ids_of(products)})"
        with self._turn() as shop:
            return answers.rows(_rows(shop, which, ROWS_MAX), products) if products else ()

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        _check_list(lines, "lines")
        which = f"l.orders_products_id IN ({ids_of(lines)})"
        with self._turn() as shop:
            shop.server.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            return answers.orders(_lines(shop, which, ROWS_MAX), lines) if lines else ()

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        _check(first, at_least=1)
        _check_changes(changes)
        last, digest = first + len(changes) - 1, digest_of(changes)
        with self._turn() as shop:
            server = shop.server
            state_of(shop)  # makes the table if need be, which would end a transaction
            transactional = shop.transactional()
            shop.quantity()  # all look-ups are done before any lock is taken
            server.run("START TRANSACTION")
            state = state_of(shop, "FOR UPDATE")
            if epoch != state.epoch:
                raise Conflict(
                    "The shop is in another epoch: compare everything, then go on from there.",
                    reason="epoch",
                    epoch=state.epoch,
                )
            results: dict[int, str] = {}
            holder: str | None = self._holder or None
            if (state.last_first, state.last_seq) == (first, last):
                if state.noted.digest not in (None, digest):
                    raise Conflict(
                        "Another batch has these numbers: look for a second OnHand with a copy of this store.",
                        reason="other",
                        last_seq=state.last_seq,
                    )
                outcome = Outcome.ALREADY
                results, holder = state.noted.results, state.noted.holder
            elif state.begun == (first, last):
                outcome = Outcome.CLOSED if close else Outcome.UNFINISHED
            elif state.begun is None and not close and state.last_seq + 1 == first:
                outcome = Outcome.APPLIED
            else:
                raise Conflict(
                    f"The shop expects another batch: its last post was number {state.last_seq}.",
                    reason="gap",
                    last_seq=state.last_seq,
                )
            if outcome is Outcome.APPLIED:
                results = write_at_once(shop, changes) if transactional else write_noted(shop, changes, first, last)
            if outcome in (Outcome.APPLIED, Outcome.CLOSED):
                server.run(
                    f"UPDATE {shop.state} SET last_seq = {last:d}, begun_first = NULL, begun_last = NULL, last_first = {first:d},"
                    f" last_answer = '{Noted(results, digest, holder)}' WHERE id = 1"
                )
            server.run("COMMIT")
            settled = last if outcome is not Outcome.UNFINISHED else state.last_seq
            elsewhere = holder not in (None, self._holder)
            return answers.applied(Applied(outcome, state.epoch, settled, results, elsewhere), first, changes)

    def disconnect(self) -> None:
        self._server.disconnect()
        if self._rowlog is not None:
            self._rowlog.stop()
            self._rowlog = None

    @contextmanager
    def _turn(self, greeting: bool = False) -> Iterator[Tables]:
        """Return the shop's tables, while no other verb is served there. Raise Retriable, Permanent or Conflict."""
        server = self._server
        try:
            with server.turn():
                server.connect()
                if self._prefix is None:
                    self._prefix = prefix_of(server)
                server.lock(self._prefix)
                shop = Tables(server, self._prefix)
                shop.columns()  # without a shop, nothing is asked and OnHand's table is not made
                if not greeting:  # the hello says what is in the way, so that a screen can show it
                    shop.check_obstacle()
                if self._moved is not None and self._rowlog is None:
                    self._rowlog = RowLog(server, self._prefix, self._moved)
                    self._rowlog.start()
                yield shop
                server.run("ROLLBACK")  # ends a read-only transaction, so that no snapshot is kept over a pause
                server.unlock(self._prefix)
        except BaseException as problem:
            server.disconnect()
            if isinstance(problem, OnHandError) and problem.facts.get("reason") == "tables":
                self._prefix = server.address.prefix  # the shop may have moved to another one
            raise


def _version(shop: Tables, places: Collection[str]) -> str:
    """Return the version, if the shop's database has it; '' if not."""
    for known in VERSION_TABLES:
        question = known.question.format(table=shop.name(known.place.split(".")[0]))
        if known.place in places and (row := shop.server.row(question)):
            return text(row[0])[:40]
    return ""


def _lines(shop: Tables, which: str, limit: int) -> tuple[Line, ...]:
    """Return order lines in id order, each with the status of its order and whether that order has a history."""
    rows = shop.server.rows(
        "SELECT l.orders_products_id, l.orders_id, l.products_id, l.products_model,"
        " CAST(ROUND(l.products_quantity) AS SIGNED), o.orders_status"
        f" FROM {shop.name(LINES)} l LEFT JOIN {shop.name('orders')} o ON o.orders_id = l.orders_id"
        f" WHERE {which} ORDER BY l.orders_products_id LIMIT {limit:d}"
    )
    orders, paid = {number(row[1]) for row in rows}, set[int]()
    if orders:
        # One query for all orders: very old shops have no index on this column.
        history = shop.server.rows(
            f"SELECT DISTINCT orders_id FROM {shop.name('orders_status_history')} WHERE orders_id IN ({ids_of(orders)})"
        )
        paid = {number(row[0]) for row in history}
    return tuple(legible.line(_line(row, paid)) for row in rows)


def _line(values: Values, paid: set[int]) -> Line:
    line, order, product, model, quantity, status = values
    return Line(
        line=number(line),
        order=number(order),
        product=number(product),
        model=None if model is None else text(model),
        quantity=number(quantity),
        status=None if status is None else number(status),
        paid=number(order) in paid,
    )


def _rows(shop: Tables, which: str, limit: int) -> tuple[Row, ...]:
    """Return products in id order."""
    state_of(shop)
    q, o = shop.quantity(), shop.ordered()
    rows = shop.server.rows(
        "SELECT p.products_id, p.products_model,"
        f" (SELECT d.products_name FROM {shop.name('products_description')} d WHERE d.products_id = p.products_id"
        f" ORDER BY d.products_name = '', d.language_id <> {shop.default_language():d}, d.language_id LIMIT 1),"
        f" {q.value}, {o.value}, p.products_status, p.products_last_modified,"
        " TIMESTAMPDIFF(SECOND, p.products_last_modified, NOW()),"
        f" ({q.fraction} OR {o.fraction}) + 2 * ({shop.download()})"
        f" FROM {shop.products} p WHERE {which} ORDER BY p.products_id LIMIT {limit:d}"
    )
    derived = shop.derived(number(row[0]) for row in rows)
    # A column that dates every write, not only an admin's, is no evidence of an admin's.
    stamped = shop.columns()["products.products_last_modified"].stamped
    return tuple(legible.row(_row(row, derived, stamped)) for row in rows)


def _row(values: Values, derived: set[int], stamped: bool) -> Row:
    product, model, name, quantity, ordered, status, modified, age, flags = values
    zero = modified is None or modified.startswith(b"0000")
    return Row(
        product=number(product),
        model=None if model is None else text(model),
        name=text(name),
        quantity=number(quantity),
        ordered=number(ordered),
        status=number(status),
        modified=None if zero or stamped else text(modified),
        age=None if zero or age is None else number(age),
        flags=number(flags) + (DERIVED if number(product) in derived else 0),
    )


# The queries


def _check(*numbers: int, at_least: int) -> None:
    if not all(at_least <= asked <= WHOLE_MAX for asked in numbers):
        raise Permanent(f"Ask with whole numbers from {at_least} up.", reason="request")


def _check_limit(limit: int) -> None:
    _check(limit, at_least=1)
    if limit > ROWS_MAX:
        raise Permanent(f"Ask for at most {ROWS_MAX} rows at once.", reason="too_large")


def _check_list(values: Sequence[object], name: str) -> None:
    if len(values) > ROWS_MAX:
        raise Permanent(f"Send at most {ROWS_MAX} {name} at once.", reason="too_large")


def _check_changes(changes: Sequence[Change]) -> None:
    _check_list(changes, "posts")
    if not changes:
        raise Permanent("A batch needs at least one post.", reason="request")
    if len({change.product for change in changes}) < len(changes):
        raise Permanent("A product may stand in a batch once.", reason="request")
    _check(*(change.product for change in changes), at_least=0)
    _check(*(change.delta for change in changes), at_least=-WHOLE_MAX)
