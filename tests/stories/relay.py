"""Stands between OnHand and a shop's connector as the network does: it can lose answers, and replay what it saw.

Path: stories of lost, repeated and reordered requests give its ``url`` to the cart.
Promise: what passes is not changed, so signatures hold.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Relay:
    """Passes requests on to ``target``, a connector's address, and keeps them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.seen: list[tuple[dict[str, str], bytes]] = []  # headers and body of each request, oldest first
        self.loses: Callable[[dict[str, Any]], bool] = lambda _: False  # of which requests the answer gets lost
        self.lost = 0
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED}
                relay.seen.append((headers, body))
                status, answered, content = relay.send(headers, body)
                if relay.loses(json.loads(body)):
                    relay.lost += 1
                    self.close_connection = True
                    return  # the socket closes without a byte
                self.send_response(status)
                for name, value in answered.items():
                    if name.lower() in PASSED:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Says nothing: a story speaks through its failures."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{urlsplit(target).path}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

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
