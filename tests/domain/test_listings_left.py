"""Holds listings that stop being followed to where they were, and those that sold out to what a person is asked."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.listings import NAMELESS, Direction, Left, Listing, Plan, Problem, Settled, Tie, plan, ties
from onhand.domain.shop import DERIVED
from onhand.domain.stock import Item
from tests.builders import row

PLAIN = Listing(**{field.name: None for field in fields(Listing)} | {"flags": 0})
KEPT = replace(
    PLAIN,
    product=9,
    item=1,
    aligned=True,
    ordered=40,
    sum=50,
    held=2,
    ignored=False,
    off_by_sale=False,
    switch_on=False,
)
MINE, OTHER, RENAMED = Tie(1, None), Tie(2, None), Tie(None, Problem.UNMATCHED)
LEFT = Left(item=1, ordered=40, sum=48, line=700)


def test_a_listing_leaves_when_it_is_followed_and_its_tie_becomes_another() -> None:
    for tie in (OTHER, RENAMED, Tie(1, Problem.DOWNLOAD)):
        assert KEPT.leaving(tie)
        assert not replace(KEPT, aligned=False).leaving(tie), "it was not followed"
    assert not KEPT.leaving(MINE)


@pytest.mark.parametrize("problem", list(Problem))
def test_where_it_was_is_kept_whole_only_if_its_sku_alone_names_no_item_any_more(problem: Problem) -> None:
    tie = Tie(None, problem)
    goes_on = problem in {Problem.BLANK, Problem.DUPLICATE, Problem.UNMATCHED}
    assert (problem in NAMELESS) == goes_on
    assert KEPT.leaves(tie, 700, by_sku=True) == (LEFT if goes_on else replace(LEFT, sum=None))
    assert KEPT.leaves(tie, 700, by_sku=False) == replace(LEFT, sum=None), "a person did it"
    away = replace(KEPT, item=None, left=LEFT)
    assert away.leaves(tie, 900, by_sku=True) == (LEFT if goes_on else replace(LEFT, sum=None)), "it left before"
    assert away.leaves(tie, 900, by_sku=False) == away.lost == replace(LEFT, sum=None)


def test_a_listing_that_stays_or_never_was_followed_left_nowhere() -> None:
    assert KEPT.leaves(MINE, 700, by_sku=True) is None
    never = replace(KEPT, item=None)
    assert (never.leaves(RENAMED, 700, by_sku=True), never.leaves(MINE, 700, by_sku=True), never.lost) == (None,) * 3
    assert KEPT.leaves(OTHER, 700, by_sku=True) == replace(LEFT, sum=None), "another item is no blank"
    assert KEPT.leaves(Tie(2, Problem.UNMATCHED), 700, by_sku=True) == replace(LEFT, sum=None)


def test_it_goes_on_from_there_only_with_the_same_item_and_if_nothing_came_between() -> None:
    away = replace(KEPT, item=None, left=LEFT)
    assert away.resumes(MINE)
    assert not any(away.resumes(tie) for tie in (OTHER, RENAMED, Tie(1, Problem.DOWNLOAD)))
    assert not replace(away, left=away.lost).resumes(MINE)
    assert not KEPT.resumes(MINE)
    assert replace(away, left=replace(LEFT, sum=0)).resumes(MINE), "a sum of nothing is a sum"


@given(st.integers(0, 100))
def test_what_was_sold_while_it_was_not_followed_is_what_its_counter_rose_by(ordered: int) -> None:
    away = replace(KEPT, item=None, aligned=False, left=LEFT)
    assert away.unfollowed(MINE, ordered) == max(0, ordered - 40)
    assert away.unfollowed(OTHER, ordered) == replace(away, aligned=True).unfollowed(MINE, ordered) == 0
    assert replace(away, left=None).unfollowed(MINE, ordered) == 0
    again = replace(away, item=1, ordered=ordered)
    assert again.shown.unfollowed == max(0, ordered - 40)


@pytest.mark.parametrize(
    ("status", "quantity", "was_on", "when_empty"), list(product([0, 1], [-1, 0, 1], [0, 1], [True, False]))
)
def test_a_product_went_off_if_it_is_sold_out_and_off_and_was_on(status, quantity, was_on, when_empty) -> None:
    seen = row(quantity=quantity, status=status)
    went = replace(KEPT, status=was_on, off_when_empty=when_empty).went_off(seen)
    assert went is (status == 0 and quantity <= 0 and (was_on == 1 or when_empty))


def test_a_person_is_asked_about_a_product_that_is_off_since_it_sold_out_and_nobody_knows_why() -> None:
    asked = replace(KEPT, status=0, off_when_empty=True)
    assert asked.switched_off
    for known in ({"status": 1}, {"off_when_empty": False}, {"off_by_sale": True}, {"switch_on": True}, {"item": None}):
        assert not replace(asked, **known).switched_off


def test_what_people_settled_is_read_off_the_listings_the_shop_still_has() -> None:
    chosen, ignored = replace(PLAIN, product=1, chosen=7), replace(PLAIN, product=2, ignored=True)
    gone = [replace(one, product=5, problem=Problem.DELETED) for one in (chosen, ignored)]
    settled = Settled.of([chosen, ignored, replace(PLAIN, product=3), *gone], {8})
    assert settled == Settled({1: 7}, {2}, {8})
    assert Settled() == Settled(chosen={}, ignored=(), set_aside=())
    assert Settled.of([replace(chosen, chosen=0)], ()).chosen == {1: 0}, "an id is an id"


def test_a_quantity_that_is_worked_out_from_variants_is_not_kept_in_step() -> None:
    assert ties([row(1, model="TEA", flags=DERIVED)], {"tea": 7}) == {1: Tie(7, Problem.DERIVED)}


LINE = Plan(9, "TEA", "Tea", 1, 7, 7, 0)


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (LINE, "equal"),
        (replace(LINE, change=-1), "changed"),
        (replace(LINE, change=1, create=True), "created"),
        (replace(LINE, change=1, create=True, problem=Problem.LOOKS_ALIKE), "looks alike"),
        (replace(LINE, change=1, problem=Problem.SET_ASIDE, left="It goes with the next post."), "cancelled"),
        (replace(LINE, change=1, left="It goes with the next post.", failure="gone"), "failed"),
    ],
)
def test_the_strongest_word_is_said_of_a_line_of_a_plan(line: Plan, result: str) -> None:
    assert line.result == result


def test_who_sends_or_gets_is_told_what_was_sold_meanwhile() -> None:
    assert LINE.remark == replace(LINE, unfollowed=3, problem=Problem.DUPLICATE).remark == ""
    for units, what in ((1, "1 unit was"), (2, "2 units were"), (1200, "1,200 units were")):
        assert replace(LINE, unfollowed=units).remark == (
            f"{what} sold while it was not followed: Get takes that over, Send adds it to the shop again."
        )


def test_a_plan_says_of_each_product_what_was_sold_there_meanwhile() -> None:
    shown = replace(KEPT, aligned=False, name="Tea", ordered=43, left=LEFT).shown
    (line,) = plan(Direction.SEND, [shown], {1: Item(1, "TEA", "Tea", 7)}, 0, create=False)
    assert (line.unfollowed, line.left, LINE.unfollowed, LINE.left) == (3, None, 0, None)
