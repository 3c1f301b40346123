"""The ports of the office: people, the audit log, requests, figures.

Path: ``ports.Books`` has these books among the others; ``storage`` implements them.
Promise: as in ``ports``.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from onhand.domain.people import Caller, Person, Role, Scope, Session, Token


class AuditBook(Protocol):
    """A log of who asked for what."""

    def add(self, caller: Caller, verb: str, arguments: str, at: datetime) -> None:
        """Add an entry: who did what, with which arguments."""


class RequestBook(Protocol):
    """Answers to requests that had an idempotency key."""

    def get(self, caller: str, key: str) -> tuple[str, str] | None:
        """Return the fingerprint and answer of a key."""

    def add(self, caller: str, key: str, fingerprint: str, answer: str, at: datetime) -> None:
        """Keep the answer to a request under its idempotency key."""

    def forget(self, before: datetime) -> None:
        """Delete answers from before this time."""


class ReportBook(Protocol):
    """Counts for people who look after the carts."""

    def cart_counts(self, cart: int) -> dict[str, int]:
        """Return how many listings, posts and differences of a cart are in which state."""


class FigureBook(Protocol):
    """Figures over time."""

    def sample(self, at: datetime) -> None:
        """Record how deep each cart's post stack is."""

    def forget(self, before: datetime) -> None:
        """Delete figures from before this time."""


class PeopleBook(Protocol):
    """Users, sessions, one-time links and API tokens."""

    def count(self) -> int:
        """Return how many users there are, active or not."""

    def all(self) -> list[Person]:
        """Return all users, by name."""

    def get(self, person: int) -> Person:
        """Return a user. Raise Refused if there is none with that number."""

    def named(self, name: str) -> tuple[Person, str | None] | None:
        """Return the user of that name, ignoring case, and their password's hash."""

    def add(self, name: str, role: Role, at: datetime) -> int:
        """Add a user. Raise Refused if the name is taken."""

    def edit(self, person: int, role: Role, active: bool) -> None:
        """Keep a user's role, and whether they can log in."""

    def keep_password(self, person: int, hashed: str) -> None:
        """Keep the hash of a user's password."""

    def administrators(self) -> int:
        """Return how many active administrators can log in."""

    def add_session(self, session: Session) -> None:
        """Keep a new session."""

    def session(self, digest: str) -> Session | None:
        """Return the session with this digest, if there is one."""

    def sessions(self, person: int | None = None) -> list[Session]:
        """Return sessions, the one used last first."""

    def see_session(self, digest: str, at: datetime) -> None:
        """Note that a session was used."""

    def end_session(self, digest: str) -> bool:
        """End a session; returns whether there was one."""

    def end_sessions(self, person: int, but: str = "") -> None:
        """End all sessions of a user, except the one with the digest ``but``."""

    def forget_sessions(self, expired: datetime, idle: datetime) -> None:
        """Delete sessions begun before ``expired`` or last used before ``idle``."""

    def add_link(self, digest: str, person: int | None, expires_at: datetime) -> None:
        """Add a one-time link; older ones for the same person end."""

    def link(self, digest: str, now: datetime) -> tuple[int | None] | None:
        """Return whom a valid link is for; None if there is no such link."""

    def end_link(self, digest: str) -> None:
        """End a one-time link."""

    def end_links(self, person: int) -> None:
        """End all one-time links of a user."""

    def end_tokens(self, person: int, at: datetime) -> None:
        """Revoke all API tokens of a user."""

    def add_token(
        self, name: str, digest: str, scopes: Collection[Scope], person: int, at: datetime, expires_at: datetime | None
    ) -> int:
        """Keep a new API token; returns its id."""

    def tokens(self) -> list[Token]:
        """Return API tokens, newest first."""

    def token(self, digest: str) -> Token | None:
        """Return the API token with this digest, if there is one."""

    def see_token(self, token: int, at: datetime) -> None:
        """Note that a token was used."""

    def revoke_token(self, token: int, at: datetime) -> bool:
        """Revoke a token; returns whether it was valid."""
