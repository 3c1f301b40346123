"""Serves the sample shop over HTTP: the pages that buyers and the admin see, and the connector's endpoint.

Path: the demo, the tests and ``__main__`` call ``serve``; pages come from ``pages``, trade goes through ``shop``.
Promise: keep-alive, one write per answer, bounded bodies; it can be stopped and started again on the same port.
Never: decides anything about stock.
"""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from urllib.parse import parse_qs, quote

from . import pages
from .connector import BODY_BYTES, Connector, Request
from .shop import SampleShop, Unavailable, Ware

ENDPOINT = "/onhand.php"
FORM_BYTES = 16 * 1024  # the largest form
DRAIN_BYTES = 8 * BODY_BYTES  # how much of a body that is too large is discarded, so that its sender gets the answer
IDLE_SECONDS = 75.0  # how long a quiet connection is kept
PAGE_ROWS = 60  # products on one page
PIECES_MAX = 99  # of one product in one order
POLICY = "default-src 'self'; form-action 'self'; base-uri 'none'"
STATIC = {"/shop.css": "text/css", "/shop.js": "text/javascript", "/art.svg": "image/svg+xml"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a page: its query and form fields, and whether a program asks."""

    query: Mapping[str, str]
    form: Mapping[str, str]
    wants_json: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a page request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def html(cls, text: str, status: int = 200) -> Reply:
        kind = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}
        return cls(status, text.encode(), kind | {"Cache-Control": "no-store"})

    @classmethod
    def json(cls, document: object, status: int = 200) -> Reply:
        body = json.dumps(document, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json", "Cache-Control": "no-store"})

    @classmethod
    def see(cls, where: str) -> Reply:
        """Redirect to a page after a form was accepted."""
        return cls(303, b"", {"Location": where})


class Trouble(Exception):
    """A request to a page that is refused with a status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def serve(
    shop: SampleShop, port: int = 0, *, key_id: str, secret: str, host: str = "127.0.0.1", allow_http: bool = False
) -> Storefront:
    """Start serving the shop; port 0 takes any free one, and keeps it. ``secret`` is 64 hexadecimal digits."""
    storefront = Storefront(shop, Connector(shop, key_id, secret, allow_http), host, port)
    storefront.start()
    return storefront


class Storefront:
    """One shop's HTTP server. ``stop`` cuts every connection, like a shop that is down; ``start`` brings it back."""

    def __init__(self, shop: SampleShop, connector: Connector, host: str = "127.0.0.1", port: int = 0) -> None:
        self.shop = shop
        self.connector = connector
        self.host = host
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._routes: Mapping[str, Mapping[str, Callable[[Call], Reply]]] = {
            "/": {"GET": self._home},
            "/stock.json": {"GET": self._stock},
            "/buy": {"POST": self._buy},
            "/admin": {"GET": self._admin},
            "/admin/save": {"POST": self._admin_save},
            "/admin/delete": {"POST": self._admin_delete},
            **{path: {"GET": lambda _, path=path: _static(path)} for path in STATIC},  # type: ignore[misc]
        }

    @property
    def url(self) -> str:
        """Return the address of the shop's home page, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def connector_url(self) -> str:
        """Return the address of the connector."""
        return self.url + ENDPOINT

    def start(self) -> None:
        """Start listening. Raise ``OSError`` when the port is taken."""
        if self._server is not None:
            return
        self._server = _Server((self.host, self.port), self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=f"shop-{self.port}")
        self._thread.daemon = True
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and cut the open connections; work in progress ends first."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.cut()
        self._server.server_close()
        self._server = self._thread = None

    def reply(self, method: str, path: str, call: Call) -> Reply:
        """Answer a request for a page; whatever happens, there is an answer."""
        try:
            return self._route(method, path)(call)
        except Trouble as trouble:
            status, message = trouble.status, str(trouble)
            headers = {"Allow": ", ".join(self._routes[path])} if status == 405 else {}
        except Unavailable as refusal:
            status, message, headers = 409, str(refusal), {}
        except sqlite3.DatabaseError:
            log.exception("page.failed")
            status, message, headers = 503, "The shop's database does not answer; try again.", {}
        if call.wants_json:
            return Reply.json({"error": message}, status)
        page = Reply.html(pages.trouble(HTTPStatus(status).phrase, message), status)
        return Reply(page.status, page.body, {**page.headers, **headers})

    def _route(self, method: str, path: str) -> Callable[[Call], Reply]:
        if path not in self._routes:
            raise Trouble(404, "There is no such page in this shop.")
        page = self._routes[path].get("GET" if method == "HEAD" else method)
        if page is None:
            raise Trouble(405, f"This page does not take {method}.")
        return page

    # Pages for buyers

    def _home(self, call: Call) -> Reply:
        wares, page, last = self._page(call)
        notice = pages.thanks(call.query["order"]) if call.query.get("order", "").isdecimal() else ""
        return Reply.html(pages.home(self.shop.name, wares, page, last, notice, self._allow_checkout()))

    def _stock(self, call: Call) -> Reply:
        wares, _, _ = self._page(call)
        allow_checkout = self._allow_checkout()
        return Reply.json(
            {
                "products": [
                    {
                        "id": ware.product,
                        "sku": ware.sku,
                        "name": ware.name,
                        "quantity": ware.quantity,
                        "ordered": ware.ordered,
                        "on": pages.on_sale(ware, allow_checkout),
                    }
                    for ware in wares
                ]
            }
        )

    def _buy(self, call: Call) -> Reply:
        quantity = _whole(call.form, "quantity", 1, PIECES_MAX)
        order = self.shop.buy(_whole(call.form, "product", 1), quantity)
        return Reply.json({"order": order}, 201) if call.wants_json else Reply.see(f"/?order={order}")

    # Pages for the admin

    def _admin(self, call: Call) -> Reply:
        wares, page, last = self._page(call)
        return Reply.html(pages.admin(self.shop.name, wares, page, last, self.shop.orders()))

    def _admin_save(self, call: Call) -> Reply:
        """Save the form's number as it came, however old the page is: such carts do that."""
        quantity = _whole(call.form, "quantity", -(2**31), 2**31 - 1)
        self.shop.admin_save(_whole(call.form, "product", 1), quantity)
        return Reply.see("/admin?page=" + quote(call.form.get("page", "1")))

    def _admin_delete(self, call: Call) -> Reply:
        self.shop.delete_order(_whole(call.form, "order", 1), restock=call.form.get("restock") == "1")
        return Reply.see("/admin#orders")

    def _allow_checkout(self) -> bool:
        return self.shop.switch("STOCK_ALLOW_CHECKOUT") == "true"

    def _page(self, call: Call) -> tuple[Sequence[Ware], int, int]:
        """Return the products of the requested page, its number, and the last page's."""
        last = max(1, -(-self.shop.count() // PAGE_ROWS))
        page = _whole(call.query, "page", 1) if "page" in call.query else 1
        return self.shop.stock((min(page, last) - 1) * PAGE_ROWS, PAGE_ROWS), min(page, last), last


class _Server(ThreadingHTTPServer):
    """A server that keeps the list of open connections, so that they can be cut."""

    request_queue_size = 128
    daemon_threads = False  # closing waits for work in progress, so that nothing trades on a closed shop

    def __init__(self, address: tuple[str, int], storefront: Storefront) -> None:
        self.storefront = storefront
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        with self._open_lock:
            self._open.add(request)  # type: ignore[arg-type]
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """Cut every open connection."""
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Ignore a caller that hangs up; log anything else with its traceback."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            log.error("connection.failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    """A handler that reads one request after another from one connection and writes each answer at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _Server

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        endpoint = path == ENDPOINT
        body = self._body(BODY_BYTES if endpoint else FORM_BYTES)
        if endpoint:
            answer = self.server.storefront.connector.answer(
                Request(self.command, path, self._headers(), body, self.client_address[0])
            )
            self._write(Reply(answer.status, answer.body, answer.headers))
        elif body is None:
            self._write(Reply.html(pages.trouble("Too large", "Send a smaller form."), 413))
        elif self.headers.get("Sec-Fetch-Site") == "cross-site" and self.command == "POST":
            self._write(Reply.html(pages.trouble("Forbidden", "Use this shop's own pages."), 403))
        else:
            call = Call(
                _fields(query),
                _fields(body.decode("utf-8", "replace")),
                "application/json" in self.headers.get("Accept", ""),
            )
            self._write(self.server.storefront.reply(self.command, path, call))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _body(self, limit: int) -> bytes | None:
        """Return the request's body; None, and the connection ends, if it is larger than ``limit`` or of unknown length."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or len(length) > 18:
            self.close_connection = True
            return None
        if int(length) <= limit:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                raise ConnectionError("The caller hung up in the middle of its request.")
            return body
        self.close_connection = True
        rest = min(int(length), DRAIN_BYTES)
        while rest > 0 and (chunk := self.rfile.read(min(rest, 65536))):
            rest -= len(chunk)
        return None

    def _headers(self) -> dict[str, list[str]]:
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        return headers

    def _write(self, reply: Reply) -> None:
        """Write head and body at once: in two writes, the second could wait for the other side's delayed acknowledgement."""
        head = [
            f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
            f"Date: {self.date_time_string()}",
            f"Content-Length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
            "X-Content-Type-Options: nosniff",
            f"Connection: {'close' if self.close_connection else 'keep-alive'}",
        ]
        body = b"" if self.command == "HEAD" else reply.body
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Send the base class's error for requests it cannot read."""
        self.close_connection = True
        if not hasattr(self, "command"):
            self.command = ""
        self._write(Reply(int(code), (message or HTTPStatus(code).phrase).encode(), {"Content-Type": "text/plain"}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: a shop of the demo keeps no access log."""


def _fields(text: str) -> dict[str, str]:
    """Return the first value of each field of a query or a form."""
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=32).items()}
    except ValueError:
        return {}


def _whole(fields: Mapping[str, str], name: str, least: int, most: int = 2**31 - 1) -> int:
    text = fields.get(name, "").strip()
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 10 or not least <= sign * int(digits) <= most:
        raise Trouble(400, f"Give {name} as a whole number from {least} to {most}.")
    return sign * int(digits)


def _static(path: str) -> Reply:
    body = resources.files(__package__).joinpath("static", path[1:]).read_bytes()
    return Reply(200, body, {"Content-Type": f"{STATIC[path]}; charset=utf-8", "Cache-Control": "max-age=60"})
