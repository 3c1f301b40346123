"""Estimates how much is oversold because two shops show the same last unit: the one thing that cannot be promised.

Path: ``verbs.office`` asks for the figure; the command line and Home show the sentence made here.
Promise: the figure rests on the merchant's own sales, shops and ticks.
Never: covers other causes of overselling: a shop that allows it, is down, or is switched off.
"""

from __future__ import annotations

from datetime import timedelta

SALES_REACH = timedelta(days=30)  # sales older than this say nothing about today's pace
SALES_SPAN_LEAST = timedelta(minutes=1)  # so that one large order of this moment is not taken for a pace
UNITS_LEAST = 20  # fewer units sold than this are chance, not a pace


def expected_oversell(units_per_second: float, window_seconds: float, shops: int) -> float:
    """Return the units sold too many per stock-out of an item that sells at this pace over all shops together.

    After one shop sold the last unit, the others go on selling it for the window: from the sale until they show it. With equal shares, all
    shops but one have ``1 - 1/shops`` of the demand.
    """
    return units_per_second * window_seconds * (1 - 1 / shops)


def pace_per_second(units: int, since_first_sale: timedelta) -> float | None:
    """Return the units sold per second, given those sold within ``SALES_REACH``; None if too few were sold to tell."""
    if units < UNITS_LEAST:
        return None
    return units / min(max(since_first_sale, SALES_SPAN_LEAST), SALES_REACH).total_seconds()


def oversell_in_words(
    *, sku: str, rate_per_hour: float, window_seconds: float, shops: int, expected_units: float
) -> str:
    """Return a sentence on what cannot be promised and how much that is, for the people whose shops these are."""
    who = "two shops show the same last unit, both" if shops == 2 else f"{shops} shops show the same last unit, each"
    pace = f"{_rough(rate_per_hour)} an hour" if rate_per_hour >= 1 else f"{_rough(rate_per_hour * 24)} a day"
    if expected_units > 0.5:
        units = _rough(expected_units)
        size = f"{units} {'unit' if units == '1' else 'units'} too many at each stock-out"
    else:
        size = f"1 unit too many in {_rough(1 / expected_units)} stock-outs"
    return (
        f"While {who} can sell it between two checks ({window_seconds:g} s, and the time of a request on top). "
        f"At the pace of your best seller ({sku}, {pace}) that is about {size}. Checking more often makes it rarer."
    )


def _rough(number: float) -> str:
    """Return a number rounded to two digits: more would claim more than is known."""
    return f"{float(f'{number:.2g}'):,.10g}"
