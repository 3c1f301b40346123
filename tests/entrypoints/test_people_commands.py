"""Tests the commands about people and about the key file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onhand.app import App
from onhand.domain.people import Role, Scope
from onhand.passwords import Passwords
from onhand.services import people
from onhand.services.gate import Gate
from tests.entrypoints.conftest import OnHand

CHEAP = Gate(Passwords(cheap=True))
PASSWORD = "correct horse battery"


def begin(onhand, link: str) -> Role:
    """Use a link; answers the role that comes of it."""
    with App(onhand.store, "test") as app:
        secret = people.begin(app.house, CHEAP, link.rpartition("/")[2], "Ida", PASSWORD)
        return people.visitor(app.house, secret).role


def test_users_are_added_listed_edited_and_get_new_links(onhand):
    assert onhand.json("user", "list")["users"] == []
    said = onhand.text("user", "add", "Ida", "--role", "administrator")
    assert begin(onhand, re.search(r"/begin/[\w-]+", said.replace("\n", ""))[0]) is Role.ADMINISTRATOR
    assert "Ida" in onhand.text("user", "list")
    assert onhand.json("user", "list")["users"][0]["sessions"] == 1
    named = onhand.json("user", "sessions", "Ida")["sessions"][0]["session"]
    assert named in onhand.text("user", "sessions")
    onhand("user", "revoke", named)
    assert onhand.json("user", "sessions")["sessions"] == []
    assert begin(onhand, onhand.json("user", "link", "ida")["link"]) is Role.ADMINISTRATOR
    onhand("user", "edit", "Ida", "--role", "clerk", code=1)  # the last administrator
    onhand("user", "edit", "Ida", "--inactive", code=1)
    assert [(row["role"], row["active"]) for row in onhand.json("user", "list")["users"]] == [("administrator", True)]
    onhand("user", "add", "Bob")
    assert onhand.json("user", "edit", "Bob", "--inactive")["active"] is False
    onhand("user", "link", "Bob", code=1)
    onhand("user", "link", "Eve", code=1)


def test_a_token_is_added_for_a_user_and_revoked(onhand):
    onhand("user", "add", "Ida", "--role", "clerk")
    made = onhand.json("token", "add", "Till", "--user", "Ida", "--scope", "read", "--scope", "stock", "--days", "2")
    with App(onhand.store, "test") as app:
        assert people.bearer(app.house, made["token"]).scopes == {Scope.READ, Scope.STOCK}
    assert "Till" in onhand.text("token", "list")
    onhand("token", "revoke", made["id"])
    assert onhand.json("token", "list")["tokens"] == []
    assert [row["valid"] for row in onhand.json("token", "list", "--ended")["tokens"]] == [False]
    refused = onhand.json("token", "add", "Till", "--user", "Ida", "--scope", "manage", code=1)
    assert refused["error"]["code"] in {"forbidden", "refused"}
    assert made["token"] not in onhand.text("audit")


def test_the_audit_log_is_filtered(onhand):
    onhand("user", "add", "Ida")
    onhand("item", "add", "TEA", "--person", "Bob")
    onhand("param", "set", "BatchSize", "7", "--person", "Bob")
    assert [row["verb"] for row in onhand.json("audit")["entries"]] == ["param_set", "item_add", "user_add"]
    assert [row["verb"] for row in onhand.json("audit", "--who", "Bob", "--limit", "1")["entries"]] == ["param_set"]
    assert [row["verb"] for row in onhand.json("audit", "--what", "user_add")["entries"]] == ["user_add"]
    assert onhand.json("audit", "--before", "2")["entries"][0]["verb"] == "user_add"
    assert onhand.json("audit", "--day", "2020-02-02")["entries"] == []
    onhand("audit", "--day", "yesterday", code=2)


def test_serve_prints_a_link_until_there_is_an_administrator(onhand):
    process = onhand.start("serve", "--port", "0")
    said = process.greeting + process.stdout.readline()
    link = re.search(r"http://127\.0\.0\.1:\d+/begin/[\w-]{40,}", said)[0]
    process.terminate()
    process.wait()
    assert begin(onhand, link) is Role.ADMINISTRATOR
    again = onhand.start("serve", "--port", "0", "--json")
    assert '"first": null' in again.greeting


def test_a_store_works_with_its_key_file_elsewhere_and_reports_a_missing_one(monkeypatch, tmp_path):
    monkeypatch.setenv("ONHAND_KEY_FILE", str(tmp_path / "safe" / "key"))
    onhand = OnHand(tmp_path / "other.db")
    onhand.text("init")
    onhand("cart", "add", "Amber", "--url", "https://amber.example/onhand.php")
    text = onhand.json("cart", "key", "Amber")["text"]
    assert onhand.json("cart", "key", "Amber")["text"] == text
    assert onhand.json("init", "--upgrade", "--new-key")["locked"] == 0
    assert onhand.json("cart", "key", "Amber")["text"] == text
    Path(tmp_path, "safe", "key").unlink()
    onhand("cart", "key", "Amber", code=5)
    assert onhand.json("init", "--upgrade")["locked"] == 1
    assert onhand.json("cart", "key", "Amber", "--renew")["text"] != text


@pytest.mark.parametrize(
    ("words", "sessions", "tokens"),
    [([], 0, 1), (["--keep-sessions"], 1, 1), (["--end-tokens"], 0, 0), (["--keep-sessions", "--end-tokens"], 1, 0)],
)
def test_a_new_link_ends_the_chosen_sessions_and_tokens(onhand, words, sessions, tokens):
    begin(onhand, onhand.json("user", "add", "Ida")["link"])
    onhand("token", "add", "Till", "--user", "Ida", "--scope", "read")
    onhand("user", "link", "Ida", *words)
    assert len(onhand.json("user", "sessions")["sessions"]) == sessions
    assert len(onhand.json("token", "list")["tokens"]) == tokens
