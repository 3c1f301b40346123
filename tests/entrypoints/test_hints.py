"""Tests the address for hints: only the shop's signature is accepted, and a caller without it learns nothing.

Path: pytest; a real server on a free port, called over real HTTP by a hand that knows keys, or does not.
Promise: every wrong hint gets one and the same answer, and no shop is looked at for it.
Never: goes through PHP; that is ``tests/stories/test_hint.py``.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from onhand.app import App
from onhand.carts.signing import Key, new_key
from onhand.serving import hints
from onhand.serving.server import Server
from onhand.verbs import VERBS

BODY = b'{"hint":"sold"}'
REFUSED = (401, b"")


@dataclass
class Hinter:
    """Somebody who can reach OnHand."""

    app: App
    port: int
    key: Key
    other: Key

    def post(self, path: str, body: bytes = BODY, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, body, headers or {})
        reply = connection.getresponse()
        answer = reply.status, reply.read()
        self.headers = {name: value for name, value in reply.getheaders() if name != "date"}
        connection.close()
        return answer

    def hint(self, number: object = 1, *, key: Key | None = None, age: float = 0, path: str = "") -> tuple[int, bytes]:
        signed = (key or self.key).sign_request(path or f"/hint/{number}", BODY, int(time.time() - age))
        return self.post(f"/hint/{number}", BODY, signed)


@pytest.fixture
def hinter(onhand) -> Iterator[Hinter]:
    """A house with two carts of which one has no key yet; who drives them is not asked here."""
    with App(onhand.store, "serve") as app, Server(app, pages=True) as server:
        VERBS["cart_add"](app, lambda *_: None, name="Amber", url="https://amber.example/onhand.php")
        VERBS["cart_add"](app, lambda *_: None, name="Bare", url="https://bare.example/onhand.php")
        VERBS["cart_key"](app, lambda *_: None, cart="Amber")
        own = app.read(lambda books: books.carts.get(1)).settings
        port = int(server.url.rsplit(":", 1)[1])
        yield Hinter(app, port, Key.of(own.key_id, own.secret), Key.of(own.key_id, new_key()[1]))


@pytest.fixture
def looked(hinter, monkeypatch) -> list[int]:
    """Which carts are looked at."""
    carts: list[int] = []
    hinter.app.start_controller()
    monkeypatch.setattr(hinter.app.controller, "look_now", carts.append)
    return carts


def test_a_signed_hint_triggers_a_look_and_gets_an_empty_answer(hinter, looked):
    assert hinter.hint() == (204, b"")
    assert looked == [1]
    assert "set-cookie" not in hinter.headers


@pytest.mark.parametrize("age", [-295, 295])
def test_clocks_may_differ_by_five_minutes(hinter, looked, age):
    assert hinter.hint(age=age) == (204, b"")
    assert looked == [1]


def test_every_hint_without_the_key_gets_the_same_answer(hinter, looked):
    right = hinter.key.sign_request("/hint/1", BODY, int(time.time()))
    wrong = {
        "another key": lambda: hinter.hint(key=hinter.other),
        "no headers": lambda: hinter.post("/hint/1"),
        "one header less": lambda: hinter.post("/hint/1", BODY, {k: v for k, v in right.items() if k != "signature"}),
        "another body": lambda: hinter.post("/hint/1", b'{"hint":"more"}', right),
        "another path": lambda: hinter.hint(path="/hint/2"),
        "too old": lambda: hinter.hint(age=305),
        "of the future": lambda: hinter.hint(age=-305),
        "too long": lambda: hinter.post("/hint/1", b" " * (hints.BODY_BYTES + 1), right),
        "a cart without a key": lambda: hinter.hint(2),
        "no such cart": lambda: hinter.hint(3),
        "no number": lambda: hinter.hint("one"),
        "another spelling": lambda: hinter.hint("01", path="/hint/1"),
        "a huge number": lambda: hinter.hint("9" * 40),
    }
    answers = {}
    for name, send in wrong.items():
        answers[name] = (send(), tuple(sorted(hinter.headers.items())))
    assert {answer for answer, _ in answers.values()} == {REFUSED}, answers
    assert len({headers for _, headers in answers.values()}) == 1, answers
    assert looked == []


def test_a_renewed_key_ends_the_old_one(hinter, looked):
    VERBS["cart_key"](hinter.app, lambda *_: None, cart="Amber", renew=True)
    assert hinter.hint() == REFUSED
    assert looked == []


def test_a_hint_for_a_cart_without_a_driver_is_accepted_and_ignored(hinter):
    assert hinter.hint() == (204, b"")


def test_a_missing_body_times_out(hinter, looked, monkeypatch):
    monkeypatch.setattr(hints, "BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", hinter.port), 10) as slow:
        slow.sendall(b"POST /hint/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 401")
    assert looked == []


def test_a_hint_counts_even_if_its_sender_is_gone(hinter, looked):
    signed = hinter.key.sign_request("/hint/1", BODY, int(time.time()))
    lines = ["POST /hint/1 HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(BODY)}"]
    lines += [f"{name}: {value}" for name, value in signed.items()]
    with socket.create_connection(("127.0.0.1", hinter.port), 10) as gone:
        gone.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + BODY)
    end = time.monotonic() + 10
    while not looked and time.monotonic() < end:
        time.sleep(0.01)
    assert looked == [1]


def test_a_controller_without_screens_takes_no_hints(onhand):
    with App(onhand.store, "controller") as app, Server(app) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1]), timeout=20)
        connection.request("POST", "/hint/1", BODY)
        assert connection.getresponse().status == 404


def test_the_key_file_has_the_hint_address_once_it_is_set(onhand):
    onhand("cart", "add", "Amber", "--url", "https://amber.example/onhand.php")
    assert "hint_url" not in onhand.json("cart", "key", "Amber")["text"]
    onhand("param", "set", "HintURL", "https://onhand.example:8443/")
    assert "'hint_url' => 'https://onhand.example:8443/hint/1'," in onhand.json("cart", "key", "Amber")["text"]
    onhand("param", "set", "HintURL", "")
    assert "hint_url" not in onhand.json("cart", "key", "Amber")["text"]
