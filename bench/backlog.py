"""Measures how fast a backlog goes out: thousands of listings of one cart, all with news at once.

Ours: ``ticking.deliver_all`` until nothing is due: reading what is due, storing each batch, the request, settling it.
Floor: one bare set-based UPDATE with the same number of (product, change) pairs, over PyMySQL, committed.
Also shown: the same batches as bare signed requests, ``Endpoint.apply`` alone. This is the part that happens in the shop.
Older way: one plain HTTP call per SKU; some hundred are made and their rate is taken for all. A shop on this very machine is
the kindest case for it, so both are measured once more over a wire that makes the shop seem ``FAR_SECONDS`` away.
"""

from __future__ import annotations

from functools import partial

from onhand.carts.endpoint import Endpoint
from onhand.domain.shop import Change
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping, ticking
from onhand.services.memory import Memory

from .ground import Driven, Ground, OlderWay, Wire, house_of, through
from .measure import Aim, Finding, in_turns, milliseconds, ratio

BATCH_SIZES = (500, 1000, 2000)
DEFAULT = 1000  # the batch size a cart has if nobody sets it
CALLS = 300  # of the older way, in the whole run
FAR_SECONDS = 0.02  # one round trip to a shop in the same country


def measure(ground: Ground, quick: bool) -> list[Finding]:
    posts, rounds = (2_000, 3) if quick else (10_000, 7)
    with (
        ground.shop(posts) as shop,
        ground.shop(posts) as beside,
        house_of(shop) as driven,
        Wire(ground.php.port, FAR_SECONDS) as wire,
    ):
        older, older_far = OlderWay(beside), OlderWay(beside, wire.port)
        client, near, far = beside.shop(), shop.shop(), through(wire, shop)
        seq = client.hello().last_seq + 1
        values = ",".join(f"({product},{product % 5 - 7})" for product in range(1, posts + 1))
        # MariaDB names a list of values after its first row, so that comes as a row of its own.
        statement = (
            f"UPDATE (SELECT 0 AS product, 0 AS delta UNION ALL VALUES {values}) d"
            " JOIN products p ON p.products_id = d.product SET p.products_quantity = p.products_quantity + d.delta"
        )

        def delivered(way: Endpoint, batch_size: int) -> float:
            _make_news(driven, posts)
            taken = milliseconds(partial(_deliver_all, driven, way, batch_size))
            return posts / taken * 1000

        def requests() -> float:
            nonlocal seq
            epoch, taken = client.hello().epoch, 0.0
            for first in range(1, posts, DEFAULT):
                changes = [Change(product, product % 5 - 7) for product in range(first, first + DEFAULT)]
                taken += milliseconds(partial(client.apply, epoch, seq, changes))
                seq += DEFAULT
            return posts / taken * 1000

        def bare() -> float:
            return posts / milliseconds(lambda: beside.sql(statement)) * 1000

        def old(way: OlderWay) -> float:
            calls = (CALLS // 5 if quick else CALLS) // rounds
            return calls / milliseconds(lambda: [way.change(n, 1) for n in range(1, calls + 1)]) * 1000

        works = [partial(delivered, near, size) for size in BATCH_SIZES]
        *ours, sent, floor, today = in_turns(rounds, *works, requests, bare, partial(old, older))
        ours_far, today_far = in_turns(rounds, partial(delivered, far, DEFAULT), partial(old, older_far))
        far.disconnect()
        here = driven.app.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
        if here != dict(shop.sql("SELECT products_model, products_quantity FROM products")):
            raise RuntimeError("The shop does not show what the books say.")
    work = f"posts applied, backlog of {posts:,}"
    away = f"{FAR_SECONDS * 1000:.0f} ms away"
    return [
        *(
            ratio(f"{work}, {size} in a batch", "one call per SKU (today)", mine, today, "posts/s", Aim("≥", 50))
            for size, mine in zip(BATCH_SIZES, ours, strict=True)
        ),
        *(
            ratio(f"{work}, {size} in a batch", "one bare UPDATE", mine, floor, "posts/s", Aim("≥", 0.5))
            for size, mine in zip(BATCH_SIZES, ours, strict=True)
        ),
        ratio(
            f"{work}, {DEFAULT} in a batch, {away}",
            "one call per SKU (today)",
            ours_far,
            today_far,
            "posts/s",
            Aim("≥", 50),
        ),
        ratio(f"{work}, {DEFAULT} in a batch", "the requests alone", ours[BATCH_SIZES.index(DEFAULT)], sent, "posts/s"),
    ]


def _make_news(driven: Driven, posts: int) -> None:
    """Book one movement for every item, as a large delivery or a count does."""
    at = driven.app.clock.now()
    items = driven.app.read(lambda books: sorted(books.items.all()))[:posts]
    movements = [Movement(item, Kind.RECEIPT, 1 + item % 5, f"news/{at.timestamp():.6f}/{item}") for item in items]
    driven.app.database.write(lambda books: bookkeeping.book(books, movements, at))


def _deliver_all(driven: Driven, way: Endpoint, batch_size: int) -> None:
    # As a cart's driver does it when a booking wakes it.
    while ticking.deliver_all(driven.app.house, driven.cart.id, way, batch_size, Memory()):
        pass
