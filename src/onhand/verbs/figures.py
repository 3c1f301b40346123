"""Verbs for pictures: what happened over time, as numbers a chart draws.

Path: Home and the charts' addresses call these by name.
Promise: a chart has at most some hundred points, whatever the size of the store.
Never: writes.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from onhand.app import App
from onhand.domain.people import Scope

from .registry import Data, cart_names, verb

LATENCY_MINUTES = 15  # of one point: the median of the batches in it
STACK_MINUTES = 5  # of one point: the deepest sample in it
DAYS = 30
BY_HAND = "by phone and hand"


@verb(Scope.READ)
def today(app: App) -> Data:
    """What was sold, ordered and received since midnight, and what is open now."""
    midnight = app.clock.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return app.read(lambda books: books.figures.today(midnight))


@verb(Scope.READ)
def chart(app: App, what: Literal["latency", "sales", "stack", "differences"]) -> Data:
    """Numbers for one chart: ``x`` in seconds since 1970, and a series of as many values per cart; null where there is none.

    ``from`` and ``to`` are what the picture spans, in seconds, where that is more than its points."""
    now = app.clock.now()
    names = cart_names(app)
    if what == "sales":
        return _by_day(app, now, names, "sales")
    if what == "differences":
        return _by_day(app, now, names, "differences")
    since = now - timedelta(days=1)
    minutes = LATENCY_MINUTES if what == "latency" else STACK_MINUTES
    points: dict[int, dict[int, list[float]]] = {cart: defaultdict(list) for cart in names}
    if what == "latency":
        found = app.read(lambda books: {cart: books.figures.latencies(cart, since) for cart in names})
        for cart, batches in found.items():
            for at, took in batches:
                points[cart][at // (minutes * 60_000_000)].append(took / 1e6)
    else:
        for at, cart, depth in app.read(lambda books: books.figures.samples(since)):
            if cart in points:
                points[cart][at // (minutes * 60_000_000)].append(depth)
    unify = median if what == "latency" else max
    slots = sorted({slot for of_cart in points.values() for slot in of_cart})
    return {
        "x": [slot * minutes * 60 for slot in slots],
        "series": [
            {"label": names[cart], "values": [round(unify(at[slot]), 3) if slot in at else None for slot in slots]}
            for cart, at in points.items()
        ],
        "unit": "s" if what == "latency" else "posts",
        "from": int(since.timestamp()),
        "to": int(now.timestamp()),
    }


def _by_day(app: App, now: datetime, names: dict[int, str], what: str) -> Data:
    """One bar per day and cart for the last ``DAYS`` days."""
    local = now.astimezone()
    offset = local.utcoffset() or timedelta()
    last = (int(now.timestamp()) + int(offset.total_seconds())) // 86400
    days = range(last - DAYS + 1, last + 1)
    since = now - timedelta(days=DAYS)
    rows = app.read(
        lambda books: (
            books.figures.sales_by_day(since, offset)
            if what == "sales"
            else books.figures.differences_by_day(since, offset)
        )
    )
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for day, cart, number in rows:
        label = BY_HAND if cart is None else names.get(cart, "removed carts")
        found[label][day] += number
    return {
        "x": [day * 86400 - int(offset.total_seconds()) for day in days],
        "series": [{"label": label, "values": [of_day.get(day, 0) for day in days]} for label, of_day in found.items()],
        "unit": "units" if what == "sales" else "differences",
        "bars": True,
    }
