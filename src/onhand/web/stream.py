"""Sends a browser the regions of its page that changed, for as long as it listens.

Path: the page's htmx connects to ``/events`` with the page's own parameters; what arrives is swapped into the page.
Promise: a commit is on its way to the browser within ``LISTEN_SECONDS`` and the time of drawing; a stream that is not wanted
any more, by its browser or because the server stops, ends as soon.
Never: draws what has not changed, or takes more of the machine than a quarter of a core per browser.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import structlog
from anyio import to_thread
from fastapi import Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from onhand.domain.errors import OnHandError

from .desk import BOOKS, HEAD, Asked, Desk, Html

STREAMS_MAX = 50  # browsers that are told at once
LISTEN_SECONDS = 0.1  # how often a stream asks whether something changed
AGE_SECONDS = 1.0  # how often what ages by itself ("12 s ago") is drawn again
QUIET_SECONDS = 15.0  # after so long without news a comment is sent, so that nobody in between hangs up
DRAW_PAUSE = 3  # a stream rests for so many times what its last drawing took

log = structlog.get_logger()


class Streams:
    """The streams of one server."""

    def __init__(self, desk: Desk, stopping: threading.Event) -> None:
        self._desk, self._stopping = desk, stopping
        self._open = 0

    def answer(self, request: Request, asked: Asked) -> Response:
        """A stream, or a refusal if there are too many."""
        if self._open >= STREAMS_MAX or self._stopping.is_set():
            return PlainTextResponse(
                f"{STREAMS_MAX} browsers are listening already: close one, or reload this page now and then.",
                status_code=503,
                headers={"Retry-After": "30"},
            )
        return _Stream(self, self._frames(request, asked))

    def opened(self) -> None:
        self._open += 1

    def closed(self) -> None:
        self._open -= 1

    async def _frames(self, request: Request, asked: Asked) -> AsyncIterator[str]:
        sent: Html = {}
        mark: object = None
        heard = drawn = 0.0
        rest_until = 0.0
        while not self._stopping.is_set() and not await request.is_disconnected():
            now = time.monotonic()
            changed = (self._desk.mark, self._desk.head_mark) != mark
            if now >= rest_until and (changed or now - drawn >= AGE_SECONDS):
                before, drawn = self._desk.mark, now  # asked before reading: what is committed meanwhile is drawn next
                names = (*HEAD, *BOOKS) if changed else HEAD
                message = await to_thread.run_sync(self._news, asked, names, sent)
                rest_until = time.monotonic() + DRAW_PAUSE * (time.monotonic() - now)
                mark = (before, self._desk.head_mark) if message is not None else None
                if message:
                    heard = now
                    yield message
            if now - heard >= QUIET_SECONDS:
                heard = now
                yield ": nothing new\n\n"
            await asyncio.sleep(LISTEN_SECONDS)

    def _news(self, asked: Asked, names: tuple[str, ...], sent: Html) -> str | None:
        """The regions that differ from what was sent, as one event; empty if none does, None if the books cannot be read."""
        try:
            regions = self._desk.regions(asked, names)
            news = {name: html for name, html in regions.items() if sent.get(name) != html}
            if not news:
                return ""
            sent |= news
            return "".join(f"data: {line}\n" for line in self._desk.message(news).splitlines()) + "\n"
        except OnHandError as error:
            log.warning("stream.trouble", trouble=error.message)
            return None


class _Stream(StreamingResponse):
    """Counts itself for exactly as long as it is served, however it ends."""

    def __init__(self, streams: Streams, frames: AsyncIterator[str]) -> None:
        super().__init__(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.opened()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.closed()
