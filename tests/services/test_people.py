"""Holds the gate to who may come in: passwords, pauses, sessions, links, tokens, the last administrator."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from onhand.domain.errors import Conflict, Forbidden, Refused, Retriable
from onhand.domain.people import Caller, Role, Scope
from onhand.passwords import Passwords
from onhand.services import gate as gates
from onhand.services import people
from onhand.services.gate import Gate, OwnGuesses, SharedGuesses
from onhand.storage.office_tables import guesses
from tests.builders import World, in_a_file

PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(params=["own", "shared"])
def gate(request, world: World) -> Gate:
    """The gate of the only process; and, in a store that several share, of one of them, whichever is asked."""
    if request.param == "own":
        return Gate(Passwords(cheap=True))
    ticks = itertools.count()  # the clock of the server: no two tries are at the same moment
    return Gate(
        Passwords(cheap=True),
        SharedGuesses(world.store, lambda _: int(world.clock.monotonic() * 1e6) + next(ticks)),
    )


@pytest.fixture
def ann(world: World, gate: Gate) -> str:
    """The first administrator; what her browser holds."""
    return people.begin(world.house, gate, people.first_link(world.house), "Ann", PASSWORD)


def enter(world: World, gate: Gate, name: str = "Ann", password: str = PASSWORD, address: str = HERE) -> str:
    return people.enter(world.house, gate, name, password, address, "a browser")


def invited(world: World, gate: Gate, name: str, role: Role) -> str:
    return people.begin(world.house, gate, people.invite(world.house, name, role)[1], name, PASSWORD)


def test_the_first_link_makes_an_administrator_once(world: World, gate: Gate) -> None:
    link = people.first_link(world.house)
    assert people.link_holder(world.house, link) is None
    secret = people.begin(world.house, gate, link, " Ann ", PASSWORD)
    found = people.visitor(world.house, secret)
    assert (found.name, found.role) == ("Ann", Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="was used"):
        people.begin(world.house, gate, link, "Eve", PASSWORD)
    assert people.first_link(world.house) is None


def test_a_second_start_ends_the_first_link_and_a_day_ends_any(world: World, gate: Gate) -> None:
    first, second = people.first_link(world.house), people.first_link(world.house)
    with pytest.raises(Refused):
        people.begin(world.house, gate, first, "Ann", PASSWORD)
    world.clock.advance(people.FIRST_LINK.total_seconds())
    with pytest.raises(Refused):
        people.begin(world.house, gate, second, "Ann", PASSWORD)


def test_a_wrong_name_and_a_wrong_password_are_told_alike(world: World, gate: Gate, ann: str) -> None:
    messages = set()
    for name, password in (("Ann", "wrong horse battery"), ("Eve", PASSWORD), ("", ""), ("Ann", "")):
        with pytest.raises(Refused) as refused:
            enter(world, gate, name, password)
        messages.add((refused.value.message, tuple(refused.value.facts)))
    assert len(messages) == 1


def test_a_name_is_known_in_any_case(world: World, gate: Gate, ann: str) -> None:
    assert people.visitor(world.house, enter(world, gate, " aNN ")).name == "Ann"


def test_who_guesses_waits_longer_and_longer_and_the_right_password_waits_too(
    world: World, gate: Gate, ann: str
) -> None:
    for _ in range(gates.TRIES):
        with pytest.raises(Refused):
            enter(world, gate, password="wrong horse battery")
    pauses = []
    for _ in range(12):
        with pytest.raises(Retriable) as paused:
            enter(world, gate)
        pauses.append(paused.value.facts["seconds"])
        world.clock.advance(pauses[-1])
        with pytest.raises(Refused):
            enter(world, gate, password="wrong horse battery")
    assert pauses[:3] == [10, 20, 40]
    assert pauses[-1] == gates.PAUSE_MAX.total_seconds()
    assert enter(world, gate, address=THERE)  # whoever guesses elsewhere does not lock Ann out
    world.clock.advance(pauses[-1])
    assert enter(world, gate)
    with pytest.raises(Refused):  # a right password ends the counting
        enter(world, gate, password="wrong horse battery")


def test_an_address_that_tries_many_names_waits_as_well(world: World, gate: Gate, ann: str) -> None:
    for n in range(4 * gates.TRIES):
        with pytest.raises(Refused):
            enter(world, gate, f"user {n}", "wrong horse battery")
    with pytest.raises(Retriable):
        enter(world, gate)


def test_many_tries_at_the_same_moment_are_no_more_than_one_after_the_other(world: World, gate: Gate, ann: str) -> None:
    def guess(n: int) -> str:
        try:
            enter(world, gate, password=f"wrong horse battery {n}")
        except (Refused, Retriable) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(16) as guessers:
        assert Counter(guessers.map(guess, range(48))) == {"Refused": gates.TRIES, "Retriable": 48 - gates.TRIES}


def test_behind_a_proxy_a_guesser_keeps_others_waiting_a_minute_at_most(world: World, gate: Gate, ann: str) -> None:
    for n in range(200):
        with suppress(Refused, Retriable):
            enter(world, gate, f"user {n}", "wrong horse battery")
        world.clock.advance(7)
    with pytest.raises(Retriable) as paused:
        enter(world, gate)
    assert paused.value.facts["seconds"] <= 60
    world.clock.advance(60)
    assert enter(world, gate)


def test_a_link_is_of_no_use_to_somebody_who_was_kept_out(world: World, gate: Gate, ann: str) -> None:
    link = people.invite(world.house, "Bob", Role.CLERK)[1]
    people.edit(world.house, "Bob", Role.CLERK, False, None)
    with pytest.raises(Refused, match="has ended"):
        people.begin(world.house, gate, link, "", PASSWORD)
    with pytest.raises(Refused, match="kept out"):
        people.renew(world.house, "Bob")


def test_the_first_link_ends_when_the_machine_made_an_administrator(world: World, gate: Gate) -> None:
    first = people.first_link(world.house)
    people.invite(world.house, "Ann", Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="was used"):
        people.begin(world.house, gate, first, "Eve", PASSWORD)
    with pytest.raises(Refused, match="was used"):
        people.link_holder(world.house, first)


def remembered(world: World, gate: Gate) -> int:
    """How many guessers are remembered."""
    if isinstance(gate.guesses, OwnGuesses):
        return len(gate.guesses._tries)
    return world.store.read(lambda books: len(books._connection.execute(select(guesses)).all()))


def test_wrong_tries_are_forgotten_before_they_fill_the_memory(
    world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "GUESSERS_MAX", 60)
    for n in range(50):
        gate.guesses.begin(f"user {n}", f"address {n}", world.clock.monotonic())
    assert remembered(world, gate) == pytest.approx(60, abs=1)


def test_processes_that_share_a_store_count_tries_together_and_store_no_name(world: World, ann: str) -> None:
    gates_ = [Gate(Passwords(cheap=True), SharedGuesses(world.store)) for _ in range(2)]
    for n in range(gates.TRIES):
        with pytest.raises(Refused):
            enter(world, gates_[n % 2], password="wrong horse battery")
    for gate in gates_:
        with pytest.raises(Retriable) as paused:
            enter(world, gate)
        assert 0 < paused.value.facts["seconds"] <= gates.PAUSE.total_seconds()
    stored = world.store.read(lambda books: [row.guesser for row in books._connection.execute(select(guesses))])
    assert len(stored) == 2
    assert all(len(guesser) == 64 for guesser in stored)


def test_who_has_to_wait_is_not_remembered_under_ever_new_names(world: World, gate: Gate) -> None:
    for n in range(gates.ADDRESS_TRIES):
        with pytest.raises(Refused):
            enter(world, gate, f"user {n}", "wrong horse battery")
    before = remembered(world, gate)
    for n in range(200):
        with pytest.raises(Retriable):
            enter(world, gate, f"other {n}", "wrong horse battery")
    assert remembered(world, gate) == before


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Ann", "short"),
        ("Ann", "x" * 201),
        ("Ann", ""),
        ("Ann", "ann-12345678"),
        ("", PASSWORD),
        ("x" * 61, PASSWORD),
        ("A\tB", PASSWORD),
    ],
)
def test_a_password_or_name_that_cannot_be_is_refused_and_the_link_stays(
    world: World, gate: Gate, name: str, password: str
) -> None:
    link = people.first_link(world.house)
    with pytest.raises(Refused):
        people.begin(world.house, gate, link, name, password)
    assert people.begin(world.house, gate, link, "Bob", PASSWORD)


def test_a_session_ends_when_it_is_not_used_and_at_last_anyway(world: World, gate: Gate, ann: str) -> None:
    world.clock.advance(people.IDLE.total_seconds() - 1)
    assert people.visitor(world.house, ann)
    world.clock.advance(people.IDLE.total_seconds())
    assert people.visitor(world.house, ann) is None
    busy = enter(world, gate)
    hours = 0
    while people.visitor(world.house, busy):
        world.clock.advance(3600)
        hours += 1
    assert hours == people.LONGEST.total_seconds() / 3600


@in_a_file
def test_what_the_browser_holds_is_nowhere_in_the_store(world: World, gate: Gate, ann: str) -> None:
    stored = world.path.read_bytes() + b"".join(p.read_bytes() for p in world.path.parent.glob("*-wal"))
    assert ann.encode() not in stored
    assert PASSWORD.encode() not in stored
    assert people.digest_of(ann).encode() in stored


@pytest.mark.parametrize("secret", ["", "x", "é" * 50, "' OR 1=1 --"])
def test_a_made_up_session_is_nobody(world: World, gate: Gate, ann: str, secret: str) -> None:
    assert people.visitor(world.house, secret) is None
    assert people.bearer(world.house, secret) is None


def test_logging_out_ends_this_session_alone(world: World, gate: Gate, ann: str) -> None:
    other = enter(world, gate)
    people.leave(world.house, ann)
    assert people.visitor(world.house, ann) is None
    assert people.visitor(world.house, other)


def test_an_invited_user_has_his_role_and_can_be_kept_out_at_once(world: World, gate: Gate, ann: str) -> None:
    bob = invited(world, gate, "Bob", Role.CLERK)
    assert people.caller_of(people.visitor(world.house, bob)).scopes == {Scope.READ, Scope.STOCK}
    people.edit(world.house, "bob", Role.MANAGER, True, 0)
    assert people.visitor(world.house, bob).role is Role.MANAGER
    people.edit(world.house, "Bob", Role.MANAGER, False, 1)
    assert people.visitor(world.house, bob) is None
    with pytest.raises(Refused):
        enter(world, gate, "Bob")


def test_two_users_cannot_have_one_name(world: World, gate: Gate, ann: str) -> None:
    with pytest.raises(Refused, match="already"):
        people.invite(world.house, "ANN", Role.VIEWER)


def test_a_stale_page_about_a_user_is_refused_with_what_is_there_now(world: World, gate: Gate, ann: str) -> None:
    people.invite(world.house, "Bob", Role.CLERK)
    people.edit(world.house, "Bob", Role.MANAGER, True, 0)
    with pytest.raises(Conflict) as stale:
        people.edit(world.house, "Bob", Role.VIEWER, True, 0)
    assert stale.value.facts["current"] == {"role": "manager", "active": "yes"}


def test_the_last_administrator_cannot_be_lost(world: World, gate: Gate, ann: str) -> None:
    people.invite(world.house, "Bob", Role.ADMINISTRATOR)  # he has not chosen a password: he could not help
    for role, active in ((Role.MANAGER, True), (Role.ADMINISTRATOR, False)):
        with pytest.raises(Refused, match="last administrator"):
            people.edit(world.house, "Ann", role, active, None)
    people.begin(world.house, gate, people.renew(world.house, "Bob"), "", PASSWORD)
    people.edit(world.house, "Ann", Role.MANAGER, True, None)


def test_a_new_link_ends_the_sessions_and_then_the_old_password(world: World, gate: Gate, ann: str) -> None:
    link = people.renew(world.house, "Ann")
    assert people.visitor(world.house, ann) is None
    people.begin(world.house, gate, link, "", "another horse battery")
    with pytest.raises(Refused):
        enter(world, gate)
    assert enter(world, gate, password="another horse battery")


def test_ones_own_password_needs_the_old_one_and_ends_other_sessions(world: World, gate: Gate, ann: str) -> None:
    other = enter(world, gate)
    mine = people.visitor(world.house, ann)
    with pytest.raises(Refused, match="not your password"):
        people.change_password(world.house, gate, mine, "wrong horse", "another horse battery")
    people.change_password(world.house, gate, mine, PASSWORD, "another horse battery")
    assert people.visitor(world.house, ann)
    assert people.visitor(world.house, other) is None
    assert enter(world, gate, password="another horse battery")


@pytest.mark.parametrize("sessions", [True, False])
@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("way", ["own", "renew", "begin"])
def test_a_changed_password_ends_what_was_asked_for(
    world: World, gate: Gate, ann: str, sessions: bool, tokens: bool, way: str
) -> None:
    other, mine = enter(world, gate), people.visitor(world.house, ann)
    _, token = people.add_token(world.house, people.caller_of(mine), "Till", [Scope.READ], None)
    bobs = people.caller_of(people.visitor(world.house, invited(world, gate, "Bob", Role.CLERK)))
    _, theirs = people.add_token(world.house, bobs, "Scanner", [Scope.READ], None)
    link = people.renew(world.house, "Ann", sessions=False)
    if way == "own":
        people.change_password(world.house, gate, mine, PASSWORD, "another horse", sessions=sessions, tokens=tokens)
    elif way == "renew":
        people.renew(world.house, "Ann", sessions=sessions, tokens=tokens)
    else:
        people.begin(world.house, gate, link, "", "another horse battery", "", tokens)
    assert (people.visitor(world.house, other) is None) == (sessions or way == "begin")
    assert (people.bearer(world.house, token) is None) == tokens
    assert people.bearer(world.house, theirs)
    with pytest.raises(Refused):
        people.link_holder(world.house, link)


@pytest.mark.parametrize("scopes", [{Scope.ADMINISTER}, {Scope.READ, Scope.ADMINISTER}, set(Scope) - {Scope.MANAGE}])
def test_no_caller_hands_out_a_right_that_it_lacks(world: World, gate: Gate, ann: str, scopes: set[Scope]) -> None:
    """A token that may only administer would otherwise invite an administrator, or renew one's link, and be that person."""
    lesser = Caller("token/1", "Ann (token t)", frozenset(scopes), "api")
    for role in Role:
        people.invite(world.house, f"{role} one", role)
    people.edit(world.house, "administrator one", Role.ADMINISTRATOR, False, None)
    for role in Role:
        attempts = [
            lambda role=role: people.invite(world.house, f"new {role}", role, lesser),
            lambda role=role: people.renew(world.house, f"{role} one", lesser),
            lambda role=role: people.edit(world.house, "viewer one", role, True, None, lesser),
        ]
        for attempt in attempts[: 2 if role is Role.VIEWER else 3]:  # a role that one has already is not handed out
            if role.scopes <= scopes:
                attempt()
            else:
                with pytest.raises(Forbidden):
                    attempt()
    with pytest.raises(Forbidden):
        people.edit(world.house, "administrator one", Role.ADMINISTRATOR, True, None, lesser)
    people.edit(world.house, "clerk one", Role.VIEWER, False, None, lesser)  # taking away is no handing out


def test_a_clock_that_is_set_back_keeps_nobody_waiting(world: World, gate: Gate, ann: str, monkeypatch) -> None:
    for _ in range(gates.TRIES):
        with pytest.raises(Refused):
            enter(world, gate, password="wrong horse battery")
    day_before = world.clock.now() - timedelta(days=1)
    monkeypatch.setattr(world.clock, "now", lambda: day_before)
    with pytest.raises(Retriable) as paused:
        enter(world, gate)
    assert paused.value.facts["seconds"] <= gates.PAUSE.total_seconds()


def test_a_token_may_what_its_maker_chose_and_never_more_than_he(world: World, gate: Gate, ann: str) -> None:
    caller = people.caller_of(people.visitor(world.house, ann))
    number, secret = people.add_token(world.house, caller, "Scanner", [Scope.READ, Scope.MANAGE], None)
    found = people.bearer(world.house, secret)
    assert (found.name, found.via, found.scopes) == ("Ann (token Scanner)", "api", {Scope.READ, Scope.MANAGE})
    invited(world, gate, "Bob", Role.ADMINISTRATOR)
    people.edit(world.house, "Ann", Role.CLERK, True, None)
    assert people.bearer(world.house, secret).scopes == {Scope.READ}
    world.house.store.write(lambda books: books.people.revoke_token(number, world.clock.now()))
    assert people.bearer(world.house, secret) is None


def test_a_token_ends_with_its_days_and_with_its_user(world: World, gate: Gate, ann: str) -> None:
    bob = people.caller_of(people.visitor(world.house, invited(world, gate, "Bob", Role.CLERK)))
    _, short = people.add_token(world.house, bob, "short", [Scope.READ], 2)
    _, long = people.add_token(world.house, bob, "long", [Scope.READ], None)
    world.clock.advance(2 * 86400)
    assert people.bearer(world.house, short) is None
    assert people.bearer(world.house, long)
    people.edit(world.house, "Bob", Role.CLERK, False, None)
    assert people.bearer(world.house, long) is None


def test_nobody_makes_a_token_that_may_more_than_he(world: World, gate: Gate, ann: str) -> None:
    bob = people.caller_of(people.visitor(world.house, invited(world, gate, "Bob", Role.CLERK)))
    with pytest.raises(Forbidden):
        people.add_token(world.house, bob, "sly", [Scope.ADMINISTER], None)
    with pytest.raises(Refused):
        people.add_token(world.house, bob, "none", [], None)
    with pytest.raises(Refused, match="whose token"):
        people.add_token(world.house, Caller.local("root"), "local", [Scope.READ], None)
    with pytest.raises(Forbidden, match="Bob is a clerk"):
        people.add_token(world.house, Caller.local("root"), "local", [Scope.MANAGE], None, "Bob")
    _, secret = people.add_token(world.house, Caller.local("root"), "local", [Scope.READ], None, "bob")
    assert people.bearer(world.house, secret).name == "Bob (token local)"


def test_a_session_is_ended_by_its_name_and_only_by_whom_it_belongs_to(world: World, gate: Gate, ann: str) -> None:
    bob = people.visitor(world.house, invited(world, gate, "Bob", Role.CLERK))
    named = world.store.read(lambda books: people.live_sessions(books, world.clock.now(), bob.id))[0].name
    with pytest.raises(Refused, match="no such session"):
        people.end_session(world.house, named, bob.id + 1)
    with pytest.raises(Refused, match="no such session"):
        people.end_session(world.house, "")
    assert people.end_session(world.house, named).person == bob.id
    assert world.store.read(lambda books: people.live_sessions(books, world.clock.now(), bob.id)) == []
    assert people.visitor(world.house, ann)


def test_a_session_that_ended_by_itself_is_not_listed(world: World, gate: Gate, ann: str) -> None:
    world.clock.advance(people.IDLE.total_seconds())
    assert world.store.read(lambda books: people.live_sessions(books, world.clock.now())) == []


def test_real_passwords_are_hashed_with_argon2id_at_full_cost() -> None:
    passwords = Passwords()
    hashed = passwords.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.verify(hashed, PASSWORD)
    assert not passwords.verify(hashed, PASSWORD + "x")
    assert not passwords.verify("no hash", PASSWORD)
