"""Defines who may do what: scopes, the roles made of them, and callers.

Path: ``verbs.run`` compares a verb's scope with its caller's; ``services.people`` makes callers of sessions and tokens.
Promise: a role is nothing but a set of scopes, and each role has those of the one below it.
Never: knows a password or a cookie.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .grammar import with_article

NAME_LENGTH_MAX = 60  # characters of a user's name


class Scope(StrEnum):
    """The rights that verbs need and callers have."""

    READ = "read"  # see everything but secrets and people
    STOCK = "stock"  # book what happens to goods: receive, count, adjust, take orders
    MANAGE = "manage"  # carts, Send and Get, differences, parameters, purchase orders, imports
    ADMINISTER = "administer"  # people, tokens, keys, webhooks, the audit log


class Role(StrEnum):
    """The roles of users."""

    VIEWER = "viewer"
    CLERK = "clerk"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"

    @property
    def scopes(self) -> frozenset[Scope]:
        return frozenset(list(Scope)[: list(Role).index(self) + 1])

    @property
    def with_article(self) -> str:
        """Return a role with its article, as in "ask an administrator"."""
        return with_article(self.value)


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a verb, its way in, and its rights. ``id`` tells callers apart for ever; names can change."""

    id: str  # "user/3", "token/7", "local"
    name: str
    scopes: frozenset[Scope]
    via: str  # "screen", "api", "command"

    @classmethod
    def local(cls, person: str = "") -> Caller:
        """Return the local caller: a person who may write to the store data file may do all that is done to it."""
        return cls("local", person, frozenset(Scope), "command")

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


def role_that_may(scope: Scope) -> Role:
    """Return the least role with a scope, for the sentence that says whom to ask."""
    return next(role for role in Role if scope in role.scopes)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the screens. ``begun`` says whether they have chosen a password yet."""

    id: int
    name: str
    role: Role
    active: bool
    begun: bool
    created_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is logged in. The secret that the browser holds is not kept, only its digest."""

    digest: str
    person: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str

    @property
    def name(self) -> str:
        """Return the name that people use for it; it is not enough to log in with."""
        return self.digest[:16]


@dataclass(frozen=True, slots=True)
class Token:
    """The stored part of an API token."""

    id: int
    name: str
    person: int
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    def valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(slots=True)
class Tries:
    """The wrong tries of one who guesses passwords."""

    wrong: int = 0
    until: float | None = None  # seconds: no other try is checked before
