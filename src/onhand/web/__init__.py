"""Adds the pages to the server: what a browser sees of the house.

Path: ``api`` builds the FastAPI application and calls ``attach``.
Promise: pages need nothing from other servers, run no inline script or style, and say all that matters without JavaScript.
Never: writes; in this version a page names the command that does.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from onhand.app import App
from onhand.domain.errors import OnHandError

from .desk import Asked, Desk
from .stream import Streams

Given = Annotated[str, Query(max_length=300)]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",  # going back in the browser must not show yesterday's counts
}


def attach(api: FastAPI, app: App) -> None:
    """Add pages, static files and the event stream. Streams end when ``api.state.stopping`` is set; it is made if missing."""
    if not hasattr(api.state, "stopping"):
        api.state.stopping = threading.Event()
    desk = Desk(app)
    streams = Streams(desk, api.state.stopping)

    @api.get("/", include_in_schema=False)
    def first_page(q: Given = "", after: Given = "", before: Given = "") -> HTMLResponse:
        try:
            return HTMLResponse(desk.page(Asked(q.strip(), after, before)), headers=HEADERS)
        except OnHandError as error:
            return HTMLResponse(desk.apology(error.message), status_code=503, headers=HEADERS)

    @api.get("/events", include_in_schema=False)
    async def events(request: Request, q: Given = "", after: Given = "", before: Given = "") -> Response:
        return streams.answer(request, Asked(q.strip(), after, before))

    api.mount("/static", _Static(directory=Path(__file__).parent / "static"), name="static")


class _Static(StaticFiles):
    """Files that a browser keeps, but asks about each time: after an upgrade it must not mix old and new."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
