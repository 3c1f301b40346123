"""Verbs for charts: what happened over time, as numbers to draw.

Path: Home and the charts' addresses call these by name.
Promise: a chart has at most a few hundred points, regardless of the size of the store.
Never: writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
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
SERIES = 8  # carts with a line of their own in a chart; more cannot be told apart
REMOVED = 0  # no cart has this number
OTHERS = -1  # nor this one: all carts without a line of their own
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
    if asked.what in ("sales", "differences"):
        return _by_day(app, now, names, asked.what)
    return _by_minute(app, now, names, asked.what == "latency")


def _by_minute(app: App, now: datetime, names: dict[int, str], latency: bool) -> Data:
    """Return one line per cart for the last day: the latency of posts, or the depth of the post stack."""
    since = now - timedelta(days=1)
    minutes = LATENCY_MINUTES if latency else STACK_MINUTES
    unify, unit = (median, "s") if latency else (max, "posts")
    missing = None if latency else 0  # a stack that is empty is not sampled
    taken = (_latencies if latency else _depths)(app, names, since)
    own = _busiest(names, Counter(cart for cart, _, value in taken if value))
    points: dict[int, dict[int, list[float]]] = {cart: defaultdict(list) for cart in own}
    for cart, at, value in taken:
        points[cart if cart in own else OTHERS][at // (minutes * 60_000_000)].append(value)
    slots = sorted({slot for of_cart in points.values() for slot in of_cart})

    def values(cart: int) -> list[Any]:
        return [round(unify(points[cart][slot]), 3) if slot in points[cart] else missing for slot in slots]

    return {
        "x": [slot * minutes * 60 for slot in slots],
        "series": [_series(label, place, values(cart)) for cart, (label, place) in own.items()],
        "unit": unit,
        "from": int(since.timestamp()),
        "to": int(now.timestamp()),
    }


def _busiest(names: Mapping[int, str], weights: Mapping[int, int]) -> dict[int, tuple[str, int | None]]:
    """Return the carts that get a line of their own, each with its label and its place: all if they fit, else those with most to show."""
    places = {cart: (name, place) for place, (cart, name) in enumerate(names.items())}
    if len(names) <= SERIES:
        return {**places}
    chosen = set(sorted(names, key=lambda cart: -weights.get(cart, 0))[: SERIES - 1])
    return {**{cart: at for cart, at in places.items() if cart in chosen}, OTHERS: ("other carts", None)}


def _line_of(cart: int | None, own: Mapping[int, object], names: Mapping[int, str]) -> int | None:
    """Return the line that shows a cart's numbers; None for what no shop did."""
    if cart is None or cart in own:
        return cart
    return OTHERS if cart in names else REMOVED


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
    weights: Counter[int] = Counter()
    for _, cart, number in rows:
        weights[cart or REMOVED] += abs(number)
    own = {**_busiest(names, weights), REMOVED: ("removed carts", len(names))}
    found: dict[int | None, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for day, cart, number in rows:
        found[_line_of(cart, own, names)][day] += number
    shown: list[tuple[str, int | None, dict[int, int]]] = [
        (label, place, found[cart]) for cart, (label, place) in own.items() if cart in found
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
