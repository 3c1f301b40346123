"""Holds the naming of differences to the table of causes, row by row and under each policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.differences import (
    DOUBTED,
    HEALS_PER_HOUR,
    LOWERED,
    NAMELESS_SECONDS,
    NEEDS_PERSON,
    PARTIAL,
    RESET,
    UNBOOKED,
    Cause,
    Difference,
    Ending,
    Evidence,
    Finding,
    Policy,
    Remedy,
    braked,
    explain,
    in_part,
    is_recent,
    not_borne_out,
    race,
)
from onhand.domain.law import by_quantity, units
from onhand.domain.shop import Line
from onhand.domain.sketch import Counters
from tests.builders import edited, line, went

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
QUIET = Evidence(drift=3, edited=False, quantity=13, sales=0, posts=(), returns=(), past=(), heals=0)
WINS = {Policy.OURS: Remedy.POST, Policy.THEIRS: Remedy.BOOK, Policy.ASK: Remedy.ASK}


@pytest.mark.parametrize("policy", list(Policy))
class TestTheTable:
    """A cause does not depend on whose count wins; only an edit's remedy does."""

    @pytest.mark.parametrize("drift", [1, 2, 5])
    def test_lost_sale(self, policy: Policy, drift: int) -> None:
        assert explain(replace(QUIET, drift=drift, sales=5), policy) == Finding(Cause.LOST_SALE, Remedy.POST)

    @pytest.mark.parametrize(
        ("drift", "sales", "posts"),
        [
            (-5, 1, (5,)),
            (-7, 2, (5, 2)),
            (-2, 2, (5, 2)),
            (-4, 1, (5,)),
            (9, 2, (-9,)),
            (-3, 1, (-2, 3, 5)),
            (-1, 1, (1,)),
        ],
    )
    def test_lost_post(self, policy: Policy, drift: int, sales: int, posts: tuple[int, ...]) -> None:
        evidence = replace(QUIET, drift=drift, sales=sales, posts=posts)
        assert explain(evidence, policy) == Finding(Cause.LOST_POST, Remedy.POST)

    @pytest.mark.parametrize("drift", [-40, 3])
    def test_edit_in_the_shop(self, policy: Policy, drift: int) -> None:
        evidence = replace(QUIET, drift=drift, edited=True)
        assert explain(evidence, policy) == Finding(Cause.EDIT, WINS[policy])

    def test_an_edit_goes_before_a_race_that_would_explain_it(self, policy: Policy) -> None:
        evidence = replace(QUIET, edited=True, sales=9, posts=(-3,))
        assert explain(evidence, policy).cause is Cause.EDIT

    def test_stale_form_save(self, policy: Policy) -> None:
        evidence = replace(QUIET, edited=True, sales=3, quantity=13, past=(11, 13))
        assert explain(evidence, policy) == Finding(Cause.STALE_SAVE, Remedy.POST)

    @pytest.mark.parametrize(("drift", "posts"), [(-5, ()), (-4, ()), (-2, (-3,)), (-9, (4,))])
    def test_lost_return(self, policy: Policy, drift: int, posts: tuple[int, ...]) -> None:
        evidence = replace(QUIET, drift=drift, sales=2, posts=posts, returns=(5,))
        assert explain(evidence, policy) == Finding(Cause.LOST_RETURN, Remedy.POST)

    def test_one_sale_of_one_unit_makes_a_form_stale(self, policy: Policy) -> None:
        evidence = replace(QUIET, edited=True, drift=1, sales=1, quantity=13, past=(13,))
        assert explain(evidence, policy) == Finding(Cause.STALE_SAVE, Remedy.POST)

    @pytest.mark.parametrize("change", [{"quantity": 12}, {"drift": -3}])
    def test_no_stale_form_save(self, policy: Policy, change: dict) -> None:
        evidence = replace(replace(QUIET, edited=True, sales=3, quantity=13, past=(11, 13)), **change)
        assert explain(evidence, policy).cause is Cause.EDIT

    @pytest.mark.parametrize(
        ("drift", "sales", "posts"), [(3, 0, ()), (-3, 0, (3,)), (6, 5, ()), (-4, 3, ()), (-9, 2, (5, 2))]
    )
    def test_unknown(self, policy: Policy, drift: int, sales: int, posts: tuple[int, ...]) -> None:
        evidence = replace(QUIET, drift=drift, sales=sales, posts=posts)
        assert explain(evidence, policy) == Finding(Cause.UNKNOWN, Remedy.ASK)

    @pytest.mark.parametrize(
        "doubt",
        [
            {"past": (11, 13)},
            {"past": (13,), "drift": 1},
            {"sales": 3},
            {"drift": -5, "sales": 1, "posts": (5,)},
            {"drift": -5, "sales": 1, "returns": (5,)},
        ],
    )
    def test_an_edit_that_something_else_would_explain_too_is_not_booked(self, policy: Policy, doubt: dict) -> None:
        remedy = Remedy.POST if policy is Policy.OURS else Remedy.ASK
        cause = Cause.STALE_SAVE if "past" in doubt else Cause.EDIT
        assert explain(replace(QUIET, edited=True, **doubt), policy) == Finding(cause, remedy)

    def test_a_count_typed_lower_is_an_edit_even_if_it_was_seen_before(self, policy: Policy) -> None:
        evidence = replace(QUIET, edited=True, drift=-3, past=(13,))
        assert explain(evidence, policy) == Finding(Cause.EDIT, WINS[policy])

    @pytest.mark.parametrize(("past", "cause"), [((), Cause.EDIT), ((13,), Cause.STALE_SAVE)])
    def test_what_keeps_coming_back_is_asked_about(self, policy: Policy, past: tuple[int, ...], cause: Cause) -> None:
        """Three heals of one listing in an hour are enough."""
        evidence = replace(QUIET, edited=True, sales=3, past=past, heals=3)
        assert explain(evidence, policy) == Finding(cause, Remedy.ASK)
        assert explain(replace(evidence, heals=2), Policy.OURS) == Finding(cause, Remedy.POST)

    def test_races_are_healed_as_often_as_they_happen(self, policy: Policy) -> None:
        assert explain(replace(QUIET, sales=3, heals=99), policy).remedy is Remedy.POST


def test_a_counter_that_was_reset_moves_no_stock() -> None:
    assert Finding(Cause.COUNTER_RESET, Remedy.REBASE) == RESET


@pytest.mark.parametrize(("drift", "posts"), [(2, ()), (-4, (4,))])
def test_while_a_line_that_was_added_does_not_explain_the_drift_no_race_is_believed(drift: int, posts) -> None:
    raced = replace(QUIET, drift=drift, sales=5, posts=posts)
    assert explain(raced, Policy.OURS).remedy is Remedy.POST
    added = (line(7, 1),)
    found = explain(replace(raced, added=added), Policy.OURS)
    assert found == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), added, drift + 1), "a person is asked about the rest"
    doubted = explain(replace(raced, changed=(edited(line(7, 1), 2),), doubtful=True), Policy.OURS)
    assert doubted == Finding(Cause.UNKNOWN, Remedy.ASK)


def test_beside_a_form_an_edited_order_is_booked_and_the_rest_is_asked_about() -> None:
    raised, lowered = edited(line(7, 1), 3), edited(line(8, 4), 2)
    for policy in Policy:
        told = explain(replace(QUIET, drift=3, edited=True, changed=(raised,)), policy)
        assert told == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (raised,), (), 5)
        told = explain(replace(QUIET, drift=-1, edited=True, changed=(lowered,)), policy)
        assert told == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (lowered,), (), -3)
        assert explain(replace(QUIET, drift=3, edited=True, changed=(raised, lowered)), policy).remedy is Remedy.ASK
        doubtful = replace(QUIET, drift=3, edited=True, changed=(raised,), doubtful=True)
        assert explain(doubtful, policy) == Finding(Cause.UNKNOWN, Remedy.ASK)


def test_goods_that_an_order_gave_back_are_believed_only_as_a_part_of_what_drifted() -> None:
    lowered = edited(line(8, 4), 2)
    assert in_part(replace(QUIET, drift=3, changed=(lowered,))).rest == 1
    for drift in (2, 1, -1, 0):
        assert in_part(replace(QUIET, drift=drift, changed=(lowered,))) is None
    assert in_part(replace(QUIET, drift=0, edited=True, changed=(lowered,))).rest == -2
    raised = (edited(line(8, 4), 6),)
    assert in_part(replace(QUIET, drift=0, changed=raised)) is None, "only the line was edited"
    assert in_part(replace(QUIET, drift=0, sales=1, changed=raised)) is None, "no sale of that moment can hide it"
    hidden = in_part(replace(QUIET, drift=0, sales=2, changed=raised))
    assert (hidden.changed, hidden.rest) == (raised, 2), "a race may have destroyed as many sales"


def test_lines_that_are_worth_what_the_quantity_moved_are_what_happened() -> None:
    raised, gone = edited(line(7, 1), 3), went(line(8, 4))
    bought = [line(9, 5)]
    assert by_quantity(4, 2, [], [raised]) == (raised,)
    assert by_quantity(1, -6, bought, [raised]) == (raised,)
    assert by_quantity(1, -2, bought, [raised, gone]) == (raised, gone)
    assert by_quantity(1, -5, bought, [raised]) is None
    assert by_quantity(1, -4, bought, []) is None, "no order was edited"


def test_of_very_many_recent_posts_the_newest_are_tried() -> None:
    posts = [2**n for n in range(60)]  # the newest first; no two sets of them are worth the same
    evidence = replace(QUIET, drift=-posts[9], sales=1, posts=posts)
    assert explain(evidence, Policy.OURS) == Finding(Cause.LOST_POST, Remedy.POST)
    assert explain(replace(evidence, drift=-posts[59]), Policy.OURS) == Finding(Cause.UNKNOWN, Remedy.ASK)


evidences = st.builds(
    Evidence,
    drift=st.integers(-20, 20).filter(bool),
    edited=st.booleans(),
    quantity=st.integers(-5, 20),
    sales=st.integers(-3, 20),
    returns=st.lists(st.integers(1, 9), max_size=3),
    posts=st.lists(st.integers(-9, 9).filter(bool), max_size=30),
    past=st.lists(st.integers(-5, 20), max_size=5),
    heals=st.integers(0, 5),
)


@given(evidences, st.sampled_from(Policy))
def test_every_drift_gets_a_cause_and_only_theirs_is_ever_booked(evidence: Evidence, policy: Policy) -> None:
    found = explain(evidence, policy)
    assert found.remedy in (Remedy.POST, Remedy.BOOK, Remedy.ASK)
    if found.remedy is Remedy.BOOK:
        assert policy is Policy.THEIRS
        assert evidence.edited
    assert not found.doubted, "without lines there is one explanation at most that moves stock"
    if found.cause in (Cause.LOST_SALE, Cause.LOST_POST):
        assert evidence.sales > 0, "only the shop's own write destroys anything"


@st.composite
def edited_orders(draw: st.DrawFn) -> Evidence:
    """Evidence with changed and added lines, often worth the drift."""
    n = iter(range(1, 100))
    some = st.lists(st.integers(1, 4), max_size=3)
    raised = [edited(line(next(n), 5), 5 + draw(signed)) for _ in draw(some)]
    removed = [went(line(next(n), quantity)) for quantity in draw(some)]
    added = [line(next(n), quantity) for quantity in draw(some)]
    worth = [*(one.units for one in raised), *(one.units for one in removed), *(one.quantity for one in added)]
    parts = [amount for amount in worth[len(raised) :] if draw(st.booleans())]
    drift = -sum(worth[: len(raised)]) - sum(parts) + draw(st.sampled_from([0, 0, 0, 1]))
    return replace(
        draw(evidences),
        drift=drift or 1,
        changed=draw(st.permutations([*raised, *removed])),
        added=added,
        doubtful=draw(st.booleans()),
    )


signed = st.integers(-4, 4).filter(bool)


def worth_of(found: Finding) -> int:
    """By how much the lines of a finding lower the quantity."""
    return sum(change.units for change in found.changed) + units(found.added)


@given(edited_orders(), st.sampled_from(Policy))
def test_order_lines_that_are_worth_exactly_the_drift_explain_it_unless_something_else_does(evidence, policy) -> None:
    by_hand = tuple(change for change in evidence.changed if not change.gone)
    removed = [change for change in evidence.changed if change.gone]
    rest = -evidence.drift - sum(change.units for change in by_hand)
    gone = {sum(change.units for change in some) for n in range(4) for some in combinations(removed, n)}
    added = {units(some) for n in range(1, 4) for some in combinations(evidence.added, n)}
    found = explain(evidence, policy)
    if found.cause is Cause.ORDER_EDITED:
        assert found.remedy is Remedy.BOOK
        assert worth_of(found) == found.rest - evidence.drift
        assert found.changed[: len(by_hand)] == by_hand, "what was edited is a fact"
        assert len({change.sold.line for change in found.changed}) == len(found.changed)
        assert set(found.changed) <= {*evidence.changed}
        assert set(found.added) <= {*evidence.added}
    elif found.cause is Cause.LOST_SALE and found.remedy is Remedy.POST and found.changed:
        assert {*found.changed} == {*evidence.changed}, "each of them may have given something back"
        assert not any((by_hand, evidence.added, evidence.doubtful, evidence.edited))
    elif found.cause in {Cause.EDIT, Cause.STALE_SAVE} and found.remedy is Remedy.POST:
        assert {*found.changed} == {*evidence.changed}, "each of them may have given something back before the form"
        assert not any((by_hand, evidence.added, evidence.doubtful))
    elif found.cause is not Cause.SEVERAL:
        assert (found.changed, found.added) == ((), ())
    if found.cause is Cause.SEVERAL:
        assert evidence.edited or evidence.sales > 0, "there is something else"
        assert found.remedy is (Remedy.POST if evidence.drift > 0 else Remedy.BOOK), (
            "the smaller count at once, no paid line"
        )
        assert found.doubted == abs(evidence.drift)
    else:
        assert found.doubted == 0
    fits = rest in gone | {one + other for one in added for other in gone}
    if fits and (by_hand or rest):
        assert found.cause in {Cause.ORDER_EDITED, Cause.SEVERAL}
    elif found.cause is Cause.ORDER_EDITED:
        assert found.rest
    if by_hand and not fits:
        assert found.remedy is Remedy.ASK or found.rest or found.doubted, "a person is asked, whatever the policy"


def test_beside_a_lost_sale_lines_that_are_gone_are_asked_about() -> None:
    removed, with_its_order = went(line(1, 2)), went(line(2, 1))
    evidence = replace(QUIET, drift=5, sales=5, changed=[removed], deleted=[with_its_order])
    assert explain(evidence, Policy.OURS) == Finding(Cause.LOST_SALE, Remedy.POST, (removed, with_its_order))
    assert explain(replace(evidence, sales=4), Policy.OURS) == Finding(Cause.UNKNOWN, Remedy.ASK)
    assert explain(replace(evidence, doubtful=True), Policy.OURS) == Finding(Cause.UNKNOWN, Remedy.ASK)


@pytest.mark.parametrize(
    ("drift", "fallen", "sales", "missing"),
    [
        (-5, 5, 0, 5),
        (-3, 5, 0, 3),
        (-5, 3, 0, 3),
        (-1, 1, 0, 1),
        (-5, 0, 9, 0),
        (-5, -2, 9, 0),  # it rose
        (0, 3, 9, 0),  # the quantity got all of it
        (2, 3, 5, 3),  # a race destroyed five sales, and the counter was lowered alone
        (2, 3, 4, 0),
        (1, 1, 9, 1),
        (2, 0, 9, 0),
    ],
)
def test_what_the_counter_fell_by_and_the_quantity_did_not_get_is_not_borne_out(drift, fallen, sales, missing) -> None:
    evidence = replace(QUIET, drift=drift, sales=sales)
    assert not_borne_out(evidence, fallen) == missing
    typed = fallen if drift > 0 else missing  # a count that was typed says nothing of what came back
    assert not_borne_out(replace(evidence, edited=True), fallen) == max(0, typed)


def test_what_an_edited_order_explains_came_back() -> None:
    evidence = replace(QUIET, drift=-2, changed=[edited(line(1, 3), 5)])
    assert not_borne_out(evidence, 2) == 0
    assert not_borne_out(replace(evidence, drift=-3), 2) == 2


def test_nothing_that_drifted_is_no_race() -> None:
    assert race(replace(QUIET, drift=0, sales=5)) is None


@pytest.mark.parametrize(
    ("changes", "listings", "stops"),
    [
        (20, 20, False),
        (21, 21, True),
        (21, 419, True),
        (21, 420, False),
        (22, 420, True),
        (0, 0, False),
        (5000, 100_000, False),
    ],
)
def test_the_brake_needs_more_than_a_share_and_more_than_a_few(changes: int, listings: int, stops: bool) -> None:
    assert braked(changes, listings, percent=5, at_least=20) is stops


@pytest.mark.parametrize(
    ("age", "window", "recent"),
    [
        (None, 10, False),
        (0, 10, True),
        (-1, 10, True),
        (-899, 10, True),
        (11, 10, True),
        (12, 10, False),
        (600, 10, False),
        (600, 700, True),
        (-3600 + 4, 10, True),  # written in a zone an hour ahead of the database's
        (18_000 + 4, 10, True),  # or five hours behind it
        (18_000 + 60, 10, False),
        (-3600 + 600, 10, False),
        (3 * 86_400, 10, False),
        (16 * 3600, 10, False),
        (-16 * 3600, 10, False),
        (40 * 3600, 30 * 3600, True),  # nobody looked for a day and a half
        (-15 * 3600, 10, True),  # the zones that are farthest apart
        (15 * 3600 + 11, 10, True),
        (15 * 3600 + 12, 10, False),
        (15 * 3600 + 30 * 3600 + 1, 30 * 3600, True),
        (15 * 3600 + 30 * 3600 + 2, 30 * 3600, False),
        (-15 * 3600 - 1, 30 * 3600, False),
    ],
)
def test_an_edit_is_recent_whatever_the_zone_of_the_shop(age, window, recent):
    assert is_recent(age, window) is recent


def test_what_the_law_tells_by_itself_has_its_remedy() -> None:
    assert Finding(Cause.COUNTER_RESET, Remedy.REBASE) == RESET
    assert Finding(Cause.COUNTER_LOWERED, Remedy.REBASE) == LOWERED
    assert Finding(Cause.RETURN_IN_DOUBT, Remedy.ASK) == DOUBTED
    assert Finding(Cause.PARTIAL_RETURN, Remedy.SHOW) == PARTIAL


def test_no_line_explains_anything_unless_it_is_given() -> None:
    assert (QUIET.changed, QUIET.added, QUIET.doubtful) == ((), (), False)
    assert (RESET.changed, RESET.added) == ((), ())


def test_only_what_is_shown_or_stopped_needs_a_person_who_is_not_asked() -> None:
    assert {Remedy.SHOW, Remedy.STOP} == NEEDS_PERSON
    assert (HEALS_PER_HOUR, NAMELESS_SECONDS) == (3, 600)


@pytest.mark.parametrize("cause", list(Cause))
def test_if_the_shop_is_right_its_drift_is_booked_or_what_it_says_came_back(cause: Cause) -> None:
    difference = Difference(
        id=1,
        cart=1,
        listing=1,
        cause=cause,
        remedy=Remedy.ASK,
        amount=-5,
        seen=Counters(10, 35),
        expected=Counters(17, 33),
        opened_at=NOON,
        closed_at=None,
        note="",
    )
    assert difference.about_return is (cause in (Cause.RETURN_IN_DOUBT, Cause.GIVEN_BACK_TWICE))
    assert difference.theirs == (7 if difference.about_return else -5)


def test_a_paid_line_that_the_counter_does_not_tell_of_is_asked_about_beside_a_lost_post() -> None:
    """An editor wrote the counter as it had read it before the sale; the quantity fell by the sale alone. Or a race destroyed a post."""
    paid = Line(7, 5, 1, "TEA", 2, 1, True)
    evidence = Evidence(
        drift=-2, edited=False, quantity=8, sales=3, posts=[2], returns=[], past=[], heals=0, paid=[paid]
    )
    booked = Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), (paid,))
    asked = Finding(Cause.SEVERAL, Remedy.ASK)
    assert explain(evidence, Policy.OURS) == asked
    assert explain(replace(evidence, posts=[1], returns=[1]), Policy.OURS) == asked
    for other in ({"sales": 0}, {"posts": [3]}, {"posts": []}):
        assert explain(replace(evidence, **other), Policy.OURS) == booked
    assert explain(replace(evidence, sales=1), Policy.OURS) == asked
    assert explain(replace(evidence, paid=[]), Policy.OURS).cause is Cause.LOST_POST


def test_an_order_that_was_cancelled_is_told_from_one_that_was_edited() -> None:
    there = replace(line(1, 2), status=99)
    cancelled, gone = replace(went(line(1, 2)), cancelled=there), went(line(2, 1))
    for changed, cause in (
        ([cancelled], Cause.ORDER_CANCELLED),
        ([gone], Cause.ORDER_EDITED),
        ([cancelled, gone], Cause.ORDER_EDITED),
        ([cancelled, edited(line(3, 5), 4)], Cause.ORDER_EDITED),
    ):
        evidence = replace(QUIET, drift=-sum(change.units for change in changed), changed=changed)
        found = explain(evidence, Policy.OURS)
        assert (found.cause, found.remedy, {*found.changed}) == (cause, Remedy.BOOK, {*changed})
    added = replace(QUIET, drift=1, changed=[cancelled], added=[line(9, 1)])
    assert explain(added, Policy.OURS).cause is Cause.ORDER_EDITED


def test_paid_lines_explain_a_fall_exactly_or_not_at_all_and_nothing_beside_an_edited_line() -> None:
    paid = (line(7, 2), line(8, 5))
    evidence = replace(QUIET, drift=-2, paid=paid)
    assert explain(evidence, Policy.OURS) == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), paid[:1])
    beside = replace(evidence, changed=[went(line(1, 9))])
    assert explain(beside, Policy.OURS) == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (), paid[:1])
    for other in (
        replace(evidence, drift=-3),
        replace(evidence, drift=-8),
        replace(evidence, drift=2),
        replace(evidence, changed=[edited(line(1, 9), 5)]),
        replace(evidence, drift=2, edited=True),
    ):
        assert explain(other, Policy.OURS).cause not in {Cause.ORDER_EDITED, Cause.SEVERAL}
    assert explain(replace(evidence, edited=True), Policy.OURS) == Finding(Cause.SEVERAL, Remedy.ASK)
    assert explain(replace(evidence, edited=True), Policy.THEIRS) == Finding(Cause.EDIT, Remedy.BOOK), (
        "the count is the same"
    )


def test_notes_begin_with_words_that_stores_have_learned() -> None:
    endings = (
        "corrected by an update, our count chosen, the shop's count chosen, aligned by Send QOH, aligned by Get QOH,"
        " undone in the shop, its product is no longer synced"
    )
    assert [ending.value for ending in Ending] == endings.split(", ")
    assert UNBOOKED == "more than were booked as taken"


def test_of_what_nobody_says_nothing_is_known() -> None:
    assert (QUIET.changed, QUIET.added, QUIET.deleted, QUIET.paid, QUIET.given_back) == ((), (), (), (), ())


class TestAFormBesideAnOrder:
    """An order was edited, and a form was saved that may explain the drift as well."""

    LOWERED = edited(line(1, 5), 2)
    FORM = replace(QUIET, drift=3, edited=True, sales=3, quantity=13, past=(13,), changed=(LOWERED,))
    EDITED = Finding(Cause.ORDER_EDITED, Remedy.BOOK, (LOWERED,))

    BOTH = Finding(Cause.SEVERAL, Remedy.POST, (LOWERED,), doubted=3)

    @pytest.mark.parametrize("policy", list(Policy))
    def test_where_both_explain_it_the_smaller_count_is_posted_and_a_person_is_asked(self, policy) -> None:
        assert explain(self.FORM, policy) == self.BOTH

    @pytest.mark.parametrize("known", [{"edited": False}, {"sales": 2}, {"past": (12,)}])
    @pytest.mark.parametrize("policy", list(Policy))
    def test_the_order_alone_explains_it_where_no_old_count_came_back(self, policy, known) -> None:
        assert explain(replace(self.FORM, **known), policy) == self.EDITED

    def test_what_an_order_took_is_the_smaller_count_beside_a_lost_post(self) -> None:
        raised = edited(line(1, 2), 5)
        beside = replace(self.FORM, drift=-3, changed=(raised,), posts=(3,))
        assert explain(beside, Policy.OURS) == Finding(Cause.SEVERAL, Remedy.BOOK, (raised,), doubted=3)
        taken = Finding(Cause.ORDER_EDITED, Remedy.BOOK, (raised,))
        assert explain(replace(beside, posts=(4,)), Policy.OURS) == taken
        assert explain(replace(beside, sales=0), Policy.OURS) == taken

    def test_lines_that_were_added_are_part_of_the_smaller_count(self) -> None:
        added = line(2, 3)
        beside = replace(self.FORM, edited=False, drift=-3, changed=(), added=(added,), posts=(3,))
        assert explain(beside, Policy.OURS) == Finding(Cause.SEVERAL, Remedy.BOOK, (), (added,), doubted=3)

    @pytest.mark.parametrize("sales", [0, 3, 4])
    def test_every_known_editor_moves_the_stock_so_lost_sales_are_no_other_explanation(self, sales) -> None:
        assert explain(replace(self.FORM, edited=False, sales=sales), Policy.OURS) == self.EDITED

    def test_a_part_that_an_order_gave_back_is_not_believed_beside_an_old_form(self) -> None:
        some = replace(self.FORM, changed=(edited(line(1, 5), 4),))
        assert explain(some, Policy.OURS) == Finding(Cause.SEVERAL, Remedy.POST, some.changed, doubted=3)
        typed = replace(some, past=())
        assert explain(typed, Policy.OURS) == Finding(Cause.ORDER_EDITED, Remedy.BOOK, some.changed, rest=2)
        took = replace(self.FORM, changed=(edited(line(1, 5), 6),))
        assert explain(took, Policy.OURS) == Finding(Cause.ORDER_EDITED, Remedy.BOOK, took.changed, rest=4)

    def test_one_unit_is_enough(self) -> None:
        lowered = edited(line(1, 5), 4)
        form = replace(self.FORM, drift=1, sales=1, changed=(lowered,))
        assert explain(form, Policy.THEIRS) == Finding(Cause.SEVERAL, Remedy.POST, (lowered,), doubted=1)

    def test_orders_that_went_and_are_worth_a_form_may_have_come_back(self) -> None:
        order, other = went(line(1, 3)), went(line(2, 2))
        form = replace(self.FORM, changed=(), deleted=(other, order))
        assert explain(form, Policy.OURS) == Finding(Cause.STALE_SAVE, Remedy.POST, (order,))
        assert explain(replace(form, deleted=(other,)), Policy.OURS) == Finding(Cause.STALE_SAVE, Remedy.POST)

    def test_an_order_that_went_may_have_been_taken_out_of_the_counter_behind_a_sale_without_a_line(self) -> None:
        order = went(line(1, 3))
        fell = replace(self.FORM, edited=False, drift=-3, changed=(), deleted=(order,), posts=(3,))
        assert explain(fell, Policy.OURS) == Finding(Cause.SEVERAL, Remedy.BOOK, doubted=3)
        unknown = Finding(Cause.UNKNOWN, Remedy.ASK)
        for other in ({"drift": -2}, {"deleted": (went(line(1, 4)),)}, {"doubtful": True}, {"drift": 3, "sales": 0}):
            assert explain(replace(fell, **other), Policy.OURS) == unknown

    def test_a_form_explains_no_drift_where_there_is_none(self) -> None:
        raised = edited(line(1, 2), 5)
        form = replace(self.FORM, drift=0, changed=(raised,))
        assert explain(form, Policy.OURS) == Finding(Cause.ORDER_EDITED, Remedy.BOOK, (raised,), (), 3)

    def test_where_our_count_takes_a_form_away_the_lines_that_went_are_asked_about(self) -> None:
        gone = went(line(1, 2))
        form = replace(self.FORM, changed=(gone,), past=())
        assert explain(form, Policy.OURS) == Finding(Cause.EDIT, Remedy.POST, (gone,))
        assert explain(form, Policy.ASK) == Finding(Cause.EDIT, Remedy.ASK)
