"""Holds the naming of differences to the table of causes, row by row and under each policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.differences import RESET, Cause, Evidence, Finding, Policy, Remedy, braked, explain, is_recent
from tests.builders import line

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
    assert explain(replace(raced, added=(line(7, 1),)), Policy.OURS) == Finding(Cause.UNKNOWN, Remedy.ASK)


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
    if found.cause in (Cause.LOST_SALE, Cause.LOST_POST):
        assert evidence.sales > 0, "only the shop's own write destroys anything"


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
    ],
)
def test_an_edit_is_recent_whatever_the_zone_of_the_shop(age, window, recent):
    assert is_recent(age, window) is recent
