"""Tests the vault: a copy of the store data file reveals no secret, and a lost key file destroys none."""

from __future__ import annotations

import sqlite3
import stat
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onhand.app import App
from onhand.domain.carts import Settings
from onhand.domain.errors import OnHandError, Permanent
from onhand.domain.webhooks import Event
from onhand.storage import database
from onhand.storage.database import Database
from onhand.storage.vault import Vault, beside, make_key
from onhand.verbs import run

AT = datetime(2026, 1, 1, tzinfo=UTC)
CART = Settings("Amber", "https://amber.example/onhand.php", "key-1", "5e" * 32)
HOOK = "whsec_dG9wIHNlY3JldA=="


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with the secrets of one cart and one webhook."""
    path = tmp_path / "store.db"
    database.create(path)
    with Database(path) as store:
        store.write(lambda books: books.carts.add(CART, AT))
        store.write(lambda books: books.webhooks.add("https://a.example/", HOOK, [Event.CART_DOWN], False, AT))
    return path


def secrets(path: Path) -> tuple[str | None, str | None]:
    with Database(path) as store:
        return store.read(lambda books: (books.carts.get(1).settings.secret, books.webhooks.get(1).secret))


def until(holds, seconds: float = 8.0) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, "it did not come true"
        time.sleep(0.02)


def silent(*_) -> None:
    """Nobody waits."""


def test_a_copy_of_the_store_alone_reveals_no_secret(path: Path) -> None:
    stored = b"".join(file.read_bytes() for file in path.parent.glob("store.db*") if file != beside(path))
    assert CART.name.encode() in stored
    assert CART.secret.encode() not in stored
    assert HOOK.encode() not in stored
    assert secrets(path) == (CART.secret, HOOK)


def test_the_key_file_is_private_and_never_overwritten(path: Path) -> None:
    key = beside(path).read_text()
    assert stat.S_IMODE(beside(path).stat().st_mode) == 0o600
    path.unlink()
    database.create(path)
    assert beside(path).read_text() == key


def test_without_its_key_file_a_store_opens_and_carts_report_it(path: Path) -> None:
    beside(path).unlink()
    assert secrets(path) == (None, None)
    with App(path, "test") as app:
        cart = app.read(lambda books: books.carts.get(1))
        for ask in (lambda: app.connectors.open(cart), lambda: run(app, "cart_key", {"cart": "Amber"}, silent)):
            with pytest.raises(Permanent, match="`onhand cart key"):
                ask()
        with pytest.raises(Permanent, match="`onhand init --upgrade`"):
            run(app, "cart_key", {"cart": "Amber", "renew": True}, silent)
        assert run(app, "cart_show", {"cart": "Amber"}, silent)["name"] == "Amber"


def test_an_edit_without_the_key_file_keeps_sealed_secrets(path: Path) -> None:
    key = beside(path).read_bytes()
    beside(path).unlink()
    with Database(path) as store:
        seen = store.read(lambda books: books.carts.get(1))
        store.write(lambda books: books.carts.edit(1, replace(seen.settings, name="Birch")))
        beside(path).write_bytes(key)
        assert store.read(lambda books: books.carts.get(1)).settings == replace(CART, name="Birch")  # without a restart


@pytest.mark.parametrize("content", ["", "no key\n", "\xff"])
def test_an_invalid_key_file_counts_as_missing(path: Path, content: str) -> None:
    beside(path).write_text(content, encoding="latin-1")
    assert secrets(path) == (None, None)


def test_a_new_key_reseals_everything(path: Path) -> None:
    old = beside(path).read_text()
    assert database.reseal(path, fresh=True) == 0
    fresh, *older = beside(path).read_text().splitlines(keepends=True)
    assert older == [old]
    beside(path).write_text(fresh)
    assert secrets(path) == (CART.secret, HOOK)
    beside(path).write_text(old)
    assert secrets(path) == (None, None)


def test_a_store_without_its_key_file_gets_a_new_one_and_new_secrets(path: Path) -> None:
    beside(path).unlink()
    assert database.reseal(path) == 2
    assert secrets(path) == (None, None)
    with App(path, "test") as app:
        text = run(app, "cart_key", {"cart": "Amber", "renew": True}, silent)["text"]
    found = secrets(path)[0]
    assert found
    assert found in text


def test_a_key_file_can_be_elsewhere(tmp_path: Path) -> None:
    path, keys = tmp_path / "store.db", tmp_path / "safe" / "keys"
    database.create(path, keys)
    assert not beside(path).exists()
    with App(path, "test", key_file=keys) as app:
        run(app, "cart_add", {"name": "Amber", "url": CART.url, "key_id": "k", "secret": CART.secret}, silent)
    with App(path, "test", key_file=keys) as app:
        assert app.read(lambda books: books.carts.get(1)).settings.secret == CART.secret


def test_a_cart_with_a_locked_key_does_not_stop_other_carts(path: Path) -> None:
    with App(path, "test") as app:
        run(app, "cart_add", {"name": "Birch", "url": CART.url, "key_id": "k", "secret": CART.secret}, silent)
        run(app, "param_set", {"name": "SynchQOH", "value": "True"}, silent)
        for cart in (1, 2):
            app.database.write(lambda books, cart=cart: books.carts.switch(cart, True))
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE carts SET epoch = 'e'")
        raw.execute("UPDATE carts SET secret = 'sealed by nobody' WHERE id = 1")
    with App(path, "test") as app:
        controller = app.start_controller()
        until(lambda: 2 in controller.pulses())
        shown = run(app, "cart_show", {"cart": "Amber"}, silent)
        assert shown["state"] == "trouble"
        assert "key file" in shown["trouble"]


def test_a_webhook_with_a_locked_secret_sends_nothing(path: Path) -> None:
    beside(path).unlink()
    with App(path, "test") as app:
        tested = run(app, "webhook_test", {"webhook": 1}, silent)
    assert not tested["delivered"]
    assert "key file" in tested["answer"]


def test_a_blank_secret_needs_no_key(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "nothing")
    assert vault.open(vault.seal("")) == ""
    with pytest.raises(OnHandError):
        vault.seal("x")
    make_key(tmp_path / "nothing")
    assert vault.open(vault.seal("x")) == "x"
    assert vault.seal("x") != vault.seal("x")
