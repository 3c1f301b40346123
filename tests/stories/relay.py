"""Stands between OnHand and a shop's connector as the network does: it cuts, stalls, truncates, repeats, and replays what it saw.

Path: stories of lost, repeated and reordered requests give its ``url`` to the cart.
Promise: what passes is not changed, so signatures hold; without a fault asked for it is a plain wire.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HISTORY_MAX = 20_000  # requests that are kept


class Fault(StrEnum):
    """What the network may do to one request."""

    CUT = "cut before the shop heard"
    LOST = "answer lost"
    TRUNCATED = "answer cut in the middle"
    LATE = "request stalled"
    HELD = "answer stalled"
    TWICE = "delivered twice"
    OLD = "an old one delivered again"


class Relay:
    """Passes requests on to ``target``, a connector's address, and keeps them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.seen: list[tuple[dict[str, str], bytes]] = []  # headers and body of each request, oldest first
        self.loses: Callable[[dict[str, Any]], bool] = lambda _: False  # of which requests the answer gets lost
        self.lost = 0
        self.fault: Callable[[dict[str, Any]], Fault | None] = lambda _: None  # what happens to which request
        self.stall: Callable[[], object] = lambda: None  # what a stalled request or answer waits for
        self.old: Callable[[], tuple[dict[str, str], bytes]] = lambda: self.seen[0]  # which old request comes again
        self.faults: Counter[Fault] = Counter()
        self.applying = threading.Event()  # set while the shop is at work on a batch
        self.passed = 0
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED}
                asked = json.loads(body)
                fault = relay.fault(asked)
                try:
                    status, answered, content = relay.carry(headers, body, fault)
                except (OSError, HTTPException):  # cut here, or the shop's server went away: no byte comes back
                    self.reset()
                    return
                if fault is Fault.HELD:
                    relay.stall()
                if relay.loses(asked) or fault is Fault.LOST:
                    relay.lost += 1
                    self.close_connection = True
                    return  # the socket closes without a byte
                self.send_response(status)
                for name, value in answered.items():
                    if name.lower() in PASSED:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if fault is Fault.TRUNCATED else content)

            def reset(self) -> None:
                """Ends the connection as a router does that lost its memory: no goodbye."""
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True  # OnHand went away, as a killed process does

            def log_message(self, *_: object) -> None:
                """Says nothing: a story speaks through its failures."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False  # a stalled answer keeps nobody
        self.url = f"http://127.0.0.1:{self._server.server_port}{urlsplit(target).path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def carry(self, headers: dict[str, str], body: bytes, fault: Fault | None) -> tuple[int, dict[str, str], bytes]:
        """Passes one request on as the fault has it; raises OSError where the shop never hears of it."""
        if fault is not None:
            self.faults[fault] += 1
        if fault is Fault.CUT:
            raise ConnectionResetError
        if fault is Fault.LATE:
            self.stall()
        if fault is Fault.TWICE:
            self.send(headers, body)
        if fault is Fault.OLD and self.seen:
            self.send(*self.old())
        if len(self.seen) < HISTORY_MAX:
            self.seen.append((headers, body))
        self.passed += 1
        applying = json.loads(body)["verb"] == "apply"
        if applying:
            self.applying.set()
        try:
            return self.send(headers, body)
        finally:
            if applying:
                self.applying.clear()

    def send(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """One raw request to the connector: status, headers and body of its answer."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.target, body, headers), timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, dict(refusal.headers), refusal.read()

    def seen_of(self, verb: str) -> list[tuple[dict[str, str], bytes]]:
        return [(headers, body) for headers, body in self.seen if json.loads(body)["verb"] == verb]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


PASSED = {"content-type", "content-digest", "signature", "signature-input"}
