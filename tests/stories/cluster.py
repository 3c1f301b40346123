"""A PostgreSQL with a synchronous standby, whose primary can be killed.

Path: ``together`` keeps the store of several processes here; ``chaos_server`` and stories kill the primary.
Promise: what a client was told to be committed is on both servers, except while one of them is being rebuilt. A killed primary never comes
back as one: it is rebuilt from the other.
Never: fails over without being asked: the test that kills the primary promotes the standby.
"""

from __future__ import annotations

import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from onhand.address import Server
from tests.postgresql import ROLE, PostgreSQL

# A process that is killed loses nothing that it has written, so nothing waits for the disk here.
OPTIONS = ("-c", "wal_keep_size=256MB", "-c", "log_min_duration_statement=2s", "-c", "log_replication_commands=on")
STANDBY_SECONDS = 60.0  # for a standby to catch up


class Cluster:
    """Two servers, one of them the primary. A context manager."""

    def __init__(self) -> None:
        self.servers = [PostgreSQL(options=OPTIONS) for _ in range(2)]
        self._first = 0
        self.failovers = 0

    @property
    def primary(self) -> PostgreSQL:
        return self.servers[self._first]

    @property
    def standby(self) -> PostgreSQL:
        return self.servers[1 - self._first]

    def __enter__(self) -> Self:
        try:
            self.primary.start()
            self.rebuild()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for server in self.servers:
            server.kill()  # told to end, a primary waits for its standby
            server.remove()

    def address(self, name: str, ports: tuple[int, int] | None = None) -> Server:
        """Return the address of a database on whichever server is the primary, by these ports instead of the servers' own."""
        first, second = ports or (self.servers[0].port, self.servers[1].port)
        return Server(f"postgresql://{ROLE}@127.0.0.1:{first},127.0.0.1:{second}/{name}")

    def fail_over(self) -> None:
        """Kill the primary and promote its standby, which has no standby at first and so waits for none."""
        self.primary.kill()
        self.failovers += 1
        self.standby.promote()
        self._first = 1 - self._first
        self._wait_for("")

    def rebuild(self) -> None:
        """Make the other server a synchronous standby of the primary."""
        self.standby.follow(self.primary)
        self._wait_for("walreceiver")
        end = time.monotonic() + STANDBY_SECONDS
        while self.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != [(1,)]:
            if time.monotonic() > end:
                raise AssertionError(f"The standby does not follow: {self.standby.log()[-2000:]}")
            time.sleep(0.05)

    def ask(self, statement: str, name: str = "postgres") -> list[tuple[Any, ...]]:
        with self.primary.connect(name) as connection:
            return connection.execute(statement).fetchall()

    def try_to_ask(self, statement: str, name: str) -> list[tuple[Any, ...]] | None:
        """The same; None while there is no primary."""
        with suppress(psycopg.Error):
            return self.ask(statement, name)
        return None

    def _wait_for(self, standbys: str) -> None:
        """Let each commit wait for these standbys from now on."""
        with self.primary.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
            connection.execute("SELECT pg_reload_conf()")
