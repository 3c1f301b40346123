"""Holds orders to what may come back of them, and to one word for where they stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onhand.domain.errors import Refused
from onhand.domain.orders import LINES_MAX, LineState, Order, OrderLine
from onhand.domain.stock import Kind, Movement

from .refusing import facts_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
SOLD = OrderLine(1, "TEA", "Tea", 7, 3, LineState.SOLD)


def order(*lines: OrderLine, cart: int | None = None) -> Order:
    return Order("T-1", AT, lines or (SOLD,), cart, "e1" if cart else "", 0 if cart else 5)


@pytest.mark.parametrize(
    ("line", "word", "left"),
    [
        (SOLD, "sold", 3),
        (replace(SOLD, returned=1), "partly returned", 2),
        (replace(SOLD, returned=3), "returned", 0),
        (replace(SOLD, cancelled=3), "cancelled", 0),
        (replace(SOLD, cancelled=2, returned=1), "returned", 0),
        (replace(SOLD, present=False), "sold", 3),
        (replace(SOLD, item=None), "sold", 0),
        (replace(SOLD, state=LineState.WAITING), "waiting", 0),
        (replace(SOLD, state=LineState.WAITING, present=False), "deleted", 0),
        (replace(SOLD, state=LineState.RESTOCKED), "cancelled", 0),
        (replace(SOLD, state=LineState.UNTRACKED), "not kept", 0),
    ],
)
def test_a_line_says_where_it_stands_and_what_is_left_of_it(line: OrderLine, word: str, left: int) -> None:
    assert (line.word, line.left) == (word, left)
    assert order(line).word == word


def test_an_order_says_the_most_pressing_of_its_lines() -> None:
    waiting, cancelled = replace(SOLD, line=2, state=LineState.WAITING), replace(SOLD, line=3, cancelled=3)
    assert order(SOLD, waiting, cancelled).word == "partly waiting"
    assert order(SOLD, cancelled).word == "partly cancelled"
    assert order(SOLD, replace(SOLD, line=2)).word == "sold"
    assert order(SOLD, replace(SOLD, line=2, returned=1)).word == "partly returned"
    assert order(SOLD, replace(SOLD, line=2, returned=3)).word == "partly returned"


def test_what_comes_back_is_one_fact_each_time() -> None:
    first = order().coming_back(SOLD, 1, "Ida", "too small")
    assert first == Movement(7, Kind.RETURN, 1, "phone/5/1/returned/1", None, "T-1", 1, "too small", "Ida")
    assert order().coming_back(replace(SOLD, returned=1), 1, "", "").origin == "phone/5/1/returned/2"
    assert order(cart=2).coming_back(SOLD, 3, "", "").origin == "cart/2/e1/order/T-1/1/returned/3"
    assert order(cart=2).coming_back(SOLD, 3, "", "").cart == 2


@pytest.mark.parametrize("units", [4, 0, -1])
def test_no_more_comes_back_than_is_left(units: int) -> None:
    with pytest.raises(Refused, match="at most 3 of 3") as refused:
        order().coming_back(SOLD, units, "", "")
    assert refused.value.facts["line"] == 1


@pytest.mark.parametrize(
    "line",
    [
        replace(SOLD, state=LineState.WAITING),
        replace(SOLD, state=LineState.UNTRACKED),
        replace(SOLD, state=LineState.RESTOCKED),
        replace(SOLD, item=None),
    ],
)
def test_nothing_comes_back_of_what_took_nothing(line: OrderLine) -> None:
    with pytest.raises(Refused):
        order().coming_back(line, 1, "", "")


def test_a_cancellation_gives_back_what_is_left_once() -> None:
    movement = order().cancellation(replace(SOLD, returned=1), "Ida", "")
    assert (movement.kind, movement.quantity, movement.origin) == (Kind.CANCELLATION, 2, "phone/5/1/cancelled")
    with pytest.raises(Refused, match="cancelled already"):
        order().cancellation(replace(SOLD, cancelled=3), "Ida", "")


def test_lines_are_named_by_their_numbers_each_once() -> None:
    second = replace(SOLD, line=2)
    assert order(SOLD, second).numbered([2, 1]) == [second, SOLD]
    for wrong, said in (([1, 3], "no line 3"), ([1, 1], "twice the line 1")):
        with pytest.raises(Refused, match=said):
            order(SOLD, second).numbered(wrong)


def test_a_cancellation_takes_all_that_is_left_however_little_and_says_who_and_why() -> None:
    movement = order().cancellation(replace(SOLD, returned=2), "Ida", "changed their mind")
    fact = Movement(7, Kind.CANCELLATION, 1, "phone/5/1/cancelled", None, "T-1", 1, "changed their mind", "Ida")
    assert movement == fact


@pytest.mark.parametrize("line", [replace(SOLD, cancelled=3), replace(SOLD, item=None), replace(SOLD, returned=3)])
def test_a_line_with_nothing_left_cannot_be_cancelled(line: OrderLine) -> None:
    assert facts_of(order().cancellation, line, "Ida", "") == {"line": 1}


@pytest.mark.parametrize(
    ("line", "units", "facts"),
    [
        (replace(SOLD, state=LineState.WAITING), 1, {"line": 1}),
        (replace(SOLD, state=LineState.UNTRACKED), 1, {"line": 1}),
        (replace(SOLD, item=None), 1, {"line": 1}),
        (SOLD, 4, {"line": 1, "left": 3}),
        (SOLD, 0, {"line": 1, "left": 3}),
        (replace(SOLD, returned=2), 2, {"line": 1, "left": 1}),
        (replace(SOLD, returned=3), 1, {"line": 1, "left": 0}),
        (replace(SOLD, state=LineState.RESTOCKED), 1, {"line": 1, "left": 0}),
    ],
)
def test_goods_that_cannot_come_back_are_refused_with_their_line(line: OrderLine, units: int, facts: object) -> None:
    assert facts_of(order().coming_back, line, units, "", "") == facts


@pytest.mark.parametrize(("wrong", "number"), [([1, 3], 3), ([2, 1, 1], 1)])
def test_a_wrong_number_of_a_line_is_said(wrong: list[int], number: int) -> None:
    assert facts_of(order(SOLD, replace(SOLD, line=2)).numbered, wrong) == {"line": number}


def test_what_is_not_said_of_an_order_and_its_lines_is_the_usual_case() -> None:
    line = OrderLine(1, "TEA", "Tea", 7, 3, LineState.SOLD)
    assert line == OrderLine(1, "TEA", "Tea", 7, 3, LineState.SOLD, True, True, 0, 0, 0)
    assert Order("T-1", AT, (line,)) == Order("T-1", AT, (line,), None, "", 0, "", "", "")
    assert LINES_MAX == 1000


def test_a_number_of_a_line_that_was_used_before_is_another_fact() -> None:
    again = replace(SOLD, run=2)
    assert again.mark == "1~2"
    assert order(again).cancellation(again, "", "").origin == "phone/5/1~2/cancelled"
