"""Holds tasks to the words that stores have learned, and their lines to what is kept of an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from onhand.domain.tasks import CONTINUED, INTERRUPTED, UNTOUCHED, Task, TaskLine, TaskState

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

ANSWER = {"product": 9, "sku": "TEA", "name": "Tea", "here": 7, "there": 5, "change": 2, "result": "changed"}


def test_stores_have_learned_these_words() -> None:
    assert [state.value for state in TaskState] == ["running", "done", "failed", "cancelled", "interrupted"]


def test_who_finds_a_task_that_ended_early_is_told_what_was_done_and_what_to_do() -> None:
    assert INTERRUPTED == (
        "OnHand ended while this was at work. What was done until then is kept. Look at the cart, then do it again: "
        "Send QOH and Get QOH are safe to repeat."
    )
    assert UNTOUCHED == "It was cancelled before any count was changed on either side."


@pytest.mark.parametrize(
    ("failure", "remark", "kept"),
    [("gone", "a remark", "gone"), ("gone", None, "gone"), (None, "a remark", "a remark"), (None, "", None), (None, None, None)],
)  # fmt: skip
def test_the_remark_of_a_line_is_kept_where_nothing_failed(failure, remark, kept) -> None:
    told = {**ANSWER, "failure": failure} | ({} if remark is None else {"remark": remark})
    before = dict(told)
    assert TaskLine.of(told) == TaskLine(9, "TEA", "Tea", 7, 5, 2, "changed", kept)
    assert told == before, "an answer is only read"


def test_a_task_of_nobody_is_run_by_nobody_and_goes_on() -> None:
    task = Task(1, "cart_send", 1, "{}", "Ann", TaskState.RUNNING, None, "", NOON, None)
    assert (task.holder, task.caller, task.stopping) == ("", "", False)


def test_a_task_that_goes_on_elsewhere_is_named() -> None:
    assert " 7 " in CONTINUED.format(task=7)
