"""Measures how fast a backlog goes out: thousands of listings of one cart, all with news at once.

Ours: ``delivering.deliver`` until nothing is due: reading what is due, storing each batch, the request, settling it.
Floor: one bare set-based UPDATE with the same number of (product, change) pairs, over PyMySQL, committed.
Older way: one plain HTTP call per SKU; some hundred are made and the time is scaled to the number of posts.
"""

from __future__ import annotations

from functools import partial

from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping, delivering

from .ground import Driven, Ground, OlderWay, house_of
from .measure import Aim, Finding, in_turns, milliseconds, ratio

BATCH_SIZES = (500, 1000, 2000)
CALLS = 300  # of the older way, in the whole run


def measure(ground: Ground, quick: bool) -> list[Finding]:
    posts, rounds = (2_000, 3) if quick else (10_000, 7)
    with ground.shop(posts) as shop, ground.shop(posts) as beside, house_of(shop) as driven:
        older = OlderWay(beside)
        values = ",".join(f"({product},{product % 5 - 7})" for product in range(1, posts + 1))
        # MariaDB names a list of values after its first row, so that comes as a row of its own.
        statement = (
            f"UPDATE (SELECT 0 AS product, 0 AS delta UNION ALL VALUES {values}) d"
            " JOIN products p ON p.products_id = d.product SET p.products_quantity = p.products_quantity + d.delta"
        )

        def delivered(batch_size: int) -> float:
            _make_news(driven, posts)
            taken = milliseconds(partial(_deliver_all, driven, batch_size))
            return posts / taken * 1000

        def bare() -> float:
            return posts / milliseconds(lambda: beside.sql(statement)) * 1000

        def old() -> float:
            calls = CALLS // rounds
            return calls / milliseconds(lambda: [older.change(n, 1) for n in range(1, calls + 1)]) * 1000

        works = [partial(delivered, size) for size in BATCH_SIZES]
        *ours, floor, today = in_turns(rounds, *works, bare, old)
        here = driven.app.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
        if here != dict(shop.sql("SELECT products_model, products_quantity FROM products")):
            raise RuntimeError("The shop does not show what the books say.")
    work = f"posts applied, backlog of {posts:,}"
    return [
        *(
            ratio(f"{work}, {size} in a batch", "one call per SKU (today)", mine, today, "posts/s", Aim("≥", 50))
            for size, mine in zip(BATCH_SIZES, ours, strict=True)
        ),
        *(
            ratio(f"{work}, {size} in a batch", "one bare UPDATE", mine, floor, "posts/s", Aim("≥", 0.5))
            for size, mine in zip(BATCH_SIZES, ours, strict=True)
        ),
    ]


def _make_news(driven: Driven, posts: int) -> None:
    """Book one movement for every item, as a large delivery or a count does."""
    at = driven.app.clock.now()
    items = driven.app.read(lambda books: sorted(books.items.all()))[:posts]
    movements = [Movement(item, Kind.RECEIPT, 1 + item % 5, f"news/{at.timestamp():.6f}/{item}") for item in items]
    driven.app.database.write(lambda books: bookkeeping.book(books, movements, at))


def _deliver_all(driven: Driven, batch_size: int) -> None:
    with driven.app.at_cart(driven.cart) as (shop, _):
        while delivering.deliver(driven.app.house, driven.cart, shop, batch_size):
            pass
