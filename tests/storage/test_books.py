"""Tests the books: sums and cells, windows, posts, reports and their limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onhand.domain.carts import Settings
from onhand.domain.listings import Problem, Tie
from onhand.domain.orders import LineState
from onhand.domain.posts import Batch, Post, State
from onhand.domain.shop import Window
from onhand.domain.sketch import Counters, Sums, cells_of
from onhand.domain.stock import Kind, Movement, Source
from onhand.storage import ledger, listings, reports
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database
from onhand.storage.hot import Hot
from onhand.storage.times import micros, moment
from tests.builders import line, opened, row

AT = datetime(2026, 1, 1, tzinfo=UTC)
EXTREME = 2**31 - 1


@pytest.fixture
def store(tmp_path: Path, kept_in: str) -> Iterator[Database]:
    with opened(tmp_path / "store.db", kept_in) as database:
        yield database


def cart(store: Database, name: str = "Amber") -> int:
    own = Settings(name, "http://127.0.0.1:1/onhand.php", "k", "5e" * 32)
    return store.write(lambda books: books.carts.add(own, AT))


def list_up(store: Database, at: int, shelf: dict[int, Counters]) -> None:
    rows = [row(product, c.quantity, c.ordered) for product, c in shelf.items()]
    ties = {product: Tie(None, Problem.UNMATCHED) for product in shelf}
    store.write(lambda books: books.listings.insert(at, rows, ties, aligned=False))


def test_listings_and_items_come_in_pages(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    number, other = cart(store), cart(store, "Birch")
    list_up(store, number, {product: Counters(1, 0) for product in range(1, 6)})
    list_up(store, other, {product: Counters(1, 0) for product in range(1, 4)})
    store.write(lambda books: books.items.add_all([(f"S{n}", "") for n in range(5)], AT))
    monkeypatch.setattr(listings, "PAGE", 2)
    monkeypatch.setattr(ledger, "PAGE", 2)
    pages = store.read(lambda books: [[x.product for x in page] for page in books.listings.pages(number)])
    assert pages == [[1, 2], [3, 4], [5]]
    assert store.read(lambda books: [item.sku for item in books.items.each()]) == [f"S{n}" for n in range(5)]


def test_a_page_may_be_changed_before_the_next_one_is_read(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    number = cart(store)
    list_up(store, number, {product: Counters(1, 0) for product in range(1, 6)})
    monkeypatch.setattr(listings, "PAGE", 2)

    def forget_all(books: SqlBooks) -> list[int]:
        seen = []
        for page in books.listings.pages(number):
            seen += [listing.product for listing in page]
            books.listings.forget(number, [listing.product for listing in page])
        return seen

    assert store.write(forget_all) == [1, 2, 3, 4, 5]
    assert store.read(lambda books: {x.problem for x in books.listings.all(number)}) == {Problem.DELETED}


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (listings._CLEAR_NEWS, {"ids": "[1]"}),
        (listings._BY_ID, {"ids": "[1]"}),
        (listings._OF_PRODUCTS, {"cart": 1, "products": "[1]"}),
        (listings._DUE, {"cart": 1, "limit": 1}),
        (listings._PAGE, {"cart": 1, "after": 0, "limit": 1}),
    ],
)
def test_no_hot_statement_about_listings_reads_or_sorts_all_of_them(tmp_path, statement: Hot, values: dict) -> None:
    def plan(books: SqlBooks) -> str:
        connection = books.listings._connection
        how, driver = statement._for(connection)
        rows = driver.execute(f"EXPLAIN QUERY PLAN {how.text}", how.bound({**how.fixed, **values})).fetchall()
        return "\n".join(row[3] for row in rows)

    with opened(tmp_path / "store.db", "sqlite") as database:
        told = database.read(plan)
    assert "SCAN listings" not in told, told
    assert "ORDER BY" not in told, told


extremes = st.integers(-EXTREME - 1, EXTREME) | st.sampled_from([-EXTREME - 1, EXTREME])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(1, EXTREME), st.builds(Counters, extremes, extremes), max_size=40),
    st.sampled_from([1, 12, 48, 1000]),
)
def test_cells_and_sums_are_those_of_the_sketch(store: Database, shelf: dict[int, Counters], size: int) -> None:
    number = cart(store, f"Cart {store.read(lambda books: len(books.carts.all()))}")
    list_up(store, number, shelf)
    assert store.read(lambda books: books.listings.cells(number, size)) == cells_of(shelf, size)
    total = Sums.total(Sums.of(product, c.quantity, c.ordered, 1) for product, c in shelf.items())
    assert store.read(lambda books: books.listings.sums(number)) == total


def test_many_products_at_the_edge_of_the_column_do_not_overflow(store: Database) -> None:
    number = cart(store)
    shelf = {EXTREME - n: Counters(EXTREME, EXTREME) for n in range(5000)}
    list_up(store, number, shelf)
    assert store.read(lambda books: books.listings.cells(number, 1)) == cells_of(shelf, 1)


def test_deleted_listings_are_not_counted(store: Database) -> None:
    number = cart(store)
    list_up(store, number, {1: Counters(5, 1), 2: Counters(7, 0)})
    store.write(lambda books: books.listings.forget(number, [1]))
    assert store.read(lambda books: books.listings.sums(number)) == Sums.of(2, 7, 0, 1)
    assert store.read(lambda books: books.listings.of(number, [1, 2])).keys() == {2}


def test_sums_larger_than_64_bits_are_kept_exactly(store: Database) -> None:
    number = cart(store)
    huge = Sums(1, 2**70, -(2**71), 2**90 + 1, -1)
    store.write(lambda books: books.carts.move_sums(number, huge))
    store.write(lambda books: books.carts.move_sums(number, Sums(quantity_h=-1)))
    assert store.read(lambda books: books.carts.get(number)).sums == huge - Sums(quantity_h=1)


def test_a_line_is_stored_once_per_cart_and_epoch(store: Database) -> None:
    number = cart(store)
    source, later = Source(number, "a"), Source(number, "b")
    lines = [line(3), line(1), line(2)]
    assert store.write(lambda books: books.lines.record(source, lines, AT)) == lines
    assert store.write(lambda books: books.lines.record(source, [line(2), line(4)], AT)) == [line(4)]
    assert store.write(lambda books: books.lines.record(later, [line(2)], AT)) == [line(2)]
    assert store.read(lambda books: books.lines.window(source, 1, 4)) == Window(3, 9, 12)
    store.write(lambda books: books.lines.vanish(source, [3], AT))
    assert store.read(lambda books: books.lines.window(source, 1, 4)) == Window(2, 6, 8)
    assert store.read(lambda books: books.lines.window(source, 4, 99)) == Window(0, 0, 0)
    store.write(lambda books: books.lines.mark(source, [1], LineState.SOLD))
    assert [x.line for x in store.read(lambda books: books.lines.waiting(source, [1]))] == [4, 2]
    assert [x.line for x in store.read(lambda books: books.lines.sold(source, [1], 10))] == [1]


def test_a_batch_is_pending_until_it_is_settled(store: Database) -> None:
    number = cart(store)
    list_up(store, number, {1: Counters(5, 0), 2: Counters(7, 0)})
    first, second = (x.id for x in store.read(lambda books: books.listings.all(number)))
    batch = Batch("e", (Post(1, first, 1, 4, reactivate=True), Post(2, second, 2, -1, reactivate=False)))
    store.write(lambda books: books.posts.add(number, batch, AT))
    assert store.read(lambda books: books.posts.pending(number)) == batch
    store.write(lambda books: books.posts.settle(number, batch, {2: State.RANGE}, AT))
    store.write(lambda books: books.listings.landed(number, "e", 1, 2))
    assert store.read(lambda books: books.posts.pending(number)) is None
    assert [x.sum for x in store.read(lambda books: books.listings.all(number))] == [9, 7]
    assert store.read(lambda books: books.posts.of_listing(first, AT, 9)) == [(AT, 4)]
    assert store.read(lambda books: books.posts.of_listing(second, AT, 9)) == []


def test_more_ids_than_fit_in_one_statement(store: Database) -> None:
    number = cart(store)
    list_up(store, number, {n: Counters(n, 0) for n in range(1, 3001)})
    assert len(store.read(lambda books: books.listings.of(number, range(1, 3001)))) == 3000
    ids = [x.id for x in store.read(lambda books: books.listings.all(number))]
    store.write(lambda books: books.listings.align(number, ids))
    assert all(x.aligned for x in store.read(lambda books: books.listings.all(number)))


def test_a_cart_name_is_unique_in_any_case(store: Database) -> None:
    cart(store)
    with pytest.raises(Exception, match="already"):
        cart(store, " AMBER ")
    assert store.read(lambda books: books.carts.named("amber ")).name == "Amber"
    with pytest.raises(Exception, match="There are: Amber"):
        store.read(lambda books: books.carts.named("Birch"))


def test_every_report_answers_on_empty_and_on_filled_books(store: Database) -> None:
    for _ in range(2):
        for cart_id in (None, 1):
            store.read(lambda books, c=cart_id: books.stack.posts(c, "sent", 5))
            store.read(lambda books, c=cart_id: books.stack.waiting(c, 5))
            store.read(lambda books, c=cart_id: books.reports.differences(c, True, 5))
        store.read(lambda books: books.orders.page(5))
        store.read(lambda books: books.inventory.page(5, search="a%_"))
        store.read(lambda books: books.reports.cart_counts(1))
        store.read(lambda books: books.products.page(1, "any", 0, 5))
        number = cart(store, f"Cart {store.read(lambda books: len(books.carts.all()))}")
        list_up(store, number, {1: Counters(1, 1)})
        store.write(lambda books, n=number: books.lines.record(Source(n, "a"), [line(1)], AT))
        item = store.write(lambda books, n=number: books.items.add(f"TEA {n}", "", AT))
        store.write(lambda books, n=number, i=item: books.phone_orders.add(f"P-{n}", "", "", [(i, 1)], AT))
    orders = store.read(lambda books: books.orders.page(50))
    assert sorted((x.cart or 0, x.number) for x in orders) == [(0, "P-1"), (0, "P-2"), (1, "1"), (2, "1")]


def test_items_are_found_by_any_part_in_any_case(store: Database) -> None:
    store.write(lambda books: books.items.add("Äpfel-1", "Rote Äpfel", AT))
    store.write(lambda books: books.items.add("100%", "all of it", AT))
    for search in ("äPF", "apf", "rote"):
        found = store.read(lambda books, s=search: books.inventory.page(9, search=s))
        assert [item["sku"] for item in found] == ([] if search == "apf" else ["Äpfel-1"]), search
    assert [x["sku"] for x in store.read(lambda books: books.inventory.page(9, search="%"))] == ["100%"]


@given(st.integers(0, 2**57))
def test_times_are_kept_to_the_microsecond(value: int) -> None:
    assert micros(moment(value)) == value
    assert moment(value).tzinfo is UTC


def test_the_best_seller_is_the_item_that_carts_sold_most_recently(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea, mug, pot = (store.write(lambda books, sku=sku: books.items.add(sku, "", AT)) for sku in ("TEA", "MUG", "POT"))
    month_ago, day = AT - timedelta(days=30), timedelta(days=1)

    def sold(item: int, units: int, at: datetime, cart: int | None = 1) -> None:
        origin = f"sale/{item}/{at}/{cart}"
        store.write(lambda books: books.ledger.append([Movement(item, Kind.SALE, -units, origin, cart)], at))

    def best() -> tuple[str, int, datetime] | None:
        return store.read(lambda books: books.reports.best_seller(month_ago))

    assert best() is None
    sold(pot, 90, AT, cart=None)  # by phone: no shop showed it
    store.write(lambda books: books.ledger.append([Movement(pot, Kind.RETURN, 90, "return", 1)], AT))
    assert best() is None
    sold(tea, 50, month_ago - day)  # too long ago to count, but trade had begun
    sold(tea, 3, AT)
    sold(mug, 2, month_ago)
    sold(mug, 2, AT, cart=2)
    assert best() == ("MUG", 4, month_ago - day)
    sold(tea, 2, AT + day)
    assert best() == ("TEA", 5, month_ago - day)
    monkeypatch.setattr(reports, "SALES_READ", 3)
    assert best() == ("MUG", 4, month_ago)
