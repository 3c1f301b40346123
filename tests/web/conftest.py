"""A house with two sample shops behind the first page."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from html import escape, unescape
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jinja2 import Environment
from jinja2.bccache import Bucket, BytecodeCache

from onhand.app import App
from onhand.carts.sample import SampleShop, catalogue, serve
from onhand.domain.people import Role
from onhand.domain.states import CartState
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.gate import Gate
from onhand.verbs import VERBS
from onhand.web import attach, drawing
from onhand.web.visit import SESSION_COOKIE
from tests import browser
from tests.builders import new_store

NAMES = ("Amber", "Birch & Sons")


def eventually(fact: Callable[[], object], seconds: float = 8.0) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


def text(html: str) -> str:
    """What a person reads: tags gone, blanks joined."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def flash(html: str) -> str:
    """The sentence that tells what was just done; '' if there is none."""
    found = re.search(r'<p class="said ok" role="status">(.*?)</p>', html, re.DOTALL)
    return text(found[1]) if found else ""


def alert(html: str) -> str:
    """Why what was asked was not done; '' if nothing was refused."""
    found = re.search(r'<div class="alert bad" role="alert">(.*?)</div>', html, re.DOTALL)
    return text(found[1]) if found else ""


def is_empty(html: str) -> bool:
    """Whether a page or block shows an empty state in place of a list."""
    return 'class="empty"' in html


def states(html: str) -> list[str]:
    """The states that a page or block shows, as verbs answer them."""
    return [unescape(state) for state in re.findall(r'data-state="([^"]*)"', html)]


class _Compiled(BytecodeCache):
    """Compiled templates, kept in memory: each test has a site of its own, and compiling takes longer than most tests."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Jinja looks into the cache by a checksum of the source, so a template that a test changes is compiled again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "Environment", partial(Environment, bytecode_cache=_Compiled()))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Screens are tested by whole requests, hundreds of them: `make fast` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker("slow")


class Client(TestClient):
    """A logged-in browser without scripts."""

    def shown(self, path: str, status: int = 200) -> str:
        """A page's HTML."""
        answer = self.get(path)
        assert answer.status_code == status, text(answer.text)
        return answer.text

    def fill(self, page: str, action: str, files=None, **fields):
        """Fill in and send the form of a page that goes to ``action``; returns the answer, redirects followed."""
        html = self.shown(page)
        forms = re.findall(r"<form\b.*?</form>", html, re.DOTALL)
        form = next((form for form in forms if f'action="{escape(action)}"' in form), None)
        assert form is not None, f"{page} has no form for {action}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
        return self.post(action, data={**{k: unescape(v) for k, v in hidden.items()}, **fields}, files=files)


class House:
    """An open App, its screens, and its shops by name. Nobody has come in yet."""

    def __init__(self, app: App) -> None:
        self.app = app
        app.gate = Gate(Passwords(cheap=True))
        self.api = FastAPI()
        self.site = attach(self.api, app)
        self.shops: dict[str, SampleShop] = {}
        self._sessions: dict[Role, str] = {}

    @cached_property
    def browser(self) -> Client:
        """An administrator's."""
        return self.client(Role.ADMINISTRATOR)

    def session(self, role: Role) -> str:
        """What the browser of a person of this role holds. The first one is an administrator's."""
        if role is not Role.ADMINISTRATOR:
            self.session(Role.ADMINISTRATOR)
        if role not in self._sessions:
            house, gate, name = self.app.house, self.app.gate, f"Ann the {role.value}"
            link = people.first_link(house) or people.invite(house, name, role)[1]
            self._sessions[role] = people.begin(house, gate, link, name, "correct horse battery")
        return self._sessions[role]

    def client(self, role: Role = Role.ADMINISTRATOR) -> Client:
        """A logged-in browser without scripts."""
        return Client(self.api, cookies={SESSION_COOKIE: self.session(role)})

    def do(self, verb: str, /, **given):
        return VERBS[verb](self.app, lambda *_: None, **given)

    def page(self) -> str:
        """The first page."""
        return self.browser.shown("/")

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
        eventually(lambda: states(self.page().partition('id="carts"')[2]) == [CartState.IN_STEP] * len(NAMES))

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
def unopened(tmp_path) -> Iterator[House]:
    """A house that nobody has ever entered."""
    with App(new_store(tmp_path / "store.db"), "test") as app:
        yield House(app)


@pytest.fixture
def house(unopened) -> House:
    unopened.session(Role.ADMINISTRATOR)
    return unopened


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[browser.Browser]:
    with browser.chromium() as running:
        yield running


@pytest.fixture
def visit(house, chromium) -> Iterator[Callable[..., browser.Page]]:
    """Opens a page of the house, each time in a window of its own: ``visit("/", Role.CLERK, size=PHONE, scheme="dark")``.
    With None for the role nobody is logged in."""
    with house.served() as address, ExitStack() as windows:

        def enter(path: str = "/", role: Role | None = Role.ADMINISTRATOR, **how) -> browser.Page:
            page = windows.enter_context(browser.visitor(chromium, base_url=address, **how))
            if role:
                page.context.add_cookies([{"name": SESSION_COOKIE, "value": house.session(role), "url": address}])
            page.goto(path)
            return page

        yield enter
