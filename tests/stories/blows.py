"""Lets everything go wrong at once, for a while, on real parts: then quiet, and every promise is checked.

Path: ``chaos_file`` and ``chaos_server`` say what strikes OnHand itself; ``chaos`` runs one of the two; ``outcome`` has the checks.
Promise: what is checked is read from the shops' own databases, from the people who traded, and from the verbs; the plan of
blows and the weather of the network follow from the seed alone (how real processes interleave does not).
Never: forgives a failed check, or strikes a process that it did not start.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import pymysql

from onhand.domain.errors import Refused
from tests.servers import MariaDB, PhpServer
from tests.shops.families import OsCommerce23
from tests.stories.outcome import SLACK_SECONDS, Outcome, Return, ShopSeen, faults_of
from tests.stories.people import STOCK, Clerk, Shopper, Tally
from tests.stories.relay import Fault, Relay
from tests.stories.stage import Crowd, Shop, Stage, eventually

ENGINES = ("InnoDB", "MyISAM")  # one shop of each
TICK_SECONDS, SETTLE_SECONDS = 0.3, 1.0
SHOPPERS = 5  # per shop
BAD_WEATHER = 0.12  # share of requests that the network harms
STALL_SECONDS_MAX = 2.5
AIM_SECONDS_MAX = 2.0
WORKERS_LEFT = 3  # of a PHP server, before it is started again
SEEN_SECONDS_MAX = 60.0  # by then every cart is looked at again after the last blow: pauses between tries grow to 30 s
PATIENCE_SECONDS = 60.0  # for coming in step; the check allows far less
KILL, TERM = "kill -9", "SIGTERM"

UNFINISHED = re.compile(r"batch\.unfinished +cart=(\S+) first=(\d+) posts=(\d+)")


@dataclass(frozen=True, slots=True)
class Victim:
    """What can be struck, how, and how often."""

    every: float  # mean seconds between two blows
    blows: tuple[str, ...] = (KILL,)  # in turn
    down: float = 1.5  # seconds that a blow lasts at most


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that happens to one victim."""

    at: float  # seconds after the beginning
    victim: str  # of what kind, and its number if there are several
    what: str  # "kill -9", "SIGTERM", …
    down: float  # seconds until it is started again


SHOP = {"worker": Victim(9), "php": Victim(30), "mariadb": Victim(24)}  # of each shop


def plan(seed: int, seconds: float, victims: Mapping[str, Victim]) -> dict[str, list[Blow]]:
    """What happens to whom and when: the same for the same seed. Each victim is struck at least once."""
    return {name: list(_blows(random.Random(f"{seed}/{name}"), name, seconds, it)) for name, it in victims.items()}


def _blows(chance: random.Random, name: str, seconds: float, victim: Victim) -> Iterator[Blow]:
    mean = victim.every
    at, number = chance.uniform(0.1, 0.5) * seconds if mean > seconds / 4 else chance.uniform(1, mean), 0
    while at < seconds:
        yield Blow(at, name, victim.blows[number % len(victim.blows)], chance.uniform(0.0, victim.down))
        at, number = at + max(1.0, chance.expovariate(1 / mean)), number + 1


class Chaos(ABC):
    """Two shops, OnHand, a network in bad weather, and what strikes them. A context manager.

    A kind of house says what of it can be struck, ``OURS``, opens it and strikes it.
    """

    OURS: ClassVar[Mapping[str, Victim]]
    SLACK: ClassVar[float] = SLACK_SECONDS
    AGE_SECONDS: ClassVar[float] = 0.0  # how old may be what is said of a cart

    def __init__(self, home: Path, seed: int, seconds: float) -> None:
        self.home, self.seed, self.seconds = home, seed, seconds
        theirs = {f"{kind} {n}": victim for kind, victim in SHOP.items() for n in range(len(ENGINES))}
        self.plan = plan(seed, seconds, {**self.OURS, **theirs})
        self.tally, self.kills = Tally(), Tally()
        self.endings: list[tuple[int, float, float]] = []  # exit code, seconds, and seconds allowed, of every SIGTERM
        self.returns: list[Return] = []  # how long it took until somebody else did the work of who was killed
        self.unseen_seconds = 0.0  # from the last blow until OnHand had looked at every shop again
        self.databases: list[MariaDB] = []
        self.servers: list[PhpServer] = []
        self.relays: list[Relay] = []
        self._over = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _ in ENGINES:
                self.databases.append(stack.enter_context(MariaDB(durable=True)))
                self.servers.append(stack.enter_context(PhpServer(workers=SHOPPERS + 3)))
            self.stage = stack.enter_context(Stage(self.home, STOCK, house=lambda store: self.open(store, stack)))
            for number, engine in enumerate(ENGINES):
                driver = OsCommerce23(self.databases[number], self.servers[number], engine)
                driver.setting("STOCK_ALLOW_CHECKOUT", ("true", "false")[number])  # one oversells, one switches off
                self.relays.append(Relay(driver.url))
                stack.callback(self.relays[number].close)
                self.stage.open_shop(driver, url=self.relays[number].url)
            self.stage.align()
            for shop in self.stage.shops:
                self.stage.verb("cart_edit", cart=shop.name, tick_seconds=TICK_SECONDS, settle_seconds=SETTLE_SECONDS)
                shop.watch()
            self.stage.looks_pass()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._stack.close()

    def run(self) -> Outcome:
        """Trade under blows; then quiet; then what came of it."""
        chance = random.Random(f"{self.seed}/people")
        self.clerk = Clerk(self.stage, random.Random(chance.random()), self.tally)
        crowd = Crowd()
        try:
            for shop in self.stage.shops:
                for _ in range(SHOPPERS):
                    crowd.let(Shopper(shop, random.Random(chance.random()), self.tally).act)
            crowd.let(self.clerk.act)
            self.invite(crowd)
            for number, relay in enumerate(self.relays):
                self._let_weather(relay, random.Random(f"{self.seed}/weather {number}"))
            self._strike_all()
            for relay in self.relays:
                relay.fault = lambda _: None
            self._wait_until_seen()
        finally:
            crowd.stop()
        for shop in self.stage.shops:
            shop.driver.reconnect()
        return self._outcome(*self._settle())

    @abstractmethod
    def open(self, store: Path, stack: ExitStack) -> Any:
        """Open the house; the stack closes what it needs."""

    @abstractmethod
    def strike(self, blow: Blow) -> None:
        """Strike OnHand, and start it again."""

    def invite(self, crowd: Crowd) -> None:  # noqa: B027 - a kind of house may need nobody else
        """Let more people in."""

    def witnessed(self) -> dict[str, Any]:
        """Return what these people noted, for the outcome."""
        return {}

    def _let_weather(self, relay: Relay, chance: random.Random) -> None:
        faults = list(Fault)
        relay.stall = lambda: self._over.wait(chance.uniform(0.2, STALL_SECONDS_MAX))
        # Of the old requests a batch is what could do harm: of eight one is taken that carries one, if there is one.
        relay.old = lambda: max(chance.choices(relay.seen, k=8), key=lambda request: b'"apply"' in request[1])
        relay.fault = lambda _: chance.choice(faults) if chance.random() < BAD_WEATHER else None

    def _strike_all(self) -> None:
        """Each victim has a keeper that strikes it by the plan and starts it again."""
        began = time.monotonic()
        hands = [(threading.Lock(), threading.Lock()) for _ in ENGINES]  # of each shop's PHP and database

        def keep(blows: list[Blow]) -> None:
            for blow in blows:
                self._over.wait(max(0.0, began + blow.at - time.monotonic()))
                kind, _, number = blow.victim.partition(" ")
                if kind in SHOP:
                    with hands[int(number)][kind == "mariadb"]:
                        self._strike_shop(kind, int(number), blow)
                else:
                    self.strike(blow)
                self.kills.add(f"{kind} {blow.what}")

        with ThreadPoolExecutor(len(self.plan)) as pool:
            keepers = [pool.submit(keep, blows) for blows in self.plan.values()]
            self._over.wait(self.seconds)
        for keeper in keepers:
            keeper.result()

    def _strike_shop(self, kind: str, number: int, blow: Blow) -> None:
        """Strike a shop; every second time while it is applying one of our batches."""
        php = self.servers[number]
        if int(blow.at * 1000) % 2:
            with suppress(pymysql.err.MySQLError):  # the shop's database is down just now
                self._aim(number)
        if kind == "worker" and len(workers := php.pids()[1:]) > WORKERS_LEFT:
            os.kill(workers[int(blow.at * 1000) % len(workers)], signal.SIGKILL)
            return
        # PHP starts no new worker for one that was killed: when few are left, the server is started again.
        server = self.databases[number] if kind == "mariadb" else php
        server.kill()
        self._over.wait(blow.down)
        server.restart()

    def _aim(self, number: int) -> None:
        """Waits, not for ever, until a shop is at work on a batch; where there are no transactions, until it has noted that it began."""
        driver = self.stage.shops[number].driver
        with closing(self.databases[number].connect(driver.database)) as connection, connection.cursor() as cursor:
            applying = self.relays[number].applying
            applying.wait(AIM_SECONDS_MAX)
            while applying.is_set() and driver.engine == "MyISAM":
                if cursor.execute("SELECT 1 FROM onhand_state WHERE begun_first IS NOT NULL"):
                    return

    def _wait_until_seen(self) -> None:
        """OnHand notices that every shop is back: its pauses between tries have grown meanwhile."""
        began = time.monotonic()
        since = {shop.name: self.stage.cart(shop)["looked_at"] or "" for shop in self.stage.shops}
        eventually(
            lambda: all((self.stage.cart(shop)["looked_at"] or "") > since[shop.name] for shop in self.stage.shops),
            SEEN_SECONDS_MAX * business(),
            lambda: f"{since}\n{self.stage.house.log()[-4000:]}",
        )
        self.unseen_seconds = time.monotonic() - began

    def _settle(self) -> tuple[float, int, bool]:
        """Waits until all is in step, answers what a person is asked, and waits again; seconds to in step, questions, success."""
        began, asked = time.monotonic(), 0
        while not self._is_in_step() and time.monotonic() < began + PATIENCE_SECONDS:
            questions = self._questions()
            asked += len(questions)
            self._answer(questions)
            time.sleep(0.05)
        seconds = time.monotonic() - began - self.AGE_SECONDS
        if self.stage.in_step():
            self.stage.looks_pass(4)
        return seconds, asked, self.stage.in_step()

    def _is_in_step(self) -> bool:
        """A web process says of a cart what its controller said a moment ago. So it has to say so for as long."""
        began = time.monotonic()
        while self.stage.in_step():
            if time.monotonic() - began >= self.AGE_SECONDS:
                return True
            time.sleep(0.05)
        return False

    def _answer(self, questions: list[dict[str, Any]]) -> None:
        """Answer as a person who has seen the goods.

        What a deleted order gave back is on the shelf. A checkout that was cut in two took goods and counted no sale: these are on the
        shelf, too. So are those that an edited order seems to have taken: nobody edits orders here. An order that went beside a lost sale,
        and moved no counter, gave nothing back.
        """
        edited = {
            (found["cart"], found["sku"])
            for found in self.stage.differences()
            if found["cause"] == "several changes at once" and found["remedy"] == "book"
        }
        for question in questions:
            in_doubt, place = question["cause"] == "return in doubt", (question["cart"], question["sku"])
            side = "theirs" if in_doubt and (question["amount"] != 0 or place in edited) else "ours"
            with suppress(Refused):  # the shop has just undone it
                self.stage.verb("decide", difference=question["id"], side=side)

    def _questions(self) -> list[dict[str, Any]]:
        return [found for found in self.stage.differences(open_only=True) if found["remedy"] == "ask"]

    def _outcome(self, seconds: float, asked: int, settled: bool) -> Outcome:
        self.tally.counts["questions to a person"] = asked
        stage = self.stage
        ids = {cart["id"]: cart["name"] for cart in stage.verb("cart_list")["carts"]}
        movements = list(pages(lambda before: stage.verb("movements", limit=50_000, before=before)["movements"]))
        return Outcome(
            settled=settled,
            seconds_to_in_step=seconds,
            seconds_allowed=SETTLE_SECONDS + 2 * TICK_SECONDS + self.SLACK * business(),
            proof=stage.verb("prove"),
            opening=STOCK,
            on_hand=stage.on_hand(),
            movements=tuple({**found, "cart": ids.get(found["cart"])} for found in movements),
            shops={shop.name: seen_at(shop) for shop in stage.shops},
            differences=tuple(stage.differences()),
            posts=tuple(stage.verb("posts", limit=100_000)["posts"]),
            clerk=self.clerk.booked,
            unfinished=tuple(self._unfinished()),
            endings=tuple(self.endings),
            returns=tuple(self.returns),
            **self.witnessed(),
        )

    def _unfinished(self) -> Iterator[tuple[str, int]]:
        """The posts of batches of which no shop could say how far they came: only OnHand's log knows."""
        for cart, first, posts in UNFINISHED.findall(self.stage.house.log()):
            yield from ((cart, int(first) + number) for number in range(int(posts)))

    def report(self, outcome: Outcome) -> dict[str, Any]:
        """What ran, what went wrong on purpose, what was found, and each check with what is wrong."""
        counts, found = self.tally.counts, faults_of(outcome)
        differences = Counter((d["cause"], d["remedy"]) for d in outcome.differences)
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "sales": counts["sold"] + counts["paid late"],
            "units": sum(sum(shop.ordered.values()) for shop in outcome.shops.values()),
            "deleted_with_restock": counts["restocked"],
            "deleted_without": counts["deleted"],
            "paid_late": counts["paid late"],
            "never_paid": counts["abandoned"],
            "broken_off": {what: n for what, n in sorted(counts.items()) if what.endswith("broken off")},
            "sold_out": counts["sold out"],
            "clerk": {
                "bookings": len(outcome.clerk),
                "asked_again": counts["no answer"],
                "booked_though_unanswered": counts["booked though unanswered"],
            },
            "movements": len(outcome.movements),
            "posts": len(outcome.posts),
            "batches_resent": self.stage.house.log().count("batch.resent"),
            "batches_unfinished": self.stage.house.log().count("batch.unfinished"),
            "posts_unlanded": sum(post["state"] == "unlanded" for post in outcome.posts),
            "requests": sum(relay.passed for relay in self.relays),
            "kills": dict(sorted(self.kills.counts.items())),
            "network_faults": dict(sorted(sum((relay.faults for relay in self.relays), Counter()).items())),
            "differences": [
                {
                    "cause": cause,
                    "remedy": remedy,
                    "number": number,
                    "units": sum(
                        abs(d["amount"]) for d in outcome.differences if (d["cause"], d["remedy"]) == (cause, remedy)
                    ),
                }
                for (cause, remedy), number in sorted(differences.items())
            ],
            "questions": counts["questions to a person"],
            "destroyed": {name: dict(shop.destroyed) for name, shop in outcome.shops.items()},
            "misjudged_units": sum(outcome.misjudged(name, sku) for name in outcome.shops for sku in STOCK),
            "unwitnessed": sum(abs(s.unwitnessed(sku)) for s in outcome.shops.values() for sku in s.shows),
            "longest_end_seconds": round(max((seconds for _, seconds, _ in outcome.endings), default=0.0), 2),
            "returns": [asdict(found) for found in outcome.returns],
            "bank_reads": outcome.reads,
            "seconds_until_seen": round(self.unseen_seconds, 2),
            "seconds_to_in_step": round(outcome.seconds_to_in_step, 2),
            "seconds_allowed": outcome.seconds_allowed,
            "checks": {name: faults or "holds" for name, faults in found.items()},
        }


def business() -> float:
    """How many times as long as on an idle machine anything may take: by the processes that wait for a core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def seen_at(shop: Shop) -> ShopSeen:
    counters = shop.counters()
    return ShopSeen(
        transactional=shop.driver.engine == "InnoDB",
        shows={sku: quantity for sku, (quantity, _) in counters.items()},
        ordered={sku: ordered for sku, (_, ordered) in counters.items()},
        opening=STOCK,
        destroyed=shop.destroyed(),
        posted=shop.posted(),
    )


def pages(read: Callable[[int | None], list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Everything that a verb lists newest first, page by page."""
    page = read(None)
    while page:
        yield from page
        page = read(page[-1]["id"])
