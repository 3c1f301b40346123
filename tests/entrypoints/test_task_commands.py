"""Tests `onhand task` for work in another process, and for work that was cut off with it."""

from __future__ import annotations

import signal
import socket

import pytest

from onhand.cli import door
from onhand.config import Config
from onhand.domain.errors import Refused
from tests.entrypoints.conftest import until

pytestmark = pytest.mark.slow  # real servers and waiting: `make fast` leaves it out


@pytest.fixture
def begin(onhand):
    """Begin a task in the process that has the store."""

    def task(verb: str, **arguments) -> int:
        wanted = {"verb": verb, "arguments": arguments}
        return door.call(Config(store=onhand.store), "task_start", wanted, lambda *_: None)["task"]

    return task


def test_a_task_of_a_running_program_is_listed_and_shown_with_its_result(onhand, amber, begin):
    onhand.start("serve", "--port", "0")
    begin("get_qoh", cart="Amber", create=True)
    until(lambda: onhand.json("task", "show", 1)["state"] == "done")
    assert onhand.json("task", "show", 1)["result"]["counts"] == {"created": 3}
    assert "get_qoh Amber" in onhand.text("task", "show", 1)
    assert [line["sku"] for line in onhand.json("task", "show", 1, "--result", "created", "--after", 1)["lines"]] == [
        "MUG",
        "POT",
    ]
    assert "--after 1" in onhand.text("task", "show", 1, "--limit", 1)
    listed = onhand.json("task", "list", "Amber")["tasks"]
    assert [(row["task"], row["verb"], row["state"]) for row in listed] == [(1, "get_qoh", "done")]
    assert onhand.json("task", "list", "--before", 1)["tasks"] == []
    onhand("task", "cancel", 1, code=1)


@pytest.mark.long
def test_a_task_that_was_cut_off_is_interrupted(onhand, begin):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/onhand.php"
        onhand("cart", "add", "Amber", "--url", address)
        onhand("cart", "key", "Amber")
        process = onhand.start("serve", "--port", "0")
        begin("send_qoh", cart="Amber")
        assert onhand.json("task", "show", 1)["state"] == "running"
        onhand("task", "cancel", 1)
        assert onhand.json("task", "show", 1)["progress"]["stopping"]
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    shown = onhand.json("task", "show", 1)
    assert shown["state"] == "interrupted"
    assert shown["message"] in onhand.text("task", "show", 1)


def test_only_long_work_is_a_task_and_only_with_its_own_arguments(onhand, begin):
    onhand.start("serve", "--port", "0")
    for verb, arguments in (("item_list", {}), ("nothing", {}), ("send_qoh", {"speed": 9})):
        with pytest.raises(Refused) as refusal:
            begin(verb, **arguments)
        assert refusal.value.code == "invalid"
    assert onhand.json("task", "list")["tasks"] == []
