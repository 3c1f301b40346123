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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from onhand import verbs
from onhand.app import App
from onhand.domain.carts import Cart
from onhand.storage import database
from tests.servers import MariaDB, PhpServer
from tests.shops.oscommerce23.shop import OsCommerce23

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

    def __init__(self, shop: OsCommerce23) -> None:
        self._php = shop.php
        self._path = f"/{shop.root.name}/update.php"

    def change(self, product: int, delta: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._php.port, timeout=10)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", self._path, f"product={product}&delta={delta}", form)
        answer = connection.getresponse().read()
        connection.close()
        if answer != b"1":
            raise RuntimeError(f"update.php answered {answer[:200]!r}")


class Wire:
    """A relay in front of a port of this machine that counts connections and bytes: all that TCP carries but its own headers."""

    def __init__(self, port: int) -> None:
        wire = self

        class Relay(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", port)) as there:
                    wire.requests += 1
                    back = threading.Thread(target=wire._pump, args=(there, self.request, "received"), daemon=True)
                    back.start()
                    wire._pump(self.request, there, "sent")
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.requests = self.sent = self.received = 0
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
        self.requests = self.sent = self.received = 0

    def _pump(self, source: socket.socket, target: socket.socket, counter: str) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                setattr(self, counter, getattr(self, counter) + len(chunk))
                target.sendall(chunk)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
