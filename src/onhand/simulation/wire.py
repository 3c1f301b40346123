"""Carries requests to a simulated shop, over a network that loses, delays, repeats, reorders and cuts them.

Path: ``program`` gives each of its carts a ``Wire``; the services call it as any other connector.
Promise: what a request did in the shop does not depend on whether its answer arrives; a request that was sent continues although its sender
dies.
Never: changes an answer, except for a shop that lies; then the real border reads it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from random import Random
from typing import Any, Protocol, TypeVar, cast

from onhand.domain.errors import OnHandError, Retriable
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Page, Row
from onhand.domain.sketch import Cell

from .connector import Connector, Verb
from .lies import LIES, Border
from .shop import SimShop
from .timeline import Timeline

T = TypeVar("T")
TIMEOUT_SECONDS = 10.0
HONEST = 0.3  # the part of a lying shop's answers that are true
LOCK_SECONDS = 5.0  # how long a verb waits for the one before it


class Fault(StrEnum):
    """The faults that can happen to one request."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    ANSWER_CUT = "answer cut"
    LATE = "request late"  # it arrives when no one waits for it any more, and others have overtaken it
    TWICE = "request repeated"
    CRASH = "connector killed"  # between two statements, or within one on an engine without transactions


class Sender(Protocol):
    """The process that sends requests. It can die at any moment."""

    def boundary(self) -> None:
        """Mark a point where the process may be killed. Raise Killed."""

    def survive(self) -> None:
        """Raise Killed if the process was killed meanwhile."""


class Network:
    """The way to one shop. It outlives the processes that use it."""

    def __init__(self, timeline: Timeline, shop: SimShop, chance: Random) -> None:
        self.timeline, self.shop, self.chance = timeline, shop, chance
        self.connector = Connector(shop)
        self.faults: list[Fault] = []  # for the next requests, one each
        self.down_until = 0.0
        self.happened: Counter[str] = Counter()
        self.requests = 0
        self.answered_at = timeline.now  # when an answer last came back
        self._running: Verb[Any] | None = None  # the connector serves one verb at a time
        self._asker: Sender | None = None  # the sender that waits for it
        self.border = Border()
        self.liar: Random | None = None  # draws the lies of a shop that lies
        self.lying_until = 0.0
        self.believed: list[str] = []  # lies that the border accepted

    def calm(self) -> None:
        """End all faults."""
        self.faults.clear()
        self.down_until = self.lying_until = 0.0

    def next_fault(self, writes: bool) -> Fault | None:
        """Return the fault of the next request. A connector that is to be killed is killed where it matters: while it writes."""
        for fault in self.faults:
            if writes or fault is not Fault.CRASH:
                self.faults.remove(fault)
                return fault
        return None

    def lie(self, verb: str, answer: T, read: Callable[[Border], T]) -> T:
        """Return an answer; while the shop lies, return what the border makes of it with a lie in it. Raise what the border raises."""
        if self.liar is None or self.timeline.now >= self.lying_until or self.liar.random() < HONEST:
            return answer
        lie = self.liar.choice(LIES[verb])
        self.happened["lie"] += 1
        self.border.hear(answer, lie, self.liar)
        believed = read(self.border)
        self.believed.append(f"{verb}: {lie.__name__}")
        return believed

    def serve(self, verb: Verb[T], crash: bool, asker: Sender) -> T:
        """Run a verb in the shop: at one moment in a transaction, else with time for others between its statements."""
        steps = self.chance.randrange(6) if crash else -1
        if crash and self.shop.transactional:
            raise Retriable("The connector was killed: its transaction was rolled back.", reason="cut")
        self._wait_for_lock()
        self._running, self._asker = verb, asker
        try:
            while True:
                if steps == 0:
                    verb.close()
                    raise Retriable("The connector was killed.", reason="cut")
                steps -= 1
                next(verb)
                if not self.shop.transactional:
                    self.timeline.run_until(self.timeline.now + self.chance.uniform(0.0, 0.002))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            self._running = None

    def abandon(self, asker: Sender) -> None:
        """Complete the verb in progress if its sender has died: the connector does not know of the death."""
        if self._running is not None and self._asker is asker:
            with suppress(OnHandError):
                for _ in self._running:
                    pass
            self._running = None

    def _wait_for_lock(self) -> None:
        patience = self.timeline.now + LOCK_SECONDS
        while self._running is not None:
            if self.timeline.now >= patience:
                raise Retriable("Another request is still being served; try again shortly.", reason="busy")
            self.timeline.run_until(self.timeline.now + 0.01)

    def serve_later(self, verb: Callable[[], Verb[T]], at: float) -> None:
        """Serve a request whose answer no one waits for. The connector serves one at a time."""

        def arrive() -> None:
            if self._running is not None:
                self.timeline.at(self.timeline.now + 0.01, arrive)
                return
            self.timeline.operations += 1
            with suppress(OnHandError):
                for _ in verb():
                    pass

        self.timeline.at(at, arrive)


class Wire:
    """The connection of one process to one shop. Implements ``services.ports.Shop``."""

    def __init__(self, network: Network, sender: Sender, holder: str = "") -> None:
        self._holder = holder
        self._network, self._sender, self._timeline = network, sender, network.timeline
        self._connector = network.connector

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        verb = lambda: self._connector.hello(self._timeline.now, fresh_epoch_after)  # noqa: E731
        return self._ask(verb, "hello", lambda border: border.hello(fresh_epoch_after))

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        verb = lambda: self._connector.look(after, low, limit, sums, catalogue)  # noqa: E731
        return self._ask(verb, "look", lambda border: border.look(after, low, limit, sums, catalogue))

    def cells(self, size: int) -> Sequence[Cell]:
        return self._ask(lambda: self._connector.cells(size), "cells", lambda border: border.cells(size))

    def listings(self, after: int, limit: int) -> Page:
        verb = lambda: self._connector.listings(self._timeline.now, after, limit)  # noqa: E731
        return self._ask(verb, "page", lambda border: border.listings(after, limit))

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        verb = lambda: self._connector.rows(self._timeline.now, products)  # noqa: E731
        return self._ask(verb, "rows", lambda border: border.rows(products))

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        return self._ask(lambda: self._connector.orders(lines), "orders", lambda border: border.orders(lines))

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        verb = lambda: self._connector.apply(epoch, first, tuple(changes), close, self._holder)  # noqa: E731
        return self._ask(verb, "apply", lambda border: border.apply(epoch, first, changes, close))

    def disconnect(self) -> None:
        """Do nothing: no connection is kept open here."""

    def _ask(self, verb: Callable[[], Verb[T]], name: str, read: Callable[[Border], T]) -> T:
        self._sender.boundary()
        network, now, chance = self._network, self._timeline.now, self._network.chance
        self._timeline.operations += 1
        network.requests += 1
        if now < network.down_until:
            self._wait(0.05)
            raise Retriable("The shop cannot be reached.", reason="unreachable")
        fault = network.next_fault(writes=name == "apply")
        if fault is not None:
            network.happened[fault] += 1
        if fault in (Fault.REQUEST_LOST, Fault.LATE):
            if fault is Fault.LATE:
                network.serve_later(verb, now + chance.uniform(1.0, 4.0) * TIMEOUT_SECONDS)
            self._wait(TIMEOUT_SECONDS)
            raise Retriable("The shop did not answer in time.", reason="timeout")
        if fault is Fault.TWICE:
            network.serve_later(verb, now + chance.choice((0.001, 1.0, 20.0)) * chance.random())
        self._wait(chance.uniform(0.001, 0.02), on_its_way=verb)
        answer, problem = None, None
        try:
            answer = network.serve(verb(), fault is Fault.CRASH, self._sender)
        except OnHandError as error:
            problem = error
        self._wait(chance.uniform(0.001, 0.02))
        if fault is Fault.ANSWER_LOST:
            self._wait(TIMEOUT_SECONDS)
            raise Retriable("The shop did not answer in time.", reason="timeout")
        if fault is Fault.ANSWER_CUT:
            raise Retriable("The answer arrived cut.", reason="cut")
        self._sender.boundary()
        if problem is not None:
            network.answered_at = self._timeline.now
            raise problem
        told = network.lie(name, cast("T", answer), read)
        network.answered_at = self._timeline.now
        return told

    def _wait(self, seconds: float, on_its_way: Callable[[], Verb[T]] | None = None) -> None:
        """Let time pass. Requests on their way arrive although their sender dies meanwhile."""
        self._timeline.run_until(self._timeline.now + seconds)
        try:
            self._sender.survive()
        except BaseException:
            if on_its_way is not None and self._network.chance.random() < 0.5:
                self._network.serve_later(on_its_way, self._timeline.now)
            raise
