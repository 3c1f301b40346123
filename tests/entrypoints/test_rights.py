"""Tests rights, the audit log and idempotency keys of verbs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from onhand.app import App
from onhand.domain.errors import Forbidden, Refused
from onhand.domain.people import Caller, Role, Scope
from onhand.verbs import VERBS, Invalid, run
from tests.builders import new_store


@pytest.fixture
def app(tmp_path):
    with App(new_store(tmp_path / "store.db"), "test") as app:
        run(app, "item_add", {"sku": "TEA", "on_hand": 10}, silent)
        yield app


def silent(*_) -> None:
    """Nobody waits."""


def person(role: Role, name: str = "Ann") -> Caller:
    return Caller(f"user/{name}", name, role.scopes, "screen")


def ask(app, verb, role=Role.CLERK, key=None, name="Ann", **arguments):
    return run(app, verb, arguments, silent, person(role, name), key)


def on_hand(app) -> int:
    return run(app, "item_show", {"sku": "TEA"}, silent)["on_hand"]


def log(app) -> list[tuple[str, str, str]]:
    entries = app.read(lambda books: books.audit.latest(100, None))
    return [(entry["person"], entry["via"], entry["verb"]) for entry in entries]


def test_each_role_has_all_scopes_of_the_one_below():
    for lower, higher in zip(Role, list(Role)[1:], strict=False):
        assert lower.scopes < higher.scopes
    assert Role.ADMINISTRATOR.scopes == set(Scope)


@pytest.mark.parametrize("role", list(Role))
def test_every_verb_is_refused_to_a_role_that_lacks_its_scope(app, role):
    before = app.database.version
    for name, verb in VERBS.items():
        if verb.scope not in role.scopes:
            with pytest.raises(Forbidden, match="ask a"):
                run(app, name, {}, silent, person(role))
    assert app.database.version == before


def test_the_audit_log_has_each_change_with_person_and_way(app):
    ask(app, "receive", lines=[("TEA", 5)])
    assert log(app)[0] == ("Ann", "screen", "receive")
    assert log(app)[-1] == ("", "command", "item_add")


def test_a_caller_cannot_name_someone_else(app):
    ask(app, "adjust", sku="TEA", change=-1, reason="broken", person="Bob")
    assert run(app, "movements", {}, silent)["movements"][0]["person"] == "Ann"


def test_refused_requests_are_not_in_the_audit_log(app):
    before = log(app)
    with pytest.raises(Refused):
        ask(app, "adjust", sku="TEA", change=-99, reason="broken")
    assert log(app) == before


def test_secrets_are_not_in_the_audit_log(app):
    address = "https://shop.example/onhand.php"
    given = {"name": "Amber", "url": address, "key_id": "k", "secret": "5e" * 32}
    run(app, "cart_add", given, silent, person(Role.MANAGER))
    assert "5e5e" not in app.read(lambda books: books.audit.latest(1, None))[0]["arguments"]


def test_a_repeated_keyed_request_is_booked_once_with_the_same_answer(app):
    first = ask(app, "receive", key="a", lines=[["TEA", 5]])
    again = ask(app, "receive", key="a", lines=[["TEA", 5]])
    assert first == again == {"on_hand": {"TEA": 15}}
    assert on_hand(app) == 15
    assert len([entry for entry in log(app) if entry[2] == "receive"]) == 1


def test_a_key_belongs_to_one_request_of_one_caller(app):
    ask(app, "receive", key="a", lines=[["TEA", 5]])
    with pytest.raises(Refused, match="used for another request"):
        ask(app, "receive", key="a", lines=[["TEA", 6]])
    ask(app, "receive", key="a", name="Bob", lines=[["TEA", 6]])
    assert on_hand(app) == 21


def test_a_refused_request_leaves_its_key_free(app):
    with pytest.raises(Refused):
        ask(app, "adjust", key="a", sku="TEA", change=-11, reason="broken")
    ask(app, "receive", key="b", lines=[["TEA", 5]])
    ask(app, "adjust", key="a", sku="TEA", change=-11, reason="broken")
    assert on_hand(app) == 4


def test_a_key_is_refused_by_verbs_without_one(app):
    with pytest.raises(Invalid):
        ask(app, "param_set", Role.MANAGER, key="a", name="SynchQOH", value="True")
    with pytest.raises(Invalid):
        ask(app, "receive", key=" ", lines=[["TEA", 5]])


def test_two_people_with_the_same_key_at_the_same_moment_book_once(app):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(app, "receive", key="a", lines=[["TEA", 5]]), range(16)))
    assert on_hand(app) == 15
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("verb", "arguments", "field", "words"),
    [
        ("adjust", {"sku": "TEA", "change": "three", "reason": "x"}, "change", "Give a whole number."),
        ("adjust", {"sku": "TEA", "change": 2**40, "reason": "x"}, "change", "Give at most 2,147,483,647."),
        ("adjust", {"change": 1}, "sku", "Enter a value."),
        ("adjust", {"sku": "T" * 301, "change": 1}, "sku", "Give at most 300 characters."),
        ("adjust", {"sku": "TEA", "colour": "red"}, "colour", "There is no such argument."),
        ("receive", {"lines": [["TEA", "x"]]}, "lines.0.1", "Give a whole number."),
    ],
)
def test_an_invalid_argument_is_named_with_its_fault(app, verb, arguments, field, words):
    with pytest.raises(Invalid) as refused:
        ask(app, verb, **arguments)
    assert {"argument": field, "fault": words} in refused.value.facts["arguments"]


@pytest.mark.parametrize("prefix", ["zen'; phpinfo();//", "p" * 41, "a b"])
def test_a_key_is_not_renewed_for_an_invalid_prefix(app, prefix):
    run(app, "cart_add", {"name": "Amber", "url": "https://shop.example/onhand.php"}, silent)
    before = run(app, "cart_key", {"cart": "Amber"}, silent)
    with pytest.raises(Invalid) as refused:
        run(app, "cart_key", {"cart": "Amber", "prefix": prefix, "renew": True}, silent)
    assert refused.value.facts["arguments"][0]["argument"] == "prefix"
    assert run(app, "cart_key", {"cart": "Amber"}, silent) == before


@pytest.mark.parametrize("given", [{"key_id": "k'"}, {"secret": "5e"}, {"key_id": "k", "secret": "x" * 64}])
def test_a_cart_is_not_added_with_an_invalid_key(app, given):
    with pytest.raises((Invalid, Refused)):
        run(app, "cart_add", {"name": "Amber", "url": "https://shop.example/onhand.php", **given}, silent)
    assert run(app, "cart_list", {}, silent)["carts"] == []
