"""Serves the API: every verb under ``/api``, for programs with a token.

Path: ``server`` mounts it → token → pace → scope → body → turn → arguments → ``verbs.run``; a verb that takes long becomes a task.
Promise: without a token only the description is served; every error is ``application/problem+json``, and a fault in OnHand shows
nothing of its internals.
Never: knows what a verb does; commands of this machine use ``doorkeeper``.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onhand.app import App
from onhand.domain.errors import OnHandError
from onhand.domain.people import Caller
from onhand.limits.turns import Turns
from onhand.services import people
from onhand.serving import openapi
from onhand.serving.doorkeeper import read_body
from onhand.verbs import VERBS, Invalid, run
from onhand.verbs.registry import Verb, check_scope, misfit
from onhand.wire import Data, data_of, kind_of, status_of

CALLS_MAX = 16  # verbs running at the same time, so that screens and commands still work
CALLS_SHARE = 6  # of one token: two slow programs still leave room for others
CALLS_WAITING = 64  # requests of one token that arrive, wait or run
CALLS_SECONDS = 10.0  # how long a request waits for its turn
FILES_MAX = 8  # large requests in memory at once; each has up to 64 MB
FILES_SHARE = 2  # of one token
LOOKUPS_MAX = 8  # threads that look up tokens, apart from those that run verbs
CALLS_PER_SECOND = 20.0  # of one token, in the long run
CALLS_BURST = 200  # of one token, at once
CALLERS_MAX = 1000  # callers whose pace is remembered
BODY_SECONDS = 20.0  # how long a small request may take to arrive
BODY_BYTES_PER_SECOND = 500_000  # the slowest pace of a large one
FAULT = "A fault in OnHand: see its log. Check whether the request was carried out before you try again."
UNKNOWN = "There is nothing at this address: /api/openapi.json lists all addresses."

log = structlog.get_logger()


class Problem(Exception):
    """An error that ends a request before it reaches a verb."""

    def __init__(
        self, status: int, detail: str, code: str = "invalid", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.code, self.headers = status, detail, code, headers or {}


def create(app: App) -> Starlette:
    """Return the API, to mount at ``/api``."""
    desk = Desk(app)
    document = json.dumps(openapi.document(VERBS.values()), ensure_ascii=False).encode()

    async def described(_: Request) -> Response:
        return Response(document, media_type="application/json")

    routes = [Route("/openapi.json", described, methods=["GET"])]
    routes += [
        Route(f"/{verb.name}", partial(_guarded, desk, verb), methods=[*openapi.methods(verb), "OPTIONS"])
        for verb in VERBS.values()
    ]
    programs = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})
    programs.router.redirect_slashes = False
    return programs


class Pace:
    """A limit on the calls that each caller may make per second and at once."""

    def __init__(self) -> None:
        self._paid_until: dict[str, float] = {}

    def wait(self, caller: str, now: float) -> float:
        """Return the seconds until this call is allowed. If it is allowed now, count it and return 0."""
        until = max(now, self._paid_until.get(caller, now)) + 1 / CALLS_PER_SECOND
        if (late := until - now - CALLS_BURST / CALLS_PER_SECOND) > 0:
            return late
        if len(self._paid_until) >= CALLERS_MAX:
            self._paid_until = {known: paid for known, paid in self._paid_until.items() if paid > now}
        self._paid_until[caller] = until
        return 0.0


class Desk:
    """The handler of API calls."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._pace = Pace()
        self._turns = Turns(CALLS_MAX, CALLS_SHARE, CALLS_WAITING, CALLS_SECONDS)
        self._files = Turns(FILES_MAX, FILES_SHARE, CALLS_WAITING, CALLS_SECONDS)
        self._threads = CapacityLimiter(CALLS_MAX)
        self._lookups = CapacityLimiter(LOOKUPS_MAX)

    async def answer(self, verb: Verb, request: Request) -> Response:
        """Answer one call. Raise Problem, and what verbs raise."""
        caller = await self._caller(request)
        if wait := self._pace.wait(caller.id, time.monotonic()):
            raise _later(429, f"Too many requests with this token: at most {CALLS_PER_SECOND:g} a second.", wait)
        check_scope(caller, verb.scope, verb.name)
        key = _key(verb, request)
        async with AsyncExitStack() as held:
            held.enter_context(self._turns.admitted(caller.id))
            if (most := openapi.body_max(verb)) > openapi.BODY_BYTES and request.method == "POST":
                held.enter_context(self._files.admitted(caller.id))
                await held.enter_async_context(self._files.turn(caller.id))
            body = b"" if request.method != "POST" else await _body(request, most)
            asked = dict(request.query_params) if request.method != "POST" else None
            await held.enter_async_context(self._turns.turn(caller.id))
            return await to_thread.run_sync(self._do, verb, asked, body, caller, key, limiter=self._threads)

    async def _caller(self, request: Request) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        caller = None
        if kind.lower() == "bearer" and token.strip():
            caller = await to_thread.run_sync(people.bearer, self._app.house, token.strip(), limiter=self._lookups)
        if caller is None:
            hint = ', error="invalid_token"' if token else ""
            raise Problem(401, openapi.PROBLEMS[401], "token", {"WWW-Authenticate": f'Bearer realm="OnHand"{hint}'})
        return caller

    def _do(self, verb: Verb, asked: Data | None, body: bytes, caller: Caller, key: str | None) -> Response:
        """Run the verb, on a worker thread."""
        arguments = _arguments(verb, body) if asked is None else asked
        if "person" in arguments:
            raise Invalid(f"{verb.name}: leave out `person`, because the token says who asks.")
        if not verb.long:
            return _json(run(self._app, verb.name, arguments, _silent, caller, key))
        begun = run(self._app, "task_start", {"verb": verb.name, "arguments": arguments}, _silent, caller, key)
        return _json(begun, 202, {"Location": f"/api/task_show?task={begun['task']}"})


async def _guarded(desk: Desk, verb: Verb, request: Request) -> Response:
    """Return a verb's answer, or the problem that prevented it."""
    if request.method == "OPTIONS":
        allowed = ", ".join([*openapi.methods(verb), "OPTIONS"])
        return Response(status_code=204, headers={"Allow": allowed})
    try:
        return await desk.answer(verb, request)
    except Problem as problem:
        return _problem(problem.status, problem.code, problem.detail, {}, problem.headers)
    except OnHandError as error:
        status = status_of(error, kind_of(error).status)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("program.broke", verb=verb.name)
            return _problem(500, "broken", FAULT, {})
        said = data_of(error)
        later = {"Retry-After": "1"} if error.facts.get("reason") == "busy" else {}
        return _problem(status, error.code, error.message, said["facts"], later)
    except Exception:
        # The outermost frame of this request: a fault in OnHand must reach the caller as an answer.
        log.exception("program.broke", verb=verb.name)
        return _problem(500, "broken", FAULT, {})


async def _no_route(_: Request, error: Exception) -> Response:
    """Return the router's error as a problem."""
    status, headers = (error.status_code, error.headers or {}) if isinstance(error, HTTPException) else (500, {})
    words = {404: UNKNOWN, 405: openapi.PROBLEMS[405]}
    return _problem(status, "invalid", words.get(status, openapi.PROBLEMS[400]), {}, headers)


async def _body(request: Request, most: int) -> bytes:
    """Return the request's body. Raise Problem if it is too large, too slow, or not declared as JSON."""
    too_large = Problem(413, f"The request is too large: send at most {most:,} bytes to this verb.")
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdigit() else most
    if size > most:
        raise too_large
    try:
        async with asyncio.timeout(BODY_SECONDS + size / BODY_BYTES_PER_SECOND):
            body = await read_body(request, most)
    except TimeoutError:
        raise Problem(408, "The request arrived too slowly: send it again.", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "The request was not sent completely.") from None
    if body is None:
        raise too_large
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        raise Problem(415, "Send the arguments as one JSON object, with `Content-Type: application/json`.")
    return body


def _arguments(verb: Verb, body: bytes) -> Data:
    """Return the arguments in a body, checked strictly by their description. Raise Invalid."""
    try:
        asked = json.loads(body or b"{}", parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise Invalid("Send the arguments as one JSON object.")
    try:
        openapi.arguments_of(verb).model_validate_json(json.dumps(asked))
    except ValidationError as error:
        raise misfit(verb.name, error) from None
    return asked


def _number(word: str) -> float:
    """Return a number that is not written as a whole one: 5.0 is 5 in JSON. Raise ValueError for NaN and infinity."""
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(word)
    return int(value) if value.is_integer() else value


def _key(verb: Verb, request: Request) -> str | None:
    """Return the request's idempotency key, or None. Raise Invalid if the verb takes none."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not openapi.takes_key(verb) or request.method != "POST":
        raise Invalid(f"{verb.name} takes no idempotency key: leave it out.")
    if not re.fullmatch(openapi.KEY, key):
        raise Invalid("An idempotency key has 1 to 255 visible characters and no spaces.")
    return key


def _later(status: int, detail: str, wait_seconds: float) -> Problem:
    return Problem(status, detail, "retriable", {"Retry-After": str(math.ceil(wait_seconds))})


def _problem(status: int, code: str, detail: str, facts: Data, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem in the form of RFC 9457."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return _json({**said, "code": code, "facts": facts}, status, headers, "application/problem+json")


def _json(
    data: Any, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> Response:
    return JSONResponse(data, status, {"Cache-Control": "no-store", **(headers or {})}, kind)


def _silent(_phase: str, _done: int, _of: int) -> None:
    """Ignore progress: a program reads it from the task."""
