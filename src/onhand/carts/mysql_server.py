"""Holds the one connection to a shop's own database server: address, TLS, statements, and the meaning of its errors.

Path: ``mysql`` asks through it; ``mysql_tables`` looks around through it; ``rowlog`` logs in with the same address.
Promise: the certificate is checked unless the address is this very machine or the owner allowed otherwise in writing; a statement
is sent once; a verb ends by its deadline; every failure becomes Retriable or Permanent, with the fact ``reason`` and a sentence
for the technician.
Never: lets the password into a message, a repr or a log; keeps a connection that failed.

Speaks to MySQL and MariaDB from 5.1 on.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pymysql.constants import CLIENT, CR, ER
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from onhand.domain.addresses import is_loopback
from onhand.domain.errors import OnHandError, Permanent, Retriable

from .answers import ANSWER_MAX_BYTES, fault, shortened
from .deadline import Deadline

PORT = 3306
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
ROWS_MAX = 100_000  # rows of one question; all cells are 65,535
IDLE_SECONDS = 10.0  # a connection idle for longer is not used again: a firewall or the server may have dropped it
ABANDONED_SECONDS = 20  # after this long the server ends our connection if it is silent, with its lock and transaction
LOCK_SECONDS = 5  # how long to wait for an earlier verb to end
SHOP_LOCK_SECONDS = 10  # how long to wait for a lock of the shop's own programs
PREFIX = re.compile(r"[A-Za-z0-9_]{0,40}")  # as in the key file of the endpoint

_FORM = "Enter the database's whole address, like mysql://user@db.example:3306/database."

_CONVERTERS: dict[Any, Any] = dict(encoders)  # for statements only; results stay as they are

Values = tuple[bytes | None, ...]  # a row as the server sends it: texts, whatever the columns' types


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a shop's database and the user who logs in: ``mysql://user@host:3306/database``, with a few members after a ``?``."""

    user: str
    host: str
    port: int
    database: str
    socket: str | None = None
    prefix: str | None = None  # None: it is found
    ca: str | None = None
    rowlog: bool = False

    @classmethod
    def of(cls, url: str) -> Address:
        """Return the address in a text. Raise Permanent if it is not one."""
        try:
            parts = urlsplit(url)
            members = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
            user, host, port = unquote(parts.username or ""), parts.hostname or "", parts.port or PORT
        except ValueError as problem:
            raise _unfit(_FORM) from problem
        if parts.password is not None:
            raise _unfit(
                "Leave the password out of the address, which everybody here sees: OnHand asks for it separately."
            )
        database = unquote(parts.path.removeprefix("/"))
        if not (user and host and _is_name(database)) or parts.fragment:
            raise _unfit(_FORM)
        _check_members(members)
        return cls(
            user,
            host,
            port,
            database,
            socket=members.get("socket"),
            prefix=members.get("prefix"),
            ca=members.get("ca"),
            rowlog=members.get("rowlog") == "1",
        )

    @property
    def local(self) -> bool:
        """Return whether it is this machine, as far as the address says."""
        return self.socket is not None or is_loopback(self.host)

    @property
    def login(self) -> tuple[str, str, int, str | None]:
        """Return what a password belongs to: it is not sent anywhere else."""
        return self.user, self.host, self.port, self.socket


def _check_members(members: Mapping[str, str]) -> None:
    """Raise Permanent for unknown members after the ? of an address."""
    if unknown := members.keys() - {"prefix", "ca", "socket", "rowlog"}:
        raise _unfit(
            f"Behind the ? of the address may stand prefix=, ca=, socket= and rowlog=1, but not {min(unknown)[:40]!r}."
        )
    if "prefix" in members and not PREFIX.fullmatch(members["prefix"]):
        raise _unfit("The table prefix in the address may have letters, digits and underscores, 40 of them at most.")
    if members.get("rowlog", "0") not in ("0", "1"):
        raise _unfit("Write rowlog=1 into the address, or leave it out.")
    if any(not members[name].startswith("/") for name in ("ca", "socket") if name in members):
        raise _unfit("Give ca and socket in the address as whole paths, beginning with /.")


class _Connection(pymysql.Connection):
    """A connection that reports the socket it uses before the first byte comes, and again once TLS has replaced it."""

    watch: Callable[[Any], None]

    def _get_server_information(self) -> None:
        self.watch(self)
        super()._get_server_information()  # type: ignore[misc]

    def _request_authentication(self) -> None:
        super()._request_authentication()  # type: ignore[misc]
        self.watch(self)


@dataclass(slots=True)
class Server:
    """One server, connected when it is needed. For one thread at a time."""

    address: Address
    password: str = field(repr=False)
    allow_plain: bool
    clock: Callable[[], float]  # seconds that never jump
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    _connection: Any = field(default=None, init=False, repr=False)
    _used_at: float = field(default=0.0, init=False, repr=False)
    _deadline: Deadline | None = field(default=None, init=False, repr=False)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Serve one verb: it ends by its deadline, whatever the server sends. Raise Retriable or Permanent."""
        with Deadline(self.connect_seconds + 2 * self.read_seconds) as deadline:
            self._deadline = deadline
            self._watch(self._connection)
            try:
                yield
            except OnHandError as problem:
                if deadline.passed:
                    raise _slow(problem.facts) from problem
                raise
            except _GARBLED as problem:
                raise fault(f"what the database sent was not understood ({type(problem).__name__})") from problem
            finally:
                self._deadline = None

    def connect(self) -> None:
        """Connect if not connected. Raise Retriable or Permanent."""
        if self._connection is not None and self.clock() - self._used_at <= IDLE_SECONDS:
            return
        self.disconnect()
        self._connection = self._opened()
        # One text mode for every server and no strictness: what a column cannot hold is found out before writing. Our table must be InnoDB
        # or not exist at all. And our session should end soon if it is silent, with its lock and its transaction.
        mode = f"SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', wait_timeout = {ABANDONED_SECONDS}"
        try:
            self.run(f"{mode}, lock_wait_timeout = {SHOP_LOCK_SECONDS}, innodb_lock_wait_timeout = {SHOP_LOCK_SECONDS}")
        except OnHandError as problem:
            if problem.facts.get("number") != ER.UNKNOWN_SYSTEM_VARIABLE:
                raise
            self.run(mode)  # MySQL before 5.5 has no such limits
        self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def disconnect(self) -> None:
        """Disconnect. The server undoes an open transaction and releases the lock."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()

    def lock(self, prefix: str) -> None:
        """Wait until no other verb is served in this shop; ``unlock`` lets the next one in. Raise Retriable if it takes too long."""
        row = self.row(f"SELECT GET_LOCK('{self._lock_name(prefix)}', {LOCK_SECONDS})")
        if row != (b"1",):
            raise Retriable(
                "Another request of OnHand is still being served; try again in a few seconds.", reason="busy"
            )

    def unlock(self, prefix: str) -> None:
        self.run(f"SELECT RELEASE_LOCK('{self._lock_name(prefix)}')")

    def rows(self, question: str) -> list[Values]:
        """Return all rows. Raise Permanent if there are more than any query should have."""
        rows: list[Values] = []
        size = 0
        cursor = self._send(question)
        while row := self._fetched(cursor):
            rows.append(row)
            size += sum(len(value or b"") for value in row)
            if len(rows) > ROWS_MAX or size > ANSWER_MAX_BYTES:
                raise fault(f"the database sent more than {ROWS_MAX:,} rows or {ANSWER_MAX_BYTES // 2**20} MiB")
        return rows

    def row(self, question: str) -> Values | None:
        """Return the first row, or None."""
        rows = self.rows(question)
        return rows[0] if rows else None

    def run(self, statement: str) -> int:
        """Run a statement; return how many rows it matched, including those it left unchanged."""
        cursor = self._send(statement)
        if cursor.description is not None and self._fetched(cursor) and self._fetched(cursor):
            raise fault("the database sent rows where one at most was to come")
        return int(cursor.rowcount)

    def _send(self, statement: str) -> Any:
        try:
            cursor = self._connection.cursor()
            cursor.execute(statement)
        except pymysql.MySQLError as problem:
            raise trouble(problem) from problem
        self._used_at = self.clock()
        return cursor

    def _fetched(self, cursor: Any) -> Values | None:
        """Return the next row, as it arrives."""
        try:
            return cast("Values | None", cursor.fetchone())
        except pymysql.MySQLError as problem:
            raise trouble(problem) from problem

    def _watch(self, connection: Any) -> None:
        """Tell the deadline which socket is in use. PyMySQL has no other way to it."""
        used = getattr(connection, "_sock", None)
        if self._deadline is not None and used is not None:
            self._deadline.watch(used)

    def _lock_name(self, prefix: str) -> str:
        """Return the lock name, the same as in ``connector/onhand.php``, so that both wait for each other."""
        return "onhand:" + hashlib.md5(f"{self.address.database}|{prefix}".encode(), usedforsecurity=False).hexdigest()

    def login(self, tls: bool = True) -> dict[str, Any]:
        """Return how to reach the server and log in, as PyMySQL expects it. Where plain is allowed, TLS is used if the server offers it,
        unchecked.

        Raises Permanent if the CA file is invalid.
        """
        return {
            "user": self.address.user,
            "password": self.password.encode(),
            "host": self.address.host,
            "port": self.address.port,
            "unix_socket": self.address.socket,
            "connect_timeout": self.connect_seconds,
            "read_timeout": self.read_seconds,
            "write_timeout": self.read_seconds,
            "ssl": None if self._plain_will_do else _context(self.address),
            "ssl_disabled": not tls or self.address.socket is not None,
        }

    @property
    def _plain_will_do(self) -> bool:
        return self.address.local or self.allow_plain

    def _opened(self) -> Any:
        """Open a new connection, in the best way that both sides know."""
        for tls, charset in ((True, "utf8mb4"), (True, "utf8"), (False, "utf8mb4"), (False, "utf8")):
            try:
                connection = _Connection(
                    **self.login(tls),
                    database=self.address.database,
                    charset=charset,
                    use_unicode=False,  # everything arrives as bytes, and is converted where its meaning is known
                    conv=_CONVERTERS,
                    autocommit=True,
                    cursorclass=SSCursor,  # rows are counted as they arrive
                    defer_connect=True,
                    client_flag=CLIENT.FOUND_ROWS,
                    program_name="OnHand",
                )
                connection.watch = self._watch
                connection.connect()
            except pymysql.MySQLError as problem:
                # Servers before MySQL 5.5.3 do not know utf8mb4; and if plain is allowed, a TLS too old for us is no worse.
                unknown = _number(problem) == ER.UNKNOWN_CHARACTER_SET and charset == "utf8mb4"
                if not unknown and not (tls and self._plain_will_do and _is_tls(problem)):
                    raise trouble(problem) from problem
            else:
                return connection
        raise AssertionError("the last way succeeds or raises")


def trouble(problem: pymysql.MySQLError) -> OnHandError:
    """Return the error: what went wrong, and who has to do what about it. The server's own words are added as ``detail``."""
    number, detail = _number(problem), shortened(str(problem.args[-1] if problem.args else ""), 300)
    facts = {"number": number, "detail": detail}
    if _is_tls(problem):
        return _tls_trouble(problem, facts)
    if isinstance(problem, pymysql.InternalError) and not number:
        return Permanent(
            "Something else than MySQL answers there: check host and port of the address.", reason="html", **facts
        )
    if number == CR.CR_CONN_HOST_ERROR:
        return Retriable(
            "The database server cannot be reached: check host and port of the address, and whether it lets this machine in.",
            reason="unreachable",
            **facts,
        )
    if number in _LOST:
        if isinstance(problem.__context__, TimeoutError):
            return _slow(facts)
        return Retriable(
            "The connection to the database ended; OnHand tries again automatically.", reason="cut", **facts
        )
    if number in (ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR):
        return Permanent(
            f"The shop's database lacks a table or column of the osCommerce family (error {number}): check database and prefix in the"
            " cart's address.",
            reason="tables",
            **facts,
        )
    if number in (ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK):
        return Retriable(
            f"The shop's own programs hold what is needed (error {number}); try again in a few seconds.",
            reason="busy",
            **facts,
        )
    if advice := _FOR_A_PERSON.get(number):
        return Permanent(f"The shop's database refuses (error {number}): {advice}.", reason="config", **facts)
    advice = _PASSING.get(number, f"it says «{detail}»")
    return Retriable(f"The shop's database refuses (error {number}): {advice}.", reason="database", **facts)


def _slow(facts: Mapping[str, object]) -> Retriable:
    return Retriable(
        "The database takes too long to answer; OnHand tries again automatically.", **{**facts, "reason": "timeout"}
    )


# The errors that PyMySQL, or the reading of a value, raises for bytes that are not an answer.
_GARBLED = (ValueError, TypeError, LookupError, AssertionError, AttributeError, OverflowError, struct.error)

# Server errors by number, with what a person can do.
_FOR_A_PERSON: Mapping[int, str] = {
    1044: "the user may not use this database; `onhand cart grants` prints the rights that are needed",
    1045: "user or password are wrong, or the user may not come from this machine",
    1049: "there is no such database",
    1130: "it does not let this machine in",
    1142: "the user lacks a right on a table; `onhand cart grants` prints those that are needed",
    1143: "the user lacks a right on a column; `onhand cart grants` prints those that are needed",
    1227: "the user may not read its row log; `onhand cart grants` prints the rights that are needed",
    1251: "it asks for a way to log in that is not known here: choose another plugin for this user",
    1286: "it has no InnoDB, which the table onhand_state needs",
    1370: "the user lacks a right; `onhand cart grants` prints those that are needed",
    1698: "this user logs in without a password, by the machine's own users: make one with a password",
    1820: "the password of this user has expired",
    1862: "the password of this user has expired",
    3118: "the user is locked",
    4151: "the user is locked",
    CR.CR_AUTH_PLUGIN_CANNOT_LOAD: "it asks for a way to log in that is not known here: choose another plugin for this user",
}
_PASSING: Mapping[int, str] = {
    1021: "its disk is full",
    1040: "it has too many connections",
    1114: "it is full",
    1129: "it has shut this machine out after many errors: have its host cache flushed",
    1203: "the user has too many connections",
    1226: "a limit of the host is used up",
    1290: "it is switched to read-only",
    1317: "the statement was ended there",
    1792: "it is switched to read-only",
    1836: "it is switched to read-only",
}
# The connection is gone: because of the network, a shutdown, a KILL, or a long pause.
_LOST = (CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, 0, 1053, 1927, 4031)


def _tls_trouble(problem: pymysql.MySQLError, facts: Mapping[str, object]) -> Permanent:
    if _number(problem) == CR.CR_SSL_CONNECTION_ERROR:
        return Permanent(
            "The database server offers no TLS: switch it on there, reach the server through a tunnel at 127.0.0.1, or allow a plain"
            " connection for this cart in writing.",
            reason="https",
            **facts,
        )
    if isinstance(_cause(problem), ssl.SSLCertVerificationError):
        return Permanent(
            "The certificate of the database server is not valid for this address: name its CA in the address (ca=), use the name that"
            " the certificate is for, or renew it.",
            reason="https",
            **facts,
        )
    return Permanent(
        "The database server speaks no TLS that is safe today: update it, or reach it through a tunnel at 127.0.0.1.",
        reason="https",
        **facts,
    )


def _is_tls(problem: pymysql.MySQLError) -> bool:
    return _number(problem) == CR.CR_SSL_CONNECTION_ERROR or isinstance(_cause(problem), ssl.SSLError)


def _cause(problem: pymysql.MySQLError) -> object:
    return getattr(problem, "original_exception", None)


def _number(problem: pymysql.MySQLError) -> int:
    return problem.args[0] if problem.args and isinstance(problem.args[0], int) else 0


def _context(address: Address) -> ssl.SSLContext:
    """Return a context that checks the server's certificate, and that it is for this host. Raise Permanent if the CA file is invalid."""
    try:
        context = ssl.create_default_context(cafile=address.ca)
    except OSError as problem:
        raise Permanent(
            f"{address.ca} cannot be read as a CA certificate in PEM form: check the path in the cart's address.",
            reason="config",
        ) from problem
    if address.ca is not None:
        # Own CAs are often made without the extensions that newer Pythons require; name and signature are still checked.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _is_name(database: str) -> bool:
    """Return whether it is a database name that can be quoted and is not a path."""
    return 0 < len(database) <= 64 and not set(database) & set("`/\\\0") and database.isprintable()


def _unfit(message: str) -> Permanent:
    return Permanent(message, reason="request")
