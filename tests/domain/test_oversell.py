"""Holds the figure for what cannot be promised to its formula, and its sentence to the figure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onhand.domain.oversell import expected_oversell, oversell_in_words, pace_per_second


def test_the_other_shops_sell_on_for_the_window() -> None:
    assert expected_oversell(0.2, 5.0, 2) == 0.5
    assert expected_oversell(0.2, 5.0, 4) == 0.75
    assert expected_oversell(0.2, 5.0, 1) == 0


@pytest.mark.parametrize(
    ("units", "span", "per_second"),
    [
        (19, timedelta(hours=1), None),  # chance
        (20, timedelta(seconds=100), 0.2),
        (20, timedelta(seconds=1), 20 / 60),  # one large order is no pace
        (20, timedelta(seconds=-5), 20 / 60),  # a clock that was set back
        (2592, timedelta(days=400), 0.001),  # the units are those of 30 days
    ],
)
def test_a_pace_is_that_of_the_time_the_units_were_sold_in(
    units: int, span: timedelta, per_second: float | None
) -> None:
    assert pace_per_second(units, span) == per_second


def test_the_risk_is_said_in_plain_words() -> None:
    said = oversell_in_words(sku="MUG", rate_per_hour=12, window_seconds=1, shops=2, expected_units=1 / 600)
    assert said == (
        "While two shops show the same last unit, both can sell it between two checks (1 s, and the time of a request on "
        "top). At the pace of your best seller (MUG, 12 an hour) that is about 1 unit too many in 600 stock-outs. Checking "
        "more often makes it rarer."
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"shops": 3}, "While 3 shops show the same last unit, each can sell it"),
        ({"window_seconds": 0.2}, "(0.2 s, and"),
        ({"rate_per_hour": 1}, "(MUG, 1 an hour)"),
        ({"rate_per_hour": 0.5}, "(MUG, 12 a day)"),
        ({"rate_per_hour": 0.75}, "(MUG, 18 a day)"),
        ({"rate_per_hour": 1234}, "(MUG, 1,200 an hour)"),
        ({"expected_units": 1 / 12345}, "about 1 unit too many in 12,000 stock-outs."),
        ({"expected_units": 0.5}, "about 1 unit too many in 2 stock-outs."),
        ({"expected_units": 0.51}, "about 0.51 units too many at each stock-out."),
        ({"expected_units": 1.0}, "about 1 unit too many at each stock-out."),
        ({"expected_units": 1234}, "about 1,200 units too many at each stock-out."),
    ],
)
def test_a_figure_is_given_in_the_unit_that_people_can_picture(given: dict[str, float], words: str) -> None:
    plain = {"rate_per_hour": 12, "window_seconds": 1, "shops": 2, "expected_units": 1 / 600}
    assert words in oversell_in_words(sku="MUG", **(plain | given))  # type: ignore[arg-type]
