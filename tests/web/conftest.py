"""A house with two sample shops behind the first page."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from onhand.app import App
from onhand.carts.sample import SampleShop, catalogue, serve
from onhand.storage import database
from onhand.verbs import VERBS
from onhand.web import attach

NAMES = ("Amber", "Birch & Sons")


def eventually(fact: Callable[[], object], seconds: float = 8.0) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


def text(html: str) -> str:
    """What a person reads: tags gone, blanks joined."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


class House:
    """An open App, its page, and its shops by name."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.api = FastAPI()
        attach(self.api, app)
        self.browser = TestClient(self.api)
        self.shops: dict[str, SampleShop] = {}

    def do(self, verb: str, **given):
        return VERBS[verb](self.app, lambda *_: None, **given)

    def page(self, **given) -> str:
        answer = self.browser.get("/", params=given)
        assert answer.status_code == 200
        return answer.text

    def region(self, name: str, **given) -> str:
        """One region of the page, as HTML."""
        return self.page(**given).partition(f'<div id="{name}">')[2].partition("<h2")[0]

    def connect(self, shop: SampleShop, name: str, start) -> None:
        self.do("cart_add", name=name, url="http://127.0.0.1:1/onhand.php")
        self.do("cart_key", cart=name)
        own = self.app.read(lambda books: books.carts.named(name)).settings
        self.do("cart_edit", cart=name, url=start(shop, own), settle_seconds=0.5, tick_seconds=0.2)
        self.shops[name] = shop

    def begin(self) -> None:
        """Align both carts, switch everything on and drive it."""
        self.do("get_qoh", cart=NAMES[0], create=True)
        self.do("send_qoh", cart=NAMES[1])
        self.do("param_set", name="SynchQOH", value="True")
        for name in NAMES:
            self.do("sync_on", cart=name)
        self.app.start_controller()
        eventually(lambda: "Both shops show what is on hand." in self.page())

    @contextmanager
    def served(self) -> Iterator[str]:
        """The page on a real port, for what a test client cannot do: listen to a stream that does not end."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(self.api, log_level="warning", lifespan="off"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                eventually(lambda: server.started)
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                self.api.state.stopping.set()
                server.should_exit = True
                thread.join()


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    database.create(tmp_path / "store.db")
    with App(tmp_path / "store.db", "test") as app:
        yield House(app)


@pytest.fixture
def connected(house, tmp_path) -> Iterator[House]:
    """Two shops with thirty products each, connected and not yet aligned."""
    fronts = []

    def start(shop, own) -> str:
        fronts.append(serve(shop, port=0, key_id=own.key_id, secret=own.secret))
        return fronts[-1].connector_url

    shops = [SampleShop(tmp_path / f"{name[:5]}.db", name).create(catalogue(30)) for name in NAMES]
    for shop, name in zip(shops, NAMES, strict=True):
        house.connect(shop, name, start)
    yield house
    if house.app.controller:
        house.app.controller.stop()
    for front in fronts:
        front.stop()
    for shop in shops:
        shop.close()
