"""Leases a store on a server to one process, so that a second one does not write to it.

Path: ``app`` takes a lease before it opens the store; a command that cannot get it asks the holder to do its work.
Promise: at most one process holds a lease, and a process that dies loses it within ``LIFE_SECONDS``. Every writing transaction checks the
lease's epoch (``postgresql.begin``), so a process that was suspended while another took over writes nothing when it wakes up.
Never: compares the clocks of two machines: a lease ends by the clock of the database server. Keeps a lock in a session.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from onhand.address import Server
from onhand.domain.errors import Permanent
from onhand.lock import Owned, Owner

from .engines import Claim, check_schema, translated
from .postgresql import PostgreSQL
from .vault import Vault, beside

LIFE_SECONDS = 6.0
BEAT_SECONDS = 1.5  # how often it is renewed; three beats may be late or lost
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_LIFE = int(LIFE_SECONDS * 1_000_000)
_CLAIM = f"""
UPDATE leases SET holder = %(holder)s, epoch = epoch + 1, until = {_NOW} + {_LIFE}, notice = %(notice)s
WHERE name = 'store' AND (holder = '' OR until < {_NOW}) RETURNING epoch"""
_RENEW = (
    f"UPDATE leases SET until = {_NOW} + {_LIFE} WHERE name = 'store' AND holder = %(holder)s AND epoch = %(epoch)s"
)
_ANNOUNCE = "UPDATE leases SET notice = %(notice)s WHERE name = 'store' AND holder = %(holder)s AND epoch = %(epoch)s"
_RELEASE = """UPDATE leases SET holder = '', until = 0, notice = ''
WHERE name = 'store' AND holder = %(holder)s AND epoch = %(epoch)s"""
_HOLDER = "SELECT notice FROM leases WHERE name = 'store' AND holder <> ''"


class Lease:
    """The right to write to a store on a server, renewed until it is released. A context manager."""

    def __init__(self, server: Server, role: str, key_file: Path | None = None) -> None:
        """Take the lease. Raise Owned if another process holds it, Refused if the database is not a store of this version."""
        self._engine = PostgreSQL(server)
        self._vault = Vault(key_file or beside(server))
        self._role = role
        self._connection: psycopg.Connection[Any] | None = None
        self._using = threading.Lock()
        self._ended = threading.Event()
        try:
            self._engine.check()
            check_schema(self._engine)
            self.claim = Claim(secrets.token_hex(8), 0)
            with translated(self._engine):
                self.claim = Claim(self.claim.holder, self._take())
        except BaseException:
            self._disconnect()
            self._engine.close()
            raise
        self._thread = threading.Thread(target=self._keep, name="onhand-lease", daemon=True)
        self._thread.start()

    def announce(self, url: str | None, token: str) -> None:
        """Tell where commands are taken. The token is sealed: only who has the key file can give commands."""
        with translated(self._engine):
            self._run(_ANNOUNCE, notice=self._notice(url, token))

    def keep(self) -> bool:
        """Do nothing: a thread renews the lease."""
        return False

    def release(self) -> None:
        """Give the lease back, so that another process can have it at once."""
        self._ended.set()
        self._thread.join()
        try:
            self._run(_RELEASE)
        except psycopg.Error:
            pass  # the server is gone, and the lease ends soon without us
        finally:
            self._disconnect()
            self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _take(self) -> int:
        """Return the epoch of the lease that this process takes. Raise Owned."""
        row = self._run(_CLAIM, notice=self._notice(None, "")).fetchone()
        if row is None:
            holder = self._run(_HOLDER).fetchone()
            raise Owned(None if holder is None else _owner(holder[0], self._vault))
        return int(row[0])

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                if self._run(_RENEW).rowcount == 0:
                    return  # it was taken over: from now on every transaction is refused
            except psycopg.Error:
                self._disconnect()  # the next beat tries again

    def _run(self, statement: str, **values: Any) -> psycopg.Cursor[Any]:
        with self._using:
            if self._connection is None or self._connection.closed:
                self._connection = self._engine.connect()
            return self._connection.execute(
                statement, {"holder": self.claim.holder, "epoch": self.claim.epoch, **values}
            )

    def _disconnect(self) -> None:
        with self._using:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _notice(self, url: str | None, token: str) -> str:
        try:
            sealed = self._vault.seal(token)
        except Permanent:  # without its key file it takes no commands
            url, sealed = None, ""
        said = {"pid": os.getpid(), "role": self._role, "machine": machine(), "url": url, "token": sealed}
        return json.dumps(said)


def machine() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def _owner(notice: str, vault: Vault) -> Owner | None:
    """Return who wrote a notice. Where it takes commands is left out if the key file does not open its token."""
    try:
        said = json.loads(notice)
        token = vault.open(str(said["token"]))
        url = said["url"] if token else None
        elsewhere = said["machine"] if said["machine"] != machine() else ""
        return Owner(int(said["pid"]), str(said["role"]), url, token or "", elsewhere)
    except (ValueError, KeyError):
        return None
