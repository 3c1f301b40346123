"""The floor plan of the office: people, the audit log, requests, figures.

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
    """Who asked for what."""

    def add(self, caller: Caller, verb: str, arguments: str, at: datetime) -> None: ...


class RequestBook(Protocol):
    """Answers to requests that came with a key."""

    def get(self, caller: str, key: str) -> tuple[str, str] | None:
        """Fingerprint and answer."""

    def add(self, caller: str, key: str, fingerprint: str, answer: str, at: datetime) -> None: ...
    def forget(self, before: datetime) -> None: ...


class ReportBook(Protocol):
    """Counts for those who look after the carts."""

    def cart_counts(self, cart: int) -> dict[str, int]:
        """Return how many listings, posts and differences of a cart are in which state."""


class FigureBook(Protocol):
    """Figures over time."""

    def sample(self, at: datetime) -> None:
        """Write down how deep each cart's post stack is."""

    def forget(self, before: datetime) -> None: ...


class PeopleBook(Protocol):
    """Who may come in."""

    def count(self) -> int:
        """How many users there are, active or not."""

    def all(self) -> list[Person]: ...
    def get(self, person: int) -> Person:
        """Raises Refused if there is none of that number."""

    def named(self, name: str) -> tuple[Person, str | None] | None:
        """The user of that name, ignoring case, and his password's hash."""

    def add(self, name: str, role: Role, at: datetime) -> int:
        """Raises Refused if the name is taken."""

    def edit(self, person: int, role: Role, active: bool) -> None: ...
    def keep_password(self, person: int, hashed: str) -> None: ...
    def administrators(self) -> int:
        """How many active administrators can log in."""

    def add_session(self, session: Session) -> None: ...
    def session(self, digest: str) -> Session | None: ...
    def sessions(self, person: int | None = None) -> list[Session]:
        """Newest use first."""

    def see_session(self, digest: str, at: datetime) -> None: ...
    def end_session(self, digest: str) -> bool: ...
    def end_sessions(self, person: int, but: str = "") -> None: ...
    def forget_sessions(self, expired: datetime, idle: datetime) -> None: ...
    def add_link(self, digest: str, person: int | None, expires_at: datetime) -> None:
        """A new one-time link; older ones for the same person end."""

    def link(self, digest: str, now: datetime) -> tuple[int | None] | None:
        """For whom a link is that has not ended; None if there is no such link."""

    def end_link(self, digest: str) -> None: ...
    def end_links(self, person: int) -> None: ...
    def end_tokens(self, person: int, at: datetime) -> None: ...
    def add_token(
        self, name: str, digest: str, scopes: Collection[Scope], person: int, at: datetime, expires_at: datetime | None
    ) -> int: ...
    def tokens(self) -> list[Token]:
        """Newest first."""

    def token(self, digest: str) -> Token | None: ...
    def see_token(self, token: int, at: datetime) -> None: ...
    def revoke_token(self, token: int, at: datetime) -> bool: ...
