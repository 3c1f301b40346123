"""The people of a run under blows: shoppers who buy in a shop, and a clerk who asks again until he knows.

Path: ``chaos`` lets them act in threads of their own.
Promise: each knows what he was told, and nothing else; nobody gives up because a process died under him.
Never: reads a database: what they know is compared with it afterwards.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from onhand.domain.errors import Conflict, Refused, Retriable
from tests.stories.stage import Gone, Shop, Stage

# Two products take most of the trade, so that buyers meet; the last two run out again and again.
STOCK = {f"SKU-{n}": 20_000 for n in range(8)} | {"RARE-1": 5, "RARE-2": 3}
WEIGHTS = [8, 6, 2, 1, 1, 1, 1, 1, 1, 1]
BREAKS = (OSError, HTTPException, ValueError)  # what a buyer meets when PHP or MariaDB dies: no page, or a broken one


class Tally:
    """Counts what many threads do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def add(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


class Shopper:
    """Buys in one shop again and again; now and then the shop's admin deletes one of these orders."""

    def __init__(self, shop: Shop, chance: random.Random, tally: Tally) -> None:
        self._shop, self._chance, self._tally = shop, chance, tally
        self._orders: list[int] = []  # paid
        self._unpaid: list[int] = []  # payment happens elsewhere, and is still open

    def act(self) -> None:
        chance = self._chance
        kind = chance.choices(("sell", "prepare", "remove", "end"), (80, 6, 7, 7))[0]
        if kind == "remove" and self._orders:
            order = self._orders.pop(chance.randrange(len(self._orders)))
            restock = chance.random() < 0.5
            self._try("restocked" if restock else "deleted", "remove", order=order, restock=restock)
        elif kind == "end" and self._unpaid:
            done, action = chance.choice((("paid late", "pay"), ("abandoned", "abandon")))
            self._try(done, action, order=self._unpaid.pop(0))
        elif kind == "prepare":
            self._unpaid += self._try("prepared", "prepare", lines=self._lines())
        else:
            self._orders += self._try("sold", "sell", lines=self._lines(), think_us=chance.randint(0, 40_000))
        time.sleep(chance.uniform(0.02, 0.25))  # a buyer looks around: trade, not a wait

    def _lines(self) -> list[list[int]]:
        skus = set(self._chance.choices(list(STOCK), WEIGHTS, k=self._chance.choice((1, 1, 1, 2))))
        return [[self._shop.products[sku], self._chance.choice((1, 1, 2, 3))] for sku in sorted(skus)]

    def _try(self, done: str, action: str, **what: Any) -> list[int]:
        """The order's number, if all went well. Nobody repeats what broke off: whether it went through is the shop's affair."""
        try:
            order = self._shop.driver.act(action, **what)["order"]
        except BREAKS:
            self._tally.add(f"{done}: broken off")
            return []
        self._tally.add("sold out" if order is None else done)
        return [] if order is None else [order]


class Clerk:
    """Receives, adjusts and takes orders by phone, each under a reference of its own, and asks again until he knows."""

    def __init__(self, stage: Stage, chance: random.Random, tally: Tally) -> None:
        self._stage, self._chance, self._tally = stage, chance, tally
        self._number = 0
        self.booked: dict[str, dict[str, int]] = {}  # by reference: what he knows to be booked
        self.asking = threading.Event()  # set while he waits for an answer

    def act(self) -> None:
        chance = self._chance
        self._number += 1
        skus = chance.sample(list(STOCK), chance.choice((1, 1, 2, 3)))
        kind = chance.choices(("receive", "adjust", "order_add"), (6, 2, 2))[0]
        reference = f"{kind}-{self._number}"
        if kind == "receive":
            lines = [(sku, chance.randint(1, 9)) for sku in skus]
            self._surely(reference, dict(lines), kind, {"lines": lines, "reference": reference})
        elif kind == "adjust":
            change = chance.choice((-3, -2, -1, 1, 2))
            given = {"sku": skus[0], "change": change, "reason": reference, "below_zero": True}
            self._surely(reference, {skus[0]: change}, kind, given)
        else:
            lines = [(sku, chance.randint(1, 3)) for sku in skus]
            changes = {sku: -units for sku, units in lines}
            self._surely(reference, changes, kind, {"lines": lines, "number": reference, "oversell": True})
        time.sleep(chance.uniform(0.02, 0.2))  # a clerk types

    def _surely(self, reference: str, changes: dict[str, int], verb: str, arguments: dict[str, Any]) -> None:
        while True:
            self.asking.set()
            try:
                self._stage.verb(verb, **arguments)
                break
            except Gone:
                self._tally.add("no answer")
                # An adjustment has no number of its own: he looks for it before he enters it again.
                if verb == "adjust":
                    self._pass()
                if verb == "adjust" and self._is_booked(reference, next(iter(changes))):
                    break
            except Refused:
                assert self._is_booked(reference, next(iter(changes))), (verb, arguments)
                self._tally.add("booked though unanswered")
                break
            except (Retriable, Conflict):
                time.sleep(0.05)  # it is just ending or just starting; he tries again
            finally:
                self.asking.clear()
        self.booked[reference] = changes

    def _pass(self) -> None:
        """Write something that changes nothing. What was being committed when its process died is committed, or undone, before it."""
        while True:
            with suppress(Retriable, Conflict):
                self._stage.verb("param_set", name="SynchQOH", value="True")
                return
            time.sleep(0.05)

    def _is_booked(self, reference: str, sku: str) -> bool:
        while True:
            try:
                found = self._stage.verb("movements", sku=sku, limit=1_000)["movements"]
                return any(reference in (entry["reason"], entry["order"]) for entry in found)
            except (Retriable, Conflict):
                time.sleep(0.05)
