"""Holds the figure for a range of order lines to showing whether they are the known ones."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.shop import Window

small = st.integers(0, 2)
windows = st.builds(Window, small, small, st.none() | small)


@given(windows, windows)
@example(Window(1, 7, 3), Window(1, 7, 3))
@example(Window(1, 7, 3), Window(1, 7, 4))
@example(Window(1, 7, 3), Window(2, 7, 3))
@example(Window(1, 7, 3), Window(1, 8, 3))
@example(Window(1, 7), Window(1, 7, 3))
@example(Window(1, 7), Window(2, 7, 3))
@example(Window(1, 7, 3), Window(1, 7))
def test_lines_fit_if_their_count_their_ids_and_what_is_told_of_their_units_are_the_known_ones(
    seen: Window, known: Window
) -> None:
    same_units = seen.weighed is None or seen.weighed == known.weighed
    assert seen.fits(known) == (seen.count == known.count and seen.total == known.total and same_units)
