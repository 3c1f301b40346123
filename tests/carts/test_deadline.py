"""Shows that a request to a shop ends by its deadline, in whatever phase the answer dribbles in."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, cycle, repeat

import pytest

from onhand.carts import trust
from onhand.carts.endpoint import Endpoint
from onhand.carts.mysql import MySql
from onhand.domain.errors import OnHandError, Retriable
from tests.carts.certificates import make
from tests.shops.direct import PASSWORD
from tests.shops.direct import direct as directly
from tests.shops.families import OsCommerce23

pytestmark = pytest.mark.slow  # answers that take seconds: `make fast` leaves it out

KEY_ID, SECRET = "shop-1", "ab" * 32
CONNECT_SECONDS, READ_SECONDS = 0.3, 0.5
DEADLINE_SECONDS = CONNECT_SECONDS + 2 * READ_SECONDS
GRACE_SECONDS = 2.0  # for a busy machine
PAUSE_SECONDS = 0.02  # between two pieces: far below any timeout


class Dribbler:
    """A server that sends pieces without end to whoever connects, and counts the connections that it still has."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]], context: ssl.SSLContext | None = None) -> None:
        self._pieces, self._context = pieces, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self.open = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        self.open += 1
        with (
            suppress(OSError),
            plain,
            self._context.wrap_socket(plain, server_side=True) if self._context else plain as connection,
        ):
            for piece in self._pieces():
                connection.sendall(piece)
                if self._stopping.wait(PAUSE_SECONDS):
                    break
        self.open -= 1

    def stop(self) -> None:
        self._stopping.set()
        self._listener.close()


@contextmanager
def dribbling(pieces: Callable[[], Iterator[bytes]], context: ssl.SSLContext | None = None) -> Iterator[Dribbler]:
    server = Dribbler(pieces, context)
    try:
        yield server
    finally:
        server.stop()


def letters(text: bytes) -> Iterator[bytes]:
    return (text[at : at + 1] for at in range(len(text)))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PHASES: dict[str, Callable[[], Iterator[bytes]]] = {
    "the status line": lambda: letters(b"HTTP/1.1 200 " + b"O" * 10_000),
    "header lines": lambda: chain([HEAD], (b"X-%d: y\r\n" % n for n in range(10_000))),
    "one header": lambda: chain([HEAD, b"X: "], repeat(b"y")),
    "100 Continue": lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": lambda: cycle(letters(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
    "a body of known length": lambda: chain([HEAD, b"Content-Length: 100000\r\n\r\n"], repeat(b" ")),
    "a body until the end": lambda: chain([HEAD, b"\r\n"], repeat(b" ")),
    "chunks": lambda: chain([HEAD, b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"1\r\n \r\n")),
    "the length of a chunk": lambda: chain([HEAD, b"Transfer-Encoding: chunked\r\n\r\n1;"], repeat(b"x")),
}


def endpoint(url: str) -> Endpoint:
    return Endpoint(
        url,
        KEY_ID,
        SECRET,
        clock=time.time,
        connect_timeout_seconds=CONNECT_SECONDS,
        read_timeout_seconds=READ_SECONDS,
    )


def ends_in_time(server: Dribbler, ask: Callable[[], object], kind: type[OnHandError] = Retriable) -> OnHandError:
    began = time.monotonic()
    with pytest.raises(kind) as raised:
        ask()
    assert time.monotonic() - began < DEADLINE_SECONDS + GRACE_SECONDS
    patience = time.monotonic() + 5
    while server.open:
        assert time.monotonic() < patience, "the connection was left open"
        time.sleep(0.01)
    return raised.value


@pytest.mark.parametrize("phase", PHASES)
def test_an_answer_that_dribbles_in(phase):
    with dribbling(PHASES[phase]) as server:
        shop = endpoint(f"http://127.0.0.1:{server.port}/onhand.php")
        for _ in range(2):  # each request has a deadline of its own
            assert ends_in_time(server, lambda: shop.orders([1])).facts["reason"] == "timeout"


def test_an_answer_that_dribbles_in_over_tls(tmp_path, monkeypatch):
    make(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    trusted = ssl.get_default_verify_paths()._replace(openssl_cafile=str(tmp_path / "ca.pem"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: trusted)
    monkeypatch.setattr(trust, "_known", {})  # what was read before, and is put back afterwards
    with dribbling(PHASES["header lines"], context) as server:
        shop = endpoint(f"https://localhost:{server.port}/onhand.php")
        assert ends_in_time(server, lambda: shop.orders([1])).facts["reason"] == "timeout"


def test_a_tls_handshake_that_dribbles_in():
    # A handshake record that promises 16 KiB.
    with dribbling(lambda: chain(letters(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"), repeat(b"\x00"))) as server:
        shop = endpoint(f"https://127.0.0.1:{server.port}/onhand.php")
        assert ends_in_time(server, lambda: shop.orders([1])).facts["reason"] in ("timeout", "unreachable")


def test_a_connection_that_is_kept_has_a_new_deadline_for_each_request():
    """A deadline that was met must not cut what comes later over the same connection."""
    connections = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    shop = endpoint(f"http://127.0.0.1:{server.server_port}/onhand.php")
    began = time.monotonic()
    while time.monotonic() - began < DEADLINE_SECONDS + 0.5:
        with pytest.raises(OnHandError) as raised:
            shop.orders([1])
        assert raised.value.facts["reason"] == "not_found"
        time.sleep(0.1)
    shop.disconnect()
    server.shutdown()
    server.server_close()
    assert len(connections) == 1


# Direct MySQL


def direct(port: int) -> MySql:
    return MySql(
        f"mysql://stock@127.0.0.1:{port}/shop",
        PASSWORD,
        clock=time.monotonic,
        connect_timeout_seconds=CONNECT_SECONDS,
        read_timeout_seconds=READ_SECONDS,
    )


GREETING = b"\x0a5.5.5-10.11.4-MariaDB\x00"
MYSQL_PHASES: dict[str, Callable[[], Iterator[bytes]]] = {
    "the greeting": lambda: chain(letters(b"\xff\xff\x00\x00" + GREETING), repeat(b"x")),
    "the length of the greeting": lambda: letters(b"\xff\xff\xff\x00" * 10_000),
}


@pytest.mark.parametrize("phase", MYSQL_PHASES)
def test_a_database_that_dribbles_before_the_login(phase):
    with dribbling(MYSQL_PHASES[phase]) as server:
        assert ends_in_time(server, direct(server.port).hello).facts["reason"] == "timeout"


@pytest.mark.servers
@pytest.mark.long
def test_a_database_whose_answers_begin_to_dribble(mariadb, php):
    """A real server behind a wire that is quick until the login is done."""
    shop = directly(OsCommerce23)(mariadb, php)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow = threading.Event()
        threading.Thread(target=_relay, args=(listener, mariadb.port, slow), daemon=True).start()
        client = MySql(
            f"mysql://{shop.login}@127.0.0.1:{listener.getsockname()[1]}/{shop.database}",
            PASSWORD,
            clock=time.monotonic,
            connect_timeout_seconds=5,
            read_timeout_seconds=READ_SECONDS,
            allow_plain=True,
        )
        assert client.hello().family == "oscommerce"
        slow.set()
        began = time.monotonic()
        with pytest.raises(Retriable) as raised:
            client.listings(0, 100)
        assert time.monotonic() - began < 5 + 2 * READ_SECONDS + GRACE_SECONDS
        assert raised.value.facts["reason"] == "timeout"
        client.disconnect()
        slow.clear()
        assert client.hello().family == "oscommerce"
        client.disconnect()
    shop.close()


def _relay(listener: socket.socket, port: int, slow: threading.Event) -> None:
    def pump(source: socket.socket, sink: socket.socket, dribble: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                for part in letters(piece) if dribble and slow.is_set() else [piece]:
                    sink.sendall(part)
                    if dribble and slow.is_set():
                        time.sleep(0.2)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    with suppress(OSError):
        while True:
            client, server = listener.accept()[0], socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
