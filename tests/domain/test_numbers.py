"""Holds the reading of numbers to one meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.errors import Refused
from onhand.domain.numbers import DIGITS_MAX, Ambiguous, Mark, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), ("12.0", 12), ("12,00", 12), ("12.0000", 12), ("0.000", 0), ("1234.000", 1234), ("1.234,00", 1234), ("1,234.00", 1234),
        ("1 234", 1234), ("1\u00a0234,0", 1234), ("1'234", 1234), ("1’234.00", 1234), ("1.234.567", 1234567), ("1,234,567", 1234567),
        ("-2", -2), ("\u22122", -2), ("+5", 5), ("１２", 12), (" 7 ", 7), ("007", 7),
    ],
)  # fmt: skip
def test_a_whole_number_is_read_however_it_is_written(text: str, number: int) -> None:
    assert whole(text) == number


@pytest.mark.parametrize("text", ["1.000", "1,000", "12,345", "-1.000", "999.999"])
def test_what_can_be_two_numbers_is_asked_about(text: str) -> None:
    with pytest.raises(Ambiguous) as refused:
        whole(text)
    assert refused.value.facts["ambiguous"] == text
    grouped, fraction = text.lstrip("-").replace(".", "").replace(",", ""), text.lstrip("-")
    assert all(part in refused.value.message for part in (repr(text), f" {grouped} ", f" {fraction}:")), "both readings"


@pytest.mark.parametrize("text", ["x" * 41, "1.000" + 36 * " "])
def test_what_is_refused_is_quoted_as_far_as_a_person_can_use_it(text: str) -> None:
    with pytest.raises(Refused) as refused:
        whole(text)
    assert repr(text[:40]) in refused.value.message
    assert refused.value.facts in ({}, {"ambiguous": text[:40]})


def test_no_number_is_longer_than_any_quantity() -> None:
    assert whole("9" * DIGITS_MAX) == 10**DIGITS_MAX - 1
    assert whole("12." + "0" * (2 * DIGITS_MAX - 3)) == 12
    for text in ("1" + "0" * DIGITS_MAX, "12." + "0" * (2 * DIGITS_MAX - 2), "1" * 2 * DIGITS_MAX):
        with pytest.raises(Refused, match="not a whole number") as refused:
            whole(text)
        assert repr(text[:40]) in refused.value.message


def test_whoever_says_the_decimal_mark_is_understood() -> None:
    assert whole("1.000", Mark.POINT) == whole("1,000", Mark.COMMA) == 1
    assert whole("1.000", Mark.COMMA) == whole("1,000", Mark.POINT) == 1000
    assert whole("1.234", Mark.COMMA) == 1234
    for text, mark in (
        ("1.234", Mark.POINT),
        ("12,0", Mark.POINT),
        ("1.234,00", Mark.POINT),
        ("1,234,567", Mark.COMMA),
    ):
        with pytest.raises(Refused, match="not a whole number"):
            whole(text, mark)


@pytest.mark.parametrize(
    "text",
    ["", "-", "x", "1.5", "12.", ".5", "1e3", "1.2.3", "1,23,456", "--5", "5-", "12 pcs", "1 23", "9" * 10_000, "٫"],
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not a whole number"):
        whole(text)


@given(st.integers(-(10**19), 10**19), st.sampled_from([".", ","]), st.integers(0, 5))
def test_what_a_program_writes_is_read_or_asked_about(number: int, mark: str, zeros: int) -> None:
    text = f"{number}{mark}{'0' * zeros}" if zeros else str(number)
    try:
        assert whole(text) == number
    except Ambiguous:
        assert zeros == 3
        assert abs(number) < 1000
    assert whole(text, Mark(mark)) == number
