"""Several processes of OnHand that share a store on a cluster: controllers and web processes, each with wires of its own.

Path: ``HouseTogether`` is a house for a ``Stage``; ``chaos_server`` and stories strike its members.
Promise: each process is the program itself. A verb goes to one of those in service, as through a load balancer.
Never: strikes a process that it did not start.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from onhand.cli import door
from onhand.domain.errors import Conflict, Retriable
from onhand.lock import Owner
from onhand.storage.vault import Vault, beside
from tests.stories.cluster import Cluster
from tests.stories.stage import HERE, Gone
from tests.stories.wires import Wire

CONTROLLER = ("controller",)
WEB = ("serve", "--no-controller", "--port", "0")
START_SECONDS = 120.0  # for a process that finds no database at first
# Carts with a lease that a living process other than this one has.
HELD = """
SELECT leases.name FROM leases JOIN processes USING (holder) WHERE leases.name LIKE 'cart:%%' AND drives
    AND until > extract(epoch FROM clock_timestamp()) * 1000000 AND pid {} {}"""


class Member:
    """One process."""

    def __init__(self, name: str, words: Sequence[str], cluster: Cluster, database: str, key: Path) -> None:
        self.name, self.words = name, words
        self._cluster, self._database, self._key = cluster, database, key
        self.wires = [Wire(lambda server=server: server.port) for server in cluster.servers]
        self.address = cluster.address(database, (self.wires[0].port, self.wires[1].port))
        self.in_service = False  # running, awake and connected, as far as we know
        self._door: Owner | None = None
        self.process: subprocess.Popen[str]

    @property
    def log_file(self) -> Path:
        return self._key.with_name(f"{self.name}.log")

    def start(self) -> None:
        """Start it, again and again as a service manager does while there is no database."""
        end = time.monotonic() + START_SECONDS
        while not self._started():
            assert time.monotonic() < end, self.log_file.read_text()[-3000:]
            time.sleep(0.2)
        self.in_service = True

    def _started(self) -> bool:
        self._door = None
        home = {"ONHAND_STORE": self.address.url, "ONHAND_KEY_FILE": str(self._key)}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "onhand", *self.words],
                cwd=HERE, env=os.environ | home, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        if self.process.stdout.readline():
            return True
        self.process.communicate()
        return False

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raise Gone if it is not known whether the verb was done, Retriable if it was not."""
        try:
            answer = door._there(self._known(), name, arguments, lambda *_: None)
        except Conflict as conflict:
            if conflict.facts.get("reason") == "cut":
                raise Gone(conflict.message) from conflict
            raise
        if answer is None:
            raise Retriable(f"{self.name} takes no commands at present.")
        return answer

    def _known(self) -> Owner:
        """Where it takes commands: the key file opens what it tells the others of this machine."""
        if self._door is None:
            pid = self.process.pid
            rows = self._cluster.try_to_ask(f"SELECT notice FROM processes WHERE pid = {pid}", self._database)
            notice = next((notice for (notice,) in rows or () if notice), None)
            if notice is None:
                raise Retriable(f"{self.name} takes no commands yet.")
            said = json.loads(notice)
            self._door = Owner(pid, self.words[0], said["url"], Vault(self._key).open(said["token"]))
        return self._door

    def carts(self, *, others: bool = False) -> set[str] | None:
        """The carts that it has by the store's own record, or those that all others have; None while there is no primary."""
        found = self._cluster.try_to_ask(HELD.format("<>" if others else "=", self.process.pid), self._database)
        return None if found is None else {name for (name,) in found}

    def check_running(self) -> None:
        assert self.process.poll() is None, (self.name, self.process.returncode, self.log_file.read_text()[-3000:])

    def kill(self) -> None:
        self.in_service = False
        self.process.kill()
        self.process.communicate()

    def suspend(self) -> None:
        self.in_service = False
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.in_service = True

    def cut(self, *, held: bool = False) -> None:
        """Cut it off from the database. ``held``: nothing passes, and no connection ends."""
        self.in_service = False
        for wire in self.wires:
            wire.hold() if held else wire.cut()

    def mend(self) -> None:
        for wire in self.wires:
            wire.mend()
        self.in_service = True

    def end(self) -> tuple[int, float]:
        """SIGTERM: its exit code, and how many seconds it took."""
        self.in_service = False
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=120)
        return self.process.returncode, time.monotonic() - began

    def close(self) -> None:
        self.mend()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                self.end()
            self.process.kill()
        for wire in self.wires:
            wire.close()


class HouseTogether:
    """Two controllers and two web processes on one store."""

    def __init__(self, store: Path, cluster: Cluster, controllers: int = 2, webs: int = 2) -> None:
        self.key = beside(store)
        self.cluster = cluster
        self.database = cluster.primary.new_store(self.key).database
        roles = [("controller", CONTROLLER)] * controllers + [("web", WEB)] * webs
        numbers = {"controller": itertools.count(), "web": itertools.count()}
        self.members = [
            Member(f"{kind} {next(numbers[kind])}", words, cluster, self.database, self.key) for kind, words in roles
        ]
        try:
            with ThreadPoolExecutor(len(self.members)) as pool:
                list(pool.map(Member.start, self.members))
        except BaseException:
            self.close()
            raise

    @property
    def controllers(self) -> list[Member]:
        return [member for member in self.members if member.words == CONTROLLER]

    @property
    def webs(self) -> list[Member]:
        return [member for member in self.members if member.words == WEB]

    def named(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    def log(self) -> str:
        return "\n".join(member.log_file.read_text(errors="replace") for member in self.members)

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Ask one of those in service. Raise Gone if it is not known whether the verb was done."""
        serving = [member for member in self.members if member.in_service]
        if not serving:
            raise Retriable("No process is in service.")
        return random.choice(serving).verb(name, **arguments)

    def close(self) -> None:
        for member in self.members:
            if hasattr(member, "process"):
                member.close()
        for number, server in enumerate(self.cluster.servers):
            self.key.with_name(f"postgresql {number}.log").write_text(server.log())
