"""Holds the figure for a range of order lines to showing whether they are the known ones."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.shop import (
    DERIVED,
    DOUBTFUL,
    DOWNLOAD,
    FRACTION,
    MENDED,
    WINDOW_PRIME,
    Applied,
    Line,
    Outcome,
    Window,
)

from .test_family import PLAIN

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


def test_stores_and_connectors_have_learned_these_numbers() -> None:
    assert (FRACTION, DOWNLOAD, DERIVED, MENDED, DOUBTFUL) == (1, 2, 4, 8, 16)
    assert WINDOW_PRIME == 65_521


def test_what_a_shop_does_not_say_is_the_usual_case() -> None:
    assert PLAIN.obstacle == ""
    assert Window(1, 7) == Window(1, 7, None)
    assert Line(1, 1, 9, "TEA", 2, 1, paid=True).run == 0
    assert Applied(Outcome.APPLIED, "e1", 7).elsewhere is False


def test_a_line_is_complete_once_it_names_a_product() -> None:
    assert [Line(1, 1, product, "TEA", 2, 1, paid=True).complete for product in (-1, 0, 1)] == [False, False, True]
