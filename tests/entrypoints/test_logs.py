"""Tests that the log has no secrets and stays out of stdout.

Path: pytest.
Promise: a secret in an event's facts, or in a local variable of a fault, never reaches the log.
Never: checks what is logged; each service's tests do.
"""

from __future__ import annotations

import json
import logging
import time

import pytest
import structlog

from onhand import logs


def spill():
    secret = "5e" * 32
    raise ValueError(len(secret))


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_not_logged(capsys, as_json):
    logs.set_up("info", as_json=as_json)
    structlog.get_logger().info("cart.added", cart="Amber", secret="5e" * 32, token="abc-token")
    try:
        spill()
    except ValueError:
        structlog.get_logger().exception("fault.met")
    said = capsys.readouterr()
    assert said.out == ""
    assert "cart.added" in said.err
    assert "Amber" in said.err
    assert "ValueError: 64" in said.err
    assert "5e5e" not in said.err
    assert "abc-token" not in said.err


def test_library_messages_are_json_too(capsys):
    logs.set_up("info", as_json=True)
    logging.getLogger("some.library").warning("It is %s.", "late")
    logging.getLogger("uvicorn.error").info("chatter")
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["level"]) == ("It is late.", "warning")


@pytest.mark.slow  # it waits for the next summary
def test_repeated_lines_are_counted(capsys, monkeypatch):
    monkeypatch.setattr(logs, "LINES_SECONDS", 3.0)
    logs.set_up("info", as_json=True)
    for number in range(2345):
        structlog.get_logger().warning("door.shut", address=f"192.0.2.{number % 250}")
        logging.getLogger("asyncio").error("socket.accept() out of system resource: %s", number)
    structlog.get_logger().warning("shop.lost", cart="Amber")
    structlog.get_logger().warning("shop.lost", cart="Birch")
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(events) == 2 * logs.LINES_MAX + 2
    assert [event["cart"] for event in events[-2:]] == ["Amber", "Birch"]
    give_up = time.monotonic() + 10
    said = ""
    while said.count("repeated") < 2:
        assert time.monotonic() < give_up
        time.sleep(0.05)
        said += capsys.readouterr().err
    assert said.count(f" repeated {2345 - logs.LINES_MAX:,} times") == 2
    structlog.get_logger().warning("door.shut", address="192.0.2.1")
    assert json.loads(capsys.readouterr().err)["event"] == "door.shut"


def test_counted_lines_are_reported_at_the_end(capsys):
    logs.set_up("info", as_json=False)
    for _ in range(logs.LINES_MAX + 3):
        try:
            spill()
        except ValueError:
            structlog.get_logger().exception("fault.met")
    logging.root.handlers[0].close()
    said = capsys.readouterr().err
    assert said.count("Traceback") == logs.LINES_MAX
    assert "… repeated 3 times" in said


def test_many_kinds_of_lines_do_not_fill_the_memory(capsys):
    logs.set_up("info", as_json=False)
    for number in range(3 * logs.KINDS_MAX):
        logging.getLogger("some.library").warning(str(number))
    assert len(capsys.readouterr().err.splitlines()) <= logs.KINDS_MAX + logs.LINES_MAX
