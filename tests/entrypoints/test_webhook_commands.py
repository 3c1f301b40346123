"""Tests the commands about webhooks."""

from __future__ import annotations

import re

import pytest

from tests.services.test_webhooks import receiving_server


@pytest.fixture
def receiver():
    with receiving_server() as server:
        yield server


def test_a_webhook_is_added_tested_edited_and_removed(onhand, receiver):
    assert onhand.json("webhook", "list")["webhooks"] == []
    added = onhand.text("webhook", "add", receiver.url)
    assert re.search(r"whsec_[\w+/=]{40,}", added)
    receiver.script = [503]
    failed, delivered = onhand.json("webhook", "test", "1"), onhand.json("webhook", "test", "1")
    assert (failed["delivered"], delivered["delivered"]) == (False, True)
    assert failed["answer"].startswith("503 Service Unavailable")
    assert [row["event"] for row in onhand.json("webhook", "show", "1")["deliveries"]] == ["webhook.test"] * 2
    assert onhand.json("webhook", "retry", "1")["state"] == "waiting"
    edited = onhand.json("webhook", "edit", "1", "--event", "cart.up", "--inactive")
    assert (edited["events"], edited["active"]) == (["cart.up"], False)
    assert onhand.json("webhook", "remove", "1") == {"removed": receiver.url}
    assert onhand.json("webhook", "list")["webhooks"] == []


def test_invalid_webhooks_are_refused(onhand):
    refused = onhand.json("webhook", "add", "http://stock.example/", code=1)["error"]
    assert (refused["code"], refused["facts"]) == ("refused", {"url": "http://stock.example/"})
    onhand("webhook", "show", "7", code=1)
    onhand("webhook", "add", "https://stock.example/", "--event", "sale", code=2)
