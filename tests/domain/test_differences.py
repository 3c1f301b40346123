"""Holds the naming of differences to the table of causes, row by row and under each policy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.differences import (
    HEALS_PER_HOUR,
    Cause,
    Evidence,
    Finding,
    Policy,
    Remedy,
    braked,
    explain,
)

QUIET = Evidence(drift=3, moved=0, edited=False, quantity=13, sales=0, posts=(), past=(), heals=0)
WINS = {Policy.OURS: Remedy.POST, Policy.THEIRS: Remedy.BOOK, Policy.ASK: Remedy.ASK}


@pytest.mark.parametrize("policy", list(Policy))
class TestTheTable:
    """A cause does not depend on whose count wins; only an edit's remedy does."""

    @pytest.mark.parametrize("drift", [1, 2, 5])
    def test_lost_sale(self, policy: Policy, drift: int) -> None:
        assert explain(replace(QUIET, drift=drift, sales=5), policy) == Finding(Cause.LOST_SALE, Remedy.POST)

    @pytest.mark.parametrize(
        ("drift", "sales", "posts"),
        [(-5, 1, (5,)), (-7, 2, (5, 2)), (-2, 2, (5, 2)), (-4, 1, (5,)), (9, 2, (-9,)), (-3, 1, (-2, 3, 5))],
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

    @pytest.mark.parametrize("change", [{"sales": 0}, {"quantity": 12}, {"drift": -3}])
    def test_no_stale_form_save(self, policy: Policy, change: dict) -> None:
        evidence = replace(replace(QUIET, edited=True, sales=3, quantity=13, past=(11, 13)), **change)
        assert explain(evidence, policy).cause is Cause.EDIT

    def test_counter_reset(self, policy: Policy) -> None:
        evidence = replace(QUIET, drift=-9, moved=-9)
        assert explain(evidence, policy) == Finding(Cause.COUNTER_RESET, Remedy.REBASE)

    @pytest.mark.parametrize(
        ("drift", "sales", "posts"), [(3, 0, ()), (-3, 0, (3,)), (6, 5, ()), (-4, 3, ()), (-9, 2, (5, 2))]
    )
    def test_unknown(self, policy: Policy, drift: int, sales: int, posts: tuple[int, ...]) -> None:
        evidence = replace(QUIET, drift=drift, sales=sales, posts=posts)
        assert explain(evidence, policy) == Finding(Cause.UNKNOWN, Remedy.ASK)

    @pytest.mark.parametrize("past", [(), (13,)])
    def test_what_keeps_coming_back_is_asked_about(self, policy: Policy, past: tuple[int, ...]) -> None:
        evidence = replace(QUIET, edited=True, sales=3, past=past, heals=HEALS_PER_HOUR)
        assert explain(evidence, policy).remedy is Remedy.ASK
        assert explain(replace(evidence, heals=HEALS_PER_HOUR - 1), Policy.OURS).remedy is Remedy.POST

    def test_races_are_healed_as_often_as_they_happen(self, policy: Policy) -> None:
        assert explain(replace(QUIET, sales=3, heals=99), policy).remedy is Remedy.POST


evidences = st.builds(
    Evidence,
    drift=st.integers(-20, 20).filter(bool),
    moved=st.integers(-20, 0),
    edited=st.booleans(),
    quantity=st.integers(-5, 20),
    sales=st.integers(-3, 20),
    posts=st.lists(st.integers(-9, 9).filter(bool), max_size=30),
    past=st.lists(st.integers(-5, 20), max_size=5),
    heals=st.integers(0, 5),
)


@given(evidences, st.sampled_from(Policy))
def test_every_drift_gets_a_cause_and_only_theirs_is_ever_booked(evidence: Evidence, policy: Policy) -> None:
    found = explain(evidence, policy)
    assert found.remedy in (Remedy.POST, Remedy.BOOK, Remedy.ASK, Remedy.REBASE)
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
