"""Sets the stage for a story: an open house, real shops beside it, and a way to wait for what must come true.

Path: the stories; ``conftest.py`` hands out stages. The shops are those of ``tests.shops`` on real PHP and real MariaDB.
Promise: what a story checks is read from the shops' own databases and from the verbs, never from the books behind them;
a wait that fails prints the counters of both sides, the differences and the posts.
Never: sleeps where a condition can be waited for.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from onhand import verbs
from onhand.address import Server
from onhand.app import App
from onhand.cli import door
from onhand.config import Config
from onhand.domain.errors import Conflict, OnHandError, Retriable
from onhand.services.ports import Clock
from onhand.storage import vault
from tests.builders import new_store
from tests.postgresql import shared_postgresql
from tests.shops.shop import FamilyShop

TICK_SECONDS, SETTLE_SECONDS = 0.2, 0.4
QUIET_SECONDS = 0.1  # the settling time while a stage is set: nobody trades then
PATIENCE_SECONDS = 15.0  # this machine may be busy with other tests; a story that works is far quicker
RACES = {"lost sale", "lost post"}  # causes that a shop's own race explains
HERE = Path(__file__).parents[2]


def eventually(fact: Callable[[], Any], within: float = PATIENCE_SECONDS, report: Callable[[], str] = str) -> None:
    """Waits until the fact is true; the failure message is whatever ``report`` says then."""
    end = time.monotonic() + within
    while not fact():
        if time.monotonic() > end:
            raise AssertionError(f"Not within {within:.1f} s.\n{report()}")
        time.sleep(0.02)


class House:
    """OnHand in this process: the real App, the real controller, the real clock unless a story brings another."""

    def __init__(self, store: Path, clock: Clock | None = None) -> None:
        if not store.exists():
            new_store(store)
        self.app = App(store, "story", clock)
        self.app.start_controller()

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return verbs.VERBS[name](self.app, lambda *_: None, **arguments)

    def close(self) -> None:
        self.app.close()


class HouseOnServer(House):
    """The same with its store on a PostgreSQL server. Opened again, it finds the same store."""

    def __init__(self, store: Path) -> None:
        named = store.with_suffix(".address")
        if not named.exists():
            named.write_text(shared_postgresql().new_store(vault.beside(store)).url)
        self.app = App(Server(named.read_text()), "story", key_file=vault.beside(store))
        self.app.start_controller()


class HouseApart:
    """OnHand in a process of its own (``apart.py``), so that it can be killed at any moment. Verbs travel over its pipes."""

    def __init__(self, store: Path) -> None:
        if not store.exists():
            new_store(store)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stories.apart", str(store)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "open\n"

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raises Gone if the process ended before it answered: then nobody knows whether the verb was done."""
        try:
            self._process.stdin.write(json.dumps([name, arguments]) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or "null")
        except (BrokenPipeError, ValueError):
            answer = None
        if answer is None:
            raise Gone("The house ended before it answered.")
        if "refused" in answer:
            raise OnHandError(answer["refused"])
        return answer["result"]

    def kill(self) -> None:
        """As ``kill -9`` does, and as a power cut would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._process.communicate(timeout=30)  # it ends with its input


class HouseServed:
    """The program itself, ``onhand controller``, in a process of its own; verbs take the same door as every command."""

    def __init__(self, store: Path, launcher: Sequence[str] = ()) -> None:
        """``launcher`` is a command that starts the program in its stead."""
        if not store.exists():
            new_store(store)
        self.store, self.launcher = store, launcher
        self.start()

    def start(self) -> None:
        words = [*self.launcher, sys.executable, "-m", "onhand", "--store", str(self.store), "controller"]
        with self.store.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(words, cwd=HERE, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout.readline(), self.log()[-2000:]

    def log(self) -> str:
        return self.store.with_suffix(".log").read_text(errors="replace")

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raises Gone if the process ended before it answered: then nobody knows whether the verb was done."""
        try:
            return door.call(Config(store=self.store), name, arguments, lambda *_: None)
        except Conflict as conflict:
            if conflict.facts.get("reason") == "cut":
                raise Gone(conflict.message) from conflict
            raise

    def kill(self) -> None:
        """As ``kill -9`` does."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, float]:
        """SIGTERM: its exit code, and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode, time.monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()


class Gone(Retriable):
    """The house was killed while it worked on a verb."""


class Shop:
    """One shop by the names a person uses: SKUs instead of ids."""

    def __init__(self, name: str, driver: FamilyShop, stock: dict[str, int]) -> None:
        self.name, self.driver = name, driver
        self.products = {sku: driver.add_product(sku, units, f"Product {sku}") for sku, units in stock.items()}

    def sell(self, sku: str, units: int, think_us: int = 0) -> int | None:
        """One paid order; answers its number, None if the shop refused it."""
        return self.driver.act("sell", lines=[[self.products[sku], units]], think_us=think_us)["order"]

    def prepare(self, sku: str, units: int) -> int:
        return self.driver.prepare(self.products[sku], units)

    def save_form(self, sku: str, **fields: Any) -> None:
        """A person saves the product form: absolute values."""
        self.driver.set(self.products[sku], **fields)

    def shows(self, sku: str) -> int:
        return self.driver.row(self.products[sku]).quantity

    def is_on(self, sku: str) -> bool:
        return self.driver.row(self.products[sku]).status == 1

    def counters(self) -> dict[str, tuple[int, int]]:
        """Quantity and units ever sold, per SKU, by one statement."""
        rows = self.driver.sql(f"SELECT products_id, products_quantity, products_ordered FROM {self.driver.stock} p")
        found = {product: (quantity, ordered) for product, quantity, ordered in rows}
        return {sku: found[product] for sku, product in self.products.items() if product in found}

    def watch(self) -> None:
        """From now on the database itself notes every change of quantity + ordered, and whether OnHand made it."""
        driver = self.driver
        driver.sql(f"CREATE TABLE witness (product INT, change_of_sum INT, ours INT) ENGINE={driver.engine}")
        driver.sql(
            "CREATE TRIGGER witness AFTER UPDATE ON products FOR EACH ROW"
            " INSERT INTO witness VALUES (NEW.products_id, CAST(NEW.products_quantity AS SIGNED) + NEW.products_ordered"
            " - OLD.products_quantity - OLD.products_ordered,"
            f" IS_USED_LOCK('{driver.lock_name}') <=> CONNECTION_ID())"  # the connector works under its lock
        )

    def destroyed(self) -> dict[str, int]:
        """What the shop's own programs changed in quantity + ordered since ``watch``: what races destroyed, where they only traded."""
        return self._witnessed(ours=False)

    def posted(self) -> dict[str, int]:
        """What OnHand changed in quantity + ordered since ``watch``."""
        return self._witnessed(ours=True)

    def _witnessed(self, *, ours: bool) -> dict[str, int]:
        rows = self.driver.sql(
            "SELECT product, SUM(change_of_sum) FROM witness WHERE ours = %s GROUP BY product HAVING SUM(change_of_sum) <> 0",
            (ours,),
        )
        skus = {product: sku for sku, product in self.products.items()}
        return {skus[product]: int(units) for product, units in rows}


class Stage:
    """A house with shops, all in step, real time on."""

    def __init__(
        self,
        home: Path,
        stock: dict[str, int],
        *,
        apart: bool = False,
        clock: Clock | None = None,
        house: Callable[[Path], Any] | None = None,
    ) -> None:
        """``house`` opens another kind of house on a store than the two that ``apart`` chooses between."""
        store = home / "onhand.db"
        self.stock = stock
        opens = house or (HouseApart if apart else lambda path: House(path, clock))
        self._open_house: Callable[[], Any] = lambda: opens(store)
        self.house = self._open_house()
        self.shops: list[Shop] = []

    def open_shop(self, driver: FamilyShop, url: str | None = None) -> Shop:
        """A shop that sells our whole stock, connected; ``url`` where the connector is not to be reached directly."""
        shop = Shop(("Amber", "Birch", "Cedar")[len(self.shops)], driver, self.stock)
        self.shops.append(shop)
        self.verb("cart_add", name=shop.name, url=url or driver.url, key_id=driver.key_id, secret=driver.secret_hex)
        self.verb("cart_edit", cart=shop.name, tick_seconds=TICK_SECONDS, settle_seconds=QUIET_SECONDS)
        return shop

    def align(self) -> None:
        """The first shop is right, the others follow; then real time is switched on."""
        first, *others = self.shops
        self.verb("param_set", name="SynchQOH", value="True")
        self.verb("get_qoh", cart=first.name, create=True)
        for shop in others:
            self.verb("send_qoh", cart=shop.name)
        for shop in self.shops:
            self.verb("cart_edit", cart=shop.name, settle_seconds=SETTLE_SECONDS)
            self.verb("sync_on", cart=shop.name)
        self.looks_pass(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.house.close()
        for shop in self.shops:
            shop.driver.close()

    def reopen(self) -> None:
        """The house was killed: it is started again on the same store."""
        self.house = self._open_house()

    # What people do

    def verb(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return self.house.verb(name, **arguments)

    def receive(self, sku: str, units: int, reference: str = "") -> None:
        self.verb("receive", lines=[[sku, units]], reference=reference)

    # What is to be seen

    def on_hand(self) -> dict[str, int]:
        return {item["sku"]: item["on_hand"] for item in self.verb("item_list")["items"]}

    def cart(self, shop: Shop) -> dict[str, Any]:
        return self.verb("cart_show", cart=shop.name)

    def trouble(self, shop: Shop) -> str:
        return self.cart(shop)["trouble"] or ""

    def differences(self, shop: Shop | None = None, open_only: bool = False) -> list[dict[str, Any]]:
        """Oldest first."""
        found = self.verb("differences", cart=shop.name if shop else None, open_only=open_only, limit=10_000)
        return found["differences"][::-1]

    def causes(self, shop: Shop | None = None) -> list[tuple[str, int]]:
        return [(found["cause"], found["amount"]) for found in self.differences(shop)]

    def movements(self, sku: str) -> list[tuple[str, int, str | None]]:
        """Kind, units and order number of what was booked for a SKU, oldest first, without the opening."""
        found = self.verb("movements", sku=sku, limit=100_000)["movements"][::-1]
        return [(entry["kind"], entry["quantity"], entry["order"]) for entry in found if entry["kind"] != "opening"]

    # Waiting

    def eventually(self, fact: Callable[[], Any], within: float = PATIENCE_SECONDS) -> None:
        eventually(fact, within, self.report)

    def all_show(self, within: float = PATIENCE_SECONDS, **units: int) -> None:
        """OnHand and every shop come to hold these units."""
        self.eventually(
            lambda: all(
                self.on_hand()[sku] == n and all(shop.shows(sku) == n for shop in self.shops)
                for sku, n in units.items()
            ),
            within,
        )

    def looks_pass(self, number: int = 2, at: Sequence[Shop] | None = None) -> None:
        """So many looks at every shop (or ``at`` these), all of them ended after now and all but one begun after now."""
        watched = self.shops if at is None else at
        for _ in range(number):
            since = datetime.now(UTC).isoformat(timespec="milliseconds")
            self.eventually(lambda since=since: all((self.cart(shop)["looked_at"] or "") > since for shop in watched))

    def equal(self) -> bool:
        """OnHand and all shops hold the same of everything."""
        on_hand = {sku: units for sku, units in self.on_hand().items() if sku in self.stock}
        return all({sku: q for sku, (q, _) in shop.counters().items()} == on_hand for shop in self.shops)

    def in_step(self) -> bool:
        """Equal, and every cart says so itself: nothing is under way, nothing is left to explain."""
        return self.equal() and all(
            cart["state"] == "in step"
            and not cart["in_flight"]
            and not cart["waiting"]
            and not cart["differences_open"]
            for cart in self.verb("cart_list")["carts"]
        )

    def all_is_well(self, within: float = PATIENCE_SECONDS) -> None:
        """Everything comes in step and stays so; the accounts hold."""
        self.eventually(self.in_step, within)
        self.looks_pass()
        assert self.equal(), self.report()
        self.accounts_hold()

    def accounts_hold(self) -> None:
        """Every movement is there once: balances fold, and what is booked for a shop is what its counters say it sold."""
        assert self.verb("prove") == {"holds": True, "items": [], "carts": []}, self.report()
        ids = {cart["name"]: cart["id"] for cart in self.verb("cart_list")["carts"]}
        booked: dict[tuple[int, str], int] = {}
        for entry in self.verb("movements", limit=100_000)["movements"]:
            if entry["kind"] in {"sale", "cancellation"} and entry["cart"] is not None:
                key = (entry["cart"], entry["sku"])
                booked[key] = booked.get(key, 0) - entry["quantity"]
        for shop in self.shops:
            for sku, (_, ordered) in shop.counters().items():
                assert booked.get((ids[shop.name], sku), 0) == ordered, f"{shop.name} {sku}\n{self.report()}"

    # When a story fails

    def report(self) -> str:
        """Everything a person would look at."""
        try:
            return self._report()
        except OnHandError as problem:
            return f"(no report: {problem.message})"

    def _report(self) -> str:
        carts = self.verb("cart_list")["carts"]
        told = []
        for cart, shop in zip(carts, self.shops, strict=True):
            words = ("state", "trouble", "halted", "in_flight", "waiting", "parked", "differences_open", "looked_at")
            told.append(f"{cart['name']}: " + ", ".join(f"{word} {cart[word]!r}" for word in words))
            counters = shop.counters()
            for product in self.verb("cart_products", cart=shop.name)["products"]:
                there, here = counters.get(product["model"]), (product["shows"], product.get("ordered"))
                if there != here or here[0] != product["on_hand"] or product["problem"] or product["held"]:
                    told.append(
                        f"  {product['model']}: shop {there}, books {here}, on hand {product['on_hand']}, "
                        f"problem {product['problem']}, held {product['held']}, parked {product['parked']}"
                    )
        told += [f"difference {found}" for found in self.differences()[-20:]]
        told += [f"post {found}" for found in self.verb("posts", limit=12)["posts"]]
        told += [f"movement {found}" for found in self.verb("movements", limit=12)["movements"]]
        return "\n".join(told)


class Crowd:
    """People who trade, each in a thread of their own, until they are told to stop."""

    def __init__(self) -> None:
        self._open = True
        self._pool = ThreadPoolExecutor(max_workers=16)
        self._people: list[Future[None]] = []

    def let(self, act: Callable[[], Any], people: int = 1, patient: Iterable[type[Exception]] = ()) -> None:
        """Have so many people do this again and again. ``patient`` are failures after which they try on."""
        forgiven = tuple(patient)

        def go_on() -> None:
            while self._open:
                try:
                    act()
                except forgiven:
                    time.sleep(0.05)

        self._people += [self._pool.submit(go_on) for _ in range(people)]

    def stop(self) -> None:
        """Everybody finishes what they are at. Raises what they ran into."""
        self._open = False
        self._pool.shutdown()
        for person in self._people:
            person.result()
