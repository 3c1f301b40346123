"""Listens to the row log of a shop's own database, and reports at once when stock or orders move there: a hint, never the record.

Path: ``mysql`` starts one for a cart that is driven and has ``rowlog=1`` in its address → ``Controller.look_now``.
Promise: an ordinary tick is neither broken nor delayed: it has its own thread and connection, pauses that grow, and the log says why
it does not listen. Without it every sale is seen by the next tick.
Never: reads a row. It learns only which table was written.

Needs the extra ``mysql-cdc``, a server that keeps its binary log, and two rights; see docs/operating.md.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from typing import Any

import pymysql
import structlog
from pymysql.constants import CR

from onhand.domain.errors import OnHandError

from .mysql_server import Server, trouble
from .mysql_tables import LINES

HEARTBEAT_SECONDS = 1  # how often a quiet server sends a sign of life; a stop is noticed as soon
SILENCE_SECONDS = 10.0
PAUSE_SECONDS_MAX = 300.0

log = structlog.get_logger()


class RowLog(threading.Thread):
    """One listener. It ends within a second of ``stop``, or at once if this installation cannot listen."""

    def __init__(self, server: Server, prefix: str, moved: Callable[[], None]) -> None:
        """Prepare to listen. ``moved`` is called from this thread, often, and returns at once."""
        super().__init__(name=f"onhand-rowlog-{server.address.database}", daemon=True)
        self._server, self._moved = server, moved
        self._tables = frozenset(f"{prefix}{usual}".lower() for usual in ("products", LINES))
        self._stopping = threading.Event()
        self._pause = 1.0
        self._said = ""

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            import pymysqlreplication  # noqa: F401, PLC0415 - an extra, and only needed here
        except ImportError:
            self._say("this installation lacks the extra mysql-cdc")
            return
        logging.getLogger("pymysqlreplication").setLevel(
            logging.CRITICAL
        )  # a warning about rows, which are not read here
        while not self._stopping.is_set():
            self._say(self._listen())
            self._stopping.wait(self._pause * (1 + secrets.randbelow(1000) / 1000))
            self._pause = min(PAUSE_SECONDS_MAX, 2 * self._pause)

    def _listen(self) -> str:
        """Listen until it ends; return why it did."""
        from pymysqlreplication.exceptions import BinLogNotEnabled  # noqa: PLC0415

        try:
            return self._follow()
        except BinLogNotEnabled:
            return "the server keeps no binary log: switch log_bin on there"
        except pymysql.MySQLError as problem:
            return trouble(problem).message
        except OnHandError as problem:
            return problem.message
        except Exception as problem:
            # The outermost loop of this thread: an event of a server's log that a library does not understand is no reason to stop a cart.
            log.debug("rowlog.broke", database=self._server.address.database, exc_info=True)
            return f"its log was not understood ({type(problem).__name__})"

    def _follow(self) -> str:
        from pymysqlreplication import BinLogStreamReader  # noqa: PLC0415
        from pymysqlreplication.event import HeartbeatLogEvent, QueryEvent  # noqa: PLC0415
        from pymysqlreplication.row_event import TableMapEvent  # noqa: PLC0415

        connections = iter(range(2))  # the log's, and one more of the reader's own

        def connect(**arguments: Any) -> Any:
            # The reader would reconnect without end and without a pause.
            if next(connections, None) is None:
                raise pymysql.OperationalError(CR.CR_SERVER_LOST, "The connection to the row log ended.")
            return pymysql.connect(database=arguments.pop("db", None), **arguments)

        stream = BinLogStreamReader(
            connection_settings={**self._server.login(), "read_timeout": SILENCE_SECONDS},
            server_id=secrets.randbelow(2**31) + 2**31,  # no other replica has it
            blocking=True,
            resume_stream=True,  # from now on
            only_events=[TableMapEvent, QueryEvent, HeartbeatLogEvent],
            only_schemas=[self._server.address.database],
            slave_heartbeat=HEARTBEAT_SECONDS,
            pymysql_wrapper=connect,
            enable_logging=False,  # it would write the login into the log
        )
        try:
            for event in stream:
                if self._stopping.is_set():
                    return ""
                self._heard()
                if self._concerns(event):
                    self._moved()
            return "the server ended its log"
        finally:
            stream.close()

    def _concerns(self, event: Any) -> bool:
        """Return whether one of our tables was written. A server that logs statements shows them, a server that logs rows their tables."""
        if (query := getattr(event, "query", None)) is not None:
            here = event.schema == self._server.address.database.encode()
            return here and any(table in str(query).lower() for table in self._tables)
        return str(getattr(event, "table", "")).lower() in self._tables

    def _heard(self) -> None:
        if self._said != "listening":
            self._said, self._pause = "listening", 1.0
            log.info("rowlog.listening", database=self._server.address.database)

    def _say(self, why: str) -> None:
        """Log once why it does not listen."""
        if why and why != self._said:
            self._said = why
            log.warning("rowlog.off", database=self._server.address.database, why=why)
