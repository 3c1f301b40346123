"""Holds the sketch to the protocol's own numbers, and decodes to refusing cells that no products can make."""

from __future__ import annotations

from dataclasses import fields
from math import isqrt

import pytest

from onhand.domain.sketch import FIRST_SIZE, SIZES, WORD, Cell, Counters, Sums, cell_of, cells_of, decode, weight


@pytest.mark.parametrize("product", [1, 2, 7, 4711, 99_999, 2**31 - 1, 2**31])
def test_weights_and_cells_are_those_of_the_protocol(product: int) -> None:
    """A connector computes them in SQL, from docs/protocol.md; one digit apart and nothing is ever in step."""
    assert weight(product) == product * 2654435761 % 2**32
    for size in (1, 11, 173, 11_069, 21_845):
        for third, a in enumerate([2246822519, 3266489917, 668265263]):
            x = product * a % 2**32
            y = x // 2**16
            assert cell_of(product, third, size) == third * size + (y * y + x) % size


def test_each_of_the_five_sums_tells_that_something_differs() -> None:
    assert not Sums()
    assert all(Sums(**{each.name: 1}) for each in fields(Sums))


def test_either_counter_tells_that_a_product_differs() -> None:
    assert not Counters(0, 0)
    assert Counters(1, 0)
    assert Counters(0, 1)


H = weight(1)


@pytest.mark.parametrize(
    "cell",
    [
        (2, 0, 2 * H + 1, 0),
        (0, 2, 0, 2 * H + 1),
        (1, 0, WORD + H, 0),
        (1, 0, WORD, 0),
        (1, 0, -1, 0),
        (1, 1, H, weight(2)),
        (1, 0, H, 1),
        (0, 1, 1, H),
    ],
    ids=[
        "split units",
        "split sales",
        "too heavy",
        "a whole word",
        "too light",
        "two weights",
        "sold none",
        "kept none",
    ],
)
def test_a_cell_that_no_product_makes_names_none(cell: Cell) -> None:
    assert decode([cell, cell, cell]) is None


def test_the_least_and_the_greatest_id_are_found() -> None:
    for product in (0, 1, WORD - 1):
        drifted = {product: Counters(-3, 5)}
        assert decode(cells_of(drifted, 11)) == drifted


@pytest.mark.parametrize("units", [{5: -2, 20: 3, 39: 2}, {12: -1, 17: 3, 22: -1, 57: 4}])
def test_a_guess_that_another_one_overtook_is_made_again(units: dict[int, int]) -> None:
    drifts = {product: Counters(amount, 0) for product, amount in units.items()}
    assert decode(cells_of(drifts, len(drifts) - 1)) == drifts


def test_a_guess_that_other_cells_confirm_goes_before_a_smaller_one() -> None:
    drifts = {44: Counters(3, 0), 52: Counters(-2, 0)}
    assert decode(cells_of(drifts, 2)) == drifts


def test_of_equal_guesses_the_one_of_fewer_units_sold_or_kept_goes_first() -> None:
    drifts = {19: Counters(1, 2), 37: Counters(1, 1), 55: Counters(1, 2)}
    assert decode(cells_of(drifts, 2)) == drifts


def test_sizes_are_primes_and_the_first_question_is_the_smallest() -> None:
    assert FIRST_SIZE == SIZES[0] == min(SIZES)
    for size in SIZES:
        assert all(size % divisor for divisor in range(2, isqrt(size) + 1))
