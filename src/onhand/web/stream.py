"""Sends a browser the blocks of its page that changed, for as long as it listens.

Path: a page with live blocks connects to ``/events?page=`` its own address; what arrives is swapped into the page.
Promise: a commit is sent to the browser within ``LISTEN_SECONDS`` plus the time of drawing; a stream that is not wanted
any more, by its browser, because the session ended or the server stops, ends as soon.
Never: draws what has not changed, or uses more than a quarter of a core per browser.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog
from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from onhand.domain.errors import OnHandError
from onhand.services import people

from . import drawing
from .site import Site
from .visit import Page, Visit

STREAMS_MAX = 50  # streams at once
STREAMS_SHARE = 12  # streams of one person
LISTEN_SECONDS = 0.1  # how often a stream checks for changes
AGE_SECONDS = 1.0  # how often a page that shows ages ("12 s ago") is drawn again
QUIET_SECONDS = 15.0  # after this long without news a comment is sent, so that no proxy hangs up
DRAW_PAUSE = 3  # a stream rests this many times as long as its last drawing took

Html = dict[str, str]  # block → its HTML

log = structlog.get_logger()


class Streams:
    """The streams of one server."""

    def __init__(self, site: Site, stopping: threading.Event) -> None:
        self._site, self._stopping = site, stopping
        self._of: Counter[str] = Counter()  # open streams of each person

    def attach(self, api: FastAPI) -> None:
        """Add the stream's address to the server."""
        api.router.routes.append(Route("/events", self.answer, methods=["GET"], include_in_schema=False))

    async def answer(self, request: Request) -> Response:
        """Return a stream for one page, or a refusal: no session, no such page, or too many streams."""
        try:
            visit = await self._site.visit(request)
        except OnHandError as error:
            return _later(error.message)
        address = request.query_params.get("page", "/")[:2000]
        found = self._site.find(address)
        # A page that is open to everybody shows nothing that changes.
        if visit.visitor is None or found is None or found[0].scope is None or not visit.caller.may(found[0].scope):
            return PlainTextResponse("Open the page again.", status_code=403)
        if self._of[visit.caller.id] >= STREAMS_SHARE:
            return _later(f"{STREAMS_SHARE} of your pages are listening already: close one, or reload this one.")
        if self._of.total() >= STREAMS_MAX or self._stopping.is_set():
            return _later(f"{STREAMS_MAX} browsers are listening already: close one, or reload this page now and then.")
        screen, parameters = found
        split = urlsplit(address)
        seen = replace(visit, path=split.path, query=dict(parse_qsl(split.query)), said="")
        return _Stream(self, visit.caller.id, self._frames(request, seen, lambda: screen.function(seen, **parameters)))

    def opened(self, caller: str) -> None:
        self._of[caller] += 1

    def closed(self, caller: str) -> None:
        self._of[caller] -= 1
        self._of += Counter()  # drops people without streams

    async def _frames(self, request: Request, visit: Visit, page: Callable[[], Page | Response]) -> AsyncIterator[str]:
        sent: Html = {}
        mark: Any = None
        ages = False
        heard = drawn = 0.0
        rest_until = 0.0
        while not self._stopping.is_set() and not await request.is_disconnected():
            now = time.monotonic()
            changed = self._site.app.mark != mark
            if now >= rest_until and (changed or (ages and now - drawn >= AGE_SECONDS)):
                before, drawn = (
                    self._site.app.mark,
                    now,
                )  # read before drawing: what is committed meanwhile is drawn next
                try:
                    visitor = await to_thread.run_sync(people.visitor, self._site.app.house, visit.secret)
                    if visitor is None or people.caller_of(visitor) != visit.caller:
                        return  # logged out, the session was revoked, or the person's rights changed
                    news = await to_thread.run_sync(self._news, visit, page, sent)
                except NoPageError:
                    return  # a file, or a page that redirects
                except OnHandError as error:
                    log.warning("stream.trouble", path=visit.path, trouble=error.message)
                    news = None
                rest_until = time.monotonic() + DRAW_PAUSE * (time.monotonic() - now)
                mark = before if news is not None else None
                if news is not None:
                    message, ages = news
                    if message:
                        heard = now
                        yield message
            if now - heard >= QUIET_SECONDS:
                heard = now
                yield ": nothing new\n\n"
            await asyncio.sleep(LISTEN_SECONDS)

    def _news(self, visit: Visit, page: Callable[[], Page | Response], sent: Html) -> tuple[str, bool]:
        """Return the blocks that differ from what was sent, as one event (empty if none does), and whether the page shows ages. Raise
        NoPageError, and OnHandError if the books cannot be read."""
        shown = page()
        if not isinstance(shown, Page):
            raise NoPageError
        context = self._site.context(visit, shown)
        drawn = [("layout.html", "store"), *((shown.template, name) for name in shown.live)]
        blocks = {name: drawing.block(self._site.templates, template, name, context) for template, name in drawn}
        news = {name: html for name, html in (blocks | {"title": shown.title}).items() if sent.get(name) != html}
        sent |= news
        if not news:
            return "", shown.ages
        title = news.pop("title", None)
        html = self._site.templates.get_template("message.html").render(blocks=news, title=title)
        return "".join(f"data: {line}\n" for line in html.splitlines()) + "\n", shown.ages


class NoPageError(Exception):
    """An address without blocks to keep fresh."""


class _Stream(StreamingResponse):
    """A stream that counts itself for exactly as long as it is served, however it ends."""

    def __init__(self, streams: Streams, caller: str, frames: AsyncIterator[str]) -> None:
        super().__init__(frames, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._streams, self._caller = streams, caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.opened(self._caller)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.closed(self._caller)


def _later(why: str) -> Response:
    return PlainTextResponse(why, status_code=503, headers={"Retry-After": "30"})
