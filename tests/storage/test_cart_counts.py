"""Tests the counts of a cart, which use many small indexes, against a plain scan of every listing."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select

from onhand.domain.carts import Settings
from onhand.storage.tables import differences, items, listings, posts
from tests.builders import opened

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
PROBLEMS = ("unmatched", "duplicate", "blank", "fraction", "download", "deleted", "ignored", "set aside")


def test_the_counts_of_a_cart_are_those_of_its_listings_one_by_one(tmp_path: Path, kept_in: str) -> None:
    chance = random.Random(5)
    with opened(tmp_path / "store.db", kept_in) as store:
        store.write(lambda books: fill(books, chance))
        for cart in (1, 2, 3):
            rows = store.read(lambda books, cart=cart: listed(books, cart))
            free = [row for row in rows if row.problem is None]
            counts = store.read(lambda books, cart=cart: books.reports.cart_counts(cart))
            assert counts == {
                "listings": sum(row.problem != "deleted" for row in rows),
                "in_step": sum(row.aligned for row in free),
                "not_aligned": sum(not row.aligned for row in free),
                "unmatched": sum(row.problem == "unmatched" for row in rows),
                "duplicate": sum(row.problem == "duplicate" for row in rows),
                "blank": sum(row.problem == "blank" for row in rows),
                "untrackable": sum(row.problem in ("fraction", "download") for row in rows),
                "parked": sum(row.parked is not None for row in rows),
                "waiting": sum(row.aligned and row.news and row.parked is None for row in free),
                "in_flight": {1: 1, 2: 2, 3: 0}[cart],
                "held": sum(row.held != 0 for row in rows),
                "switched_off": sum(
                    row.aligned and row.off_when_empty and not (row.status or row.off_by_sale or row.switch_on)
                    for row in free
                ),
                "differences_open": {1: 4, 2: 1, 3: 0}[cart],
                "to_decide": {1: 2, 2: 1, 3: 0}[cart],
                "to_settle": {1: 1, 2: 0, 3: 0}[cart],
                "healing": {1: 1, 2: 0, 3: 0}[cart],
            }


def fill(books, chance: random.Random) -> None:
    """Two carts with listings in every state, and one without any."""
    run = books._connection.execute
    for name in ("Amber", "Birch", "Clove"):
        books.carts.add(Settings(name, "http://127.0.0.1:1/o.php"), NOON)
    for n in range(1, 201):
        run(insert(items).values(sku=f"S{n}", sku_key=f"s{n}", name="", created_at=0))
        for cart in (1, 2):
            problem = chance.choice((None, None, *PROBLEMS))
            known = {"item_id": n, "aligned": chance.random() < 0.6} if problem is None else {"aligned": False}
            signs = {"news": chance.random() < 0.5, "parked": chance.choice((None, "why")), "problem": problem}
            plain = {"sku_key": f"s{n}", "name": "", "ordered": 0, "sum": 0, "unnamed": 0}
            signs |= {name: chance.random() < 0.4 for name in ("off_by_sale", "off_when_empty", "switch_on")}
            signs |= {"status": chance.choice((0, 1)), "held": chance.choice((0, 0, -2, 3))}
            run(insert(listings).values(cart_id=cart, product=n, **plain, **known, **signs))
    for cart, states in ((1, ("sent", "applied")), (2, ("sent", "sent", "missing"))):
        for seq, state in enumerate(states, 1):
            of_batch = {"first": 1, "listing_id": 1, "product": 1, "delta": 1, "reactivate": False, "created_at": 0}
            run(insert(posts).values(cart_id=cart, epoch="e", seq=seq, state=state, **of_batch))
    opened = ((1, None, "ask"), (1, None, "ask"), (1, None, "show"), (1, None, "post"), (1, 5, "ask"), (2, None, "ask"))
    for cart, closed, remedy in (*opened, (2, 5, "show")):
        seen = dict.fromkeys(("seen_quantity", "seen_ordered", "expected_quantity", "expected_ordered"), 0)
        plain = {"cause": "unknown", "remedy": remedy, "amount": 1, "opened_at": 1, "note": "", **seen}
        run(insert(differences).values(cart_id=cart, closed_at=closed, **plain))


def listed(books, cart: int) -> list:
    return books._connection.execute(select(listings).where(listings.c.cart_id == cart)).all()
