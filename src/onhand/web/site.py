"""Takes a browser's request to its screen: session, right, form, page, and errors.

Path: ``web.attach`` makes a ``Site`` and adds what each module of ``screens`` declares.
Promise: a page or form without a declared scope cannot exist; without a session only the login is shown; a form is taken
from our own pages only; whatever goes wrong, the answer is a page that says what to do.
Never: knows what a screen shows; holds a thread while a form is still arriving.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.routing import Match, Route

from onhand.app import App
from onhand.domain.errors import Conflict, Forbidden, OnHandError, Refused
from onhand.domain.people import Caller, Scope
from onhand.limits.turns import Turns
from onhand.services import people
from onhand.verbs.registry import check_scope
from onhand.wire import kind_of

from . import drawing
from .declaring import Screen
from .visit import SAID_COOKIE, SESSION_COOKIE, Page, Visit, said_in

FORM_BYTES = 2 * 1024 * 1024  # bytes of one form without a file
STRANGER_BYTES = 64 * 1024  # bytes of a form from a person who is not logged in
UPLOAD_BYTES = 64 * 1024 * 1024  # bytes of one form with a file
FORM_SECONDS = 20.0  # how long a small form may take to arrive
FORM_BYTES_PER_SECOND = 100_000  # and the least pace of a large one
SCREENS_MAX = 32  # pages and forms in progress at once
SCREENS_SHARE = 8  # in progress for one person; without a login, for one address
SCREENS_WAITING = 40  # requests of one person that arrive, wait or are in progress
UPLOADS_MAX = 8  # forms with files in memory at once
UPLOADS_SHARE = 2  # of them for one person
SCREENS_SECONDS = 10.0  # how long a request waits for its turn
LOOKUPS_MAX = 8  # threads that look up sessions: never those that screens keep busy
FIELDS_MAX = 12_000  # fields of one form: the longest order has 5,000 lines of two fields
NOBODY = Caller("nobody", "", frozenset(), "screen")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",  # going back in the browser must not show yesterday's counts
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the menu."""

    path: str
    label: str
    scope: Scope = Scope.READ


MENU = {
    "": (Link("/", "Home"), Link("/start", "Getting started")),
    "Stock": (
        Link("/inventory", "Inventory"),
        Link("/receive", "Receive goods"),
        Link("/purchases", "Purchase orders"),
        Link("/counts", "Count sheets"),
        Link("/orders", "Orders"),
        Link("/movements", "Movements"),
        Link("/suppliers", "Suppliers"),
    ),
    "Shops": (
        Link("/carts", "Shopping Carts"),
        Link("/functions", "Shopping Cart Functions"),
        Link("/stack", "Post Stack"),
        Link("/differences", "Differences"),
    ),
    "Settings": (
        Link("/parameters", "System Parameters"),
        Link("/people", "Users and tokens", Scope.ADMINISTER),
        Link("/webhooks", "Webhooks", Scope.ADMINISTER),
        Link("/audit", "Audit log", Scope.ADMINISTER),
    ),
}


class Site:
    """All screens of one store."""

    def __init__(self, api: FastAPI, app: App) -> None:
        self.api, self.app = api, app
        self.templates = drawing.environment(app.clock.now)
        self.scopes: dict[tuple[str, str], Scope | None] = {}  # (method, path) → the scope it needs; None: no login
        self._pages: list[tuple[Route, Screen]] = []
        self._turns = Turns(SCREENS_MAX, SCREENS_SHARE, SCREENS_WAITING, SCREENS_SECONDS)
        self._uploads = Turns(UPLOADS_MAX, UPLOADS_SHARE, SCREENS_WAITING, SCREENS_SECONDS)
        self._threads = CapacityLimiter(SCREENS_MAX)
        self._lookups = CapacityLimiter(LOOKUPS_MAX)

    def add(self, screen: Screen) -> None:
        """Add a page or form to the server."""
        address = (screen.method, screen.path)
        if address in self.scopes:
            raise ValueError(f"{screen.method} {screen.path} is declared twice")
        self.scopes[address] = screen.scope
        answer = partial(self._answered, screen)
        route = Route(screen.path, answer, methods=[screen.method], include_in_schema=False)
        self.api.router.routes.append(route)
        if screen.method == "GET":
            self._pages.append((route, screen))

    async def _answered(self, screen: Screen, request: Request) -> Response:
        """Serve one request: identify the person, read the form, wait for a turn, and run the screen. Any error becomes a page."""
        visit, form = self.nobody(request), screen.method == "POST"
        try:
            visit = await self.visit(request)
            if form and screen.scope is not None and visit.visitor is None:
                return _to_login("/")  # unread: what a stranger sends must not take memory
            who = visit.caller.id if visit.visitor else f"address/{visit.address}"
            async with AsyncExitStack() as held:
                if form and visit.visitor is None:
                    await self._read_form(request, visit)  # small, and not counted: all people may share one address
                held.enter_context(self._turns.admitted(who))
                if form and visit.visitor is not None:
                    if _has_files(request):
                        held.enter_context(self._uploads.admitted(who))
                        await held.enter_async_context(self._uploads.turn(who))
                    await self._read_form(request, visit)
                await held.enter_async_context(self._turns.turn(who))
                shown = partial(self._shown, visit, screen, request.path_params)
                return await to_thread.run_sync(shown, limiter=self._threads)
        except OnHandError as error:
            return await to_thread.run_sync(self.apology, visit, error)

    async def visit(self, request: Request) -> Visit:
        """Return the visit of this request. An ended session counts as none. Raise what reading the store raises."""
        visit = self.nobody(request)
        secret = request.cookies.get(SESSION_COOKIE, "")
        if secret:
            look = partial(people.visitor, self.app.house, secret)
            visitor = await to_thread.run_sync(look, limiter=self._lookups)
            if visitor is not None:
                visit.caller, visit.visitor, visit.secret = people.caller_of(visitor), visitor, secret
        return visit

    def nobody(self, request: Request) -> Visit:
        """Return a visit of a person who is not logged in, or not yet known to be."""
        return Visit(
            self.app,
            request.url.path,
            dict(request.query_params),
            NOBODY,
            https=request.url.scheme == "https",
            host=request.headers.get("host", ""),
            address=request.client.host if request.client else "",
            agent=request.headers.get("user-agent", "")[:300],
            said=said_in(request.cookies.get(SAID_COOKIE, "")),
        )

    async def _read_form(self, request: Request, visit: Visit) -> None:
        """Read a form. Raise Refused if it is too large, too slow or broken, Forbidden if it does not come from our own page."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"} or not _from_us(request):
            raise Forbidden("This form was sent from another site. Open the page here and try again.")
        most = STRANGER_BYTES if visit.visitor is None else UPLOAD_BYTES if _has_files(request) else FORM_BYTES
        length = request.headers.get("content-length", "")
        if not length.isdigit():
            raise Unreadable(411, "The browser did not say how large the form is. Try again.")
        if int(length) > most:
            raise Unreadable(413, f"The form is too large: the limit is {most // 1024:,} KB. Send it in parts.")
        try:
            async with asyncio.timeout(FORM_SECONDS + int(length) / FORM_BYTES_PER_SECOND):
                async with request.form(max_files=4, max_fields=FIELDS_MAX, max_part_size=FORM_BYTES) as form:
                    await _take(form, visit)
        except TimeoutError as error:
            raise Unreadable(408, "The form arrived too slowly. Try again.") from error
        except (MultiPartException, HTTPException) as error:
            why = getattr(error, "detail", error)
            raise Unreadable(422, f"The form could not be read ({why}). Try again.") from error
        if visit.visitor and not hmac.compare_digest(visit.form.pop("csrf", "").encode(), visit.csrf.encode()):
            raise Conflict("This page was opened before you logged in. Reload it and try again.", reason="csrf")

    def _shown(self, visit: Visit, screen: Screen, parameters: Mapping[str, str]) -> Response:
        """Return the screen's answer as a response: a page is drawn, an error becomes a page that says why."""
        if screen.scope is not None and visit.visitor is None:
            return _to_login(visit.here)
        try:
            if screen.scope is not None:
                check_scope(visit.caller, screen.scope, visit.path)
            answer = screen.function(visit, **parameters)
            return self.draw(visit, answer) if isinstance(answer, Page) else answer
        except OnHandError as error:
            return self.apology(visit, error)

    def draw(self, visit: Visit, page: Page) -> Response:
        """Return a page as a response."""
        html = self.templates.get_template(page.template).render(self.context(visit, page))
        response = HTMLResponse(html, status_code=page.status, headers=HEADERS)
        if visit.said:
            response.delete_cookie(SAID_COOKIE)
        return response

    def context(self, visit: Visit, page: Page) -> dict[str, Any]:
        """Return all that a template sees."""
        menu = {
            group: [link for link in links if visit.caller.may(link.scope) and ("GET", link.path) in self.scopes]
            for group, links in MENU.items()
        }
        given = {
            "visit": visit,
            "title": page.title,
            "menu": menu,
            "live": page.live,
            "now": self.app.clock.now(),
            "store_trouble": self.app.database.trouble,
        }
        return given | dict(page.data)

    def apology(self, visit: Visit, error: OnHandError) -> Response:
        """Return a page that says why there is none, and what to do."""
        status = error.status if isinstance(error, Unreadable) else kind_of(error).page
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            log.warning("page.trouble", path=visit.path, code=error.code, trouble=error.message)
        return self.draw(visit, Page("apology.html", {"message": error.message}, "Something went wrong", status=status))

    def find(self, address: str) -> tuple[Screen, dict[str, str]] | None:
        """Return the page behind one of our addresses, and the parameters in it, for the stream that keeps it fresh."""
        try:
            path = urlsplit(address).path
        except ValueError:  # not an address
            return None
        for route, screen in self._pages:
            match, child = route.matches({"type": "http", "path": path, "method": "GET", "root_path": ""})
            if match is Match.FULL:
                return screen, child["path_params"]
        return None


class Unreadable(Refused):
    """A form that cannot be accepted, with the HTTP status for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, reason="form")
        self.status = status


def _to_login(then: str) -> Response:
    return RedirectResponse(f"/login?next={quote(then)}", status_code=303)


def _has_files(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/")


async def _take(form: FormData, visit: Visit) -> None:
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                visit.uploads[name] = (value.filename, await value.read())
        else:
            visit.form[name] = value
            visit.form_lists.setdefault(name, []).append(value)


def _from_us(request: Request) -> bool:
    """Return whether the page that sent a form came from this host; a browser that does not say so is old, or not a browser."""
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # not an address
        return False
