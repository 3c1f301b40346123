"""A host that asks for a pause gets it, from the driver; a person who tests the cart does not wait, and ends the pause."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from onhand.app import App
from onhand.carts.sample import SampleShop
from onhand.carts.sample.connector import Connector, Request
from onhand.verbs import VERBS
from tests.builders import new_store

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

QUICK_SECONDS = 15.0


class House:
    """A host before a sample shop, which can ask for patience."""

    def __init__(self, sample: SampleShop) -> None:
        house = self
        self.retry_after: str | None = None
        self.asked: list[float] = []
        self.connector: Connector | None = None

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                house.asked.append(time.monotonic())
                if house.retry_after is not None:
                    self.send_response(503)
                    self.send_header("retry-after", house.retry_after)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                headers = {name.lower(): [value] for name, value in self.headers.items()}
                said = house.connector.answer(Request("POST", self.path, headers, body, "127.0.0.1"))
                self.send_response(said.status)
                for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/onhand.php"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def street(tmp_path):
    new_store(tmp_path / "store.db")
    sample = SampleShop(tmp_path / "shop.db", "Shop").create([("TEA", "Tea", 10, 1.0)])
    host = House(sample)
    with App(tmp_path / "store.db", "test") as app:

        def do(verb, **given):
            return VERBS[verb](app, lambda *_: None, **given)

        do("cart_add", name="Amber", url=host.url)
        do("cart_key", cart="Amber")
        own = app.read(lambda books: books.carts.named("Amber")).settings
        host.connector = Connector(sample, own.key_id, own.secret)
        do("cart_edit", cart="Amber", tick_seconds=0.1, settle_seconds=0.2)
        do("get_qoh", cart="Amber", create=True)
        do("param_set", name="SynchQOH", value="True")
        do("sync_on", cart="Amber")
        app.start_controller()
        yield app, host, do
    host.server.shutdown()
    host.server.server_close()
    sample.close()


def until(fact) -> None:
    patience = time.monotonic() + QUICK_SECONDS
    while not fact():
        assert time.monotonic() < patience
        time.sleep(0.02)


def pulse(app):
    return next(iter(app.controller.pulses().values()), None)


def test_a_pause_is_kept_and_a_good_test_ends_it(street):
    app, host, do = street
    until(lambda: pulse(app) and pulse(app).in_step)
    host.retry_after = "600"
    until(lambda: pulse(app).trouble)
    asked = len(host.asked)
    time.sleep(3)  # without a word from the host, two more looks would have come by now
    assert len(host.asked) == asked
    host.retry_after = None
    time.sleep(1)
    assert len(host.asked) == asked
    began = time.monotonic()
    do("cart_test", cart="Amber")
    until(lambda: pulse(app).in_step)
    assert time.monotonic() - began < QUICK_SECONDS


def test_a_pause_does_not_delay_the_end(street):
    app, host, _ = street
    until(lambda: pulse(app) and pulse(app).in_step)
    host.retry_after = "3600"
    until(lambda: pulse(app).trouble)
    began = time.monotonic()
    app.controller.stop()
    assert time.monotonic() - began < QUICK_SECONDS
