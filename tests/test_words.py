"""Holds the word lists: every enum of the domain has a label for each member, or is listed here as never shown."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import UTC, datetime
from enum import Enum

import pytest

from onhand import domain, words
from onhand.domain.differences import Ending
from onhand.domain.doubts import Wait
from onhand.domain.orders import LineState, Order, OrderLine
from onhand.domain.people import Scope
from onhand.domain.shop import Outcome
from onhand.domain.states import CartState
from onhand.services import people
from onhand.verbs import VERBS

# Outcome is what a shop answers to a batch: the post stack shows what became of each post. Wait is never stored. An Ending is in words.
NEVER_SHOWN = {Outcome, Wait, Ending}


def _enums() -> set[type[Enum]]:
    modules = [
        importlib.import_module(f"onhand.domain.{found.name}") for found in pkgutil.iter_modules(domain.__path__)
    ]
    return {
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Enum) and thing.__module__ == module.__name__
    }


def test_every_enum_of_the_domain_has_labels_or_is_never_shown() -> None:
    assert _enums() - NEVER_SHOWN == words.LABELS.keys()


@pytest.mark.parametrize("kind", words.LABELS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_member_has_one_label_of_its_own(kind: type[Enum]) -> None:
    labels = words.LABELS[kind]
    assert set(labels) == set(kind)
    assert len(set(labels.values())) == len(kind)
    for name in labels.values():
        assert name == name.strip()
        assert name[0].isupper()
        assert not name.endswith(".")


def test_a_label_is_found_by_member_and_by_value() -> None:
    assert (
        words.label(CartState.IN_STEP)
        == words.label_of(CartState, "in step")
        == words.LABELS[CartState][CartState.IN_STEP]
    )
    with pytest.raises(ValueError, match="sleeping"):
        words.label_of(CartState, "sleeping")
    assert [value for value, _ in words.choices(CartState)] == [state.value for state in CartState]


def test_every_verb_that_changes_something_has_a_label_for_the_audit_log() -> None:
    changing = {
        name
        for name, verb in VERBS.items()
        if verb.scope is not Scope.READ and not name.endswith(("_list", "_show", "_grants"))
    }
    assert words.ACTION_LABELS.keys() == changing | {people.CHOOSE, people.CHANGE}
    assert len(set(words.ACTION_LABELS.values())) == len(words.ACTION_LABELS)


def test_every_word_for_an_order_has_a_label() -> None:
    def line(state: LineState, *, cancelled: int = 0, returned: int = 0, present: bool = True) -> OrderLine:
        return OrderLine(1, "TEA", "Tea", 1, 3, state, True, present, cancelled, returned)

    lines = [line(state, present=present) for state in LineState for present in (True, False)]
    lines += [line(LineState.SOLD, cancelled=3), line(LineState.SOLD, returned=3), line(LineState.SOLD, returned=1)]
    orders = [Order("1", datetime(2026, 1, 1, tzinfo=UTC), (one, other)) for one in lines for other in lines]
    assert {thing.word for thing in [*lines, *orders]} == words.ORDER_LABELS.keys()
