"""Tests the cache of expensive answers."""

from __future__ import annotations

import time
from itertools import count

import pytest

from onhand.limits.shared import Shared


def test_an_answer_is_computed_once_until_its_source_changes() -> None:
    shared, numbers = Shared(), count(1)
    ask = lambda of: shared.answer("a", of, lambda: next(numbers))  # noqa: E731 - the same question again and again
    assert [ask(1), ask(1), ask(2), ask(2), ask(1)] == [1, 1, 2, 2, 3]
    assert shared.answer("b", 1, lambda: "another") == "another"


def test_an_old_answer_is_computed_again(monkeypatch) -> None:
    shared, numbers, now = Shared(), count(1), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ask = lambda: shared.answer("a", 1, lambda: next(numbers), seconds=5)  # noqa: E731
    assert ask() == 1
    now[0] = 4.9
    assert ask() == 1
    now[0] = 5.0
    assert ask() == 2


def test_an_expensive_answer_is_not_computed_again_at_once(monkeypatch) -> None:
    shared, numbers, now = Shared(), count(1), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def work() -> int:
        now[0] += 2
        return next(numbers)

    assert shared.answer("a", 1, work, rest=10) == 1  # done at 2
    now[0] = 21.9
    assert shared.answer("a", 2, work, rest=10) == 1
    now[0] = 22.0
    assert shared.answer("a", 2, work, rest=10) == 2


def test_failed_work_keeps_the_earlier_answer() -> None:
    shared = Shared()
    assert shared.answer("a", 1, lambda: "kept") == "kept"
    with pytest.raises(ZeroDivisionError):
        shared.answer("a", 2, lambda: 1 // 0)
    assert shared.answer("a", 1, lambda: "not asked") == "kept"
