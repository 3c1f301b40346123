"""Fixtures for tests of the entry points: a real store, a real sample shop, and the real program."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from onhand.app import App
from onhand.carts.sample import SampleShop, Storefront, serve
from onhand.cli.program import app
from onhand.domain.people import Caller, Role, Scope
from onhand.services import people
from tests.builders import new_store
from tests.postgresql import shared_postgresql

STORES = {"onhand", "web", "app", "api"}  # fixtures that make a store and run the program on it
SHELF = [("TEA", "Green Tea", 10, 5.0), ("MUG", "Blue Mug", 3, 12.5), ("POT", "Iron Pot", 7, 40.0)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test of a command runs several on a store of its own: `make fast` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and STORES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def logs_as_before():
    """Restore logging: a command sets it up for its process, which many commands and tests share here."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@dataclass
class OnHand:
    """The program on one store data file."""

    store: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(self, *words, code=0, typed=None):
        """Run a command in this process and return its result."""
        result = CliRunner().invoke(app, self._words(words), input=typed)
        assert result.exit_code == code, (words, result.exit_code, result.output, result.exception)
        return result

    def text(self, *words, code=0, typed=None):
        """Return the text that a person reads."""
        return self(*words, code=code, typed=typed).output

    def json(self, *words, code=0):
        """Return the JSON that a program reads: one value on stdout and nothing else."""
        return json.loads(self(*words, "--json", code=code).stdout)

    def program(self, *words, code=0, **how):
        """Run a command as a separate process."""
        done = subprocess.run(self._line(words), capture_output=True, text=True, timeout=60, check=False, **how)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    def start(self, *words):
        """Start a long-lived process and return it once it is ready."""
        process = subprocess.Popen(self._line(words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.started.append(process)
        process.greeting = process.stdout.readline()
        assert process.greeting, words
        return process

    def _words(self, words):
        return ["--store", str(self.store), "--person", "Ann", *map(str, words)]

    def _line(self, words):
        return [sys.executable, "-m", "onhand", *self._words(words)]


@pytest.fixture
def onhand(tmp_path) -> Iterator[OnHand]:
    """A new store."""
    onhand = OnHand(new_store(tmp_path / "onhand.db"))
    yield onhand
    for process in onhand.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


class OnServer(OnHand):
    """The program on a database."""

    def _words(self, words):
        return ["--store", self.store.url, "--person", "Ann", *map(str, words)]


@pytest.fixture
def on_server(tmp_path, monkeypatch) -> Iterator[OnServer]:
    """A new store on a server; its key file is in the current folder."""
    monkeypatch.chdir(tmp_path)
    server = shared_postgresql()
    onhand = OnServer(server.address(server.new_database()))
    onhand("init")
    yield onhand
    for process in onhand.started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(20)
        process.stdout.close()
    server.drop(onhand.store)


@dataclass
class Amber:
    """A running sample shop with its cart."""

    shop: SampleShop
    storefront: Storefront


def connect(onhand: OnHand, shop: SampleShop, name: str) -> Storefront:
    """Add a cart for a sample shop, with the key that OnHand made."""
    onhand("cart", "add", name, "--url", "http://127.0.0.1:1/onhand.php")
    made = onhand.json("cart", "key", name)
    storefront = serve(shop, key_id=made["key_id"], secret=re.search("[0-9a-f]{64}", made["text"])[0])
    onhand("cart", "edit", name, "--url", storefront.connector_url, "--settle-seconds", "0.2", "--tick-seconds", "0.1")
    return storefront


@pytest.fixture
def amber(onhand, tmp_path) -> Iterator[Amber]:
    """A shop with three unmatched products."""
    shop = SampleShop(tmp_path / "amber.db", "Amber").create(SHELF)
    storefront = connect(onhand, shop, "Amber")
    yield Amber(shop, storefront)
    storefront.stop()
    shop.close()


@pytest.fixture
def aligned(onhand, amber) -> Amber:
    """The same shop after Get QOH with new items."""
    onhand("get-qoh", "Amber", "--create")
    return amber


def until(holds, seconds=10.0):
    """Wait until a condition holds."""
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def environment(**more):
    """Return this process's environment without OnHand's variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ONHAND_")} | more


def token_for(opened: App, role: Role, scopes: Iterable[Scope] | None = None) -> str:
    """Return an API token of a new user, by default with all scopes of their role."""
    name = f"{role.value} {secrets.token_hex(4)}"
    person, _ = people.invite(opened.house, name, role)
    owner = Caller(f"user/{person.id}", name, role.scopes, "screen")
    return people.add_token(opened.house, owner, "Till", set(scopes or role.scopes), None)[1]
