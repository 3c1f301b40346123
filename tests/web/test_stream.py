"""What the event stream sends."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest

from onhand.domain.people import Role
from onhand.services import people
from onhand.web import stream
from onhand.web.visit import SESSION_COOKIE
from tests.web.conftest import eventually, text

pytestmark = pytest.mark.slow  # it listens to a real server for seconds


class Listener:
    """A browser's ear: the events that arrived, in order."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.events: list[str] = []
        self.ended = threading.Event()
        self._answer = answer
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        event: list[str] = []
        try:
            for line in self._answer.iter_lines():
                if line.startswith("data: "):
                    event.append(line.removeprefix("data: "))
                elif not line and event:
                    self.events.append("\n".join(event))
                    event = []
        finally:
            self.ended.set()

    def join(self) -> None:
        self._thread.join(timeout=5)


@contextmanager
def listening(house, address: str, page: str = "/"):
    cookies = {SESSION_COOKIE: house.session(Role.VIEWER)}
    with (
        httpx2.Client(timeout=10, cookies=cookies) as client,
        client.stream("GET", f"{address}/events", params={"page": page}) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Listener(answer)


def test_the_first_event_brings_the_whole_page_up_to_date(house):
    house.do("item_add", sku="TEA-1", name="Green leaf", on_hand=3)
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        for region in ("verdict", "carts", "today", "latest"):
            assert f'<hx-partial hx-target="#{region}" hx-swap="innerMorph">' in ear.events[0]
        assert re.search(r"<title>[^<]+ · OnHand</title>", ear.events[0])
        house.api.state.stopping.set()
        ear.join()


def test_a_receipt_reaches_the_browser_at_once_and_nothing_else_does(house):
    house.do("item_add", sku="TEA-1", name="Green leaf", on_hand=3)
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        begun = time.monotonic()
        house.do("receive", lines=[("TEA-1", 10)])
        eventually(lambda: any(re.search(r"received 10\b", text(event)) for event in ear.events[1:]), seconds=2)
        assert time.monotonic() - begun < 2
        assert not any('"#carts"' in event for event in ear.events[1:])
        house.api.state.stopping.set()
        ear.join()


def test_a_sale_in_one_shop_shows_in_the_column_of_the_other(connected):
    connected.begin()
    shop = connected.shops["Amber"]
    ware = shop.stock()[0]
    left = ware.quantity - 2
    with connected.served() as address, listening(connected, address, f"/inventory?q={ware.sku}") as ear:
        eventually(lambda: ear.events)
        shop.buy(ware.sku, 2)
        eventually(lambda: any(f"{ware.sku} {ware.name} {left} {left} {left}" in text(event) for event in ear.events))
        connected.api.state.stopping.set()
        ear.join()


def test_only_what_the_browser_shows_is_sent(house):
    house.do("item_add", sku="TEA-1", on_hand=3)
    house.do("item_add", sku="MUG-1", on_hand=4)
    with house.served() as address, listening(house, address, "/inventory?q=tea") as ear:
        eventually(lambda: ear.events)
        sent = len(ear.events)
        house.do("receive", lines=[("MUG-1", 10)])
        house.do("receive", lines=[("TEA-1", 10)])
        eventually(lambda: len(ear.events) > sent)
        assert not any("MUG-1" in event for event in ear.events)
        house.api.state.stopping.set()
        ear.join()


def test_a_stream_ends_with_its_session(house):
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        people.leave(house.app.house, house.session(Role.VIEWER))
        assert ear.ended.wait(timeout=2)
        ear.join()


def test_a_stream_ends_when_its_person_gets_another_role(house):
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        name = f"Ann the {Role.VIEWER.value}"
        people.edit(house.app.house, name, Role.CLERK, True, None)
        assert ear.ended.wait(timeout=2)
        ear.join()


def test_a_stream_is_for_pages_that_one_may_open(house):
    cookies = {SESSION_COOKIE: house.session(Role.VIEWER)}
    with house.served() as address:
        for page in ("/people", "/nowhere"):
            assert httpx2.get(f"{address}/events", params={"page": page}, cookies=cookies).status_code == 403


def test_streams_end_at_once_when_the_server_stops(house):
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        begun = time.monotonic()
        house.api.state.stopping.set()
        assert ear.ended.wait(timeout=2)
        assert time.monotonic() - begun < 1
        ear.join()


def test_too_many_browsers_are_told_and_a_place_becomes_free_again(house, monkeypatch):
    monkeypatch.setattr(stream, "STREAMS_MAX", 1)
    with house.served() as address:
        # A bare socket, because a browser that goes away just hangs up.
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as first:
            cookie = f"{SESSION_COOKIE}={house.session(Role.VIEWER)}".encode()
            first.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: " + cookie + b"\r\n\r\n")
            assert first.recv(4096).startswith(b"HTTP/1.1 200")
            cookies = {SESSION_COOKIE: house.session(Role.VIEWER)}
            refused = httpx2.get(f"{address}/events", cookies=cookies)
            assert refused.status_code == 503
            assert "browsers are listening already" in refused.text

        def free() -> bool:
            with httpx2.stream("GET", f"{address}/events", cookies=cookies) as answer:
                return answer.status_code == 200

        eventually(free)


@pytest.mark.parametrize("sku", ["<hx-partial hx-target=body>", "a\ndata: x", "\r\n\r\nevent: x"])
def test_no_text_breaks_out_of_its_event(house, sku):
    house.do("item_add", sku="A", name=sku, on_hand=1)
    with house.served() as address, listening(house, address) as ear:
        eventually(lambda: ear.events)
        assert "<hx-partial hx-target=body" not in ear.events[0]
        assert all(event.startswith(("<title>", "<hx-partial")) for event in ear.events)
        assert ear.events[0].rstrip().endswith("</hx-partial>")
        house.api.state.stopping.set()
        ear.join()
