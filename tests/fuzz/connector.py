"""Requests to the real connector: PHP and MariaDB, signed rightly and wrongly, with bodies of every kind, several at once.

Path: ``run`` makes a ``Connector`` over a shop and calls ``one`` for input after input, from several threads.
Promise: what each product should have is counted from what was sent and told to be applied.
Never: goes through our own client, which would not send most of this.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from onhand.carts.signing import Key
from tests.fuzz import mutations
from tests.fuzz.outcome import Outcome
from tests.shops.shop import FamilyShop

STATUSES = {
    200,
    400,
    401,
    403,
    405,
    409,
    413,
    414,
    501,
    503,
}  # 501: PHP's own server, to a method that it does not know
PRODUCTS = 30
STOCK = 1_000
PRIVATE = ("Stack trace", "Fatal error", "Warning:", "Notice:", "Deprecated:", "SQLSTATE", "mysqli", "PDOException")
FAULT_WORDS = ("PHP Fatal", "PHP Warning", "PHP Notice", "PHP Deprecated", "Uncaught", "Stack trace")


class Connector:
    """Feeds requests to a shop's connector."""

    name = "connector"

    def __init__(self, seed: int, outcome: Outcome, shop: FamilyShop) -> None:
        self._seed, self._outcome, self._shop = seed, outcome, shop
        self._at = urlsplit(shop.url)
        self._key = Key.of(shop.key_id, shop.secret_hex)
        shop.add_products(PRODUCTS, STOCK)
        self._due = {row[0]: int(row[1]) for row in shop.sql("SELECT products_id, products_quantity FROM products")}
        self._ids = sorted(self._due)
        self._door = threading.Lock()
        self._epoch, self._last = "", 0

    def made(self, number: int) -> dict[str, Any]:
        """The input of that number: method, body, and how it is signed. Where the shop stands is not in the seed's hands."""
        rng = random.Random(f"{self._seed}/connector/{number}")
        asked = self._asked(rng)
        if rng.random() < (0.35 if asked["verb"] == "apply" else 0.7):
            asked = mutations.mutated(rng, asked)
        return {
            "method": rng.choice(("GET", "HEAD", "PUT", "OPTIONS", "DELETE")) if rng.random() < 0.03 else "POST",
            "body": mutations.as_json(rng, asked),
            "forged": rng.choice(("none", "key", "digest", "time", "header")) if rng.random() < 0.15 else "",
            "short": rng.random() < 0.5,
            "rng": rng,
        }

    def _asked(self, rng: random.Random) -> dict[str, Any]:
        verb = rng.choice(("hello", "look", "cells", "listings", "ids", "orders", "apply", "apply", "apply"))
        if verb == "hello":
            return {"verb": "hello", **({"fresh_epoch_after": self._epoch} if rng.random() < 0.02 else {})}
        if verb == "look":
            return {
                "verb": "look",
                "after": rng.randrange(9),
                "low": 0,
                "limit": rng.choice((1, 100)),
                "sums": True,
                "catalogue": True,
            }
        if verb == "cells":
            return {"verb": "cells", "size": rng.choice((1, 7, 100))}
        if verb == "listings":
            return {"verb": "listings", "after": rng.choice((0, self._ids[3])), "limit": rng.choice((1, 50))}
        if verb == "ids":
            return {"verb": "listings", "ids": rng.sample(self._ids, 3)}
        if verb == "orders":
            return {"verb": "orders", "lines": [1, 2, 3]}
        products = rng.sample([*self._ids, 999_999], rng.randrange(1, 5))
        posts = [[product, rng.choice((-3, -1, 0, 1, 2, 5)), rng.randrange(2)] for product in products]
        return {"verb": "apply", "epoch": self._epoch, "first": self._last + 1, "posts": posts}

    def one(self, number: int) -> None:
        """Try the input of that number."""
        given = self.made(number)
        body, rng = given["body"], given.pop("rng")
        signed = self._signed(rng, body, given["forged"], given["short"])
        if given["forged"] == "header" and signed == self._signed(rng, body, "", given["short"]):
            given["forged"] = ""  # what was spoilt in it is not to be seen
        headers = {"Content-Type": "application/json", **signed}
        try:
            status, said = self._send(given["method"], body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._outcome.count(self.name, type(error).__name__)
            self._outcome.blame(self.name, number, repr(error), given)
            return
        with self._door:
            self._outcome.count(self.name, status)
            answer = self._judge(number, given, status, said)
            if answer and answer.get("ok") is True:
                self._follow(body, answer)

    def _signed(self, rng: random.Random, body: bytes, forged: str, short: bool) -> dict[str, str]:
        now = int(time.time()) + (rng.choice((-1000, 1000)) if forged == "time" else 0)
        key = self._key if forged != "key" else Key(self._key.key_id, b"x" * 32)
        headers = key.sign_request(self._at.path, body + (b" " if forged == "digest" else b""), now)
        if forged == "none":
            return {}
        if short:
            headers = key.short_request(headers, now)
        if forged == "header":
            name = rng.choice(sorted(headers))
            spoilt = mutations.spoilt(rng, headers[name].encode()).decode("latin-1")
            headers[name] = "".join(letter for letter in spoilt if letter.isprintable())
        return headers

    def _send(self, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=30)
        try:
            connection.request(
                method, self._at.path, body, {name: value.encode("latin-1") for name, value in headers.items()}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _judge(self, number: int, given: dict[str, Any], status: int, said: bytes) -> dict[str, Any] | None:
        """The answer's members; what nobody promised is kept."""
        text = said.decode(errors="replace")
        if status not in STATUSES or any(word in text for word in PRIVATE):
            self._outcome.blame(self.name, number, f"{status} {text}", given)
        if given["method"] != "POST":
            return None
        try:
            answer = json.loads(said)
            right = (
                answer["ok"] is True if status == 200 else bool(answer["error"]["code"] and answer["error"]["message"])
            )
        except (ValueError, TypeError, KeyError):
            answer, right = {}, False
        if not right or (status == 200 and given["forged"]):
            self._outcome.blame(self.name, number, f"{status} {text}", given)
        return dict(answer)

    def _follow(self, body: bytes, answer: dict[str, Any]) -> None:
        """What the answer says was done, is due from now on."""
        if "epoch" in answer:
            self._last = max(self._last if answer["epoch"] == self._epoch else 0, answer["last_seq"])
            self._epoch = answer["epoch"]
        if answer.get("outcome") != "applied":
            return
        failed = {product for product, _ in answer["results"]}
        for product, delta, _ in json.loads(body)["posts"]:
            if (
                int(product) not in failed and int(product) in self._due
            ):  # digits in a text are a number to the connector, too
                self._due[int(product)] += int(delta)
                self._outcome.booked += 1

    def finish(self) -> None:
        """Read the shop's own tables and its server's log."""
        rows = self._shop.sql("SELECT products_id, products_quantity FROM products")
        have = {row[0]: row[1] for row in rows}
        for product, due in self._due.items():
            self._outcome.stock[f"product {product}"] = (due, int(have.get(product, -1)))
        log = (Path(self._shop.php.root) / ".log").read_text(errors="replace")
        lines = [line[:300] for line in log.splitlines() if any(word in line for word in FAULT_WORDS)]
        self._outcome.tracebacks += lines[:20]
