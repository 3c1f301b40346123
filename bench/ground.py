"""Prepares the ground: durable MariaDB, PHP, shops in them, and houses that drive them.

Path: the measuring files of ``bench`` ask for shops and houses; ``__main__`` opens one ``Ground`` for the whole run.
Promise: whatever was started is stopped and removed at the end, also after a failure.
Never: measures.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from onhand import verbs
from onhand.app import App
from onhand.carts.endpoint import Endpoint
from onhand.domain.carts import Cart
from onhand.storage import database
from tests.servers import MariaDB, PhpServer
from tests.shops.families import OsCommerce23

UPDATE_PHP = Path(__file__).parent / "shop" / "update.php"
SETTLE_SECONDS = 0.1  # alignments wait this long; nobody trades in these shops


class Ground:
    """The servers and all that stands on them. A context manager."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.mariadb = stack.enter_context(MariaDB(durable=True, buffer_pool="256M"))
            self.php = stack.enter_context(PhpServer())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def shop(self, products: int) -> Iterator[OsCommerce23]:
        """A shop with this many products, numbered from 1, and the older way's page in it."""
        shop = OsCommerce23(self.mariadb, self.php)
        try:
            shop.add_products(products)
            shop.sql("ANALYZE TABLE products")
            shutil.copy(UPDATE_PHP, shop.root)
            yield shop
        finally:
            shop.close()


@dataclass(frozen=True, slots=True)
class Driven:
    """An open house with one aligned cart."""

    app: App
    cart: Cart

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return call(self.app, name, **arguments)


def call(app: App, name: str, /, **arguments: Any) -> dict[str, Any]:
    """A verb of the house, as a command or a button calls it."""
    return verbs.VERBS[name](app, lambda *_: None, **arguments)


@contextmanager
def store() -> Iterator[Path]:
    """A new store data file in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="onhand-bench-") as home:
        path = Path(home) / "onhand.db"
        database.create(path)
        yield path


@contextmanager
def house_of(shop: OsCommerce23, *, create: bool = True) -> Iterator[Driven]:
    """A house that knows this shop and is aligned with it; with ``create``, every product has an item."""
    with store() as path, App(path, "bench") as app:
        call(app, "cart_add", name="Bench", url=shop.url, key_id=shop.key_id, secret=shop.secret_hex)
        call(app, "cart_edit", cart="Bench", settle_seconds=SETTLE_SECONDS)
        call(app, "get_qoh", cart="Bench", create=create)
        yield Driven(app, app.read(lambda books: books.carts.named("Bench")))


class OlderWay:
    """One plain HTTP call per SKU per change, to a page that does one relative UPDATE."""

    def __init__(self, shop: OsCommerce23, port: int | None = None) -> None:
        """``port``: another way to the shop's server."""
        self._port = port or shop.php.port
        self._path = f"/{shop.root.name}/update.php"

    def change(self, product: int, delta: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", self._path, f"product={product}&delta={delta}", form)
        answer = connection.getresponse().read()
        connection.close()
        if answer != b"1":
            raise RuntimeError(f"update.php answered {answer[:200]!r}")


def through(wire: Wire, shop: OsCommerce23) -> Endpoint:
    """A client of this shop's connector whose requests go over the wire."""
    url = f"http://127.0.0.1:{wire.port}/{shop.root.name}/onhand.php"
    return Endpoint(url, shop.key_id, shop.secret_hex, clock=time.time)


class Wire:
    """A relay in front of a port of this machine that counts connections and bytes: all that TCP carries but its own headers.

    ``bodies`` is how much of that is not HTTP headers, where each connection carries one request, as PHP's server has it.
    """

    def __init__(self, port: int, round_trip_seconds: float = 0.0) -> None:
        """``round_trip_seconds``: how far away the shop seems; a connection costs two, one to open it and one to ask."""
        wire = self

        class Relay(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                time.sleep(2 * round_trip_seconds)
                with socket.create_connection(("127.0.0.1", port)) as there:
                    wire.requests += 1
                    back = threading.Thread(target=wire._pump, args=(there, self.request, "received"), daemon=True)
                    back.start()
                    wire._pump(self.request, there, "sent")
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.requests = self.sent = self.received = self.bodies = 0
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def bytes(self) -> int:
        return self.sent + self.received

    def reset(self) -> None:
        self.requests = self.sent = self.received = self.bodies = 0

    def _pump(self, source: socket.socket, target: socket.socket, counter: str) -> None:
        head: bytes | None = b""  # None: it is complete
        with suppress(OSError):
            while chunk := source.recv(65536):
                setattr(self, counter, getattr(self, counter) + len(chunk))
                if head is None:
                    self.bodies += len(chunk)
                else:
                    head, end, body = (head + chunk).partition(b"\r\n\r\n")
                    head = None if end else head
                    self.bodies += len(body)
                target.sendall(chunk)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
