"""Keeps a store in a database on a PostgreSQL server, with psycopg.

Path: ``engines`` chooses it for an address; ``database`` runs units of work on it; ``leases`` connects with it.
Promise: one transaction at a time writes to a store, of all its processes: each holds the row ``store`` of ``leases`` until it ends.
What was committed is known even if the connection was cut during the commit. Why this is enough: docs/decisions/0017-postgresql.md.
Never: leaves anything in a session, because PgBouncer gives the next transaction another one: no prepared statement, no ``SET`` outside
a transaction, no session lock.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import NumericLoader
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy import Engine as Pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from onhand.address import Server
from onhand.domain.errors import Broken, Conflict, OnHandError, Permanent, Refused, Retriable

from .dialects import NUL
from .engines import BUSY_SECONDS, READERS, migrated, revision_of, run_migrations, translated

OLDEST = 15  # the major version
CONNECT_SECONDS = 10
IDLE_SECONDS = (
    5.0  # how long a transaction may do nothing: a process that was suspended inside of one must not stop all others
)
OUTCOME_SECONDS = 40.0  # how long to ask whether a commit took place whose connection was cut; a failover may take 30 s
PAUSE_SECONDS = 0.25
# A cut network is noticed within seconds, where the operating system would wait for minutes.
DEFAULTS = {
    "application_name": "onhand",
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
# Without a statement_timeout: a commit that waits for its synchronous standby would be reported as done when the time is over.
# Every writing transaction begins by changing one row, which counts the commits. Until it ends, no other transaction writes. What the last
# statement reads is what was committed when this one's turn came: in READ COMMITTED each statement sees what was committed before it.
_BEGIN = f"""
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL lock_timeout = '{int(BUSY_SECONDS * 1000)}';
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = '{int(IDLE_SECONDS * 1000)}';
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END, true);
UPDATE leases SET epoch = epoch + 1 WHERE name = 'store';
INSERT INTO commits (process, number, at)
    SELECT '{{process}}', epoch, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM leases WHERE name = 'store'
    ON CONFLICT (process) DO UPDATE SET number = excluded.number, at = excluded.at;
SELECT epoch, ARRAY(SELECT holder FROM processes) FROM leases WHERE name = 'store'"""
# Whether a commit took place whose answer was lost. The row is free when the transaction has ended, one way or the other. Its number
# in the server's own count of transactions would not do: after a failover the new primary gives numbers again that it has not heard of.
_END = f"SET LOCAL lock_timeout = '{int(BUSY_SECONDS * 1000)}'; SELECT FROM leases WHERE name = 'store' FOR UPDATE"
_LAST = "SELECT number FROM commits WHERE process = %s"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_FACTS = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
    current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync'),
    current_setting('synchronous_standby_names'), current_schema()"""
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"""
# SKUs have to sort the same everywhere: by code point, as in SQLite, and not by the language of the server.
_SORTED_OTHERWISE = """
SELECT table_name, string_agg(format('ALTER COLUMN %I TYPE %s COLLATE "C"', column_name,
    CASE data_type WHEN 'text' THEN 'text' ELSE format('varchar(%s)', character_maximum_length) END), ', ')
FROM information_schema.columns
WHERE table_schema = current_schema() AND data_type IN ('text', 'character varying')
    AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'
GROUP BY table_name"""
# A process that registers, or wants to write, waits until the migration is committed. A dead one has to register again before it writes.
_OTHERS = (
    f"SET LOCAL lock_timeout = '{int(BUSY_SECONDS * 1000)}'; LOCK TABLE leases, processes IN ACCESS EXCLUSIVE MODE"
)
_BURY = "DELETE FROM processes WHERE until <= extract(epoch FROM clock_timestamp()) * 1000000"
_IN_USE = "SELECT machine, role, pid FROM processes ORDER BY since LIMIT 1"
_MIGRATING = 0x4F6E_4861_6E64  # the key of the lock that one migration has until it is committed


class _Text(StrDumper):
    """Sends texts, with a visible sign for the one character that PostgreSQL cannot store."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", NUL) if "\0" in obj else obj)


class _Whole(NumericLoader):
    """Reads sums of 64-bit numbers, the only ones with more digits, as whole numbers."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


class PostgreSQL:
    """A database on a server."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, server: Server, holder: str = "") -> None:
        """Prepare to connect. Raise Refused for an address that libpq does not understand."""
        self.server = server
        self.missing = f"{server} is not a store of OnHand: create one in an empty database with `onhand init`."
        self.holder = holder
        self._parameters = _parameters(server)
        self._number = 0  # of the transaction that writes
        self._name = holder or secrets.token_hex(8)  # under which its commits are noted
        self._writers = self._pool(NullPool)
        self._readers = self._pool(QueuePool, pool_size=READERS, max_overflow=READERS)

    def connect(self, autocommit: bool = True) -> psycopg.Connection[Any]:
        """Return a new connection of the driver."""
        connection: psycopg.Connection[Any] = psycopg.connect(
            **self._parameters, autocommit=autocommit, prepare_threshold=None
        )
        return connection

    def _pool(self, pool: type[NullPool | QueuePool], autocommit: bool = True, **options: Any) -> Pool:
        if autocommit:
            options["isolation_level"] = "AUTOCOMMIT"  # every BEGIN is ours
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: self.connect(autocommit),
            poolclass=pool,
            hide_parameters=True,
            **options,
        )

        @event.listens_for(engine, "connect")
        def _set_up(connection: Any, _: object) -> None:
            connection.adapters.register_dumper(str, _Text)
            connection.adapters.register_loader("numeric", _Whole)

        return engine

    # Before it is used

    def check(self) -> None:
        """Raise Refused for an old server or another encoding, Permanent for a standby that can only be read."""
        facts = self.facts()
        if facts["version_num"] < OLDEST * 10_000:
            raise Refused(
                f"{self.server} is PostgreSQL {facts['version']}: OnHand needs {OLDEST} or later.",
                reason="version",
                found=facts["version"],
            )
        if facts["encoding"] != "UTF8":
            raise Refused(
                f"The database {self.server} stores texts as {facts['encoding']}: create it with ENCODING 'UTF8'.",
                reason="encoding",
                found=facts["encoding"],
            )
        if facts["standby"]:
            raise Permanent(
                f"{self.server} is a standby, which can only be read: name the primary, or both with"
                " ?target_session_attrs=read-write.",
                reason="read_only",
            )

    def facts(self) -> dict[str, Any]:
        """Return what the server says of itself, as far as it matters to OnHand."""
        names = ("version_num", "version", "standby", "encoding", "synchronous_commit", "fsync", "standbys", "schema")
        with translated(self), self._readers.connect() as connection:
            row = connection.exec_driver_sql(_FACTS).one()
        return dict(zip(names, row, strict=True))

    def check_empty(self) -> None:
        """Raise Refused if the database has tables of OnHand or of another program."""
        with translated(self), self._readers.connect() as connection:
            found = list(connection.exec_driver_sql(_TABLES).scalars())
        if {"movements", "alembic_version"} <= set(found):
            raise Refused(f"{self.server} is a store already: nothing was changed.", reason="exists")
        if found:
            raise Refused(
                f"The database {self.server} has tables of another program ({', '.join(sorted(found)[:3])}): give OnHand an"
                " empty database of its own.",
                reason="foreign",
            )

    def check_place(self) -> None:
        """Accept: an address on a server stays what it is; ``begin`` finds out whether the store is still ours."""

    # While it is used

    def writer(self) -> Connection:
        return self._writers.connect()

    def reader(self) -> Connection:
        for tries in range(READERS + 1, -1, -1):  # each kept connection can have been cut since it was used
            connection = self._readers.connect()
            try:
                connection.exec_driver_sql(_BEGIN_READ)
            except DBAPIError as error:
                connection.close()
                if not error.connection_invalidated or not tries:
                    raise
            else:
                return connection
        raise AssertionError

    def begin(self, driver: Any) -> None:
        cursor = driver.execute(_BEGIN.format(process=self._name))
        while cursor.nextset():
            pass
        found = cursor.fetchone()
        if found is None:
            self.roll_back(driver)
            raise Broken(f"The row of {self.server} that keeps its writers apart is gone.", reason="damaged")
        self._number, known = found
        if self.holder and self.holder not in known:
            self.roll_back(driver)
            raise Retriable(
                "This process was not heard of for a while, so others have taken over its work. Nothing was written: try again in a moment."
                " If this lasts, restart OnHand.",
                reason="lost",
            )

    def commit(self, driver: Any) -> None:
        try:
            driver.execute("COMMIT")
        except psycopg.Error:
            if not driver.closed:
                raise
            if not self._was_committed(self._number):
                raise

    def number(self, before: int) -> int:
        return max(before, self._number)

    def _was_committed(self, number: int) -> bool:
        """Return whether a transaction was committed whose connection was cut. Raise Conflict if the server does not come back."""
        give_up = time.monotonic() + OUTCOME_SECONDS
        while time.monotonic() < give_up:
            try:
                with closing(self.connect(autocommit=False)) as connection:
                    connection.execute(_END)
                    last = connection.execute(_LAST, (self._name,)).fetchone()
            except psycopg.Error:
                time.sleep(PAUSE_SECONDS)  # it is not there, or has not noticed yet that the connection is gone
            else:
                return last is not None and last[0] == number
        raise Conflict(
            "The connection to the database was cut while this was committed, and the database has not come back since: check whether"
            " it was done before you try again.",
            reason="cut",
        )

    def roll_back(self, driver: Any) -> None:
        if not driver.closed and driver.info.transaction_status != pq.TransactionStatus.IDLE:
            driver.execute("ROLLBACK")

    def is_open(self, driver: Any) -> bool:
        inside = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)
        return not driver.closed and driver.info.transaction_status in inside

    def is_lost(self, driver: Any) -> bool:
        return bool(driver.closed)

    def may_pass(self, error: BaseException) -> bool:
        return _state(error) in {"40001", "40P01"}  # a serialization failure, a deadlock

    def named(self, error: BaseException) -> BaseException:
        return named(error, self.server)

    # Its schema

    def migrate(self) -> str:
        pool = self._pool(NullPool, autocommit=False)
        with translated(self), pool.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            if "processes" in connection.exec_driver_sql(_TABLES).scalars():
                self._check_unused(connection)
            run_migrations(connection)
            self.sort_by_code_point(connection)
        pool.dispose()
        return migrated(self)

    def _check_unused(self, connection: Connection) -> None:
        """Raise Conflict if a process has the store open."""
        connection.exec_driver_sql(_OTHERS)
        connection.exec_driver_sql(_BURY)
        found = connection.exec_driver_sql(_IN_USE).first()
        if found is not None:
            raise Conflict(
                f"`onhand {found.role}` (process {found.pid} on {found.machine}) uses {self.server}: stop it first, and all others."
                " Nothing was changed.",
                reason="owned",
            )

    def sort_by_code_point(self, connection: Connection) -> None:
        """Give all text columns of the schema the collation "C"."""
        for table, changes in connection.exec_driver_sql(_SORTED_OTHERWISE.replace("%", "%%")).all():
            connection.exec_driver_sql(f'ALTER TABLE "{table}" {changes}')

    def revision(self) -> str | None:
        with translated(self), self._readers.connect() as connection:
            found = set(connection.exec_driver_sql(_TABLES).scalars())
            return revision_of(connection) if {"movements", "alembic_version"} <= found else None

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()


def _parameters(server: Server) -> dict[str, Any]:
    try:
        said = conninfo_to_dict(server.url)
    except psycopg.ProgrammingError as error:
        raise Refused(
            f"{server} is not an address that PostgreSQL understands ({str(error).strip()}): write"
            " postgresql://USER@HOST/DATABASE.",
            reason="address",
        ) from error
    several = {"target_session_attrs": "read-write"} if _several(server) else {}
    return {**DEFAULTS, **several, **said}


def _several(server: Server) -> bool:
    """Return whether an address names several servers, one of which is the primary."""
    said = conninfo_to_dict(server.url)
    return any("," in str(said.get(name, "")) for name in ("host", "hostaddr"))


def _state(error: BaseException) -> str:
    """Return the SQLSTATE of an exception, blank if it has none."""
    own = error.orig if isinstance(error, DBAPIError) else error
    return (getattr(own, "sqlstate", None) or "") if isinstance(own, psycopg.Error) else ""


def _unreachable(text_: str, server: Server) -> OnHandError:
    return Retriable(
        f"The database {server} cannot be reached ({text_}): check that the server runs and the address is right. Nothing was lost.",
        reason="unreachable",
    )


def _read_only(server: Server) -> OnHandError:
    if _several(server):  # during a failover
        return Retriable(
            f"None of the servers of {server} can be written at present: check that one of them is the primary. Nothing was lost.",
            reason="unreachable",
        )
    return Permanent(
        f"{server} can only be read at present: name the primary, or both with ?target_session_attrs=read-write.",
        reason="read_only",
    )


def _damaged(text_: str, _: Server) -> OnHandError:
    return Broken(f"The database is damaged ({text_}): restore it from a backup.", reason="damaged")


def _inside(text_: str, server: Server) -> OnHandError:
    """Name what PostgreSQL calls an internal error. A file that cannot grow is one, if a limit or a quota is the reason."""
    if "could not extend file" in text_ or "could not write" in text_:
        return _disk_full(text_, server)
    return Broken(f"The database server failed ({text_}): see its log. Nothing was lost.", reason="database")


def _disk_full(_: str, __: Server) -> OnHandError:
    return Retriable(
        "The disk of the database server is full: free some space there. Nothing was lost.", reason="disk_full"
    )


# The meaning of SQLSTATEs; the longest beginning counts.
_STATES: dict[str, Callable[[str, Server], OnHandError]] = {
    "53100": _disk_full,
    "53": lambda text_, server: Retriable(
        f"The server of {server} has reached a limit ({text_}): try again, or raise it. Nothing was lost.",
        reason="unreachable",
    ),
    "58": lambda text_, _: Retriable(
        f"The database server cannot use its disk ({text_}): check the server. Nothing was lost.", reason="disk"
    ),
    "25006": lambda _, server: _read_only(server),
    "25P03": lambda _, __: Retriable(
        f"OnHand stood still for {IDLE_SECONDS:g} s within a change, so the database undid it. Nothing was lost: try again.",
        reason="busy",
    ),
    "42501": lambda text_, server: Permanent(
        f"The role of {server} lacks a right ({text_}): make it the owner of the database.", reason="rights"
    ),
    "40": lambda _, __: Retriable("Other work in the database was in the way: try again.", reason="busy"),
    "55P03": lambda _, server: Retriable(
        f"Another program has locked the database {server}: try again, or stop that program.", reason="locked"
    ),
    "57": _unreachable,
    "08": _unreachable,
    "28": lambda text_, server: Permanent(
        f"The server of {server} refused the login ({text_}): correct the name or the password, or allow it in pg_hba.conf.",
        reason="login",
    ),
    "3D000": lambda _, server: Refused(
        f"There is no database {server.database!r} on the server of {server}: create it, then run `onhand init`.",
        reason="address",
    ),
    "XX001": _damaged,
    "XX002": _damaged,
    "XX": _inside,
}
# A connection that fails has no SQLSTATE, only words.
_WORDS = {
    "authentication failed": "28",
    "no password supplied": "28",
    "pg_hba.conf": "28",
    "is not permitted to log in": "28",
    "does not exist": "3D000",
    "session is read-only": "25006",
}


def named(error: BaseException, server: Server) -> BaseException:
    """Return OnHand's error for a driver's exception; others unchanged."""
    if isinstance(error, OnHandError) or not isinstance(error, DBAPIError | psycopg.Error | OSError):
        return error
    own = error.orig if isinstance(error, DBAPIError) else error
    said = " ".join(str(own).split())
    state = _state(error)
    if not state and isinstance(own, psycopg.OperationalError):
        state = next((state for words, state in _WORDS.items() if words in said), "08")
    for length in (5, 4, 2):
        if state[:length] in _STATES:
            ours = _STATES[state[:length]](said, server)
            break
    else:
        if isinstance(error, OSError):
            ours = Permanent(f"The key file cannot be used: {said}.", reason="path")
        else:
            ours = Broken(f"The database refused a statement: {said}", reason="database")
    ours.__cause__ = error
    return ours
