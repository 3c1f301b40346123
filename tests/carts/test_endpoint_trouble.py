"""Shows what the client makes of everything that is not the connector's honest answer, and whom it tells to do what.

Path: pytest.
Promise: a real socket answers each time, in ways that real hosts do.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from onhand.carts import endpoint
from onhand.carts.endpoint import Endpoint, completed
from onhand.carts.signing import Key
from onhand.domain.errors import Conflict, OnHandError, Permanent, Retriable
from onhand.domain.shop import Change

KEY_ID, SECRET = "shop-1", "ab" * 32
KEY = Key.of(KEY_ID, SECRET)
ORDERS = {"ok": True, "lines": []}


class Host:
    """A web host that answers as the test says: ``answer(handler, headers, body)`` writes the raw answer."""

    def __init__(self):
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                host.served += 1
                host.answer(self, {name.lower(): value for name, value in self.headers.items()}, body)

            def log_message(self, *_):
                pass

        self.served = 0
        self.answer = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/shop/onhand.php"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host():
    host = Host()
    yield host
    host.stop()


def client(url, **more):
    return Endpoint(url, KEY_ID, SECRET, clock=time.time, **more)


def write(handler, status, headers, content):
    handler.send_response(status)
    for name, value in {"content-length": str(len(content)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)


def signed(value, status=200, key=KEY, drop=(), change=lambda content: content, extra=()):
    """An answer function: the value as a rightly signed answer, then spoilt as asked."""

    def answer(handler, headers, body):
        content = json.dumps(value).encode()
        proof = key.sign_answer(headers, status, content, int(time.time()))
        sent = {"content-type": "application/json; charset=utf-8", **proof, **dict(extra)}
        write(handler, status, {name: text for name, text in sent.items() if name not in drop}, change(content))

    return answer


def plain(status, content, kind="text/html", **headers):
    return lambda handler, _headers, _body: write(handler, status, {"content-type": kind, **headers}, content)


def trouble(shop, kind: type[OnHandError], reason: str, *words: str) -> OnHandError:
    """The failure of one request: its kind, its reason, and words its sentence must contain."""
    with pytest.raises(kind) as raised:
        shop.orders([1])
    assert raised.value.facts["reason"] == reason
    for word in words:
        assert word in raised.value.message
    shop.disconnect()
    return raised.value


def refusal(code, **more):
    return {"ok": False, "error": {"code": code, "message": "Do this.", **more}}


PROOF = ("content-digest", "signature-input", "signature")


def test_an_honest_answer_is_understood_and_the_connection_kept(host):
    host.answer = signed(ORDERS)
    shop = client(host.url)
    for _ in range(3):
        assert shop.orders([1]) == ()
    assert host.served == 3
    shop.disconnect()
    shop.disconnect()
    assert shop.orders([1]) == ()
    shop.disconnect()


def test_a_compressed_answer_is_understood(host):
    host.answer = signed(ORDERS, change=gzip.compress, extra={"content-encoding": "gzip"}.items())

    def answer(handler, headers, body):
        content = json.dumps(ORDERS).encode()
        proof = KEY.sign_answer(headers, 200, content, int(time.time()))
        write(
            handler,
            200,
            {"content-type": "application/json", "content-encoding": "gzip", **proof},
            gzip.compress(content),
        )

    host.answer = answer
    assert client(host.url).orders([1]) == ()


def shortly(asked):
    """An answer function of a connector that understands short signatures. ``asked`` gets the kind of each signature it saw."""

    def answer(handler, headers, body):
        asked.append("short" if "onhand" in headers else "long")
        content = json.dumps(ORDERS).encode()
        if asked[-1] == "long":
            proof = {**KEY.sign_answer(headers, 200, content, int(time.time())), "onhand": "short"}
        else:
            created, key_id, signature = headers["onhand"].split(" ")
            spelled = KEY.sign_request(handler.path, body, int(created))
            assert (key_id, f"onhand=:{signature}:") == (KEY_ID, spelled["signature"])
            long = KEY.sign_answer(spelled, 200, content, int(created))
            proof = {"onhand": f"{created} {long['signature'].removeprefix('onhand=').strip(':')}"}
        write(handler, 200, {"content-type": "application/json", **proof}, content)

    return answer


def test_short_signatures_are_used_where_the_connector_understands_them(host):
    asked = []
    host.answer = shortly(asked)
    shop = client(host.url)
    for _ in range(3):
        assert shop.orders([1]) == ()
    assert asked == ["long", "short", "short"]
    shop.disconnect()
    assert shop.orders([1]) == ()
    assert asked[3:] == ["short"]


def test_after_a_failure_the_next_signature_is_a_long_one(host):
    """An older connector may have been copied back: it sees no signature in a short one."""
    asked = []
    host.answer = shortly(asked)
    shop = client(host.url)
    shop.orders([1])
    host.answer = plain(401, json.dumps(refusal("signature", arrived="bare")).encode(), "application/json")
    trouble(shop, Permanent, "headers")
    host.answer = signed(ORDERS)  # an older connector says nothing of short signatures
    for _ in range(2):
        assert shop.orders([1]) == ()
    host.answer = shortly(asked)
    shop.orders([1])
    assert asked == ["long", "long"]


@pytest.mark.parametrize("spoilt", ["1 AAAA=", "x", "1 key AAAA=", ""])
def test_a_wrong_short_signature_is_not_believed(host, spoilt):
    asked = []
    host.answer = shortly(asked)
    shop = client(host.url)
    shop.orders([1])
    host.answer = plain(200, json.dumps(ORDERS).encode(), "application/json", onhand=spoilt)
    with pytest.raises(Permanent) as raised:
        shop.orders([1])
    assert raised.value.facts["reason"] in {"signature", "headers"}


@pytest.mark.parametrize(
    ("status", "kind", "reason", "word"),
    [
        (200, Permanent, "html", "page"),
        (400, Retriable, "http", "HTTP 400"),
        (401, Permanent, "http", "password"),
        (403, Permanent, "http", "firewall"),
        (404, Permanent, "not_found", "onhand.php"),
        (413, Permanent, "too_large", "batch size"),
        (429, Retriable, "http", "429"),
        (500, Retriable, "http", "error log"),
        (502, Retriable, "http", "502"),
        (503, Retriable, "http", "503"),
    ],
)
def test_a_page_instead_of_data(host, status, kind, reason, word):
    host.answer = plain(status, b"<!DOCTYPE html><title>Shop</title>")
    assert trouble(client(host.url), kind, reason, word).facts["status"] == status


@pytest.mark.parametrize(("status", "word"), [(503, "maintenance"), (429, "too many requests")])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("30", 30),
        ("3600", 3600),
        ("86400", 3600),  # an hour at most
        ("date", 120),
        ("yesterday", None),
        ("", None),
        ("-5", None),
        ("1e9", None),
        ("soon", None),
        ("9" * 40, None),
    ],
)
def test_a_host_that_asks_for_patience(host, status, word, asked, seconds):
    dates = {"date": time.time() + 120, "yesterday": time.time() - 86400}
    said = formatdate(dates[asked], usegmt=True) if asked in dates else asked
    host.answer = plain(status, b"<h1>Later</h1>", **{"retry-after": said})
    facts = trouble(client(host.url), Retriable, "http", word, str(status)).facts
    assert facts["status"] == status
    assert facts.get("retry_after_seconds") == (pytest.approx(seconds, abs=3) if seconds else None)


def test_a_connector_that_is_busy_asks_for_no_pause(host):
    """It speaks for itself, signed; a pause is what a host asks for in its place."""
    host.answer = signed(refusal("busy"), 503, extra={"retry-after": "600"}.items())
    assert "retry_after_seconds" not in trouble(client(host.url), Retriable, "busy").facts


@pytest.mark.parametrize("status", [502, 504, 520, 521, 522, 523, 524, 525, 526, 530])
def test_a_gateway_before_the_shop(host, status):
    host.answer = plain(status, b"error code")
    said = trouble(client(host.url), Retriable, "http", str(status))
    assert "error log" not in said.message, "there is nothing in the shop's own"


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=iso-8859-1", "text/plain", ""])
def test_a_right_answer_under_a_wrong_name_is_believed(host, kind):
    host.answer = signed(ORDERS, extra={"content-type": kind}.items())
    assert client(host.url).orders([1]) == ()


@pytest.mark.parametrize(("status", "content"), [(200, b""), (204, b""), (200, b"\n \n")])
def test_an_answer_of_nothing(host, status, content):
    host.answer = plain(status, content)
    trouble(client(host.url), Permanent, "html", "nothing")


@pytest.mark.parametrize(
    "said",
    [
        {"detail": "Not Found"},
        {"ok": False, "error": "no such page"},
        {"error": {"code": 404}},
        {"status": "success", "data": []},
        {"ok": True, "result": {}},
        {"ok": False, "error": {"code": "invalid_token"}},
        [],
        7,
    ],
)
def test_data_of_somebody_else_is_no_stripped_header(host, said):
    host.answer = plain(200, json.dumps(said).encode(), "application/json")
    trouble(client(host.url), Permanent, "html", "onhand.php")
    host.answer = plain(404, json.dumps(said).encode(), "application/json")
    trouble(client(host.url), Permanent, "not_found", "onhand.php")


@pytest.mark.parametrize(
    ("spoilt", "word"),
    [
        (gzip.compress, "compresses"),
        (lambda content: b"\xef\xbb\xbf" + content, "byte order mark"),
        (lambda content: b"<br />\n<b>Notice</b>: x" + content, "stands before"),
        (lambda content: content + b"<!-- cached -->", "rewrites"),
        (lambda content: content[:1], "rewrites"),
        (lambda content: content.decode().encode("utf-16"), "stands before"),
    ],
)
def test_how_an_answer_was_changed_is_said(host, spoilt, word):
    host.answer = signed(ORDERS, change=spoilt)

    def answer(handler, headers, body):
        content = spoilt(json.dumps(ORDERS).encode())
        proof = KEY.sign_answer(headers, 200, json.dumps(ORDERS).encode(), int(time.time()))
        write(handler, 200, {"content-type": "application/json", **proof}, content)

    host.answer = answer
    trouble(client(host.url), Retriable, "cut", word)


def test_a_captive_portal(host):
    host.answer = plain(511, b"<h1>Log in to the network</h1>")
    trouble(client(host.url), Retriable, "http", "511")


def test_headers_without_end(host):
    host.answer = plain(200, b"x", **{f"x-{n}": "y" * 1000 for n in range(200)})
    trouble(client(host.url), Retriable, "http", "HTTP")


def test_what_is_no_http_at_all():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection = listener.accept()[0]
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        trouble(client(f"http://127.0.0.1:{listener.getsockname()[1]}/onhand.php"), Retriable, "http", "HTTP")


def test_php_source_instead_of_its_result(host):
    host.answer = plain(200, b"<?php /* The OnHand connector */", kind="text/plain")
    trouble(client(host.url), Permanent, "html", "source text of a PHP file")


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "image/png", ""])
def test_of_what_a_stranger_answers_nothing_is_repeated(host, kind):
    """The address may be that of a server which only this machine can reach."""
    host.answer = plain(200, b"INTERNAL-SECRET", kind=kind)
    with pytest.raises(Permanent) as found:
        client(host.url).hello()
    host.answer = plain(302, b"INTERNAL-SECRET", location="https://user:INTERNAL-SECRET@in.example/x?t=INTERNAL-SECRET")
    with pytest.raises(Permanent) as led:
        client(host.url).hello()
    assert led.value.facts["location"] == "https://in.example/x"
    assert "INTERNAL-SECRET" not in f"{found.value} {found.value.facts} {led.value} {led.value.facts}"


@pytest.mark.parametrize(
    "code", ["config", "https", "too_large", "internal", "signature", "other", ["config"], {"a": 1}, None]
)
def test_of_an_unsigned_answer_only_the_kind_is_believed(host, code):
    said = {
        "error": {"code": code, "message": "INTERNAL-SECRET", "clock": "INTERNAL-SECRET", "arrived": "INTERNAL-SECRET"}
    }
    host.answer = plain(500, json.dumps(said).encode(), kind="application/json")
    with pytest.raises((Permanent, Retriable)) as found:
        client(host.url).hello()
    assert "INTERNAL-SECRET" not in f"{found.value} {found.value.facts}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(host, status):
    host.answer = plain(status, b"", location="https://shop.example/login.php")
    trouble(client(host.url), Permanent, "redirect", "https://shop.example/login.php")
    assert host.served == 1


def test_a_body_cut_by_the_connection(host):
    host.answer = signed(ORDERS, change=lambda content: content[:5], extra={"content-length": "500"}.items())

    def answer(handler, headers, body):
        signed(ORDERS, change=lambda content: content[:5], extra={"content-length": "500"}.items())(
            handler, headers, body
        )
        handler.close_connection = True

    host.answer = answer
    trouble(client(host.url), Retriable, "cut", "middle")


def test_a_body_cut_by_a_gateway(host):
    host.answer = signed(ORDERS, change=lambda content: content[:-3])
    trouble(client(host.url), Retriable, "cut", "cut or changed")


def test_a_body_with_a_notice_before_it(host):
    host.answer = signed(ORDERS, change=lambda content: b"Notice: x in y\n" + content)
    trouble(client(host.url), Retriable, "cut", "changed")


def test_a_connection_closed_without_an_answer(host):
    def answer(handler, headers, body):
        handler.close_connection = True

    host.answer = answer
    trouble(client(host.url), Retriable, "cut")


def test_headers_stripped_from_the_answer(host):
    host.answer = signed(ORDERS, drop=PROOF)
    trouble(client(host.url), Permanent, "headers", "answer", "strips")
    host.answer = signed(ORDERS, drop=("signature",))
    trouble(client(host.url), Permanent, "headers", "strips")


def test_headers_stripped_from_the_request(host):
    host.answer = signed(refusal("signature", arrived="bare"), 401, drop=PROOF)
    trouble(client(host.url), Permanent, "headers", "requests", "strips")


def test_a_body_changed_on_its_way_to_the_shop(host):
    host.answer = signed(refusal("signature", arrived="changed"), 401, drop=PROOF)
    trouble(client(host.url), Retriable, "cut", "request", "changed")


def test_a_key_the_shop_does_not_know(host):
    for said in ({}, {"arrived": "whole"}):
        host.answer = signed(refusal("signature", **said), 401, drop=PROOF)
        trouble(client(host.url), Permanent, "signature", "onhand-key.php", "differ")


def test_an_answer_signed_with_another_key(host):
    host.answer = signed(ORDERS, key=Key.of(KEY_ID, "cd" * 32))
    trouble(client(host.url), Permanent, "signature", "not believed")


def test_an_answer_to_another_request(host):
    first = {}

    def answer(handler, headers, body):
        signed(ORDERS)(handler, first.setdefault("headers", headers), body)

    host.answer = answer
    shop = client(host.url)
    shop.orders([1])
    with pytest.raises(Permanent) as raised:
        shop.orders([2])
    assert raised.value.facts["reason"] == "signature"


def test_unsigned_words_never_move_the_books(host):
    for code in ("gap", "epoch", "clock", "busy"):
        host.answer = signed(refusal(code, last_seq=99, epoch="f" * 16), 409, drop=PROOF)
        trouble(client(host.url), Permanent, "headers")


@pytest.mark.parametrize(
    ("code", "kind"), [("config", Permanent), ("https", Permanent), ("too_large", Permanent), ("internal", Retriable)]
)
def test_refusals_that_cannot_be_signed_keep_their_kind_and_lose_their_words(host, code, kind):
    host.answer = signed(refusal(code), 500, drop=PROOF)
    assert "Do this." not in trouble(client(host.url), kind, code).message


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("https", 403, Permanent),
        ("clock", 401, Permanent),
        ("request", 400, Permanent),
        ("too_large", 413, Permanent),
        ("config", 500, Permanent),
        ("tables", 500, Permanent),
        ("database", 503, Retriable),
        ("busy", 503, Retriable),
        ("epoch", 409, Conflict),
        ("gap", 409, Conflict),
        ("other", 409, Conflict),
        ("internal", 500, Retriable),
    ],
)
def test_every_code_of_the_protocol_has_its_kind(host, code, status, kind):
    host.answer = signed(refusal(code, last_seq=4), status)
    assert trouble(client(host.url), kind, code, "Do this.").facts["last_seq"] == 4


def test_a_code_of_the_future(host):
    host.answer = signed(refusal("tea"), 418)
    trouble(client(host.url), Permanent, "internal", "tea", "copy the connector file")


@pytest.mark.parametrize(
    "value",
    [{"ok": True}, {"ok": True, "lines": [[1, 2]]}, {"ok": True, "lines": 7}, {"ok": True, "lines": [[None] * 7]}],
)
def test_an_authentic_answer_of_another_shape(host, value):
    host.answer = signed(value)
    trouble(client(host.url), Permanent, "internal", "copy the connector file")


@pytest.mark.parametrize("value", [[], "ok", None, {"ok": False}, {"ok": False, "error": "no"}])
def test_an_authentic_answer_that_is_no_answer(host, value):
    host.answer = signed(value)
    trouble(client(host.url), Permanent, "internal")


def test_another_version_of_the_protocol(host):
    host.answer = signed({"ok": True, "protocol": 2})
    with pytest.raises(Permanent) as raised:
        client(host.url).hello()
    assert "version" in raised.value.message


def test_an_answer_without_end(host, monkeypatch):
    monkeypatch.setattr(endpoint, "ANSWER_MAX_BYTES", 10_000)
    host.answer = signed({**ORDERS, "padding": "x" * 20_000})
    trouble(client(host.url), Permanent, "too_large")


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/onhand.php"
    trouble(client(url), Retriable, "unreachable")


def test_a_name_nobody_has():
    trouble(client("https://no-such-shop.invalid/onhand.php"), Retriable, "unreachable", "address")


def test_an_address_that_does_not_speak_tls(host):
    trouble(client(host.url.replace("http:", "https:")), Permanent, "https")


def test_a_shop_that_takes_too_long(host):
    def answer(handler, headers, body):
        time.sleep(1)
        handler.close_connection = True

    host.answer = answer
    trouble(client(host.url, read_timeout_seconds=0.2), Retriable, "timeout")


def test_an_answer_that_trickles(host):
    def answer(handler, headers, body):
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    host.answer = answer
    started = time.monotonic()
    trouble(client(host.url, connect_timeout_seconds=0.1, read_timeout_seconds=0.2), Retriable, "timeout")
    assert time.monotonic() - started < 2


def test_plain_http_to_another_machine_is_refused():
    with pytest.raises(Permanent) as raised:
        client("http://shop.example/onhand.php")
    assert raised.value.facts["reason"] == "https"
    client("http://shop.example/onhand.php", allow_http=True)
    for address in (
        "https://shop.example/onhand.php",
        "http://localhost/onhand.php",
        "http://127.0.0.2:81/",
        "http://[::1]/onhand.php",
    ):
        client(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/onhand.php",
        "ftp://shop.example/onhand.php",
        "https:///onhand.php",
        "https://ann:secret@shop.example/onhand.php",
        "https://shop.example/onhand.php?x=1",
        "https://shop.example:port/",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Permanent) as raised:
        client(url)
    assert raised.value.facts["reason"] == "request"


@pytest.mark.parametrize(
    ("url", "completed_to"),
    [
        ("https://shop.example", "https://shop.example/onhand.php"),
        ("https://shop.example/", "https://shop.example/onhand.php"),
        ("https://shop.example/catalog", "https://shop.example/catalog/onhand.php"),
        ("https://shop.example/catalog/", "https://shop.example/catalog/onhand.php"),
        ("https://shop.example/shop-2.3", "https://shop.example/shop-2.3/onhand.php"),
        ("https://shop.example:8443/onhand.php", "https://shop.example:8443/onhand.php"),
        ("http://127.0.0.1:81/a/onhand.php", "http://127.0.0.1:81/a/onhand.php"),
        ("https://shop.example/onhand-new.php", "https://shop.example/onhand-new.php"),
    ],
)
def test_the_address_of_a_shop_is_completed(url, completed_to):
    assert completed(url) == completed_to
    client(completed_to)


@pytest.mark.parametrize(
    ("url", "proposed"),
    [
        ("https://shop.example/index.php", "https://shop.example/onhand.php"),
        ("https://shop.example/catalog/index.php?cPath=3", "https://shop.example/catalog/onhand.php"),
        ("https://shop.example/shop/index.html", "https://shop.example/shop/onhand.php"),
        ("https://shop.example/onhand.php?x=1", "https://shop.example/onhand.php"),
        ("https://shop.example/onhand.php#top", "https://shop.example/onhand.php"),
        ("shop.example", "https://shop.example/onhand.php"),
        ("www.shop.example/catalog/", "https://www.shop.example/catalog/onhand.php"),
        ("shop.example/index.php", "https://shop.example/onhand.php"),
    ],
)
def test_the_address_of_another_page_is_refused_with_the_right_one(url, proposed):
    with pytest.raises(Permanent) as raised:
        completed(url)
    assert raised.value.facts == {"reason": "request", "proposed": proposed}
    assert proposed in raised.value.message


def test_the_same_batch_is_the_same_bytes(host):
    bodies = []

    def answer(handler, headers, body):
        bodies.append(body)
        signed({"ok": True, "outcome": "applied", "epoch": "e", "last_seq": 2, "results": [[7, "missing"]]})(
            handler, headers, body
        )

    host.answer = answer
    shop = client(host.url)
    for _ in range(2):
        applied = shop.apply("e", 1, [Change(5, -2), Change(7, 1, True)])
    assert applied.failed == {7: "missing"}
    assert bodies[0] == bodies[1] == b'{"verb":"apply","epoch":"e","first":1,"posts":[[5,-2,0],[7,1,1]]}'
