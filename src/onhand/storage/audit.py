"""The audit log and the answers to requests with an idempotency key.

Path: ``services.auditing`` writes both in the commit of the verb; the audit log screen reads.
Promise: entries are only added to the log.
Never: holds a secret.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from onhand.domain.people import Caller

from .office_tables import audit, requests
from .times import iso, micros


class Audit:
    """The audit log."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, caller: Caller, verb: str, arguments: str, at: datetime) -> None:
        self._connection.execute(
            insert(audit).values(at=micros(at), person=caller.name, via=caller.via, verb=verb, arguments=arguments)
        )

    def latest(
        self,
        limit: int,
        before: int | None,
        person: str = "",
        verb: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[dict[str, Any]]:
        """Return entries before a number, newest first, optionally of one person, verb or period."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if person:
            query = query.where(audit.c.person == person)
        if verb:
            query = query.where(audit.c.verb == verb)
        if since is not None and until is not None:
            then = audit.c.at.between(micros(since), micros(until) - 1)
            # The numbers of that period let the other indexes begin there instead of at the newest entry.
            first, last = (select(end(audit.c.id)).where(then).scalar_subquery() for end in (func.min, func.max))
            query = query.where(then, audit.c.id.between(first, last))
        return [{**row._mapping, "at": iso(row.at)} for row in self._connection.execute(query)]  # noqa: SLF001


class Requests:
    """Answers to requests with an idempotency key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, caller: str, key: str) -> tuple[str, str] | None:
        query = select(requests.c.fingerprint, requests.c.answer).where(
            requests.c.caller == caller, requests.c.key == key
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (row.fingerprint, row.answer)

    def add(self, caller: str, key: str, fingerprint: str, answer: str, at: datetime) -> None:
        self._connection.execute(
            insert(requests).values(caller=caller, key=key, fingerprint=fingerprint, answer=answer, at=micros(at))
        )

    def forget(self, before: datetime) -> None:
        self._connection.execute(delete(requests).where(requests.c.at < micros(before)))
