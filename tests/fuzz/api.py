"""Calls of every verb by the API: the real application over a real store, called as uvicorn would, several at once.

Path: ``run`` makes an ``Api`` and awaits ``one`` for input after input.
Promise: what each SKU of our own should have on hand is counted from what was sent and accepted, once for each idempotency key.
Never: reaches another machine: addresses come from a list and lead nowhere.
"""

from __future__ import annotations

import base64
import json
import random
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from onhand.app import App
from onhand.domain.people import Caller, Role, Scope
from onhand.services import people
from onhand.serving import openapi, programs, server
from onhand.storage import database
from onhand.verbs import VERBS, run
from onhand.verbs.registry import Verb
from tests.fuzz import mutations
from tests.fuzz.files import LAYOUTS, csv, table
from tests.fuzz.outcome import Outcome

OURS = [f"OURS-{number}" for number in range(8)]  # only receipts and adjustments that are counted touch these
THEIRS = ["TEA", "tea ", "MUG", "POT", "ΩΜΕΓΑ", "x" * 300, ""]
STATUSES = {200, 202, *openapi.PROBLEMS}
URLS = [
    "http://127.0.0.1:9/onhand.php",
    "https://127.0.0.1:9/x",
    "http://[",
    "ftp://127.0.0.1/",
    "http://127.0.0.1:99999/",
    "",
]
WORDS = {
    "sku": THEIRS, "cart": ["Amber", "Birch", "amber ", ""], "name": ["Amber", "Cedar", "Bob", "SynchQOH", "TickSeconds"],
    "url": URLS, "user": ["Bob", "Eve", ""], "role": list(Role), "scopes": [["read"], ["administer"], []], "value": ["True", "1", "x"],
    "verb": ["get_qoh", "item_import", "task_start", "prove"], "reference": ["R1", "R2", ""], "session": ["0" * 16],
}  # fmt: skip
COUNTED_SHARE = 0.25
START = 1_000
CALLERS = (Role.ADMINISTRATOR, Role.MANAGER, Role.CLERK, Role.VIEWER)
AWAY = {"prove", "status", "webhook_test", "cart_test"}  # slow, or they ask elsewhere; ``prove`` is asked at the end
SHARE_OF_AWAY = 0.02


class Api:
    """Feeds calls to the API."""

    name = "api"

    def __init__(self, seed: int, outcome: Outcome, folder: Path) -> None:
        self._seed, self._outcome = seed, outcome
        self._held = ExitStack()
        self._held.callback(setattr, programs, "CALLS_PER_SECOND", programs.CALLS_PER_SECOND)
        programs.CALLS_PER_SECOND = 1e9  # the pace of one token is not what is tried here
        database.create(folder / "store.db")
        self._app = self._held.enter_context(App(folder / "store.db", "serve"))
        self._asgi = server.create(self._app, "door", pages=True, hosts=["localhost"])
        for sku in [*OURS, "TEA", "MUG", "POT"]:
            self._do("item_add", sku=sku, on_hand=START)
        for name in ("Amber", "Birch"):
            self._do("cart_add", name=name, url=URLS[0])
            self._do("cart_key", cart=name)
        self._due = dict.fromkeys(OURS, START)
        self._keys: set[tuple[str, str]] = set()
        self._references: set[str] = set()
        self._tokens: dict[Role, str] = {}

    def _do(self, verb: str, **given: Any) -> Any:
        return run(self._app, verb, given, lambda *_: None)

    def _token(self, role: Role) -> str:
        """The token of a user of this role."""
        known = self._tokens.get(role, "")
        if not known:
            name = f"{role.value} {len(self._app.read(lambda books: books.people.all()))}"
            person, _ = people.invite(self._app.house, name, role)
            owner = Caller(f"user/{person.id}", name, role.scopes, "screen")
            known = people.add_token(self._app.house, owner, "fuzz", set(role.scopes), None)[1]
            self._tokens[role] = known
        return known

    def made(self, number: int) -> dict[str, Any]:
        """The input of that number."""
        rng = random.Random(f"{self._seed}/api/{number}")
        role = CALLERS[0] if rng.random() < 0.7 else rng.choice(CALLERS)
        key = f"k{rng.randrange(500)}" if rng.random() < 0.1 else None
        if rng.random() < COUNTED_SHARE:
            return self._counted(rng, role, key)
        names = [name for name in sorted(VERBS) if name not in AWAY or rng.random() < SHARE_OF_AWAY]
        verb = VERBS[rng.choice(names)]
        asked = self._arguments(rng, verb)
        if "url" in asked:
            body = json.dumps(asked).encode()
        else:
            asked = mutations.mutated(rng, asked) if rng.random() < 0.6 else asked
            body = mutations.as_json(rng, asked)
        method = "GET" if verb.scope is Scope.READ and rng.random() < 0.2 else "POST"
        kind = (
            rng.choice(("text/plain", "", "application/json; charset=utf-16"))
            if rng.random() < 0.02
            else "application/json"
        )
        token = rng.choice(("", "wrong", "\xff" * 40)) if rng.random() < 0.02 else None
        given = {
            "verb": verb.name,
            "method": method,
            "body": body,
            "kind": kind,
            "role": role,
            "key": key,
            "token": token,
        }
        return {**given, "query": _query(asked) if method == "GET" else b"", "counted": False}

    def _counted(self, rng: random.Random, role: Role, key: str | None) -> dict[str, Any]:
        """A receipt or an adjustment of what is ours: as it should be, or with something changed that keeps the SKU."""
        sku, units = rng.choice(OURS), rng.choice((1, 2, 5, 5.0, -1, 0, 2**40, 1.5, "3", None, True))
        if rng.random() < 0.5:
            asked: dict[str, Any] = {"sku": sku, "change": units, "reason": rng.choice(("broken", "", 1))}
            verb = "adjust"
        else:
            lines = [[sku, units], *([[rng.choice(OURS), 1]] if rng.random() < 0.3 else [])]
            asked = {"lines": lines, **({"reference": f"R-{rng.randrange(200)}"} if rng.random() < 0.3 else {})}
            verb = "receive"
        body = json.dumps(asked).encode()
        given = {"verb": verb, "method": "POST", "body": body, "kind": "application/json", "role": role, "key": key}
        return {**given, "token": None, "query": b"", "counted": True}

    def _arguments(self, rng: random.Random, verb: Verb) -> dict[str, Any]:
        schema = _schema(verb.name)
        needed = schema.get("required", [])
        names = [name for name in schema.get("properties", {}) if name in needed or rng.random() < 0.3]
        return {name: self._value(rng, name, schema["properties"][name], schema.get("$defs", {})) for name in names}

    def _value(
        self, rng: random.Random, name: str, schema: dict[str, Any], known: dict[str, Any], depth: int = 0
    ) -> Any:
        """A value that fits a schema more or less."""
        if name in WORDS and rng.random() < 0.8:
            return rng.choice(WORDS[name])
        if "$ref" in schema:
            return self._value(rng, "", known[schema["$ref"].rpartition("/")[2]], known, depth)
        if options := schema.get("anyOf"):
            return self._value(rng, name, rng.choice(options), known, depth)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if schema.get("format") == "base64":
            layout = rng.choice(LAYOUTS)
            rows = [["TEA" if cell.startswith("SKU-") else cell for cell in row] for row in table(rng, layout)]
            return base64.b64encode(csv(rng, rows)).decode()
        kind = schema.get("type")
        if kind == "array":
            places = schema.get("prefixItems") or [schema.get("items", {})] * rng.randrange(4)
            return [self._value(rng, "sku" if not n and places[0].get("type") == "string" else "", one, known, depth + 1)
                    for n, one in enumerate(places)]  # fmt: skip
        if kind == "object":
            return {n: self._value(rng, n, one, known, depth + 1) for n, one in schema.get("properties", {}).items()}
        simple = {"integer": lambda: rng.randrange(1, 5), "number": lambda: rng.choice((0.5, 1, 30)), "boolean": lambda: rng.random() < 0.5,
                  "null": lambda: None, "string": lambda: mutations.text(rng)}  # fmt: skip
        return simple.get(kind, lambda: mutations.value(rng))()

    async def one(self, number: int) -> None:
        """Try the input of that number."""
        given = self.made(number)
        token = self._token(given["role"]) if given["token"] is None else given["token"]
        headers = [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {token}".encode("latin-1")),
            (b"content-type", given["kind"].encode()),
        ]
        if given["key"]:
            headers.append((b"idempotency-key", given["key"].encode()))
        status, said = await self._call(given, headers)
        if status == 401 and given["token"] is None:
            self._tokens.pop(given["role"], None)  # a call ended it: the next one gets another
        self._outcome.count(self.name, status)
        self._judge(number, given, status, said)
        if given["counted"] and status == 200:
            self._follow(given, token)

    async def _call(self, given: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
        """What the application answers, called as the server calls it."""
        path = f"/api/{given['verb']}"
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": given["method"],
            "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": given["query"], "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip
        arriving = [{"type": "http.request", "body": given["body"], "more_body": False}, {"type": "http.disconnect"}]
        status, said = 0, bytearray()

        async def receive() -> Any:
            return arriving.pop(0) if len(arriving) > 1 else arriving[0]

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            said.extend(message.get("body", b""))

        await self._asgi(scope, receive, send)
        return status, bytes(said)

    def _judge(self, number: int, given: dict[str, Any], status: int, said: bytes) -> None:
        try:
            answer = json.loads(said)
            right = status in STATUSES and status != 500
            right = right and (status < 400 or (answer["status"] == status and bool(answer["detail"])))
        except (ValueError, TypeError, KeyError):
            right = False
        if not right or b"Traceback" in said:
            self._outcome.blame(self.name, number, f"{status} {said[:300]!r}", given)

    def _follow(self, given: dict[str, Any], token: str) -> None:
        """What was accepted is due from now on: once for each key of a caller, and once for each reference."""
        asked = json.loads(given["body"])
        if given["key"]:
            if (token, given["key"]) in self._keys:
                return
            self._keys.add((token, given["key"]))
        lines = asked["lines"] if "lines" in asked else [[asked["sku"], asked["change"]]]
        for sku, units in lines:
            self._due[sku] += int(units)
        self._outcome.booked += 1

    def finish(self) -> None:
        """Compare what is on hand with what was accepted, and have the books prove themselves."""
        for sku, due in self._due.items():
            self._outcome.stock[sku] = (due, self._do("item_show", sku=sku)["on_hand"])
        self._outcome.proofs["the store behind the API"] = bool(self._do("prove")["holds"])
        self._held.close()


@cache
def _schema(verb: str) -> dict[str, Any]:
    return openapi.arguments_of(VERBS[verb]).model_json_schema()


def _query(asked: Any) -> bytes:
    pairs = asked.items() if isinstance(asked, dict) else []
    return urlencode([(name, str(value)[:500]) for name, value in pairs], errors="replace").encode()[:8000]
