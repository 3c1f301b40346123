"""Tests the API for programs: rights, idempotency, limits and errors.

Path: pytest; the real application over a real store, called by HTTP.
Promise: a route that answers without credentials fails here, as does a verb that a role may call without its scope.
Never: lists routes or verbs by hand, but those few that are open to everybody.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from onhand import app as composition
from onhand import verbs
from onhand.app import App
from onhand.domain.errors import Retriable
from onhand.domain.people import Role, Scope
from onhand.services import people
from onhand.serving import openapi, programs, server
from onhand.serving.server import Server
from onhand.verbs import VERBS
from onhand.web import attach
from tests.builders import new_store
from tests.entrypoints.conftest import token_for, until

pytestmark = pytest.mark.slow  # real servers and waiting: `make fast` leaves it out

OPEN = {"/api/openapi.json", "/static"}
TEA = {"lines": [["TEA", 5]]}


class Program:
    """A program with a token."""

    def __init__(self, app: App, web: TestClient, role: Role = Role.ADMINISTRATOR, scopes=None) -> None:
        self.app, self.web = app, web
        self.token = token_for(app, role, scopes)

    def __call__(self, verb, status=200, method="POST", key=None, **arguments):
        """Call a verb; answers its data, or the problem."""
        return self.raw(verb, json.dumps(arguments), status, method, key)

    def raw(self, verb, body, status=200, method="POST", key=None, **headers):
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        if key is not None:
            given["Idempotency-Key"] = key
        answer = self.web.request(method, f"/api/{verb}", content=body, headers=given)
        self.headers = answer.headers
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json().keys() == {"type", "title", "status", "detail", "code", "facts"}
            assert answer.json()["status"] == status
        return answer.json() if answer.content else None

    def on_hand(self, sku="TEA"):
        return self("item_show", sku=sku)["on_hand"]


@pytest.fixture
def app(tmp_path):
    with App(new_store(tmp_path / "store.db"), "serve") as app:
        yield app


@pytest.fixture
def web(app):
    return called(app)


def called(app) -> TestClient:
    return TestClient(server.create(app, "door", pages=True, hosts=["testserver"]), follow_redirects=False)


@pytest.fixture
def program(app, web):
    program = Program(app, web)
    program("item_add", sku="TEA", on_hand=10)
    return program


# Who may


def routes(within, prefix=""):
    """Every route of an application, those of its parts too, as (path, methods)."""
    for route in within.routes:
        if isinstance(route, Mount):
            yield from routes(route, prefix + route.path) if route.routes else [(prefix + route.path, {"GET"})]
        elif isinstance(route, Route):
            yield prefix + route.path, route.methods - {"HEAD", "OPTIONS"}


def test_no_route_answers_without_credentials(app, web):
    found = dict(routes(web.app))
    assert len(found) > len(VERBS)
    open_to_all = {path for (_, path), scope in attach(FastAPI(), app).scopes.items() if scope is None}
    assert {"/", "/door/{name}", "/api/receive", *OPEN} <= found.keys()
    for path, methods in found.items():
        if path in OPEN | open_to_all:
            continue
        for method in methods:
            answer = web.request(method, re.sub(r"{[^}]*}", "1", path))
            to_log_in = answer.status_code == 303 and answer.headers["location"].startswith("/login")
            assert to_log_in or answer.status_code in {401, 403}, (method, path, answer.status_code)


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic QTpC", "Bearer wröng", "Bearer door"]
)
def test_without_a_token_the_answer_says_so(app, web, given):
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    answer = web.post("/api/item_add", json={"sku": "TEA"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "token"
    assert app.read(lambda books: books.items.all()) == {}


@pytest.mark.parametrize("role", list(Role))
def test_a_verb_is_refused_to_every_role_that_lacks_its_scope(app, web, program, role):
    lesser = Program(app, web, role)
    lesser("status")  # from now on the token is known as used
    before = app.database.version
    for verb in VERBS.values():
        if verb.scope not in role.scopes:
            assert lesser(verb.name, status=403)["facts"] == {"scope": verb.scope.value}
    assert app.database.version == before


def test_a_token_has_no_more_than_its_own_scopes(app, web, program):
    reader = Program(app, web, Role.ADMINISTRATOR, [Scope.READ])
    assert reader.on_hand() == 10
    reader("receive", status=403, **TEA)


def test_a_token_that_may_only_administer_does_not_become_more(app, web, program):
    lesser = Program(app, web, Role.ADMINISTRATOR, [Scope.ADMINISTER])
    boss = next(user["name"] for user in lesser("user_list")["users"] if user["role"] == "administrator")
    people.invite(app.house, "Bob", Role.CLERK)
    attempts = [
        ("user_link", {"name": boss}),
        ("user_link", {"name": "Bob"}),
        ("user_edit", {"name": "Bob", "role": "manager"}),
    ]
    attempts += [("user_add", {"name": f"New {role}", "role": role}) for role in Role]
    attempts += [("token_add", {"name": "t", "user": boss, "scopes": ["stock"]})]
    for verb, given in attempts:
        problem = lesser(verb, 403, **given)
        assert problem["code"] == "forbidden"
    assert lesser("user_edit", name="Bob", active=False)["active"] is False
    assert {user["name"] for user in lesser("user_list")["users"]}.isdisjoint(f"New {role}" for role in Role)
    assert program("user_link", name=boss)["link"]


def test_the_token_decides_who_asks(program):
    program("receive", **TEA)
    assert program("movements")["movements"][0]["person"].startswith("administrator")
    assert program("receive", status=422, person="Bob", **TEA)["code"] == "invalid"
    program.web.headers = {"Authorization": f"Bearer {program.token}"}
    assert program.web.get("/api/movements", params={"person": "Bob"}).status_code == 422


# What is asked


def test_a_verb_is_called_by_post_and_a_reading_one_also_by_get(program):
    assert program("item_show", sku="TEA") == program.raw("item_show?sku=TEA", None, method="GET")
    assert program.raw("item_list?limit=1", None, method="GET")["items"][0]["sku"] == "TEA"
    program.raw("receive", None, 405, "GET")
    assert sorted(program.headers["allow"].split(", ")) == ["OPTIONS", "POST"]


def test_a_verb_without_arguments_needs_no_body(program):
    assert program.raw("status", b"")["items"] == 1


@pytest.mark.parametrize(
    "body",
    ["[]", "{", "null", '{"sku":1}', '{"sku":"T","on_hand":"1"}', '{"sku":"T","on_hand":1.5}', '{"sku":"T","app":1}',
     '{"sku":"T","on_hand":NaN}', '{"sku":"T","on_hand":1e999}', '{"sku":"\\ud800"}', "[" * 100_000, b"\xff", "{}",
     '{"sku":"T","on_hand":99999999999999999999}'],
)  # fmt: skip
def test_invalid_arguments_are_refused(program, body):
    problem = program.raw("item_add", body, 422)
    assert problem["code"] == "invalid"
    assert "\n" not in problem["detail"]
    assert len(program("item_list")["items"]) == 1


def test_each_invalid_argument_is_named(program):
    problem = program("adjust", status=422, change="three", colour="red")
    assert {fault["argument"] for fault in problem["facts"]["arguments"]} == {"sku", "change", "colour"}


def test_5_and_5_0_are_the_same_number(program):
    program.raw("receive", '{"lines":[["TEA",5.0]]}')
    assert program.on_hand() == 15


def test_arguments_come_as_json(program):
    program.raw("receive", "lines=TEA", 415, **{"Content-Type": "application/x-www-form-urlencoded"})
    program.raw("receive", json.dumps(TEA), 415, **{"Content-Type": "text/plain"})
    program.raw("receive", json.dumps(TEA), 200, **{"Content-Type": "application/json; charset=utf-8"})


def test_a_body_beyond_the_limit_is_refused_and_a_file_may_be_larger(program, monkeypatch):
    assert openapi.body_max(VERBS["receive"]) == 1024 * 1024
    assert openapi.body_max(VERBS["item_import"]) == 64 * 1024 * 1024
    program.raw("receive", b" " * (1024 * 1024 + 1), 413)
    program.raw("receive", (part for part in [b" " * 1024] * 1025), 413)  # without saying its length first


def test_an_unknown_address_is_a_problem_too(program):
    assert "openapi.json" in program.raw("drop_tables", "{}", 404)["detail"]
    program.raw("item_add/", "{}", 404)
    program.raw("item_add/x", "{}", 404)
    program.raw("__class__", "{}", 404)
    program.raw("receive", "{}", 405, "DELETE")
    program.raw("openapi.json", "{}", 405)


def test_options_lists_methods_and_allows_no_other_site(program):
    program.raw("receive", None, 204, "OPTIONS", Origin="https://evil.example")
    assert program.headers["allow"] == "POST, OPTIONS"
    assert not [name for name in program.headers if name.startswith("access-control")]


def test_head_answers_like_get_without_a_body(program):
    program.raw("item_show?sku=TEA", None, method="GET")
    answer = program.web.head("/api/status", headers={"Authorization": f"Bearer {program.token}"})
    assert (answer.status_code, program.web.head("/api/status").status_code) == (200, 401)
    assert program.web.head("/api/openapi.json").status_code == 200


# What is answered


def test_a_refusal_has_its_code_and_its_facts(program):
    problem = program("item_show", status=409, sku="NO")
    assert (problem["code"], problem["facts"]) == ("refused", {"unknown": ["NO"]})
    assert problem["type"] == "about:blank"


def test_a_fault_in_onhand_shows_no_internals(program, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("inside /srv/secret")

    monkeypatch.setattr(programs, "run", broken)
    problem = program("status", status=500)
    assert problem["code"] == "broken"
    assert "inside" not in json.dumps(problem)


def test_answers_are_not_cached(program):
    program("status")
    assert program.headers["cache-control"] == "no-store"


# Once


def test_a_repeated_request_with_its_key_is_booked_once(program):
    first, again = program("receive", key="a1", **TEA), program("receive", key="a1", **TEA)
    assert first == again == {"on_hand": {"TEA": 15}}
    assert program.on_hand() == 15


def test_a_key_is_refused_for_another_request(program):
    program("receive", key="a1", **TEA)
    assert program("receive", status=422, key="a1", lines=[["TEA", 6]])["facts"]["reason"] == "key"
    assert program("adjust", status=422, key="a1", sku="TEA", change=1, reason="x")["facts"]["reason"] == "key"
    assert program.on_hand() == 15


def test_a_key_is_refused_for_another_file(program):
    one, other = (base64.b64encode(f"sku,name\nTEA,{name}\n".encode()).decode() for name in ("Green", "Black"))
    first = program("item_import", key="a1", file=one)
    assert program("item_import", key="a1", file=one) == first
    program("item_import", status=422, key="a1", file=other)
    assert program("item_show", sku="TEA")["name"] == "Green"


def test_each_token_has_its_own_keys(app, web, program):
    program("receive", key="a1", **TEA)
    Program(app, web)("receive", key="a1", **TEA)
    assert program.on_hand() == 20


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä".encode("latin-1")])
def test_an_invalid_key_is_refused(program, key):
    program("receive", status=422, key=key, **TEA)
    assert program.on_hand() == 10


def test_a_key_is_refused_by_verbs_that_take_none(program):
    program("param_set", status=422, key="a1", name="SynchQOH", value="True")
    program("status", status=422, key="a1")


# Much and long


def test_calls_per_second_of_one_token_are_limited(app, web, program, monkeypatch):
    monkeypatch.setattr(programs, "CALLS_PER_SECOND", 0.01)
    monkeypatch.setattr(programs, "CALLS_BURST", 2)
    hasty, other = Program(app, web), Program(app, web)
    hasty("today")
    hasty("today")
    problem = hasty("today", status=429)
    assert problem["code"] == "retriable"
    assert 0 < int(hasty.headers["retry-after"]) <= 100
    other("today")


def test_the_pace_limit_recovers_with_time(monkeypatch):
    monkeypatch.setattr(programs, "CALLS_PER_SECOND", 10)
    monkeypatch.setattr(programs, "CALLS_BURST", 2)
    pace = programs.Pace()
    assert [pace.wait("a", 100.0) > 0 for _ in range(3)] == [False, False, True]
    assert pace.wait("a", 100.0) == pytest.approx(0.1)
    assert pace.wait("a", 100.11) == 0
    assert pace.wait("a", 100.12) > 0


def test_idle_callers_are_forgotten(monkeypatch):
    monkeypatch.setattr(programs, "CALLERS_MAX", 3)
    pace = programs.Pace()
    for n in range(10):
        pace.wait(f"token/{n}", float(n))
    assert len(pace._paid_until) <= 3


class Slow:
    """A verb's work that lasts until it is let go, and says who is at it."""

    def __init__(self, monkeypatch, slow_for=lambda name, caller: True) -> None:
        self.at_work, self.let_go = Counter(), threading.Event()
        real = programs.run

        def run(app, name, arguments, progress, caller=None, key=None):
            self.at_work[caller.id] += 1
            try:
                if slow_for(name, caller):
                    assert self.let_go.wait(30)
                return real(app, name, arguments, progress, caller, key)
            finally:
                self.at_work[caller.id] -= 1

        monkeypatch.setattr(programs, "run", run)


def calls(server, token, verb, times, body="{}", kind="POST"):
    """Begin so many calls at once, each on a thread; answers a list that fills with their statuses."""
    answers = []

    def call():
        connection = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(kind, f"/api/{verb}", body, headers)
        answers.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(times)]
    for thread in threads:
        thread.start()
    return answers, threads


def test_one_token_never_holds_more_than_its_share(app, monkeypatch):
    slow = Slow(monkeypatch, lambda name, _: name == "today")
    greedy, other = token_for(app, Role.VIEWER), token_for(app, Role.VIEWER)
    with Server(app, pages=True) as server:
        first, threads = calls(server, greedy, "today", 2 * programs.CALLS_MAX)
        until(lambda: sum(slow.at_work.values()) == programs.CALLS_SHARE)
        began = time.monotonic()
        answers, quick = calls(server, other, "status", 1)
        quick[0].join()
        assert answers == [200]
        assert time.monotonic() - began < programs.CALLS_SECONDS / 2
        assert max(slow.at_work.values()) == programs.CALLS_SHARE
        slow.let_go.set()
        for thread in threads:
            thread.join()
    assert first == [200] * 2 * programs.CALLS_MAX


def test_long_waits_and_too_many_requests_are_retriable(app, monkeypatch):
    monkeypatch.setattr(programs, "CALLS_SECONDS", 0.3)
    monkeypatch.setattr(programs, "CALLS_WAITING", programs.CALLS_SHARE + 1)
    slow = Slow(monkeypatch)
    token = token_for(app, Role.VIEWER)
    with Server(app, pages=True) as server:
        answers, threads = calls(server, token, "status", programs.CALLS_SHARE + 4)
        until(lambda: answers.count(503) == 4)  # three at once, one after it waited
        slow.let_go.set()
        for thread in threads:
            thread.join()
        assert answers.count(200) == programs.CALLS_SHARE


def test_missing_bodies_do_not_block_other_requests(app):
    """No turn is held while a request is still on its way."""
    token, other = token_for(app, Role.CLERK), token_for(app, Role.CLERK)
    with Server(app, pages=True) as server, ExitStack() as open_:
        for _ in range(2 * programs.CALLS_MAX):
            slow = open_.enter_context(socket.create_connection(("127.0.0.1", _port(server))))
            slow.sendall(
                f"POST /api/receive HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
            )
        time.sleep(0.5)
        for who in (token, other):
            answers, threads = calls(server, who, "status", 1)
            threads[0].join()
            assert answers == [200]


@pytest.mark.parametrize("tokens", [50, 1])
def test_fifty_honest_clients_at_once_are_all_served(app, tokens, monkeypatch):
    monkeypatch.setattr(programs, "CALLS_BURST", 10_000)  # of a pace that one token would exceed by itself
    bearers = [token_for(app, Role.ADMINISTRATOR) for _ in range(tokens)]
    with Server(app, pages=True) as server:
        answers, threads = calls(server, bearers[0], "item_add", 1, '{"sku":"TEA"}')
        threads[0].join()

        def client(number):
            for _ in range(6):
                done, threads = calls(server, bearers[number % tokens], "receive", 1, '{"lines":[["TEA",1]]}')
                threads[0].join()
                answers.extend(done)

        clients = [threading.Thread(target=client, args=(number,)) for number in range(50)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
    assert answers == [200] * 301
    assert verbs.run(app, "item_show", {"sku": "TEA"}, lambda *_: None)["on_hand"] == 300
    assert verbs.run(app, "prove", {}, lambda *_: None)["holds"]


def test_a_verb_does_not_wait_forever_for_a_busy_shop(app, monkeypatch):
    monkeypatch.setattr(composition, "CART_SECONDS", 0.2)
    verbs.run(app, "cart_add", {"name": "Amber", "url": "http://127.0.0.1:9/onhand.php"}, lambda *_: None)
    cart = app.read(lambda books: books.carts.named("Amber"))
    with app._locks[cart.id], pytest.raises(Retriable) as busy:
        verbs.run(app, "cart_test", {"cart": "Amber"}, lambda *_: None)
    assert busy.value.facts["reason"] == "busy"


# Whole numbers


def whole_numbers(schema, path=()):
    """Where a schema takes a whole number: paths of names, None for an element of a list."""
    if schema.get("type") == "integer":
        yield path
    for name, inside in schema.get("properties", {}).items():
        yield from whole_numbers(inside, (*path, name))
    for inside in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        yield from whole_numbers(inside, path)
    for place, inside in enumerate(schema.get("prefixItems", [])):
        yield from whole_numbers(inside, (*path, place))
    if isinstance(schema.get("items"), dict):
        yield from whole_numbers(schema["items"], (*path, None))


def example(schema, path, value):
    """Something that fits a schema, with a value at that path."""
    if path == () and value is not None:
        return value
    options = schema.get("anyOf", [schema])
    schema = next((one for one in options if path and list(whole_numbers(one))), options[0])
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [""])[0])
    kind = schema.get("type")
    if kind == "object":
        names = {*schema.get("required", []), *path[:1]}
        return {
            n: example(schema["properties"][n], *((path[1:], value) if (n,) == path[:1] else ((), None))) for n in names
        }
    if kind == "array":
        if places := schema.get("prefixItems"):
            return [
                example(one, *((path[1:], value) if (n,) == path[:1] else ((), None))) for n, one in enumerate(places)
            ]
        return [example(schema["items"], path[1:], value)] if path else []
    return {"integer": 1, "number": 1.0, "boolean": True, "null": None}.get(kind, "x")


def resolved(schema, definitions):
    """The schema with each reference replaced by what it means."""
    if isinstance(schema, list):
        return [resolved(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: resolved(inside, definitions) for name, inside in schema.items()}


def test_every_whole_number_has_bounds(program, monkeypatch):
    monkeypatch.setattr(programs, "CALLS_BURST", 100_000)
    tried = 0
    for verb in VERBS.values():
        schema = openapi.arguments_of(verb).model_json_schema()
        schema = resolved(schema, schema.get("$defs", {}))
        for path in set(whole_numbers(schema)):
            for number in (2**63, -(2**63) - 1, 2**64, 10**30):
                assert program(verb.name, 422, **example(schema, path, number))["code"] == "invalid", (verb.name, path)
                tried += 1
                if verb.scope is Scope.READ and len(path) == 1:
                    program.raw(f"{verb.name}?{path[0]}={number}", None, 422, "GET")
    assert tried > 300


def test_long_work_becomes_a_task(onhand, amber):
    with App(onhand.store, "serve") as app:
        program = Program(app, called(app))
        begun = program("get_qoh", status=202, key="a1", cart="Amber", create=True)
        assert program("get_qoh", status=202, key="a1", cart="Amber", create=True) == begun
        where = program.headers["location"]
        assert where == f"/api/task_show?task={begun['task']}"
        until = time.monotonic() + 10
        while (task := program.raw(where.removeprefix("/api/"), None, method="GET"))["state"] == "running":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert task["state"] == "done"
        assert program.on_hand("MUG") == 3
        program("get_qoh", status=409, cart="No such cart")


def test_a_slow_body_is_cut_off(app, monkeypatch):
    monkeypatch.setattr(programs, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(programs, "BODY_BYTES_PER_SECOND", 1e9)
    token = token_for(app, Role.CLERK)
    with Server(app, pages=True) as server, socket.create_connection(("127.0.0.1", _port(server))) as slow:
        slow.settimeout(10)
        slow.sendall(
            f"POST /api/receive HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{".encode()
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")


def test_an_incomplete_request_books_nothing(app):
    token = token_for(app, Role.CLERK)
    with Server(app, pages=True) as server:
        with socket.create_connection(("127.0.0.1", _port(server))) as broken:
            broken.sendall(
                f"POST /api/item_add HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                'Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"sku":"TEA"}'.encode()
            )
        time.sleep(0.2)
    assert app.read(lambda books: books.items.all()) == {}


def _port(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


# What is described


def test_every_verb_has_a_description(web):
    document = web.get("/api/openapi.json").json()
    assert document["paths"].keys() == {f"/api/{name}" for name in VERBS}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"][:1].isupper(), path
            assert operation["summary"].endswith("."), path
            assert "Needs the scope" in operation["description"]


def test_the_description_has_no_person_argument(web):
    document = web.get("/api/openapi.json").text
    assert '"person"' not in document


def test_verbs_that_book_are_described_with_a_key(web):
    paths = web.get("/api/openapi.json").json()["paths"]
    keyed = {path.removeprefix("/api/") for path, methods in paths.items() if "Idempotency-Key" in json.dumps(methods)}
    assert keyed == {verb.name for verb in VERBS.values() if verb.books or verb.long}
