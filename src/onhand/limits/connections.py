"""Limits connections: silent connections and half-sent requests are closed.

Path: ``serving.server`` asks how many connections are allowed, and gives uvicorn a ``Connection`` class as its HTTP protocol.
Promise: the head of a request arrives in time or its connection ends; a client that reads nothing of an answer is cut off; with any
number of waiting connections, a new one is served, and file descriptors remain for shops, the store and commands; a client that
hangs up leaves no traceback.
Never: ends an answer that the client reads, such as a stream; times a body, which its reader does.
"""

from __future__ import annotations

import asyncio
import resource
from typing import ClassVar

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

FILES_WANTED = 8192  # open files, if the system allows as many
FILES_KEPT = 200  # open files reserved for the store, the program and carts that are added while it runs
BACKLOG = 100  # connections that the system queues, and that asyncio accepts in one go
HEAD_BYTES = 32 * 1024  # of a request's head
HEAD_SECONDS = 10.0  # from a connection's beginning, or its last answer, to the end of the next head
IDLE_SECONDS = 5  # without data between two requests of a connection
STUCK_SECONDS = 60.0  # how long a client may read nothing of an answer

log = structlog.get_logger()


def connections_max(carts: int = 0) -> int:
    """Raise this process's limit of open files as far as the system allows, and return how many connections fit.

    ``carts``: how many there are; each keeps the connection to its shop open.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    useful, kept = FILES_WANTED + carts, FILES_KEPT + carts
    wanted = useful if hard == resource.RLIM_INFINITY else min(hard, useful)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:  # macOS has a lower limit that it does not report
            log.info("files.not_raised", limit=soft, trouble=str(error))
    files = useful if soft == resource.RLIM_INFINITY else min(soft, useful)
    if files < kept + BACKLOG:
        log.warning("files.few", limit=files, carts=carts)
    return max(files - kept - BACKLOG, BACKLOG // 4)


class Connection(H11Protocol):
    """One connection. While its request is arriving it *waits*, and can be closed for a newer one."""

    waiting: ClassVar[dict[Connection, None]]  # the oldest first
    most: ClassVar[int]

    _head_timer: asyncio.TimerHandle | None = None
    _stuck_timer: asyncio.TimerHandle | None = None

    @classmethod
    def limited_to(cls, most: int) -> type[Connection]:
        """Return the class for the connections of one server."""
        return type("Connection", (cls,), {"waiting": {}, "most": most})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the connection. If there are too many, close the oldest waiting ones."""
        super().connection_made(transport)
        self._await_request()
        while self.waiting and (len(self.waiting) > self.most // 2 or len(self.connections) >= self.most):
            oldest = next(iter(self.waiting))
            oldest.forget()
            oldest.transport.abort()
            if oldest is self:
                return

    def data_received(self, data: bytes) -> None:
        """Receive data. A complete request no longer waits."""
        super().data_received(data)
        if self._idle():
            return
        self._stop_head_timer()
        if not self.cycle.more_body:
            self.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self._idle() and not self.transport.is_closing():
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.forget()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the timer of a client that reads nothing."""
        super().pause_writing()
        if self._stuck_timer is None:
            self._stuck_timer = self.loop.call_later(STUCK_SECONDS, self._cut, "client.stuck")

    def resume_writing(self) -> None:
        """Stop the timer, because the client reads again."""
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None
        super().resume_writing()

    def _idle(self) -> bool:
        """Return whether no request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_request(self) -> None:
        self._stop_head_timer()
        self.waiting.pop(self, None)
        self.waiting[self] = None
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._cut, "client.silent")

    def _cut(self, why: str) -> None:
        log.debug(why)
        self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def forget(self) -> None:
        """Stop the timers, and stop counting the connection as waiting."""
        self._stop_head_timer()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
        self.waiting.pop(self, None)


class HangUps:
    """Middleware that quietly ends a request whose client is gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            log.debug("client.gone", path=scope.get("path"))
