"""Tests the address for commands: who may call it, what is refused, and the lines of an answer.

Path: pytest; a real server on a free port, called over real HTTP.
Promise: without the token nothing is done.
Never: goes through ``door``; that is ``test_owner.py``.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass

import httpx2
import pytest

from onhand.app import App
from onhand.domain.people import Role
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.gate import Gate
from onhand.serving import doorkeeper
from onhand.serving.server import Server
from tests.builders import new_store
from tests.entrypoints.conftest import token_for


@dataclass
class Caller:
    """Somebody on this machine."""

    port: int
    token: str

    def post(self, verb, body=b"{}", token=None, headers=()):
        """Call a verb; answers status and lines."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = {"Authorization": f"Bearer {self.token if token is None else token}", **dict(headers)}
        connection.request("POST", f"/door/{verb}", body, given)
        reply = connection.getresponse()
        self.headers = dict(reply.headers)
        text = reply.read().decode()
        connection.close()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return reply.status, lines or text


@pytest.fixture
def caller(onhand):
    with App(onhand.store, "serve") as app, Server(app, pages=True) as server:
        yield Caller(int(server.url.rsplit(":", 1)[1]), server._token)


def test_a_verb_answers_with_its_result(caller):
    assert caller.post("item_add", b'{"sku":"TEA"}') == (200, [{"result": {"sku": "TEA", "name": "", "on_hand": 0}}])
    assert caller.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("token", ["", "wrong", "wröng"])
def test_without_the_token_nothing_is_done(caller, token):
    headers = {"Authorization": f"Bearer {token}".encode()}
    status, said = caller.post("item_add", b'{"sku":"TEA"}', headers=headers)
    assert (status, said[0]["error"]["code"]) == (401, "token")
    assert caller.post("item_list")[1][0]["result"]["items"] == []


def test_an_unknown_verb_is_not_found(caller):
    assert caller.post("drop_tables")[0] == 404
    assert caller.post("__class__")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff",
        b'{"sku":1}',
        b"{}",
        b'{"sku":"T","app":1}',
        b'{"sku":"T","progress":1}',
        b'{"sku":"T","x":1}',
    ],
)
def test_an_invalid_argument_is_named(caller, body):
    status, said = caller.post("item_add", body)
    assert (status, said[0]["error"]["code"]) == (422, "invalid")
    assert said[0]["error"]["message"].count("\n") == 0


def test_a_wrong_argument_is_not_repeated(caller):
    secret = "5e" * 400
    _, said = caller.post("cart_add", json.dumps({"name": "A", "url": "https://a.example/", "secret": secret}).encode())
    assert said[0]["error"]["code"] == "invalid"
    assert secret not in json.dumps(said)


def test_a_refusal_has_its_code_and_its_facts(caller):
    status, said = caller.post("item_show", b'{"sku":"NO"}')
    assert status == 409
    assert said[0]["error"]["code"] == "refused"
    assert said[0]["error"]["facts"] == {"unknown": ["NO"]}


def test_a_body_beyond_the_limit_is_refused(caller, monkeypatch):
    monkeypatch.setattr(doorkeeper, "BODY_BYTES", 100)
    assert caller.post("item_add", b" " * 101)[0] == 413
    assert caller.post("item_add", b'{"sku":"TEA"}' + b" " * 80)[0] == 200


@pytest.mark.parametrize("pages", [True, False])
@pytest.mark.parametrize("path", ["/door/item_add", "/hint/1", "/api/item_add"])
def test_a_client_that_hangs_up_is_not_a_fault(onhand, caplog, pages, path):
    with App(onhand.store, "serve") as app, Server(app, pages=pages) as server:
        for token in (server._token, token_for(app, Role.CLERK)):
            with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as gone:
                head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 50\r\n\r\n{{"
                gone.sendall(head.encode())
                time.sleep(0.2)
        time.sleep(0.3)
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}], caplog.text


def test_too_many_calls_at_once_are_retriable(onhand, monkeypatch):
    monkeypatch.setattr(doorkeeper, "CALLS_MAX", 0)
    with App(onhand.store, "serve") as app, Server(app) as server:
        status, said = Caller(int(server.url.rsplit(":", 1)[1]), server._token).post("status")
    assert (status, said[0]["error"]["code"]) == (503, "retriable")


def test_a_fault_in_onhand_is_an_answer_too(caller, monkeypatch):
    monkeypatch.setattr(doorkeeper, "run", lambda *_: 1 / 0)
    status, said = caller.post("status")
    assert (status, said[0]["error"]["code"]) == (500, "broken")


def test_a_long_silence_is_filled_with_heartbeats(caller, monkeypatch):
    import time  # noqa: PLC0415

    monkeypatch.setattr(doorkeeper, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(doorkeeper, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(doorkeeper, "run", lambda *_: time.sleep(0.5) or {"done": True})
    assert caller.post("status") == (200, [{"result": {"done": True}}])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_only_names_of_this_machine_are_answered(caller, host):
    assert caller.post("status", headers={"Host": host})[0] == 400


@pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1", "[::1]:8420"])
def test_every_name_of_this_machine_is_answered(caller, host):
    assert caller.post("status", headers={"Host": host})[0] == 200


def test_every_answer_has_security_headers(caller):
    caller.post("status")
    assert caller.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in caller.headers["content-security-policy"]


def test_a_controller_has_no_screens(onhand):
    with App(onhand.store, "controller") as app, Server(app) as server:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1]), timeout=20)
        connection.request("GET", "/")
        assert connection.getresponse().status == 404
        connection.close()


def test_the_notice_has_the_address_only_while_the_server_listens(onhand):
    lock = onhand.store.with_name(onhand.store.name + ".lock")
    with App(onhand.store, "serve") as app:
        with Server(app) as server:
            assert json.loads(lock.read_text())["url"] == server.url
        assert json.loads(lock.read_text())["url"] is None
    assert lock.read_text() == ""


def test_forwarded_headers_count_only_with_a_public_address(tmp_path):
    forwarded = {"Host": "stock.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
    with App(new_store(tmp_path / "store.db"), "test") as app:
        app.gate = Gate(Passwords(cheap=True))
        people.begin(app.house, app.gate, people.first_link(app.house), "Ann", "correct horse battery")
        typed = {"name": "Ann", "password": "correct horse battery"}
        with Server(app, pages=True, public="https://stock.example.com") as server:
            local = f"http://127.0.0.1:{server.url.rpartition(':')[2]}/login"
            assert server.public == "https://stock.example.com"
            cookie = httpx2.post(local, data=typed, headers=forwarded).headers["set-cookie"]
            assert "Secure" in cookie
            assert "Secure" not in httpx2.post(local, data=typed).headers["set-cookie"]
        with Server(app, pages=True) as server:
            assert httpx2.get(f"{server.url}/login", headers=forwarded).status_code == 400
            plain = {"X-Forwarded-Proto": "https"}
            assert "Secure" not in httpx2.post(f"{server.url}/login", data=typed, headers=plain).headers["set-cookie"]
