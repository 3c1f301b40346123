"""Runs commands of this machine in the process that owns the store data file.

Path: ``door`` of another process → ``POST /door/{name}`` with the owner's token → ``verbs.run`` → one JSON line each for progress
and result.
Promise: an answer is never silent for long; a fault in OnHand is an answer too.
Never: does anything for a caller without the token; programs with their own tokens use ``programs``.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from onhand.app import App
from onhand.domain.errors import Broken, OnHandError
from onhand.verbs import VERBS, Invalid, run
from onhand.wire import KINDS, Data, data_of

BODY_BYTES = 64 * 1024 * 1024  # the largest request; an import of 200,000 items has about 10 MB
CALLS_MAX = 32  # verbs running at the same time
FIRST_SECONDS = 5.0  # how long to wait for the first line before starting the answer without it
BEAT_SECONDS = 10.0  # longest silence within an answer; ``door.SILENCE_SECONDS`` is well above

log = structlog.get_logger()


def attach(api: FastAPI, app: App, token: str) -> None:
    """Add the address that takes commands."""
    calls = threading.BoundedSemaphore(CALLS_MAX)

    @api.post("/door/{name}")
    async def call(name: str, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return _error(401, "token", "This needs the token of the process that owns the store data file.")
        if name not in VERBS:
            return _error(
                404, "invalid", f"There is no verb {name[:100]!r}: this OnHand may be older than the command."
            )
        body = await read_body(request, BODY_BYTES)
        if body is None:
            return _error(413, "invalid", f"The request has more than {BODY_BYTES:,} bytes.")
        if not calls.acquire(blocking=False):
            return _error(503, "retriable", "Too many commands at once: try again in a moment.")
        return await _answered(_begin(app, name, body, calls))


async def read_body(request: Request, most: int) -> bytes | None:
    """Return the request's body; None if it has more than ``most`` bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)


def _begin(app: App, name: str, body: bytes, calls: threading.BoundedSemaphore) -> asyncio.Queue[Data]:
    """Run the verb on a new thread. Return the queue of its progress and, last, its result.

    The end of the process can cut off the thread between two commits, like a kill. Stored work continues at the next start.
    """
    loop = asyncio.get_running_loop()
    said: asyncio.Queue[Data] = asyncio.Queue()

    def say(line: Data) -> None:
        with suppress(RuntimeError):  # the loop has ended, so no one is listening
            loop.call_soon_threadsafe(said.put_nowait, line)

    def work() -> None:
        try:
            say({"result": json.loads(json.dumps(_done(app, name, body, say)))})
        except OnHandError as error:
            say({"error": data_of(error)})
        except Exception as error:
            # The outermost frame of this thread: a fault in OnHand must reach the caller as an answer.
            log.exception("verb.broke", verb=name)
            say({"error": data_of(Broken(f"Fault in OnHand: {type(error).__name__}: {error}"))})
        finally:
            calls.release()

    threading.Thread(target=work, name=f"onhand-{name}", daemon=True).start()
    return said


def _done(app: App, name: str, body: bytes, say: Callable[[Data], None]) -> Data:
    try:
        arguments = json.loads(body or b"{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Invalid("Send the arguments as one JSON object.")
    return run(app, name, arguments, lambda phase, done, total: say({"progress": [phase, done, total]}))


async def _answered(said: asyncio.Queue[Data]) -> Response:
    """Return one JSON line each for progress and result. An error that comes at once sets the HTTP status."""
    try:
        first = await asyncio.wait_for(said.get(), FIRST_SECONDS)
    except TimeoutError:
        first = None
    status = KINDS[first["error"]["code"]].status if first and "error" in first else 200
    return StreamingResponse(_lines(first, said), status, media_type="application/x-ndjson")


async def _lines(line: Data | None, said: asyncio.Queue[Data]) -> AsyncIterator[bytes]:
    while True:
        yield json.dumps(line).encode() + b"\n" if line else b"\n"
        if line and "progress" not in line:
            return
        try:
            line = await asyncio.wait_for(said.get(), BEAT_SECONDS)
        except TimeoutError:
            line = None


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "facts": {}}}, status)
