"""Makes this process known in a store on a server, says that it lives, and hears from the others.

Path: ``app`` registers before it opens the store; a command that finds a process of this machine asks it to do its work.
Promise: a process that dies counts as dead within ``LIFE_SECONDS``, and all its leases with it. One that was suspended, or cut off from
the server, knows by its own clock that it may not act (``alive``), and what it still tries to write is refused: by its row
(``postgresql.begin``) and by the epochs of its leases (``services.fencing``).
Never: compares the clocks of two machines: a life ends by the clock of the database server. Keeps a lock in a session.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import structlog

from onhand.address import Server
from onhand.domain.duties import Process
from onhand.domain.errors import OnHandError, Permanent
from onhand.lock import Owned, Owner

from .engines import check_schema, translated
from .leases import STORE, Leases
from .postgresql import PostgreSQL
from .vault import Vault, beside

LIFE_SECONDS = 6.0
MARGIN_SECONDS = 0.5  # how much sooner than the server this process believes to be dead: clocks run at different speeds
BEAT_SECONDS = 1.5  # how often it renews itself; three beats may be late or lost
POLL_SECONDS = 0.1  # how often it asks whether another process wrote something
LOOK_SECONDS = 0.5  # how often it reads who the others are, and what they say of themselves
NEWS_SECONDS = 0.25  # least time between two beats, or two looks, because something changed
COMMITS_SECONDS = 3_600.0  # how long the last commit of a process is known; ``postgresql.OUTCOME_SECONDS`` is far less
ALONE = "migrate"  # the role of a process that shares a store with no other
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_LIFE = int(LIFE_SECONDS * 1_000_000)
_REGISTER = f"""
INSERT INTO processes (holder, machine, role, pid, drives, notice, since, until, report, reported)
VALUES (%(holder)s, %(machine)s, %(role)s, %(pid)s, %(drives)s, %(notice)s, {_NOW}, {_NOW} + {_LIFE}, '', {_NOW})"""
_RENEW = f"""
UPDATE processes SET until = {_NOW} + {_LIFE}, drives = %(drives)s, notice = %(notice)s, report = %(report)s, reported = {_NOW}
WHERE holder = %(holder)s"""
_LEAVE = "DELETE FROM processes WHERE holder = %(holder)s"
# While this row is locked, nobody else registers.
_DOOR = f"SELECT 1 FROM leases WHERE name = '{STORE}' FOR UPDATE"
_OTHERS = f"""
SELECT pid, role, machine FROM processes
WHERE holder <> %(holder)s AND until > {_NOW} AND (%(alone)s OR role = '{ALONE}') ORDER BY since LIMIT 1"""
_FORGET = f"DELETE FROM commits WHERE at < {_NOW} - {int(COMMITS_SECONDS * 1_000_000)}"
_NUMBER = f"SELECT epoch FROM leases WHERE name = '{STORE}'"
_DOORS = f"SELECT pid, role, notice FROM processes WHERE machine = %(machine)s AND until > {_NOW} ORDER BY since"

# What others should hear of at once when it changes, and what writes down all there is to say.
Report = Callable[[], tuple[object, Callable[[], str]]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """The processes that lived at a moment of this machine's monotonic clock, this one included."""

    at: float
    processes: tuple[Process, ...]


class Membership:
    """This process as one of those that share a store on a server, until it is released. A context manager."""

    def __init__(self, server: Server, role: str, key_file: Path | None = None, stays: bool = False) -> None:
        """Register this process. Raise Refused if the database is not a store of this version.

        Raise Owned if another process of this machine takes commands, unless this one ``stays`` and takes some itself, or if one of the
        two shares the store with nobody.
        """
        self.holder = secrets.token_hex(8)
        self.seen = Seen(time.monotonic(), ())
        self._engine = PostgreSQL(server)
        self._vault = Vault(key_file or beside(server))
        self._role, self._drives = role, False
        self._notice = ""
        self._connection: psycopg.Connection[Any] | None = None
        self._using = threading.Lock()
        self._ended = threading.Event()
        self._said = ""
        self._report: Report = lambda: (None, str)
        self._heard: Callable[[int], None] = lambda _: None
        self._dies = 0.0  # monotonic
        try:
            self._engine.check()
            check_schema(self._engine)
            with translated(self._engine):
                if not stays:
                    self._give_way()
                self._register()
                self._look()
        except BaseException:
            self._disconnect()
            self._engine.close()
            raise
        self._thread = threading.Thread(target=self._keep, name="onhand-member", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the others still count on this process, by its own monotonic clock."""
        return time.monotonic() < self._dies

    def listen(self, report: Report, heard: Callable[[int], None]) -> None:
        """Set what this process says of itself, and what is called with the number of the last commit after each one. Both are quick."""
        self._report, self._heard = report, heard

    def drive(self) -> None:
        """Take a share of the duties from now on."""
        self._drives = True
        with translated(self._engine):
            self._renew()

    def announce(self, url: str | None, token: str) -> None:
        """Tell where commands are taken. The token is sealed: only who has the key file can give commands.

        A process that takes no more commands waits for no answer: it may be ending because there is no database.
        """
        try:
            self._notice = json.dumps({"url": url, "token": self._vault.seal(token)}) if url else ""
        except Permanent:  # without its key file it takes no commands
            self._notice = ""
        if url:
            with translated(self._engine):
                self._renew()

    def keep(self) -> bool:
        """Do nothing: a thread renews this process."""
        return False

    def release(self) -> None:
        """Leave, so that others can have the leases of this process at once."""
        self._ended.set()
        self._thread.join()
        try:
            self._run(_LEAVE)
        except psycopg.Error:
            pass  # the server is gone, and the leases end soon without us
        finally:
            self._disconnect()
            self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _give_way(self) -> None:
        """Raise Owned if another process of this machine takes commands."""
        for pid, role, notice in self._run(_DOORS, machine=machine()).fetchall():
            try:
                said = json.loads(notice)
                token = self._vault.open(str(said["token"]))
            except (ValueError, KeyError):
                continue
            if token:
                raise Owned(Owner(pid, role, str(said["url"]), token))

    def _register(self) -> None:
        """Make this process known. Raise Owned if one of the others, or this one, shares the store with nobody."""
        sent = time.monotonic()
        with self._using, self._connected().transaction():
            self._execute(_DOOR)
            found = self._execute(_OTHERS, alone=self._role == ALONE).fetchone()
            if found is None:
                self._execute(_FORGET)
                self._execute(_REGISTER, machine=machine(), role=self._role, pid=os.getpid())
        if found is not None:
            pid, role, at = found
            raise Owned(Owner(pid, role, None, "", at))
        self._dies = sent + LIFE_SECONDS - MARGIN_SECONDS

    def _renew(self) -> None:
        """Live longer. If the others have given this process up, register it again, unless the store was upgraded meanwhile."""
        sent = time.monotonic()
        if self._run(_RENEW).rowcount == 0:
            log.warning("process.was_lost", holder=self.holder)
            self._register_again()
        self._dies = sent + LIFE_SECONDS - MARGIN_SECONDS

    def _register_again(self) -> None:
        """Register, unless the store was upgraded: from then on it is not, as long as this process lives. Raise Refused."""
        self._register()
        try:
            check_schema(self._engine)
        except OnHandError:
            self._dies = 0.0
            self._run(_LEAVE)
            raise

    def _keep(self) -> None:
        beat = looked = time.monotonic()
        sent: object = None
        number = heard = -1
        trouble = ""
        while not self._ended.wait(POLL_SECONDS):
            try:
                now = time.monotonic()
                gist, written = self._report()
                waited = now - beat
                if waited >= BEAT_SECONDS or (gist != sent and waited >= NEWS_SECONDS):
                    self._said = written()
                    self._renew()
                    beat, sent = now, gist
                (number,) = self._run(_NUMBER).fetchone() or (number,)
                waited = now - looked
                if waited >= LOOK_SECONDS or (number != heard and waited >= NEWS_SECONDS):
                    self._look()
                    looked = now
                if number != heard:
                    self._heard(number)
                    heard, trouble = number, ""
            except (psycopg.Error, OnHandError) as error:
                if str(error) != trouble:
                    log.warning("process.not_renewed", trouble=str(error))
                trouble = str(error)
                self._disconnect()  # the next beat tries again
            except Exception:
                # The outermost frame of this thread: a fault in OnHand must not end the life of the process.
                log.exception("process.broke")
                self._ended.wait(BEAT_SECONDS)

    def _look(self) -> None:
        """Read which processes live, and what they say of themselves."""
        with translated(self._engine), self._engine.reader() as connection:
            at = time.monotonic()
            self.seen = Seen(at, tuple(Leases(connection).processes()))

    def _run(self, statement: str, **values: Any) -> psycopg.Cursor[Any]:
        with self._using:
            return self._execute(statement, **values)

    def _execute(self, statement: str, **values: Any) -> psycopg.Cursor[Any]:
        said = {"holder": self.holder, "drives": self._drives, "notice": self._notice, "report": self._said}
        return self._connected().execute(statement, said | values)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        with self._using:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


def machine() -> str:
    """Return the name of this machine."""
    return socket.gethostname()
