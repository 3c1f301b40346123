"""Checks that every read is a state that existed, as banks are checked: known amounts are booked, and read everywhere meanwhile.

Path: ``chaos_server`` and stories let a banker book and auditors read.
Promise: an auditor compares each answer with what was known to be booked before it was asked for, and with what was seen before.
Never: reads a database: it asks processes of OnHand, each in its turn.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from onhand.domain.errors import Conflict, OnHandError, Refused, Retriable
from tests.stories.outcome import ACCOUNTS
from tests.stories.together import HouseTogether, Member

SKUS = ACCOUNTS  # each booking adds the same to both, so they are always equal


@dataclass(frozen=True, slots=True)
class Statement:
    """What one answer said of one account."""

    on_hand: int
    bookings: tuple[str, ...]  # oldest first
    total: int  # of the movements


@dataclass
class Bank:
    """Two accounts that only this bank books on, and what it knows of them."""

    house: HouseTogether
    chance: random.Random
    booked: list[str] = field(default_factory=list)  # what is known to be booked, oldest first
    begun: list[str] = field(default_factory=list)  # what may be booked
    seen: int = 0  # the most bookings that an answer has shown
    reads: int = 0
    faults: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)  # set after each booking
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        for sku in SKUS:
            self.house.verb("item_add", sku=sku)

    def book(self) -> None:
        """Book once, and ask again until it is known."""
        reference = f"bank-{len(self.begun)}"
        self.begun.append(reference)
        units = self.chance.randint(1, 9)
        while True:
            try:
                self.house.verb("receive", lines=[[sku, units] for sku in SKUS], reference=reference)
                break
            except Refused:
                break  # it is booked already: what is not is found at the end
            except (Retriable, Conflict):
                time.sleep(0.05)
        self.booked.append(reference)
        self.done.set()
        time.sleep(self.chance.uniform(0.05, 0.5))

    def audit(self) -> None:
        """Read from one process. What is known when the question is asked has to be in the answer."""
        member = random.choice(self.house.members)
        with self._lock:
            known, seen = len(self.booked), self.seen
        try:
            pair = self._pair(member)
            statement = self._statement(member)
        except OnHandError:
            time.sleep(0.05)  # it is down
            return
        with self._lock:
            self.reads += 1
            found = faults_of_read(pair, statement, self.begun[:], max(known, seen))
            self.faults += [f"{member.name}: {fault}" for fault in found]
            self.seen = max(self.seen, len(statement.bookings))
        time.sleep(self.chance.uniform(0.05, 0.3))

    def _pair(self, member: Member) -> tuple[int, ...]:
        listed = member.verb("item_list", search="BANK-")["items"]
        return tuple(item["on_hand"] for item in listed)

    def _statement(self, member: Member) -> Statement:
        shown = member.verb("item_show", sku=self.chance.choice(SKUS), limit=10_000)
        return statement_of(shown)


def statement_of(shown: dict[str, Any]) -> Statement:
    movements = shown["movements"][::-1]
    bookings = tuple(entry["order"] or entry["reason"] for entry in movements)
    return Statement(shown["on_hand"], bookings, sum(entry["quantity"] for entry in movements))


def faults_of_read(pair: tuple[int, ...], statement: Statement, begun: list[str], at_least: int) -> list[str]:
    """Everything that is wrong with an answer. ``at_least``: how many bookings were known, or shown before, when it was asked for."""
    found = []
    if len(set(pair)) != 1 or len(pair) != len(SKUS):
        found.append(f"the accounts hold {pair}: no state of them was like that")
    if statement.on_hand != statement.total:
        found.append(f"{statement.on_hand} on hand, its movements make {statement.total}")
    if list(statement.bookings) != begun[: len(statement.bookings)]:
        found.append(f"the bookings are {statement.bookings[-3:]}, in an order in which they were not made")
    if len(statement.bookings) < at_least:
        found.append(f"{len(statement.bookings)} bookings, after {at_least} were known")
    return found
