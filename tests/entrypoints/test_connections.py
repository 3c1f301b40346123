"""Tests that silent connections and half-sent requests lock no one out and do not fill the log.

Path: pytest; the real program with the usual limit of open files, a real shop, and sockets that do not keep to the rules.
Promise: people, programs, commands and shops are served while more connections wait than there are files.
Never: changes a limit of this machine beyond this process and its children.
"""

from __future__ import annotations

import http.client
import resource
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

from onhand.app import App
from onhand.domain.people import Role
from onhand.limits import connections
from onhand.serving.server import Server
from tests.entrypoints.conftest import token_for, until

pytestmark = [pytest.mark.slow, pytest.mark.long]  # a server of its own, and waiting

FILES = 1024  # what a process may usually open
MANY = 1300
LOG_BYTES_MAX = 100_000
SOON_SECONDS = 5.0

HALVES = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: local",
    "half a form": b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 5000\r\n\r\nname=A",
}


@pytest.fixture
def more_files():
    """This process needs more files than the one it attacks."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(before[1], 2 * MANY + 500)), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_shops_take_no_connection_from_people(more_files):
    for_people = connections.connections_max()
    assert connections.connections_max(1000) == for_people
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= for_people + 1000


def asked(port, path="/login", method="GET", body=None, token=""):
    """Ask as somebody who keeps to the rules; answers status and seconds."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if token else {}
    connection.request(method, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - began


@pytest.mark.parametrize("half", HALVES)
def test_half_sent_requests_lock_no_one_out(onhand, aligned, tmp_path, more_files, half):
    onhand("param", "set", "SynchQOH", "True")
    onhand("sync", "on", "Amber")
    with App(onhand.store, "test") as app:
        token = token_for(app, Role.CLERK)
    log = tmp_path / "log"
    line = [sys.executable, "-m", "onhand", "--store", str(onhand.store), "serve", "--port", "0"]
    with log.open("w") as stderr, ExitStack() as afterwards:
        process = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {FILES} && exec "$@"', "sh", *line],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        onhand.started.append(process)
        port = int(process.stdout.readline().rsplit(":", 1)[1].strip().rstrip("/"))
        for _ in range(MANY):
            waiting = afterwards.enter_context(socket.socket())
            waiting.connect(("127.0.0.1", port))
            waiting.sendall(HALVES[half])
        for _ in range(5):
            status, seconds = asked(port)
            assert (status, seconds < SOON_SECONDS) == (200, True)
        status, seconds = asked(port, "/api/receive", "POST", '{"lines":[["TEA",5]]}', token)
        assert (status, seconds < SOON_SECONDS) == (200, True)
        until(lambda: aligned.shop.find("TEA").quantity == 15)
        aligned.shop.buy("TEA", 2)
        until(lambda: onhand.json("item", "show", "TEA")["on_hand"] == 13)
        onhand("receive", "TEA=1")
    assert log.stat().st_size < LOG_BYTES_MAX
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("half", ["nothing", "half a head"])
def test_a_missing_head_ends_the_connection(onhand, monkeypatch, half):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with dialled(onhand) as slow:
        slow.sendall(HALVES[half])
        for _ in range(20):  # a byte now and then is no reason to stay
            time.sleep(0.1)
            try:
                slow.sendall(b"x" if HALVES[half] else b"")
            except OSError:
                break
        assert _ended(slow)


def test_an_unread_body_ends_the_connection(onhand, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with dialled(onhand) as slow:
        slow.sendall(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 4")
        began = time.monotonic()
        while time.monotonic() - began < 5:
            try:
                slow.sendall(b"x")
            except OSError:
                break
            time.sleep(0.1)
        assert time.monotonic() - began < 3
        assert _ended(slow)


def test_a_client_that_reads_nothing_is_cut_off(onhand, monkeypatch):
    monkeypatch.setattr(connections, "STUCK_SECONDS", 0.5)
    with App(onhand.store, "serve") as app, Server(app, pages=True) as server:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with deaf:
            deaf.connect(("127.0.0.1", _port(server)))
            ask = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
            deaf.sendall(ask * 100)
            until(lambda: not server._server.server_state.connections)


def test_one_connection_serves_many_requests_and_pauses_between_them(onhand, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.6)
    with App(onhand.store, "serve") as app, Server(app, pages=True) as server:
        connection = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=10)
        for _ in range(6):
            connection.request("GET", "/login")
            kept = connection.sock
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
            time.sleep(0.3)
            assert connection.sock is kept
        connection.close()


@contextmanager
def dialled(onhand):
    """A connection to a server that has just begun."""
    with ExitStack() as held:
        server = held.enter_context(Server(held.enter_context(App(onhand.store, "serve")), pages=True))
        yield held.enter_context(socket.create_connection(("127.0.0.1", _port(server)), timeout=10))


def _ended(connection) -> bool:
    connection.settimeout(5)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def _port(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])
