"""What processes that share a store have to remember together for a short while: wrong log-ins and uploaded files.

Path: ``services.gate`` and ``services.uploads`` use it where several processes share a store.
Promise: both are limited in number; times are those of the database's own clock.
Never: stores a name that was typed at the log-in, or the token of a file: only digests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, select

from onhand.domain.people import Tries

from .dialects import clock, upsert
from .office_tables import guesses, uploads


class Guesses:
    """Wrong tries at the log-in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def now(self) -> int:
        return int(self._connection.execute(select(clock())).scalar_one())

    def get(self, guessers: Sequence[str]) -> dict[str, Tries]:
        rows = self._connection.execute(select(guesses).where(guesses.c.guesser.in_(list(guessers))))
        return {row.guesser: Tries(row.wrong, None if row.until is None else row.until / 1e6) for row in rows}

    def keep(self, tries: Mapping[str, Tries], at: int, most: int) -> None:
        rows = [
            {
                "guesser": guesser,
                "wrong": one.wrong,
                "until": None if one.until is None else int(one.until * 1e6),
                "at": at,
            }
            for guesser, one in tries.items()
        ]
        insert = upsert(self._connection, guesses)
        now = {name: insert.excluded[name] for name in ("wrong", "until", "at")}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["guesser"], set_=now), rows)
        oldest = select(guesses.c.at).order_by(guesses.c.at.desc()).offset(most).limit(1).scalar_subquery()
        self._connection.execute(delete(guesses).where(guesses.c.at <= oldest))

    def forget(self, guesser: str) -> None:
        self._connection.execute(delete(guesses).where(guesses.c.guesser == guesser))


class Uploads:
    """Files that people uploaded and have not imported yet."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, token: str, owner: str, content: bytes, most: int, seconds: float) -> None:
        at = clock()
        self._connection.execute(
            upsert(self._connection, uploads).values(token=token, owner=owner, content=content, at=at)
        )
        newest = select(uploads.c.token).order_by(uploads.c.at.desc()).limit(most)
        self._connection.execute(
            delete(uploads).where(uploads.c.token.not_in(newest) | (uploads.c.at < clock() - int(seconds * 1_000_000)))
        )

    def get(self, token: str, owner: str, seconds: float) -> bytes | None:
        query = select(uploads.c.content).where(
            uploads.c.token == token, uploads.c.owner == owner, uploads.c.at >= clock() - int(seconds * 1_000_000)
        )
        return self._connection.execute(query).scalar()
