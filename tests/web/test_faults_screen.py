"""What a browser is told where no screen answers, and what the log says of clients that do not keep to the rules."""

from __future__ import annotations

import socket
import threading
import time

import httpx2
import pytest
from fastapi.testclient import TestClient

from onhand.domain.people import Role
from onhand.web import site, stream
from onhand.web.declaring import page
from onhand.web.visit import SESSION_COOKIE, within
from tests.web.conftest import House, eventually, text


@pytest.mark.parametrize("path", ["/nope", "/orders/999/x", "/static/nope.css", "/static", "/item/", "/%00"])
def test_an_address_that_does_not_exist_is_a_page_with_a_way_back(house: House, path: str) -> None:
    answer = house.browser.get(path, follow_redirects=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/"' in answer.text
    assert "content-security-policy" in answer.headers


def test_an_address_that_is_only_for_a_form_says_so(house: House) -> None:
    answer = house.browser.get("/item/adjust", follow_redirects=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert 'href="/"' in answer.text


def test_who_asks_for_json_gets_a_problem(house: House) -> None:
    answer = house.browser.get("/nope", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_fault_of_ours_is_a_page_that_shows_nothing_of_its_inside(house: House) -> None:
    def broken(_visit):
        raise ZeroDivisionError("inside /srv/secret")

    house.site.add(page("/broken", site.Scope.READ, broken))
    client = TestClient(house.api, cookies=house.browser.cookies, raise_server_exceptions=False)
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert 'href="/"' in answer.text
    assert "inside" not in answer.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLERK])
def test_who_lacks_a_right_is_told_whom_to_ask(house: House, role: Role) -> None:
    assert "ask an administrator" in text(house.client(role).shown("/people", 403))


def test_a_form_that_is_too_large_or_unreadable_has_its_own_status(house: House, monkeypatch) -> None:
    client, stranger = house.browser, TestClient(house.api)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/receive", content=b"a=" + b"x" * site.FORM_BYTES, headers=form).status_code == 413
    assert stranger.post("/login", content=b"a=" + b"x" * site.STRANGER_BYTES, headers=form).status_code == 413
    assert client.post("/receive", data={f"f{n}": "1" for n in range(site.FIELDS_MAX + 1)}).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/receive", content=b"no parts", headers=broken).status_code == 422
    assert client.post("/receive", content=(part for part in [b"a=1"]), headers=form).status_code == 411


@pytest.mark.parametrize("address", ["http://[", "//[", "/\x00", "http://[::1"])
def test_what_is_no_address_is_no_fault(house: House, address: str) -> None:
    assert within(address) == "/" or within(address).startswith("/")
    assert house.browser.get("/login", params={"next": address}, follow_redirects=False).status_code == 303
    assert house.browser.post("/logout", headers={"Origin": "http://["}).status_code == 403
    with house.served() as served:
        cookies = {SESSION_COOKIE: house.session(Role.VIEWER)}
        assert httpx2.get(f"{served}/events", params={"page": address}, cookies=cookies).status_code == 403


@pytest.mark.parametrize("page", ["/login", "/begin/x", "/login?next=/"])
def test_pages_for_everybody_have_no_stream(house: House, page: str) -> None:
    with house.served() as served:
        cookies = {SESSION_COOKIE: house.session(Role.VIEWER)}
        assert httpx2.get(f"{served}/events", params={"page": page}, cookies=cookies).status_code == 403


def test_an_address_that_is_no_page_ends_its_stream_without_a_fault(house: House, caplog) -> None:
    files = ["/inventory/items.csv", "/movements/movements.csv"]
    with house.served() as served:
        cookies = {SESSION_COOKIE: house.session(Role.ADMINISTRATOR)}
        for path in files:
            with httpx2.stream("GET", f"{served}/events", params={"page": path}, cookies=cookies, timeout=10) as answer:
                assert "".join(answer.iter_text()) == ""
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_one_person_cannot_take_all_streams(house: House, monkeypatch) -> None:
    monkeypatch.setattr(stream, "STREAMS_SHARE", 3)
    viewer, admin = ({SESSION_COOKIE: house.session(role)} for role in (Role.VIEWER, Role.ADMINISTRATOR))
    with house.served() as served:
        held = []
        for _ in range(3):
            one = socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2])))
            one.sendall(
                f"GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {SESSION_COOKIE}={viewer[SESSION_COOKIE]}\r\n\r\n".encode()
            )
            assert one.recv(4096).startswith(b"HTTP/1.1 200")
            held.append(one)
        assert httpx2.get(f"{served}/events", cookies=viewer).status_code == 503
        with httpx2.stream("GET", f"{served}/events", cookies=admin) as answer:
            assert answer.status_code == 200
        for one in held:
            one.close()

        def free() -> bool:
            with httpx2.stream("GET", f"{served}/events", cookies=viewer) as answer:
                return answer.status_code == 200

        eventually(free)


def _left(served: str, head: str) -> None:
    """Begin a request and hang up in the middle of its body."""
    with socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2]))) as gone:
        gone.sendall(f"{head}\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nname=A".encode())
        time.sleep(0.1)


FORM = "Content-Type: application/x-www-form-urlencoded"
PARTS = "Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize("kind", [FORM, PARTS])
@pytest.mark.parametrize("path", ["/login", "/receive", "/begin/x"])
def test_a_browser_that_leaves_in_the_middle_of_a_form_is_no_fault(house: House, caplog, kind: str, path: str) -> None:
    cookie = f"Cookie: {SESSION_COOKIE}={house.session(Role.CLERK)}"
    with house.served() as served:
        _left(served, f"POST {path} HTTP/1.1\r\n{kind}\r\n{cookie}")
        _left(served, f"POST {path} HTTP/1.1\r\n{kind}")
        time.sleep(0.3)
        assert httpx2.get(f"{served}/login").status_code == 200
    assert not [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}], caplog.text


def test_a_form_that_trickles_is_cut_off(house: House, monkeypatch) -> None:
    monkeypatch.setattr(site, "FORM_SECONDS", 0.3)
    with house.served() as served, socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2]))) as slow:
        slow.settimeout(10)
        slow.sendall(f"POST /login HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nContent-Length: 50\r\n\r\nn".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_one_persons_slow_pages_keep_nobody_else_waiting(house: House, monkeypatch) -> None:
    let_go, at_work = threading.Event(), []

    def slow(visit):
        at_work.append(visit.caller.id)
        assert let_go.wait(30)
        return site.Page("apology.html", {"message": "done"}, "Done")

    house.site.add(page("/slow", site.Scope.READ, slow))
    viewer, clerk = ({SESSION_COOKIE: house.session(role)} for role in (Role.VIEWER, Role.CLERK))
    with house.served() as served:
        answers = []
        asking = [
            threading.Thread(
                target=lambda: answers.append(httpx2.get(f"{served}/slow", cookies=viewer, timeout=60).status_code)
            )
            for _ in range(site.SCREENS_MAX)
        ]
        for thread in asking:
            thread.start()
        eventually(lambda: len(at_work) == site.SCREENS_SHARE)
        for _ in range(3):
            assert httpx2.get(f"{served}/inventory", cookies=clerk, timeout=5).status_code == 200
        assert len(at_work) == site.SCREENS_SHARE
        let_go.set()
        for thread in asking:
            thread.join()
    assert answers == [200] * site.SCREENS_MAX
