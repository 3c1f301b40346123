"""Users, their sessions, one-time links and API tokens.

Path: ``services.people`` asks for every request of a browser or a program.
Promise: session, link and token secrets are stored as digests, passwords as hashes.
Never: gives a hash to anything but the service that compares it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from onhand.domain.errors import Refused
from onhand.domain.people import Person, Role, Scope, Session, Token

from .office_tables import links, sessions, tokens, users
from .times import micros, moment


class People:
    """Users, sessions, one-time links and API tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        return int(self._connection.execute(select(func.count()).select_from(users)).scalar_one())

    def all(self) -> list[Person]:
        return [_person(row) for row in self._connection.execute(select(users).order_by(users.c.name_key))]

    def get(self, person: int) -> Person:
        row = self._connection.execute(select(users).where(users.c.id == person)).one_or_none()
        if row is None:
            raise Refused(f"There is no user number {person}: see the list of users.", user=person)
        return _person(row)

    def named(self, name: str) -> tuple[Person, str | None] | None:
        """Return the user of this name and their password hash."""
        row = self._connection.execute(select(users).where(users.c.name_key == _key(name))).one_or_none()
        return None if row is None else (_person(row), row.password)

    def add(self, name: str, role: Role, at: datetime) -> int:
        if self.named(name) is not None:
            raise Refused(f"There is already a user named {name!r}: choose another name.", name=name)
        values = {"name": name, "name_key": _key(name), "role": role.value, "active": True, "created_at": micros(at)}
        return int(self._connection.execute(insert(users).values(values).returning(users.c.id)).scalar_one())

    def edit(self, person: int, role: Role, active: bool) -> None:
        self._set(person, role=role.value, active=active, revision=users.c.revision + 1)

    def keep_password(self, person: int, hashed: str) -> None:
        self._set(person, password=hashed)

    def administrators(self) -> int:
        """Return how many active administrators can log in."""
        query = (
            select(func.count())
            .select_from(users)
            .where(users.c.active, users.c.role == Role.ADMINISTRATOR.value, users.c.password.is_not(None))
        )
        return int(self._connection.execute(query).scalar_one())

    def add_session(self, session: Session) -> None:
        values = {
            "digest": session.digest,
            "user_id": session.person,
            "created_at": micros(session.created_at),
            "seen_at": micros(session.seen_at),
            "expires_at": micros(session.expires_at),
            "agent": session.agent,
        }
        self._connection.execute(insert(sessions).values(values))

    def session(self, digest: str) -> Session | None:
        row = self._connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
        return None if row is None else _session(row)

    def sessions(self, person: int | None = None) -> list[Session]:
        query = select(sessions).order_by(sessions.c.seen_at.desc())
        if person is not None:
            query = query.where(sessions.c.user_id == person)
        return [_session(row) for row in self._connection.execute(query)]

    def see_session(self, digest: str, at: datetime) -> None:
        self._connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=micros(at)))

    def end_sessions(self, person: int, but: str = "") -> None:
        self._connection.execute(delete(sessions).where(sessions.c.user_id == person, sessions.c.digest != but))

    def end_session(self, digest: str) -> bool:
        return self._connection.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount > 0

    def forget_sessions(self, expired: datetime, idle: datetime) -> None:
        gone = (sessions.c.expires_at < micros(expired)) | (sessions.c.seen_at < micros(idle))
        self._connection.execute(delete(sessions).where(gone))

    def add_link(self, digest: str, person: int | None, expires_at: datetime) -> None:
        """Add a one-time link. Older links for the same user stop working."""
        self._connection.execute(delete(links).where(links.c.user_id.is_not_distinct_from(person)))
        self._connection.execute(insert(links).values(digest=digest, user_id=person, expires_at=micros(expires_at)))

    def link(self, digest: str, now: datetime) -> tuple[int | None] | None:
        """Return the user of a valid link, in a tuple; None if there is no such link."""
        query = select(links.c.user_id).where(links.c.digest == digest, links.c.expires_at > micros(now))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (row.user_id,)

    def end_link(self, digest: str) -> None:
        self._connection.execute(delete(links).where(links.c.digest == digest))

    def end_links(self, person: int) -> None:
        self._connection.execute(delete(links).where(links.c.user_id == person))

    def end_tokens(self, person: int, at: datetime) -> None:
        wanted = update(tokens).where(tokens.c.user_id == person, tokens.c.revoked_at.is_(None))
        self._connection.execute(wanted.values(revoked_at=micros(at)))

    def add_token(
        self, name: str, digest: str, scopes: Collection[Scope], person: int, at: datetime, expires_at: datetime | None
    ) -> int:
        values = {
            "name": name,
            "digest": digest,
            "scopes": " ".join(sorted(scope.value for scope in scopes)),
            "user_id": person,
            "created_at": micros(at),
            "expires_at": micros(expires_at) if expires_at else None,
        }
        return int(self._connection.execute(insert(tokens).values(values).returning(tokens.c.id)).scalar_one())

    def tokens(self) -> list[Token]:
        return [_token(row) for row in self._connection.execute(select(tokens).order_by(tokens.c.id.desc()))]

    def token(self, digest: str) -> Token | None:
        row = self._connection.execute(select(tokens).where(tokens.c.digest == digest)).one_or_none()
        return None if row is None else _token(row)

    def see_token(self, token: int, at: datetime) -> None:
        self._connection.execute(update(tokens).where(tokens.c.id == token).values(used_at=micros(at)))

    def revoke_token(self, token: int, at: datetime) -> bool:
        wanted = update(tokens).where(tokens.c.id == token, tokens.c.revoked_at.is_(None))
        return self._connection.execute(wanted.values(revoked_at=micros(at))).rowcount > 0

    def _set(self, person: int, **values: Any) -> None:
        self._connection.execute(update(users).where(users.c.id == person).values(values))


def _key(name: str) -> str:
    return name.strip().casefold()


def _person(row: Row[Any]) -> Person:
    return Person(
        row.id, row.name, Role(row.role), row.active, row.password is not None, moment(row.created_at), row.revision
    )


def _session(row: Row[Any]) -> Session:
    times = (moment(row.created_at), moment(row.seen_at), moment(row.expires_at))
    return Session(row.digest, row.user_id, *times, row.agent)


def _token(row: Row[Any]) -> Token:
    scopes = frozenset(Scope(word) for word in row.scopes.split())
    times = (moment(row.created_at), moment(row.expires_at), moment(row.used_at), moment(row.revoked_at))
    return Token(row.id, row.name, row.user_id, scopes, *times)
