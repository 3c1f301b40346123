"""Keeps connections from using up the server: those that say nothing, or only half of something, are closed.

Path: ``serving.server`` asks how many connections there may be, and hands a ``Connection`` class to uvicorn as its HTTP protocol.
Promise: the head of a request arrives in time or its connection ends; who takes nothing of an answer is cut off; however many
connections wait, a new one is heard, and files stay free for shops, the store and commands of this machine; a client that hangs up
leaves no traceback.
Never: ends an answer that is on its way and taken, such as a stream; times a body, which whoever reads it does.
"""

from __future__ import annotations

import asyncio
import resource
from typing import ClassVar

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

FILES_WANTED = 8192  # open files, where the system lets a process have so many
FILES_KEPT = 200  # not for browsers: shops, the store, files of the program itself
BACKLOG = 100  # connections that the system keeps for us, and that asyncio accepts in one go
HEAD_BYTES = 32 * 1024  # of a request's head
HEAD_SECONDS = 10.0  # from a connection's beginning, or its last answer, to the end of the next head
IDLE_SECONDS = 5  # between two requests of a connection, as long as nothing comes
STUCK_SECONDS = 60.0  # how long a client may take nothing of an answer

log = structlog.get_logger()


def connections_max() -> int:
    """How many connections there may be, after this process has taken as many files as the system lets it have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:  # macOS has a lower limit that it does not tell
            log.info("files.not_raised", limit=soft, trouble=str(error))
    files = FILES_WANTED if soft == resource.RLIM_INFINITY else min(soft, FILES_WANTED)
    return max(files - FILES_KEPT - BACKLOG, BACKLOG // 4)


class Connection(H11Protocol):
    """One connection. While its request is still arriving it *waits*, and may have to go for a newer one."""

    waiting: ClassVar[dict[Connection, None]]  # the oldest first
    most: ClassVar[int]

    _head_timer: asyncio.TimerHandle | None = None
    _stuck_timer: asyncio.TimerHandle | None = None

    @classmethod
    def limited_to(cls, most: int) -> type[Connection]:
        """The class for the connections of one server."""
        return type("Connection", (cls,), {"waiting": {}, "most": most})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and if there are too many connections, end the oldest of those that wait."""
        super().connection_made(transport)
        self._await_request()
        while self.waiting and (len(self.waiting) > self.most // 2 or len(self.connections) >= self.most):
            oldest = next(iter(self.waiting))
            oldest.forget()
            oldest.transport.abort()
            if oldest is self:
                return

    def data_received(self, data: bytes) -> None:
        """Take what came; a request that is whole no longer waits."""
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
        """Forget it."""
        self.forget()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes nothing at the moment."""
        super().pause_writing()
        if self._stuck_timer is None:
            self._stuck_timer = self.loop.call_later(STUCK_SECONDS, self._cut, "client.stuck")

    def resume_writing(self) -> None:
        """The client takes again."""
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None
        super().resume_writing()

    def _idle(self) -> bool:
        """Whether no request is being answered."""
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
        """Time it no more, and count it no more among those that wait."""
        self._stop_head_timer()
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
        self.waiting.pop(self, None)


class HangUps:
    """Ends a request whose client is gone, in silence: there is nobody to answer, and nothing is wrong here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            log.debug("client.gone", path=scope.get("path"))
