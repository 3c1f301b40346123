"""Holds roles, callers and tokens to what they may do and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.people import NAME_LENGTH_MAX, Caller, Role, Scope, Session, Token, Tries, role_that_may

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_each_role_may_do_what_the_one_below_it_may_and_one_thing_more() -> None:
    assert [scope.value for scope in Scope] == ["read", "stock", "manage", "administer"]
    assert [role.value for role in Role] == ["viewer", "clerk", "manager", "administrator"]
    for role, scope in zip(Role, Scope, strict=True):
        assert role.scopes == set(list(Scope)[: list(Scope).index(scope) + 1])
        assert role_that_may(scope) is role


def test_a_role_has_the_article_that_english_gives_it() -> None:
    assert [role.with_article for role in Role] == ["a viewer", "a clerk", "a manager", "an administrator"]


def test_a_caller_may_do_what_its_scopes_say() -> None:
    caller = Caller("user/3", "Ida", frozenset({Scope.READ}), "screen")
    assert caller.may(Scope.READ)
    assert not caller.may(Scope.STOCK)


@pytest.mark.parametrize("name", ["", "Ida"])
def test_whoever_may_write_to_the_file_may_do_everything(name: str) -> None:
    assert (Caller.local(name) if name else Caller.local()) == Caller("local", name, frozenset(Scope), "command")


def test_a_session_is_named_without_being_given_away() -> None:
    session = Session("0123456789abcdef" * 4, 1, NOON, NOON, NOON, "")
    assert session.name == "0123456789abcdef"


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "valid"),
    [
        (None, None, True),
        (NOON + timedelta(seconds=1), None, True),
        (NOON, None, False),
        (None, NOON - timedelta(days=1), False),
        (NOON + timedelta(days=1), NOON, False),
    ],
)
def test_a_token_is_valid_until_it_expires_or_is_revoked(expires_at, revoked_at, valid: bool) -> None:
    token = Token(1, "till", 1, frozenset({Scope.READ}), NOON, expires_at, None, revoked_at)
    assert token.valid(NOON) is valid


def test_a_name_has_at_most_so_many_characters() -> None:
    assert NAME_LENGTH_MAX == 60


def test_at_first_nobody_has_tried() -> None:
    assert (Tries().wrong, Tries().until) == (0, None)
