"""Tests the program on a store that is a database on a PostgreSQL server: the same commands and errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onhand.app import App
from onhand.serving import server
from onhand.wire import CONFLICT, DONE, PERMANENT, REFUSED, RETRIABLE
from tests.entrypoints.conftest import OnServer, until
from tests.postgresql import ROLE, PostgreSQL, shared_postgresql

pytestmark = pytest.mark.postgresql


@pytest.fixture
def onhand(on_server) -> OnServer:
    return on_server


def test_commands_work_as_on_a_file(onhand):
    onhand("item", "add", "TEA", "--on-hand", 5)
    onhand("receive", "TEA=10")
    onhand("adjust", "TEA", "-1", "--reason", "damaged")
    assert onhand.json("item", "show", "TEA")["on_hand"] == 14
    assert onhand.json("prove")["holds"]
    assert onhand.json("status")["store"] == str(onhand.store)


def test_the_variable_names_the_store_too(onhand, monkeypatch):
    monkeypatch.setenv("ONHAND_STORE", onhand.store.url)
    done = subprocess.run(
        [sys.executable, "-m", "onhand", "status", "--json"], capture_output=True, text=True, check=True
    )
    assert str(onhand.store) in done.stdout


def test_init_again_and_upgrade(onhand):
    assert onhand.json("init", code=REFUSED)["error"]["facts"]["reason"] == "exists"
    said = onhand.json("init", "--upgrade")
    assert said["before"] == said["after"]


def test_the_running_process_does_what_commands_ask(onhand):
    onhand("item", "add", "TEA", "--on-hand", 5)
    onhand.start("controller")
    onhand("receive", "TEA=10")
    assert onhand.json("status")["controller"] is True
    assert onhand.json("init", "--upgrade", code=CONFLICT)["error"]["facts"]["reason"] == "owned"


@pytest.mark.long
def test_commands_work_beside_a_process_of_another_machine(onhand):
    onhand("item", "add", "TEA", "--on-hand", 5)
    onhand.start("controller")
    with shared_postgresql().connect(onhand.store.database) as connection:
        connection.execute("UPDATE processes SET machine = 'cellar'")
    assert onhand.json("status")["processes"][0]["machine"] == "cellar"
    onhand("receive", "TEA=10")
    assert onhand.json("item", "show", "TEA")["on_hand"] == 15


def test_a_clean_end_hands_over_at_once(onhand):
    holder = onhand.start("controller")
    with shared_postgresql().connect(onhand.store.database) as connection:
        until(lambda: connection.execute("SELECT FROM leases WHERE holder <> ''").rowcount == 2)
        holder.terminate()
        assert holder.wait() == DONE
        assert connection.execute("SELECT FROM processes").rowcount == 0


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql://ann@127.0.0.1:1/shop", RETRIABLE),
        ("postgresql://ann@127.0.0.1", REFUSED),
        ("postgresql://ann@127.0.0.1/shop?colour=red", REFUSED),
    ],
)
def test_a_wrong_address_is_a_sentence(onhand, address, code):
    for words in (["status"], ["init"], ["init", "--upgrade"], ["controller"]):
        error = onhand.json("--store", address, *words, code=code)["error"]
        assert error["message"]


def test_a_wrong_password_is_not_shown(onhand):
    server = shared_postgresql()
    address = f"postgresql://{ROLE}_locked:wr0ng@127.0.0.1:{server.port}/{onhand.store.database}"
    done = onhand("--store", address, "status", code=PERMANENT)
    assert "wr0ng" not in done.output


@pytest.mark.long
def test_without_the_driver_the_extra_is_named(onhand):
    code = "import sys; sys.modules['psycopg'] = None; from onhand.cli.program import main; main()"
    words = ["--store", onhand.store.url, "status"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, "onhand[postgresql]" in done.stderr) == (REFUSED, True)
    assert "Traceback" not in done.stderr


def test_a_process_whose_database_is_lost_goes_on_and_can_be_ended(tmp_path):
    key = tmp_path / "store.key"
    with PostgreSQL() as database:
        opened = App(database.new_store(key), "serve", key_file=key, stays=True)
        with server.Server(opened):
            database.kill()
            server._report_database(opened)
        opened.close()
