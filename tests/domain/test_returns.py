"""Holds changed order lines to what counts of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onhand.domain.lines import LineChange, LineUnits
from onhand.domain.returns import Counted, count
from tests.builders import line, sold


def change(taken: int, back: int, on_line: int, now: int, gone: bool = False) -> LineChange:
    """A line of which so many units are known to be on it, and so many are there now."""
    return LineChange(replace(sold(line(1, on_line)), units=LineUnits(taken, back)), now, gone)


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        (change(5, 0, 5, 8), Counted(LineUnits(8, 0), 3)),
        (change(5, 2, 5, 6), Counted(LineUnits(6, 2), 1)),
        (change(5, 0, 5, 3), Counted(LineUnits(5, 2), 2)),
        (change(5, 0, 5, 0, gone=True), Counted(LineUnits(5, 5), 5)),
        (change(5, 2, 5, 0, gone=True), Counted(LineUnits(5, 5), 3, twice=2)),
        (change(5, 5, 5, 0, gone=True), Counted(LineUnits(5, 5), 0, twice=5)),
        (change(3, 0, 5, 0, gone=True), Counted(LineUnits(3, 3), 3, unbooked=2)),
        (change(3, 1, 5, 0, gone=True), Counted(LineUnits(3, 3), 2, twice=1, unbooked=2)),
        (change(0, 0, 5, 0, gone=True), Counted(LineUnits(0, 0), 0, unbooked=5)),
        (change(3, 0, 5, 4), Counted(LineUnits(3, 0), 0, unbooked=1)),
        (change(5, 0, 5, 5), Counted(LineUnits(5, 0), 0)),
    ],
)
def test_what_counts_of_a_line(told: LineChange, counted: Counted) -> None:
    assert count(told) == counted
