"""Verbs for charts: what happened over time, as numbers to draw.

Path: Home and the charts' addresses call these by name.
Promise: a chart has at most a few hundred points, regardless of the size of the store.
Never: writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

from onhand.app import App
from onhand.requests import figures as requests
from onhand.wire import Data

from .registry import cart_names, verb

LATENCY_MINUTES = 15  # per point, which is the median of its batches
STACK_MINUTES = 5  # per point, which is its deepest sample
DAYS = 30
REMOVED = 0  # no cart has this number
EPOCH = date(1970, 1, 1)
QUARTER = timedelta(minutes=15)
BY_HAND = "by phone and hand"


@verb(requests.Today)
def today(app: App, _: requests.Today) -> Data:
    midnight = _midnight(app.clock.now().astimezone().date())
    return app.read(lambda books: books.figures.today(midnight))


def _latencies(app: App, names: Collection[int], since: datetime) -> list[tuple[int, int, float]]:
    """Return the latency of posts, as (cart, microseconds since 1970, seconds)."""
    found = app.read(lambda books: {cart: books.figures.latencies(cart, since) for cart in names})
    return [(cart, at, took / 1e6) for cart, batches in found.items() for at, took in batches]


def _depths(app: App, names: Collection[int], since: datetime) -> list[tuple[int, int, float]]:
    """Return the number of waiting posts, as (cart, microseconds since 1970, posts)."""
    found = app.read(lambda books: books.figures.samples(since))
    return [(cart, at, depth) for at, cart, depth in found if cart in names]


@verb(requests.Chart)
def chart(app: App, asked: requests.Chart) -> Data:
    now = app.clock.now()
    names = cart_names(app)
    if asked.what == "sales":
        return _by_day(app, now, names, "sales")
    if asked.what == "differences":
        return _by_day(app, now, names, "differences")
    since, latency = now - timedelta(days=1), asked.what == "latency"
    minutes = LATENCY_MINUTES if latency else STACK_MINUTES
    unify, unit = (median, "s") if latency else (max, "posts")
    points: dict[int, dict[int, list[float]]] = {cart: defaultdict(list) for cart in names}
    for cart, at, value in (_latencies if latency else _depths)(app, names, since):
        points[cart][at // (minutes * 60_000_000)].append(value)
    slots = sorted({slot for of_cart in points.values() for slot in of_cart})
    return {
        "x": [slot * minutes * 60 for slot in slots],
        "series": [
            _series(
                names[cart],
                place,
                [round(unify(points[cart][slot]), 3) if slot in points[cart] else None for slot in slots],
            )
            for place, cart in enumerate(names)
        ],
        "unit": unit,
        "from": int(since.timestamp()),
        "to": int(now.timestamp()),
    }


def _by_day(app: App, now: datetime, names: dict[int, str], what: str) -> Data:
    """Return one bar per day and cart for the last ``DAYS`` days."""
    today = now.astimezone().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = _midnight(days[0])
    offsets = _offsets(since, now)
    rows = app.read(
        lambda books: (
            books.figures.sales_by_day(since, offsets)
            if what == "sales"
            else books.figures.differences_by_day(since, offsets)
        )
    )
    found: dict[int | None, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for day, cart, number in rows:
        found[cart if cart is None or cart in names else REMOVED][day] += number
    known = [*names.items(), (REMOVED, "removed carts")]
    shown: list[tuple[str, int | None, dict[int, int]]] = [
        (label, place, found[cart]) for place, (cart, label) in enumerate(known) if cart in found
    ]
    if None in found:
        shown.append((BY_HAND, None, found[None]))
    numbers = [(day - EPOCH).days for day in days]
    return {
        "x": [int(_midnight(day).timestamp()) for day in days],
        "series": [_series(name, place, [of_day[day] for day in numbers]) for name, place, of_day in shown],
        "unit": "units" if what == "sales" else "differences",
        "bars": True,
    }


def _series(label: str, place: int | None, values: list[Any]) -> Data:
    """Return one series of a chart. ``place`` is the cart's index, the same in every chart; None: not a shop's."""
    return {"label": label, "place": place, "values": values}


def _midnight(day: date) -> datetime:
    """Return the time at which a day began in this machine's time zone."""
    return datetime.combine(day, time()).astimezone()


def _offsets(since: datetime, until: datetime) -> list[tuple[datetime, timedelta]]:
    """Return this machine's UTC offsets between two times, each with the time it began. Clocks change at a quarter hour."""
    found: list[tuple[datetime, timedelta]] = []
    at = since.astimezone(UTC)
    while at <= until:
        offset = at.astimezone().utcoffset() or timedelta()
        if not found or found[-1][1] != offset:
            found.append((at, offset))
        at += QUARTER
    return found
