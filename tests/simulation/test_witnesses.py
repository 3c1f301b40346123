"""Holds what may be said of a listing for what its witness saw: which names fit, and what cannot be known at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onhand.simulation import testimony
from onhand.simulation.causes import Case, compare
from onhand.simulation.shop import Drift, LineEdit, Obscure, Writer

PRODUCT = 9
NOTHING = testimony.Testimony(
    cart=1,
    drifts=(),
    line_edits=(),
    edits_back=(),
    traded=0,
    uncounted=0,
    twice=0,
    came_back=False,
    counted_edit=False,
    vanished=False,
    history=False,
    young=False,
    acts=frozenset(),
    restored=False,
    ever_restored=False,
    aside=False,
    stopped=False,
    renamed=False,
    clock_set=False,
    renumbered=False,
)


def drift(writer: Writer, amount: int = 1, *destroyed: Writer, obscure: Obscure | None = None) -> Drift:
    return Drift(1.0, PRODUCT, amount, writer, frozenset(destroyed), obscure)


def found(cause: str, amount: int, number: int = 1, note: str = "") -> dict[str, Any]:
    return {"id": number, "cause": cause, "amount": amount, "note": note, "remedy": "post"}


SALE, FORM, EDITOR, COUNTER = Writer.SALE, Writer.FORM, Writer.EDITOR, Writer.COUNTER
RACE = drift(SALE, 1, SALE)
ABOUT_GONE = found("return in doubt", 0, 2)


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        (Case([RACE], []), "lost sale"),
        (Case([drift(SALE, -5, Writer.POST)], []), "lost post"),
        (Case([drift(SALE, -5, Writer.POST, Writer.RESTOCK)], []), "lost return"),
        (Case([drift(EDITOR, -1)], []), "order edited"),
        (Case([drift(EDITOR, 1)], []), "return in doubt"),
        (Case([RACE, drift(FORM, 2)], []), "lost post"),
        (Case([], [], misjudged=1), "unknown"),
        (Case([drift(EDITOR, -1, obscure=Obscure.UNSEEN)], []), "counter reset"),
        (Case([drift(FORM, 2)], [], vague=True), "lost sale"),
        (Case([drift(FORM, 2, SALE)], []), "lost sale"),
        (Case([drift(EDITOR, 1), drift(EDITOR, -2)], [ABOUT_GONE]), "lost sale"),
        (Case([drift(COUNTER, -1)], [ABOUT_GONE]), "lost sale"),
        (Case([RACE], [], edited_alone=True), "order edited"),
        (Case([RACE], [], came_back=True), "unknown"),
        (Case([drift(FORM, 2)], [], came_back=True), "counter lowered"),
    ],
)
def test_a_cause_that_fits_what_the_witness_saw_may_be_named(case: Case, cause: str) -> None:
    amount = sum(one.amount for one in case.seen) + case.misjudged
    assert compare(replace(case, named=[*case.named, found(cause, amount)]), ()) == ""


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        (Case([RACE], []), "unknown"),
        (Case([drift(SALE, -5, Writer.POST)], []), "lost sale"),
        (Case([drift(EDITOR, -1)], []), "unknown"),
        (Case([drift(FORM, 2)], []), "lost sale"),
        (Case([drift(FORM, -2, SALE)], []), "lost sale"),
        (Case([RACE], [], vague=True), "unknown"),
        (Case([drift(EDITOR, -1), drift(FORM, 2)], [ABOUT_GONE]), "lost sale"),
        (Case([drift(EDITOR, 1), drift(FORM, 2)], []), "lost sale"),
        (Case([drift(COUNTER, 1)], [ABOUT_GONE]), "lost sale"),
        (Case([drift(FORM, 2)], [], came_back=True), "unknown"),
    ],
)
def test_a_cause_that_does_not_fit_is_invented(case: Case, cause: str) -> None:
    amount = sum(one.amount for one in case.seen)
    named = [*case.named, found(cause, amount)]
    assert f"'{cause}'" in compare(replace(case, named=named), ()).split(" did not happen")[0]
    assert compare(replace(case, named=named), excused={1, 2}) == ""


def test_what_is_named_adds_up_to_what_drifted() -> None:
    assert compare(Case([RACE], []), ())
    assert compare(Case([RACE], [found("lost sale", 2)]), ())
    assert compare(Case([RACE], [found("lost sale", 2), found("lost sale", -1, 2)]), ()) == ""
    undone = found("lost sale", 5, 2, "undone in the shop")
    assert compare(Case([RACE], [found("lost sale", 1), undone]), ()) == "", "what was undone counts for nothing"


def test_the_same_findings_are_told_in_the_same_words() -> None:
    """Each process orders a set of texts in its own way, and a report has to be the same wherever it is made."""
    causes = ["unknown", "order edited", "lost return", "counter reset"]
    told = compare(Case([], [found(cause, 0, number) for number, cause in enumerate(causes)]), ())
    assert told.startswith("{'counter reset', 'lost return', 'order edited', 'unknown'} did not happen")


RESET = drift(Writer.RESET, -5)


def test_a_reset_is_known_for_one_only_if_nothing_else_happened_to_the_counts() -> None:
    alone = replace(NOTHING, drifts=(RESET,))
    assert not alone.muddled
    assert replace(alone, drifts=(RESET, RACE)).muddled
    assert replace(alone, drifts=(RESET, RESET)).muddled
    assert replace(alone, came_back=True).muddled


def test_a_return_that_was_undone_is_known_for_one_only_if_it_cannot_look_like_a_reset() -> None:
    undone = replace(NOTHING, drifts=(RACE,), came_back=True)
    assert not undone.muddled
    assert replace(undone, young=True).muddled
    assert replace(undone, ever_restored=True).muddled
    assert not replace(undone, young=True, drifts=()).muddled
    assert not replace(undone, young=True, came_back=False).muddled


def test_an_order_that_was_edited_before_any_look_is_told_from_one_that_was_seen() -> None:
    unseen = replace(NOTHING, drifts=(drift(EDITOR, -1, obscure=Obscure.UNSEEN),))
    line = replace(NOTHING, line_edits=(LineEdit(PRODUCT, 1, Obscure.UNSEEN),))
    assert unseen.edited_unseen
    assert line.edited_unseen
    assert not replace(line, drifts=(RESET,)).edited_unseen
    assert not replace(NOTHING, drifts=(drift(EDITOR, -1),)).edited_unseen
    assert not replace(NOTHING, line_edits=(LineEdit(PRODUCT, 1),)).edited_unseen


def test_orders_from_before_an_alignment_are_told_from_later_ones() -> None:
    assert replace(NOTHING, history=True, came_back=True).moved_history
    assert replace(NOTHING, history=True, counted_edit=True).moved_history
    assert not replace(NOTHING, history=True).moved_history
    assert not replace(NOTHING, came_back=True, counted_edit=True).moved_history
    assert replace(NOTHING, drifts=(drift(EDITOR, obscure=Obscure.HISTORY),)).about_history
    assert replace(NOTHING, line_edits=(LineEdit(PRODUCT, 1, Obscure.HISTORY),)).about_history
    assert not replace(NOTHING, drifts=(drift(EDITOR, obscure=Obscure.UNSEEN),)).about_history
