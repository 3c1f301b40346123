"""Everything going wrong around a store on a PostgreSQL with a synchronous standby, which several processes share.

Path: ``make chaos ENGINE=postgresql`` runs it. ``test_failing.py`` tells its blows one by one in every test run: all of them
at once, on a machine with other work, come in step late in some runs.
Promise: while one controller is dead, the other one has its carts in time; a killed primary is replaced in time.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from tests.stories.bank import Bank
from tests.stories.blows import KILL, TERM, Blow, Chaos, Victim, business
from tests.stories.cluster import Cluster
from tests.stories.outcome import END_SECONDS_MAX, SLACK_SECONDS, Return
from tests.stories.stage import Crowd
from tests.stories.together import HouseTogether, Member

STOP, CUT, HOLD = "SIGSTOP", "network cut", "network stalled"
AUDITORS = 2
LONG_SECONDS = 9.0  # one and a half times the life of a process
TAKEN_OVER_SECONDS, FAILED_OVER_SECONDS = 10.0, 30.0
STRAYS_SECONDS = 5.0  # the end of a process is awaited that much longer while it cannot reach the database


class ChaosOnAServer(Chaos):
    """Controllers and web processes are killed, suspended, ended and cut off, and the primary is killed."""

    OURS: ClassVar = {
        "controller 0": Victim(18, (KILL, STOP, CUT, HOLD, TERM), LONG_SECONDS),
        "controller 1": Victim(18, (STOP, HOLD, KILL, TERM, CUT), LONG_SECONDS),
        "web 0": Victim(14, (KILL, CUT, TERM, STOP, HOLD), LONG_SECONDS / 2),
        "web 1": Victim(14, (STOP, HOLD, KILL, CUT, TERM), LONG_SECONDS / 2),
        "primary": Victim(35),
    }
    AGE_SECONDS = 2.0  # processes tell each other every half second or so what they know of a cart
    SLACK = 2 * SLACK_SECONDS  # shops trade on while both controllers are away, so there is more to catch up with

    def open(self, store: Path, stack: ExitStack) -> HouseTogether:
        self.cluster = stack.enter_context(Cluster())
        self.house = HouseTogether(store, self.cluster)
        return self.house

    def invite(self, crowd: Crowd) -> None:
        self.bank = Bank(self.house, random.Random(f"{self.seed}/bank"))
        self.bank.open()
        crowd.let(self.bank.book)
        for _ in range(AUDITORS):
            crowd.let(self.bank.audit)

    def witnessed(self) -> dict[str, Any]:
        return {"bank": tuple(self.bank.booked), "reads": self.bank.reads, "misread": tuple(self.bank.faults)}

    def strike(self, blow: Blow) -> None:
        """Every other time just while the clerk is asking, who then does not know whether it was done."""
        if int(blow.at * 1000) % 2:
            self.clerk.asking.wait(1.0)
            self._over.wait(blow.down / 1000)
        if blow.victim == "primary":
            self._kill_primary()
            return
        member = self.house.named(blow.victim)
        member.check_running()
        if blow.what == STOP:
            member.suspend()
            self._over.wait(blow.down)
            member.wake()
        elif blow.what in {CUT, HOLD}:
            member.cut(held=blow.what == HOLD)
            self._over.wait(blow.down)
            member.mend()
        else:
            carts = member.carts() or set()
            if blow.what == KILL:
                member.kill()
            else:
                self.endings.append((*member.end(), (END_SECONDS_MAX + STRAYS_SECONDS) * business()))
            self._measure_takeover(member, carts)
            self._over.wait(blow.down / 10)
            member.start()

    def _measure_takeover(self, gone: Member, carts: set[str]) -> None:
        """Wait until another controller has these carts, as long as there is one in service and a primary."""
        began, failovers, taken = time.monotonic(), self.cluster.failovers, False
        others = [member for member in self.house.controllers if member is not gone]
        while carts and not taken:
            if not any(other.in_service for other in others) or self.cluster.failovers != failovers:
                return
            if time.monotonic() - began > TAKEN_OVER_SECONDS * business():
                break
            held = gone.carts(others=True)
            taken = held is not None and carts <= held
            time.sleep(0.05)
        if carts:
            took = time.monotonic() - began
            self.returns.append(Return(f"carts of {gone.name}", took, TAKEN_OVER_SECONDS * business()))

    def _kill_primary(self) -> None:
        """Kill it, promote the standby, and wait until something is booked there; then give it a standby again."""
        began = time.monotonic()
        self.cluster.fail_over()
        self.bank.done.clear()
        self.bank.done.wait(FAILED_OVER_SECONDS * business())
        self.bank.done.clear()  # this one may have been committed before
        self.bank.done.wait(FAILED_OVER_SECONDS * business())
        self.returns.append(Return("database", time.monotonic() - began, FAILED_OVER_SECONDS * business()))
        self.cluster.rebuild()
