"""Shows that the log keeps secrets to itself and stdout clean.

Path: pytest.
Promise: a secret in an event's facts, or in a local variable of a fault, never reaches the log.
Never: checks what is logged; each service's tests do.
"""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from onhand import logs


def spill():
    secret = "5e" * 32
    raise ValueError(len(secret))


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_stay_inside(capsys, as_json):
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


def test_programs_get_json_from_libraries_too(capsys):
    logs.set_up("info", as_json=True)
    logging.getLogger("some.library").warning("It is %s.", "late")
    logging.getLogger("uvicorn.error").info("chatter")
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["level"]) == ("It is late.", "warning")
