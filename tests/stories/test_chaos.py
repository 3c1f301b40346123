"""Stories of everything going wrong: the run of ``chaos``, and one by one what a run cannot aim at."""

from __future__ import annotations

import itertools
import resource
import sys
import threading
from dataclasses import replace
from typing import ClassVar

import pytest

from onhand.domain.errors import OnHandError
from tests.shops.families import OsCommerce23
from tests.stories.bank import Statement, faults_of_read
from tests.stories.blows import SHOP, plan
from tests.stories.chaos_file import ChaosInAFile
from tests.stories.outcome import CHECKS, END_SECONDS_MAX, Outcome, Return, ShopSeen, faults_of
from tests.stories.relay import Fault, Relay
from tests.stories.stage import RACES, HouseServed, Stage, eventually

SECONDS = 120.0
SALES_AT_LEAST = 1_000  # on a machine that is busy with other tests; a quiet one makes several thousand


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(420)
def test_two_minutes_of_everything_going_wrong(tmp_path, seed):
    with ChaosInAFile(tmp_path, seed=seed, seconds=SECONDS) as chaos:
        outcome = chaos.run()
        report = chaos.report(outcome)
    assert not any(faults_of(outcome).values()), report
    assert report["sales"] >= SALES_AT_LEAST, report
    assert {"lost sale"} <= {found["cause"] for found in report["differences"]}, report
    assert set(report["network_faults"]) == set(Fault), report
    assert set(report["kills"]) == {
        "onhand kill -9",
        "onhand SIGTERM",
        "worker kill -9",
        "php kill -9",
        "mariadb kill -9",
    }, report


def test_the_same_seed_makes_the_same_plan():
    assert plan(7, 120, SHOP) == plan(7, 120, SHOP) != plan(8, 120, SHOP)
    assert all(blows and blows[0].at < 60 for blows in plan(7, 120, SHOP).values())


class TestEachCheckCanFail:
    """An outcome in which all promises were kept, and one lie each."""

    RIGHT = Outcome(
        settled=True,
        seconds_to_in_step=1.0,
        seconds_allowed=5.0,
        proof={"holds": True, "items": [], "carts": []},
        opening={"MUG": 10},
        on_hand={"MUG": 11},
        movements=(
            {"sku": "MUG", "kind": "opening", "quantity": 10, "cart": None, "order": None, "reason": "", "origin": "o/1"},
            {"sku": "MUG", "kind": "sale", "quantity": -3, "cart": "Amber", "order": "1", "reason": "", "origin": "a/1"},
            {"sku": "MUG", "kind": "sale", "quantity": -1, "cart": "Birch", "order": "1", "reason": "", "origin": "b/1"},
            {"sku": "MUG", "kind": "receipt", "quantity": 5, "cart": None, "order": None, "reason": "PO 1", "origin": "r/1"},
        ),
        shops={
            # Amber sold 3, of which a race destroyed 1; then posts of +5 for the delivery, -1 for Birch and -1 for the race.
            "Amber": ShopSeen(True, {"MUG": 11}, {"MUG": 3}, {"MUG": 10}, {"MUG": 1}, {"MUG": 3}),
            "Birch": ShopSeen(False, {"MUG": 11}, {"MUG": 1}, {"MUG": 10}, {}, {"MUG": 2}),
        },
        differences=(
            {"id": 1, "cart": "Amber", "sku": "MUG", "cause": "lost sale", "amount": 1, "closed_at": "then", "note": ""},
        ),
        posts=(
            {"cart": "Amber", "sku": "MUG", "seq": 1, "change": 3, "state": "applied"},
            {"cart": "Birch", "sku": "MUG", "seq": 1, "change": 2, "state": "applied"},
        ),
        clerk={"PO 1": {"MUG": 5}},
        unfinished=(),
        endings=((0, 0.5, 10.0),),
    )  # fmt: skip

    def test_where_every_promise_was_kept_no_check_complains(self):
        assert faults_of(self.RIGHT) == {name: [] for name in CHECKS}

    @pytest.mark.parametrize(
        ("complains", "lie"),
        [
            ("prove holds", lambda o: {"proof": {"holds": False, "items": ["MUG"], "carts": []}}),
            ("balances are the fold of movements", lambda o: {"movements": o.movements[1:]}),
            ("each sale of a shop is booked once", lambda o: {"movements": (*o.movements, o.movements[1])}),
            ("each sale of a shop is booked once", lambda o: {"movements": o.movements[:2] + o.movements[3:]}),
            ("on hand = opening + clerk's bookings - counters", lambda o: {"opening": {"MUG": 11}}),
            ("every listing is at its target in time", lambda o: {"settled": False}),
            ("every listing is at its target in time", lambda o: {"seconds_to_in_step": 5.1}),
            ("every listing is at its target in time", lambda o: {"on_hand": {"MUG": 12}}),
            ("each post took effect once", lambda o: {"posts": (*o.posts, o.posts[0])}),
            ("each post took effect once", lambda o: {"posts": o.posts[:1]}),
            ("each post took effect once", lambda o: {"posts": (*o.posts, {**o.posts[0], "state": "sent"})}),
            ("what races destroyed is named, to the unit", lambda o: {"differences": ()}),
            ("what races destroyed is named, to the unit", lambda o: _difference(o, cause="edit in the shop")),
            ("what races destroyed is named, to the unit", lambda o: _difference(o, closed_at=None)),
            ("what races destroyed is named, to the unit", lambda o: _difference(o, note="undone in the shop")),
            ("what races destroyed is named, to the unit", lambda o: _shop(o, destroyed={"MUG": 2})),
            ("each of the clerk's references is booked once", lambda o: {"clerk": {}}),
            ("each of the clerk's references is booked once", lambda o: {"clerk": {**o.clerk, "PO 2": {"MUG": 1}}}),
            ("each of the clerk's references is booked once", lambda o: {"movements": (*o.movements, o.movements[3])}),
            ("told to end, OnHand ends cleanly", lambda o: {"endings": ((0, 0.5, 10.0), (-15, 0.5, 10.0))}),
            ("told to end, OnHand ends cleanly", lambda o: {"endings": ((0, 10.1, 10.0),)}),
            ("what was killed is taken over in time", lambda o: {"returns": (Return("carts", 10.1, 10.0),)}),
            ("every read is a state that existed", lambda o: {"bank": ("bank-1",)}),
            ("every read is a state that existed", lambda o: {"misread": ("web 0: 3 bookings, after 4 were known",)}),
        ],
    )
    def test_a_lie_is_told(self, complains, lie):
        assert faults_of(replace(self.RIGHT, **lie(self.RIGHT)))[complains]

    def test_every_check_has_a_lie(self):
        (lies,) = [mark.args[1] for mark in type(self).test_a_lie_is_told.pytestmark]
        assert {complains for complains, _ in lies} == set(CHECKS)

    def test_what_happened_without_a_transaction_between_a_row_and_its_trigger_is_no_fault(self):
        birch = replace(self.RIGHT.shops["Birch"], posted={})  # the post of +2 landed, the kill came before its trigger
        assert not any(faults_of(replace(self.RIGHT, shops={**self.RIGHT.shops, "Birch": birch})).values())
        amber = replace(self.RIGHT.shops["Amber"], posted={})  # where there are transactions that cannot be
        assert any(faults_of(replace(self.RIGHT, shops={**self.RIGHT.shops, "Amber": amber})).values())

    @pytest.mark.parametrize("unfinished", [(), (("Birch", 1),)])
    def test_a_race_may_be_taken_for_a_post_only_where_no_shop_can_tell_and_both_are_right_together(self, unfinished):
        birch = replace(self.RIGHT.shops["Birch"], posted={}, destroyed={"MUG": 2})
        told = replace(self.RIGHT, shops={**self.RIGHT.shops, "Birch": birch}, unfinished=unfinished)
        assert any(faults_of(told).values()) is not bool(unfinished)
        short = replace(birch, shows={"MUG": 10})  # not even together
        assert any(faults_of(replace(told, shops={**told.shops, "Birch": short})).values())


class TestEachCheckOfABankCanFail:
    BEGUN: ClassVar = ["bank-0", "bank-1", "bank-2"]

    def test_a_state_that_existed_is_no_fault(self):
        for shown in (1, 2, 3):
            statement = Statement(5, tuple(self.BEGUN[:shown]), 5)
            assert faults_of_read((9, 9), statement, self.BEGUN, 1) == []

    @pytest.mark.parametrize(
        ("pair", "statement"),
        [
            ((9, 8), Statement(5, ("bank-0", "bank-1"), 5)),
            ((9,), Statement(5, ("bank-0", "bank-1"), 5)),
            ((9, 9), Statement(5, ("bank-0", "bank-1"), 4)),
            ((9, 9), Statement(5, ("bank-0", "bank-2"), 5)),
            ((9, 9), Statement(5, ("bank-0", "bank-0"), 5)),
            ((9, 9), Statement(5, ("bank-0",), 5)),
        ],
    )
    def test_any_other_is(self, pair, statement):
        assert faults_of_read(pair, statement, self.BEGUN, 2)


def _difference(outcome, **lie):
    return {"differences": ({**outcome.differences[0], **lie},)}


def _shop(outcome, **lie):
    return {"shops": {**outcome.shops, "Amber": replace(outcome.shops["Amber"], **lie)}}


@pytest.fixture
def relayed(tmp_path, mariadb, php):
    """OnHand as a program of its own, Amber reached through a relay; answers (stage, relay)."""
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}, house=HouseServed) as stage:
        driver = OsCommerce23(mariadb, php)
        relay = Relay(driver.url)
        stage.open_shop(driver, url=relay.url)
        stage.open_shop(OsCommerce23(mariadb, php))
        stage.align()
        yield stage, relay
        relay.stall = lambda: None
    relay.close()


class Gate:
    """Holds what stalls in a relay until it is opened."""

    def __init__(self, relay, fault, verb):
        self._arrived, self._open = threading.Event(), threading.Event()
        relay.stall = self._hold
        relay.fault = lambda asked: fault if asked["verb"] == verb and not self._open.is_set() else None

    def _hold(self):
        self._arrived.set()
        self._open.wait()

    def wait_for_somebody(self):
        assert self._arrived.wait(15)

    def open(self):
        self._open.set()


@pytest.mark.servers
@pytest.mark.parametrize(
    ("fault", "verb"),
    [
        (None, None),  # it has just begun and not looked yet
        pytest.param(Fault.HELD, "look", marks=pytest.mark.long),  # a question is under way
        pytest.param(
            Fault.LATE, "apply", marks=pytest.mark.long
        ),  # a batch is stored here, and the shop has not heard of it
        pytest.param(Fault.HELD, "apply", marks=pytest.mark.long),  # the shop has applied a batch, and we do not know
        (Fault.LOST, "apply"),  # and we shall not hear of it; the next try is put off
    ],
)
def test_told_to_end_in_any_phase_it_ends_in_time_and_goes_on_afterwards(relayed, fault, verb):
    stage, relay = relayed
    amber, birch = stage.shops
    gate = Gate(relay, fault, verb)
    stage.receive("MUG", 5, "PO 1")
    amber.sell("MUG", 2)
    birch.sell("PEN", 3)
    if fault is None:
        stage.house.end()
        stage.reopen()
    elif fault is Fault.LOST:
        eventually(lambda: relay.lost)
    else:
        gate.wait_for_somebody()

    code, seconds = stage.house.end()
    assert code == 0
    assert seconds < END_SECONDS_MAX
    gate.open()
    amber.sell("MUG", 1)
    stage.reopen()
    stage.receive("PEN", 1, "PO 2")
    stage.all_show(MUG=12, PEN=8)
    stage.all_is_well()
    with pytest.raises(OnHandError, match="is booked already"):
        stage.receive("MUG", 5, "PO 1")
    assert {cause for cause, _ in stage.causes()} <= RACES  # a sale may have met a batch


@pytest.mark.servers
def test_a_disk_without_room_stops_nothing_but_our_bookings_and_it_goes_on_by_itself(relayed):
    """No more room is a limit on the size of files, set on the running process from outside: every system has it, no right is needed,
    and SQLite's own write to the file fails."""
    stage, _ = relayed
    amber, birch = stage.shops
    stage.all_is_well()
    files = [stage.house.store.with_name(stage.house.store.name + suffix) for suffix in ("", "-wal")]
    limit_files(stage.house.process.pid, max(file.stat().st_size for file in files))

    numbers = itertools.count()
    refusal = next(filter(None, (refused(stage.receive, "PEN", 1, f"PO {number}") for number in numbers)))
    assert_no_room(refusal)  # what was there already is used up
    received = next(numbers) - 1
    assert amber.sell("MUG", 2)
    assert birch.sell("MUG", 3)
    stage.eventually(lambda: stage.trouble(amber) and stage.trouble(birch))
    assert_no_room(stage.trouble(amber))
    assert stage.on_hand()["MUG"] == 10

    limit_files(stage.house.process.pid, resource.RLIM_INFINITY)
    stage.all_show(MUG=5, PEN=10 + received)
    stage.all_is_well()
    stage.receive("PEN", 1, f"PO {received}")  # what was refused was not booked: it is not known
    stage.all_show(PEN=11 + received)
    assert stage.house.end()[0] == 0
    assert stage.differences() == []


def refused(act, *what):
    """The sentence with which it is refused; nothing where it is done."""
    try:
        act(*what)
    except OnHandError as problem:
        return problem.message


def limit_files(pid, size):
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))


def assert_no_room(text):
    assert "space" in text, text
    assert "damaged" not in text, text


# Rights bind root too, once a process has let go of the power to pass over them. Without that power it changes nothing.
MODEST = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.servers
@pytest.mark.long
def test_a_store_that_may_not_be_written_is_told_and_goes_on_once_it_may(tmp_path, mariadb, php):
    launcher = [sys.executable, "-c", MODEST]
    with Stage(tmp_path, {"MUG": 10, "PEN": 10}, house=lambda store: HouseServed(store, launcher)) as stage:
        for _ in range(2):
            stage.open_shop(OsCommerce23(mariadb, php))
        stage.align()
        amber, birch = stage.shops
        stage.house.end()
        stage.house.store.chmod(0o400)  # as a backup that root put back
        stage.reopen()
        amber.sell("MUG", 2)
        with pytest.raises(OnHandError, match=r"cannot be written .* give this user permission to write it\.$"):
            stage.receive("PEN", 1)
        stage.eventually(lambda: "cannot be written" in stage.trouble(amber))
        assert birch.shows("MUG") == 10

        stage.house.store.chmod(0o600)
        stage.all_show(MUG=8, PEN=10)
        stage.all_is_well()
        assert stage.differences() == []
