"""Surveys a shop: reads all its products as of one exact moment.

Path: ``aligning`` takes a baseline with it.
Promise: every product's sum was seen twice, one settling time apart; trade in between is followed.
Never: changes anything on either side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onhand.domain import sketch
from onhand.domain.errors import Retriable
from onhand.domain.shop import Look, Row
from onhand.domain.sketch import Counters, Sums

from . import refreshing
from .ports import ROWS_MAX, House, Shop

BEYOND = 2**31  # above every order line id
PATIENCE_SECONDS = 60.0  # how long a survey may take beyond the settling time, on a shop that is never quiet

Progress = Callable[[str, int, int], None]  # phase, done, of how many (0: not known)


@dataclass(frozen=True, slots=True)
class Survey:
    """A shop at one exact moment."""

    rows: dict[int, Row]
    line: int  # the highest order line at that moment


def survey(house: House, shop: Shop, settle_seconds: float, progress: Progress) -> Survey:
    """Return the whole shop at one exact moment, with every product's sum seen twice. Raise Retriable if the shop is never quiet enough."""
    rows = {row.product: row for row in refreshing.all_rows(shop, lambda done: progress("reading", done, 0))}
    clock = house.clock
    started = unsettled_since = clock.monotonic()
    while clock.monotonic() - started < settle_seconds + PATIENCE_SECONDS:
        look = shop.look(BEYOND, BEYOND, 1, True, False)
        if look.sums == Sums.total(Sums.of(r.product, r.quantity, r.ordered, 1) for r in rows.values()):
            waited = clock.monotonic() - unsettled_since
            if waited >= settle_seconds:
                return Survey(rows, look.last_line)
            progress("settling", int(100 * waited), int(100 * settle_seconds))
            clock.sleep(min(0.25, settle_seconds - waited))
        elif _catch_up(shop, rows, look):
            unsettled_since = clock.monotonic()
    raise Retriable(
        "The shop's counts did not hold still long enough to align; try again at a quieter time.", reason="busy"
    )


def _catch_up(shop: Shop, rows: dict[int, Row], look: Look) -> bool:
    """Bring a survey up to date; return whether a sum changed, which honest trade does not do."""
    products = None
    if look.sums is not None and look.sums.count == len(rows):
        products = _drifted(shop, rows)
    fresh = refreshing.all_rows(shop) if products is None else shop.rows(sorted(products)[:ROWS_MAX])
    changed = False
    for row in fresh:
        before = rows.get(row.product)
        changed = changed or before is None or before.sum != row.sum
        rows[row.product] = row
    if products is None:
        for product in rows.keys() - {row.product for row in fresh}:
            del rows[product]
            changed = True
    return changed


def _drifted(shop: Shop, rows: dict[int, Row]) -> set[int] | None:
    counters = {row.product: Counters(row.quantity, row.ordered) for row in rows.values()}
    for size in sketch.SIZES:
        found = sketch.decode(sketch.difference(shop.cells(size), sketch.cells_of(counters, size)))
        if found is not None:
            return set(found) if found.keys() <= rows.keys() else None
    return None
