"""Answers the connector's protocol for the sample shop: an independent reading of ``docs/protocol.md``.

Path: ``storefront`` hands every request to ``/onhand.php`` to ``Connector.answer``; ``verbs`` does the work.
Promise: one verb at a time; an answer is signed unless the request's signature was wrong; a failure has a code.
Never: tells an unsigned request anything, or a caller the details of an inner failure.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import signing
from .shop import SampleShop
from .verbs import Fault, Verbs

BODY_BYTES = 1024 * 1024  # the largest request body
CLOCK_SECONDS = 300  # how far the two clocks may be apart
LOCK_SECONDS = 5.0  # how long a verb waits for the one before it

_HTTP = {
    "https": 403,
    "signature": 401,
    "clock": 401,
    "request": 400,
    "too_large": 413,
    "config": 500,
    "tables": 500,
    "database": 503,
    "busy": 503,
    "epoch": 409,
    "gap": 409,
    "other": 409,
    "internal": 500,
}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire. ``body`` is None if it was larger than ``BODY_BYTES``."""

    method: str
    path: str  # percent-encoding untouched, no query
    headers: Mapping[str, Sequence[str]]  # names in lower case
    body: bytes | None
    peer: str  # the caller's address


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connector:
    """The endpoint inside one shop. Thread-safe: threads take turns."""

    def __init__(
        self,
        shop: SampleShop,
        key_id: str,
        secret: str,
        allow_http: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shop = shop
        self._key = signing.Key.of(key_id, secret)
        self._allow_http = allow_http
        self._clock = clock
        self._verbs = Verbs(clock)

    def answer(self, request: Request) -> Answer:
        """Serve one exchange completely."""
        if not self._allow_http and not _loopback(request.peer):
            fault = Fault("https", "Call this shop over HTTPS, or allow plain HTTP in its key file.")
            return self._refusal(fault, signing.claimed(request.headers))
        seal = signing.check(self._key, request.method, request.path, request.headers, request.body)
        if seal is None:
            return self._refusal(Fault("signature", "Sign the request with this shop's key."), None)
        try:
            self._check_clock(seal)
            return self._answer(200, {"ok": True, **self._serve(_document(request))}, seal)
        except Fault as fault:
            return self._refusal(fault, seal)

    def _check_clock(self, seal: signing.Seal) -> None:
        now = int(self._clock())
        if abs(now - seal.created) > CLOCK_SECONDS:
            raise Fault("clock", "Set the clocks right: they differ by more than five minutes.", clock=now)

    def _serve(self, document: Mapping[str, object]) -> Mapping[str, object]:
        if not self._shop.connector_lock.acquire(timeout=LOCK_SECONDS):
            raise Fault("busy", "Another request is still being served; try again shortly.")
        try:
            with self._shop.connection() as db:
                return self._verbs.serve(db, document)
        except sqlite3.DatabaseError as error:
            log.exception("connector.failed")
            if str(error).startswith(("no such table", "no such column")):
                raise Fault("tables", "Check that this file holds the shop: a table or column is missing.") from error
            raise Fault("database", "Try again later: the shop's database refused.") from error
        except Fault:
            raise
        except Exception as error:  # the outermost edge of a verb: the caller gets a code, our own log the details
            log.exception("connector.failed")
            raise Fault("internal", "Look into the shop's error log: something unforeseen happened.") from error
        finally:
            self._shop.connector_lock.release()

    def _refusal(self, fault: Fault, seal: signing.Seal | None) -> Answer:
        error = {"code": fault.code, "message": str(fault), **fault.members}
        return self._answer(_HTTP[fault.code], {"ok": False, "error": error}, seal)

    def _answer(self, status: int, document: Mapping[str, object], seal: signing.Seal | None) -> Answer:
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
        if seal is not None:
            headers |= signing.answer_headers(self._key, seal, status, body, int(self._clock()))
        return Answer(status, headers, body)


def _document(request: Request) -> Mapping[str, object]:
    """Return the JSON object of a request whose signature was right."""
    if request.body is None:
        raise Fault("too_large", "Send at most 1 MiB in one request.")
    kind = request.headers.get("content-type", [""])[0].partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Fault("request", "Send the body as application/json.")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Fault("request", "Send one JSON object; this could not be read as JSON.") from error
    if not isinstance(document, dict):
        raise Fault("request", "Send one JSON object.")
    return document


def _loopback(peer: str) -> bool:
    address = ipaddress.ip_address(peer)
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
