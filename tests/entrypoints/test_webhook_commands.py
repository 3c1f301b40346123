"""Holds the commands about webhooks to what a technician reads."""

from __future__ import annotations

import re

import pytest

from tests.services.test_webhooks import receiving_server


@pytest.fixture
def receiver():
    with receiving_server() as server:
        yield server


def test_a_webhook_from_its_beginning_to_its_end(onhand, receiver):
    assert "No webhooks yet." in onhand.text("webhook", "list")
    added = onhand.text("webhook", "add", receiver.url)
    assert re.search(r"whsec_[\w+/=]{40,}", added)
    receiver.script = [503]
    assert "The test was not taken: 503 Service Unavailable" in onhand.text("webhook", "test", "1")
    assert "The test was taken: 204 No Content" in onhand.text("webhook", "test", "1")
    assert "webhook.test" in onhand.text("webhook", "show", "1")
    assert onhand.json("webhook", "retry", "1")["state"] == "waiting"
    edited = onhand.json("webhook", "edit", "1", "--event", "cart.up", "--inactive")
    assert (edited["events"], edited["active"]) == (["cart.up"], False)
    assert "off" in onhand.text("webhook", "list")
    assert "is removed" in onhand.text("webhook", "remove", "1")


def test_what_cannot_be_is_refused_in_a_sentence(onhand):
    assert "Enter an https address" in onhand.text("webhook", "add", "http://stock.example/", code=1)
    assert "no webhook number 7" in onhand.text("webhook", "show", "7", code=1)
    onhand("webhook", "add", "https://stock.example/", "--event", "sale", code=2)
