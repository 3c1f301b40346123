"""Holds the words that a store, a shop or a program of somebody else has learned, and what values say of themselves."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum

import pytest

from onhand.domain import errors, notices
from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Cause, Difference, Policy, Remedy
from onhand.domain.importing import FileKind
from onhand.domain.listings import Direction, Listing, Plan, Problem, Shown, Tie
from onhand.domain.orders import LineState
from onhand.domain.posts import Post, State
from onhand.domain.shop import DOWNLOAD, FRACTION, Applied, Change, Outcome, Row
from onhand.domain.sketch import Counters, Sums
from onhand.domain.states import CartState
from onhand.domain.stock import Item, Kind, Movement, Source
from onhand.verbs.differences import CAUSES, REMEDIES


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind, "opening sale cancellation return receipt adjustment count"),
        (LineState, "waiting sold restocked untracked"),
        (State, "sent applied missing range unlanded"),
        (Outcome, "applied already unfinished closed"),
        (Policy, "ours theirs ask"),
        (Remedy, "post book ask rebase show stop"),
        (Direction, "get send"),
        (FileKind, "items counts receipts"),
    ],
)
def test_a_word_stays_as_stores_and_shops_have_learned_it(kind: type[StrEnum], words: str) -> None:
    assert {word.value for word in kind} >= set(words.split())


def test_causes_and_problems_stay_as_stores_and_screens_have_them() -> None:
    causes = (
        "lost sale, lost post, lost return, edit in the shop, stale form save, counter reset, unknown, out of range, new listing,"
        " renamed, deleted product, set aside, restored from backup, brake, order edited, return in doubt, counter lowered,"
        " given back twice, partial return, shared shop, order cancelled, several changes at once"
    )
    problems = (
        "blank, duplicate, unmatched, fraction, download, derived, deleted, ignored, set aside, not found, too long,"
        " looks alike"
    )
    assert {cause.value for cause in Cause} >= set(causes.split(", "))
    states = (
        "inactive, stopped, not aligned, off, trouble, no controller, not looked at, waits for you, working, in step"
    )
    about = "oversold, switched off, unmatched, unclear, low"
    assert {problem.value for problem in Problem} >= set(problems.split(", "))
    assert {state.value for state in CartState} >= set(states.split(", "))
    assert {kind.value for kind in notices.Kind} >= set(about.split(", "))


def test_a_program_tells_errors_apart_by_their_codes() -> None:
    kinds = (
        errors.OnHandError,
        errors.Refused,
        errors.Forbidden,
        errors.Conflict,
        errors.Cancelled,
        errors.Retriable,
        errors.Permanent,
        errors.Broken,
    )
    codes = "error refused forbidden conflict cancelled retriable permanent broken"
    assert [kind.code for kind in kinds] == codes.split()


def test_the_flags_of_a_row_are_those_of_the_protocol() -> None:
    assert (FRACTION, DOWNLOAD) == (1, 2)


def blank(kind: type, **known: object):
    """A value of which only what is given matters."""
    return kind(**{field.name: None for field in fields(kind)} | known)


def test_a_cart_has_a_source_of_facts_once_it_is_aligned() -> None:
    cart = blank(Cart, id=3, settings=Settings("Amber", "http://amber.example/onhand.php"), epoch="abc")
    assert (cart.name, cart.aligned, cart.source) == ("Amber", True, Source(3, "abc"))
    never = replace(cart, epoch=None)
    assert not never.aligned
    with pytest.raises(ValueError, match=r"^a cart has no epoch before it is aligned$"):
        _ = never.source


def test_a_new_cart_is_active_insists_on_https_and_leaves_the_rest_to_the_system_parameters() -> None:
    assert Settings("Amber", "https://amber.example/onhand.php") == Settings(
        name="Amber",
        url="https://amber.example/onhand.php",
        key_id="",
        secret="",
        allow_http=False,
        active=True,
        policy=None,
        buffer=0,
        batch_size=None,
        tick_seconds=None,
        settle_seconds=None,
    )


def test_a_secret_does_not_show() -> None:
    assert "5ecret" not in repr(Settings("Amber", "", "amber-1", "5ecret"))
    assert "5ecret" not in str(blank(Cart, settings=Settings("Amber", "", "amber-1", "5ecret")))


def listing(**known: object) -> Listing:
    plain = {"product": 9, "model": "TEA", "name": "Tea", "ordered": 40, "sum": 50, "item": 1, "aligned": True}
    return blank(Listing, **plain | known)


def test_agreed_is_what_is_left_of_the_sum_when_the_counter_is_taken_off() -> None:
    assert listing().agreed == 10


def test_a_listing_is_tracked_when_it_has_an_item_no_problem_and_was_aligned() -> None:
    assert listing().tracked
    assert listing(item=0).tracked, "an id is an id"
    for missing in ({"item": None}, {"problem": Problem.FRACTION}, {"aligned": False}):
        assert not listing(**missing).tracked


def test_only_a_deleted_listing_counts_for_nothing() -> None:
    assert not listing().deleted
    assert [problem for problem in Problem if listing(problem=problem).deleted] == [Problem.DELETED]


def test_a_listing_shows_what_both_sides_know() -> None:
    assert listing().shown == Shown(9, "TEA", "Tea", 10, Tie(1, None), in_step=True)
    apart = listing(item=None, problem=Problem.DUPLICATE)
    assert apart.shown == Shown(9, "TEA", "Tea", 10, Tie(None, Problem.DUPLICATE), in_step=False)


def test_a_difference_awaits_a_decision_while_it_is_open_and_asks() -> None:
    nothing = Counters(0, 0)
    asked = blank(Difference, remedy=Remedy.ASK, seen=nothing, expected=nothing)
    assert asked.awaits_decision
    assert not replace(asked, closed_at="now").awaits_decision  # type: ignore[arg-type]
    assert not any(replace(asked, remedy=remedy).awaits_decision for remedy in Remedy if remedy is not Remedy.ASK)


def test_the_sum_of_a_row_is_quantity_and_counter() -> None:
    assert Row(9, "TEA", "Tea", 10, 40, 1, None, None).sum == 50


def test_what_is_not_said_is_nothing() -> None:
    assert Row(9, "TEA", "Tea", 10, 40, 1, None, None).flags == 0
    assert Change(9, 1) == Post(1, 1, 9, 1, reactivate=False).change
    assert not Change(9, 1).reactivate
    assert Post(1, 1, 9, 1, reactivate=True).change == Change(9, 1, reactivate=True)
    assert Applied(Outcome.APPLIED, "abc", 7).failed == {}
    assert Shown(9, "TEA", "Tea", 10, Tie(1, None)).in_step is False
    assert Plan(9, "TEA", "Tea", 1, 7, 7, 0) == Plan(
        9, "TEA", "Tea", 1, 7, 7, 0, create=False, problem=None, failure=None
    )
    assert Sums() == Sums(0, 0, 0, 0, 0)
    assert Sums.of(9, 1, 1).count == 0
    movement = Movement(1, Kind.COUNT, 1, "count/1")
    assert movement == Movement(1, Kind.COUNT, 1, "count/1", cart=None, order=None, line=None, reason="", person="")
    assert Item(1, "TEA", "Tea", -2).on_hand == -2, "oversold by two"


def test_every_cause_and_every_remedy_has_its_sentence() -> None:
    assert set(CAUSES) == set(Cause)
    assert set(REMEDIES) == set(Remedy)
