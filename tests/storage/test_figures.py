"""Tests the figures over time: sales by day, today, latency, depth of the post stack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.domain.carts import Settings
from onhand.domain.listings import Tie
from onhand.domain.shop import Row
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.database import Database
from tests.builders import opened

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path, kept_in: str) -> Iterator[Database]:
    with opened(tmp_path / "store.db", kept_in) as database:
        database.write(lambda books: books.items.add("TEA", "Tea", NOON))
        database.write(lambda books: books.carts.add(Settings("Amber", "http://127.0.0.1:1/o.php"), NOON))
        yield database


def book(store: Database, at: datetime, *units: int, kind: Kind = Kind.SALE, cart: int | None = 1) -> None:
    def write(books) -> None:
        start = books.ledger.last()
        moves = [Movement(1, kind, n, f"test/{start + at_n}", cart) for at_n, n in enumerate(units)]
        bookkeeping.book(books, moves, at)

    store.write(write)


def sales(store: Database, since: datetime, offset: timedelta = timedelta()) -> dict:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    rows = store.read(lambda books: books.figures.sales_by_day(since, [(since, offset)]))
    return {((epoch + day * DAY).strftime("%m-%d"), cart): units for day, cart, units in rows}


def test_sales_by_day_and_cart_exclude_cancellations(store):
    book(store, NOON - 2 * DAY, -3, -2)
    book(store, NOON - 2 * DAY, -4, cart=None)
    book(store, NOON, -5)
    book(store, NOON, 2, kind=Kind.CANCELLATION)
    book(store, NOON, 50, kind=Kind.RECEIPT)
    assert sales(store, NOON - 5 * DAY) == {("03-08", 1): 5, ("03-08", None): 4, ("03-10", 1): 3}


def test_only_movements_since_a_time_are_counted(store):
    for hours in range(40, 0, -1):
        book(store, NOON - timedelta(hours=hours), -1)
    for hours in (0, 1, 7, 39, 40):
        counted = sum(sales(store, NOON - timedelta(hours=hours)).values())
        assert counted == hours
    assert store.read(lambda books: books.figures.today(NOON - timedelta(hours=7)))["units_sold"] == 7


def test_a_day_begins_at_local_midnight(store):
    book(store, datetime(2026, 3, 10, 23, 30, tzinfo=UTC), -1)
    assert sales(store, NOON) == {("03-10", 1): 1}
    assert sales(store, NOON, timedelta(hours=1)) == {("03-11", 1): 1}


def test_samples_are_kept_until_deleted(store):
    for day in range(3):
        store.write(lambda books, day=day: books.figures.sample(NOON + day * DAY))
    assert len(store.read(lambda books: books.figures.samples(NOON))) == 3
    store.write(lambda books: books.figures.forget(NOON + DAY))
    assert len(store.read(lambda books: books.figures.samples(NOON))) == 2


def test_a_sample_has_a_row_for_each_stack_that_is_not_empty_and_one_if_all_are(store):
    other = store.write(lambda books: books.carts.add(Settings("Birch", "http://127.0.0.1:1/p.php"), NOON))
    row = Row(1, "TEA", "Tea", 10, 0, 1, None, None)
    store.write(lambda books: books.listings.insert(other, [row], {1: Tie(1, None)}, aligned=True))
    store.write(lambda books: books.figures.sample(NOON))
    assert [depth for _, _, depth in store.read(lambda books: books.figures.samples(NOON))] == [0]
    book(store, NOON, 5, kind=Kind.RECEIPT, cart=None)
    store.write(lambda books: books.figures.sample(NOON + DAY))
    found = store.read(lambda books: books.figures.samples(NOON + DAY))
    assert [(cart, depth) for _, cart, depth in found] == [(other, 1)]


def test_an_empty_store_has_empty_figures(store):
    today = store.read(lambda books: books.figures.today(NOON))
    assert (today["units_sold"], today["orders"], today["differences_open"]) == (0, 0, 0)
    assert sales(store, NOON) == {}
