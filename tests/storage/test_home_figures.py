"""Compares every figure of Home and every chart with the ledger, over random histories."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from onhand.app import App
from onhand.domain.carts import Settings
from onhand.domain.stock import Kind, Movement
from onhand.services import bookkeeping
from onhand.storage.database import create
from onhand.storage.office_tables import samples
from onhand.storage.tables import differences, items, listings, movements, order_lines, phone_orders, posts
from onhand.verbs import VERBS

DAY = timedelta(days=1)
# A zone, and a moment near which its clocks are changed, or that is just before or after its midnight.
PLACES = (
    ("UTC", datetime(2026, 3, 10, 0, 0, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 12, tzinfo=UTC)),  # 23 hours
    ("Europe/Berlin", datetime(2026, 10, 25, 22, 30, tzinfo=UTC)),  # 25 hours
    ("America/New_York", datetime(2026, 11, 5, 3, 59, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 6, 13, 40, tzinfo=UTC)),  # by half an hour
    ("Asia/Kathmandu", datetime(2026, 6, 1, 18, 20, tzinfo=UTC)),
)


@dataclass
class HandClock:
    """A clock that stands still at the end of a history."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


@pytest.fixture
def seed() -> int:
    number = secrets.randbits(32)
    print(f"seed {number}")
    return number


@pytest.fixture
def zone() -> Iterator[object]:
    """Sets the zone of this process."""
    before = os.environ.get("TZ")

    def move(name: str) -> None:
        os.environ["TZ"] = name
        time.tzset()

    yield move
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


@pytest.mark.parametrize(("name", "now"), PLACES)
def test_every_figure_agrees_with_the_ledger(tmp_path: Path, zone, seed: int, name: str, now: datetime) -> None:
    chance = random.Random(seed)
    zone(name)
    create(tmp_path / "store.db")
    with App(tmp_path / "store.db", "test", HandClock(now)) as app:
        fill(app, chance, ZoneInfo(name), now)
        rows = {table.name: app.read(lambda books, table=table: raw(books, table)) for table in TABLES}
        today = VERBS["today"](app, lambda *_: None)
        assert today == today_of(rows, ZoneInfo(name), now)
        for what in ("sales", "differences"):
            drawn = VERBS["chart"](app, lambda *_: None, what=what)
            assert by_day(drawn, ZoneInfo(name)) == days_of(rows, what, ZoneInfo(name), now), what
            midnights = [datetime.fromtimestamp(x, ZoneInfo(name)) for x in drawn["x"]]
            assert all((at.hour, at.minute, at.second) == (0, 0, 0) for at in midnights), what
            assert [at.date() for at in midnights] == last_days(ZoneInfo(name), now)
        for what in ("stack", "latency"):
            drawn = VERBS["chart"](app, lambda *_: None, what=what)
            assert by_time(drawn) == times_of(rows, what, now), what
        # A shop has one place, and so one colour, in all of them.
        places = defaultdict(set)
        for what in ("sales", "differences", "stack", "latency"):
            for series in VERBS["chart"](app, lambda *_: None, what=what)["series"]:
                places[series["label"]].add(series["place"])
        assert all(len(found) == 1 for found in places.values())


# A random history, written through the books where it is booked, and into the tables where a look would have written it.

CARTS = ("Amber", "Birch", "Clove")
TABLES = (movements, order_lines, phone_orders, differences, listings, posts, samples)


def fill(app: App, chance: random.Random, zone: ZoneInfo, now: datetime) -> None:
    def write(books) -> None:
        run = books._connection.execute
        for name in CARTS:
            books.carts.add(Settings(name, "http://127.0.0.1:1/o.php"), now)
        for n in range(1, 4):
            run(insert(items).values(sku=f"S{n}", sku_key=f"s{n}", name="", created_at=0))
        moments = sorted(at(chance, zone, now) for _ in range(150))
        for number, moment_ in enumerate(moments):
            # Now and then a booking overtakes another, or the clock is set back a little.
            booked = min(now, moment_ + timedelta(seconds=chance.choice((0, 0, 0, -40, 40, -1500))))
            kind = chance.choice(tuple(Kind))
            units = chance.randint(1, 9) * (-1 if kind is Kind.SALE else 1)
            cart = chance.choice((None, 1, 2, 3, 77))  # 77 was removed
            bookkeeping.book(books, [Movement(chance.randint(1, 3), kind, units, f"x/{number}", cart)], booked)
        # The same numbers in every cart and in two epochs; some orders get one more line later on.
        for cart in (1, 2, 3):
            line = 0
            for epoch in ("e1", "e2"):
                for order in range(1, chance.randint(2, 25)):
                    for _ in range(chance.choice((1, 1, 2, 3))):
                        line += 1
                        run(insert(order_lines).values(
                            cart_id=cart, epoch=epoch, line=line, order_number=order, product=1, model="S1", quantity=1,
                            status=1, paid=True, state=chance.choice(("sold", "waiting", "restocked")), present=True,
                            seen_at=micros(at(chance, zone, now)),
                        ))  # fmt: skip
        for order in range(chance.randint(1, 20)):
            run(insert(phone_orders).values(number=f"P-{order}", person="", note="", at=micros(at(chance, zone, now))))
        for n in range(1, 40):
            signs = {"news": chance.random() < 0.4, "parked": chance.choice((None, None, "why")), "aligned": True}
            plain = {"sku_key": "", "name": "", "status": 1, "ordered": 0, "sum": 0, "held": 0, "unnamed": 0}
            cart = chance.randint(1, 3)
            run(insert(listings).values(cart_id=cart, product=n, item_id=1, off_by_sale=False, **signs, **plain))
        for n in range(60):
            opened = micros(at(chance, zone, now))
            seen = dict.fromkeys(("seen_quantity", "seen_ordered", "expected_quantity", "expected_ordered"), 0)
            what = {"cause": "unknown", "remedy": "ask", "amount": n, "note": "", "opened_at": opened}
            closed = chance.choice((None, opened + 1))
            run(insert(differences).values(cart_id=chance.randint(1, 3), closed_at=closed, **what, **seen))
        for cart in (1, 2, 3):
            books.carts._set(cart, epoch="e")
            seq, sent = 0, sorted(at(chance, zone, now, days=2) for _ in range(20))
            for stored in sent:
                first, state = seq + 1, chance.choice(("applied", "applied", "sent", "range"))
                for _ in range(chance.randint(1, 3)):
                    seq += 1
                    took = chance.randint(1, 5_000_000)
                    settled = None if state == "sent" else micros(stored) + took
                    run(insert(posts).values(
                        cart_id=cart, epoch="e", seq=seq, first=first, listing_id=1, product=1, delta=1, reactivate=False,
                        state=state, created_at=micros(stored), settled_at=settled,
                    ))  # fmt: skip
            for _ in range(30):
                depth = {name: chance.randint(0, 9) for name in ("waiting", "in_flight", "parked", "differences")}
                run(insert(samples).values(cart_id=cart, at=micros(at(chance, zone, now, days=2)), **depth))

    app.database.write(write)


def at(chance: random.Random, zone: ZoneInfo, now: datetime, days: int = 33) -> datetime:
    """A moment of the last days, as often as not close to a midnight of the zone."""
    found = now - timedelta(seconds=chance.uniform(0, days * 86400))
    if chance.random() < 0.5:
        midnight = datetime.combine(found.astimezone(zone).date(), datetime.min.time(), zone)
        found = midnight.astimezone(UTC) + timedelta(seconds=chance.uniform(-5400, 5400))
    return min(found, now)


def raw(books, table) -> list:
    return [row._asdict() for row in books._connection.execute(select(table))]


# The same by plain counting in Python.


def today_of(rows: dict, zone: ZoneInfo, now: datetime) -> dict:
    today = now.astimezone(zone).date()

    def is_today(at: int) -> bool:
        return moment(at).astimezone(zone).date() == today

    units = Counter()
    for row in rows["movements"]:
        if is_today(row["at"]):
            units[row["kind"]] += row["quantity"]
    first_seen: dict[tuple, int] = {}
    for row in rows["order_lines"]:
        order = row["cart_id"], row["epoch"], row["order_number"]
        first_seen[order] = min(first_seen.get(order, row["seen_at"]), row["seen_at"])
    orders = [*first_seen.values(), *(row["at"] for row in rows["phone_orders"])]
    waiting = [row for row in rows["listings"] if row["news"] and row["aligned"] and row["parked"] is None]
    return {
        "units_sold": -units["sale"] - units["cancellation"],
        "units_received": units["receipt"],
        "orders": sum(is_today(at) for at in orders),
        "differences_open": sum(row["closed_at"] is None for row in rows["differences"]),
        "stack": {
            "waiting": len(waiting),
            "in_flight": sum(row["state"] == "sent" for row in rows["posts"]),
            "parked": sum(row["parked"] is not None for row in rows["listings"]),
        },
    }


def last_days(zone: ZoneInfo, now: datetime) -> list:
    today = now.astimezone(zone).date()
    return [today - back * DAY for back in range(29, -1, -1)]


def days_of(rows: dict, what: str, zone: ZoneInfo, now: datetime) -> dict:
    found: Counter = Counter()
    days = last_days(zone, now)
    for row in rows["movements"] if what == "sales" else rows["differences"]:
        if what == "sales" and row["kind"] not in ("sale", "cancellation"):
            continue
        day = moment(row["at"] if what == "sales" else row["opened_at"]).astimezone(zone).date()
        if day in days:
            cart = row["cart_id"]
            label = "by phone and hand" if cart is None else dict(enumerate(CARTS, 1)).get(cart, "removed carts")
            found[label, day] += -row["quantity"] if what == "sales" else 1
    return {key: number for key, number in found.items() if number}


def by_day(chart: dict, zone: ZoneInfo) -> dict:
    return {
        (series["label"], datetime.fromtimestamp(x, zone).date()): value
        for series in chart["series"]
        for x, value in zip(chart["x"], series["values"], strict=True)
        if value
    }


def times_of(rows: dict, what: str, now: datetime) -> dict:
    points: dict[tuple[str, int], list[float]] = defaultdict(list)
    minutes, since = (15, micros(now - DAY)) if what == "latency" else (5, micros(now - DAY))
    batches: dict[tuple, list[dict]] = defaultdict(list)
    for row in rows["posts"]:
        if row["created_at"] >= since and row["state"] == "applied":
            batches[row["cart_id"], row["first"]].append(row)
    if what == "latency":
        for (cart, _), batch in batches.items():
            begun = min(row["created_at"] for row in batch)
            took = max(row["settled_at"] for row in batch) - begun
            points[CARTS[cart - 1], begun // (minutes * 60_000_000)].append(took / 1e6)
    else:
        for row in rows["samples"]:
            if row["at"] >= since:
                depth = row["waiting"] + row["in_flight"] + row["parked"]
                for cart in CARTS:  # a stack without a row in a time that was sampled was empty
                    mine = cart == CARTS[row["cart_id"] - 1]
                    points[cart, row["at"] // (minutes * 60_000_000)].append(depth if mine else 0)
    unify = median if what == "latency" else max
    return {(label, slot * minutes * 60): round(unify(values), 3) for (label, slot), values in points.items()}


def by_time(chart: dict) -> dict:
    return {
        (series["label"], x): value
        for series in chart["series"]
        for x, value in zip(chart["x"], series["values"], strict=True)
        if value is not None
    }
