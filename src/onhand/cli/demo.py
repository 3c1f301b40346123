"""The demonstration: OnHand on a fresh store with two small shops that really race.

Path: ``onhand demo`` shows it to a person; ``onhand demo --check`` runs a short scenario and checks every count.
Promise: the demo uses the same interfaces as a merchant's installation; the shops are separate processes.
Never: touches an existing store data file: it creates one in a temporary folder and removes it.
"""

from __future__ import annotations

import json
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from onhand.app import App
from onhand.carts.sample import SampleShop, Unavailable, catalogue
from onhand.services import people
from onhand.serving.server import Server
from onhand.storage import database
from onhand.verbs import VERBS

PRODUCTS = 36
SHOPS = ("Amber", "Birch")
SETTLE_SECONDS = 1.0  # the sample shop's statements are milliseconds apart
CHECK_SECONDS_MAX = 55.0  # the whole check, without the set-up
QUIET_SECONDS_MAX = 25.0
SHOPPER_SECONDS = (0.6, 2.4)  # pause between two shoppers of the demonstration
START_SECONDS_MAX = 10.0


@dataclass
class DemoShop:
    """One sample shop: its process, and direct access to trade in it."""

    name: str
    own: SampleShop
    arguments: list[str]
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def start(self) -> None:
        """Start the shop's process."""
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        first = self.process.stdout.readline().split() if self.process.stdout else []
        if not first:
            raise RuntimeError(f"The sample shop {self.name} did not start.")
        self.url = first[0].rstrip("/")
        port = self.url.rsplit(":", 1)[1]
        self.arguments[self.arguments.index("--port") + 1] = port  # it comes back at the same address

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the shop's process; SIGKILL is a power cut."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def quantity(self, sku: str) -> int:
        """Return the quantity that the shop shows."""
        ware = self.own.find(sku)
        return ware.quantity if ware else 0


@dataclass
class Stage:
    """The running demonstration."""

    app: App
    shops: list[DemoShop]
    url: str
    opening: dict[str, int]
    booked: Counter[str] = field(default_factory=Counter)  # what the office received and adjusted, per SKU

    def verb(self, verb: str, /, **arguments: Any) -> dict[str, Any]:
        """Run one verb, as the command line would."""
        return VERBS[verb](self.app, lambda *_: None, **arguments)

    def receive(self, sku: str, units: int) -> None:
        self.verb("receive", lines=[(sku, units)], person="demo")
        self.booked[sku] += units

    def adjust(self, sku: str, change: int, reason: str) -> None:
        self.verb("adjust", sku=sku, change=change, reason=reason, person="demo")
        self.booked[sku] += change


def run(check: bool, as_json: bool, port: int = 0) -> int:
    """Run the demo and return the exit code: 0, or 1 if the check found a wrong count."""
    say = (
        (lambda text: print(text, file=sys.stderr if as_json else sys.stdout, flush=True))
        if not (check and as_json)
        else _hush
    )
    started = time.monotonic()
    with _staged(port, say) as stage:
        if check:
            report = _check(stage, started, say)
            print(json.dumps(report, indent=2) if as_json else _in_words(report))  # noqa: T201 - the answer
            return 0 if report["ok"] else 1
        _show(stage, say)
    return 0


@contextmanager
def _staged(port: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set up a new store and two shops, align them and switch them on."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onhand-demo-")))
        database.create(folder / "onhand.db")
        app = stack.enter_context(App(folder / "onhand.db", "demo"))
        articles = catalogue(PRODUCTS)
        stage = Stage(app, [], "", {article.sku: article.quantity for article in articles})
        for name in SHOPS:
            shop = _open_shop(stage, folder, name)
            stack.callback(shop.stop)
            stack.callback(shop.own.close)
        server = stack.enter_context(Server(app, port=port, pages=True))
        stage.url = server.url
        say(f"Two shops with {PRODUCTS} products each, {stage.shops[0].name} with the right counts. Aligning …")
        stage.verb("get_qoh", cart=SHOPS[0], create=True)
        stage.verb("send_qoh", cart=SHOPS[1])
        stage.verb("param_set", name="SynchQOH", value="True")
        for name in SHOPS:
            stage.verb("sync_on", cart=name)
        app.start_controller()
        yield stage


def _open_shop(stage: Stage, folder: Path, name: str) -> DemoShop:
    """Start a sample shop with its connector key, and add its cart. The second shop's counts are all wrong at first."""
    own = SampleShop(folder / f"{name.lower()}.db", name=name).create(
        [
            (article.sku, article.name, article.quantity if name == SHOPS[0] else article.quantity // 2, article.price)
            for article in catalogue(PRODUCTS)
        ],
    )
    key_id, secret = stage.app.connectors.new_key()
    secret_file = folder / f"{name.lower()}.key"
    secret_file.touch(mode=0o600)
    secret_file.write_text(secret)
    arguments = [sys.executable, "-m", "onhand.carts.sample", str(folder / f"{name.lower()}.db"), "--port", "0"]
    shop = DemoShop(name, own, [*arguments, "--key-id", key_id, "--secret-file", str(secret_file), "--name", name])
    shop.start()
    stage.shops.append(shop)
    stage.verb("cart_add", name=name, url=f"{shop.url}/onhand.php", key_id=key_id, secret=secret)
    stage.verb("cart_edit", cart=name, settle_seconds=SETTLE_SECONDS)
    return shop


# For a person


def _show(stage: Stage, say: Callable[[str], None]) -> None:
    """Let shoppers buy until the person stops the demo."""
    say("")
    password = secrets.token_urlsafe(9)
    people.begin(stage.app.house, stage.app.gate, people.first_link(stage.app.house) or "", "demo", password)
    say(f"  OnHand           {stage.url}/      (log in as demo with the password {password})")
    for shop in stage.shops:
        say(f"  {shop.name:<16} {shop.url}/      (press Buy, and watch the other shop)")
    say("")
    say("Shoppers are buying in both shops. Stop with Ctrl-C.")
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    chance = random.Random()  # noqa: S311 - shoppers, not secrets
    while not over.wait(chance.uniform(*SHOPPER_SECONDS)):
        shop = chance.choice(stage.shops)
        try:
            ware = chance.choice([ware for ware in shop.own.stock() if ware.quantity > 0])
            shop.own.buy(ware.product, chance.choice((1, 1, 1, 2)))
        except (Unavailable, IndexError):
            continue
        low = [row for row in stage.verb("item_list", limit=PRODUCTS)["items"] if row["on_hand"] <= 3]
        if low:
            stage.receive(low[0]["sku"], 40)
            say(f"The office received 40 of {low[0]['sku']}.")
    say("Closing …")


# For a program


def _check(stage: Stage, started: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Run a scenario in which everything goes wrong, then compare the counts on all sides."""
    skus = sorted(stage.opening)
    chance = random.Random(1)  # noqa: S311 - the same story every time
    say("Receipts and adjustments: how soon do both shops show them?")
    local = _local_latencies(stage, skus[:8])
    say("Sales: how soon does the other shop show them?")
    across = _sale_latencies(stage, skus[8:18], chance)
    say("Six buyers at once in each shop, all for the same two products …")
    with ThreadPoolExecutor(12) as buyers:
        list(buyers.map(lambda n: _try_to_buy(stage.shops[n % 2], skus[18 + n % 2]), range(24)))
    say("… and three buyers who all read the same quantity: the shop itself loses two of the three sales.")
    stage.shops[0].own.buy_together(skus[20], 3)
    say("One shop loses power; the other shop and the office carry on.")
    stage.shops[1].stop(signal.SIGKILL)
    for sku in skus[21:25]:
        stage.shops[0].own.buy(sku)
        stage.receive(sku, 5)
    time.sleep(3.0)
    stage.shops[1].start()
    stage.shops[1].own.buy(skus[21])
    stage.adjust(skus[22], -1, "broken")
    say("Waiting until everything is in sync …")
    limit = min(QUIET_SECONDS_MAX, max(5.0, CHECK_SECONDS_MAX - (time.monotonic() - started)))
    lines, quiet_after = _wait_for_quiet(stage, limit)
    found = stage.verb("differences", limit=1000)["differences"]
    named = any(row["cause"] == "lost sale" and row["sku"] == skus[20] and row["amount"] == 2 for row in found)
    closed = all(row["closed_at"] for row in found)
    holds = stage.verb("prove")["holds"]
    agree = all(line["agree"] for line in lines)
    return {
        "ok": agree and holds and named and closed,
        "agree": agree,
        "prove_holds": holds,
        "lost_sale_named": named,
        "seconds": round(time.monotonic() - started, 1),
        "quiet_after_seconds": quiet_after,
        "local_to_shop_ms": _spread(local),
        "shop_to_shop_ms": _spread(across),
        "differences": [
            {key: row[key] for key in ("cart", "sku", "cause", "amount", "remedy", "closed_at")} for row in found
        ],
        "skus": lines,
    }


def _local_latencies(stage: Stage, skus: list[str]) -> list[float]:
    """Return the seconds from each command to the commit in each shop."""
    seconds = []
    for n in range(24):
        sku = skus[n % len(skus)]
        goals = [(shop, shop.quantity(sku) + (3 if n % 3 else -1)) for shop in stage.shops]
        began = time.monotonic()
        stage.receive(sku, 3) if n % 3 else stage.adjust(sku, -1, "sample")
        seconds += [_until_shown(shop, sku, goal, began) for shop, goal in goals]
        time.sleep(0.05)
    return seconds


def _sale_latencies(stage: Stage, skus: list[str], chance: random.Random) -> list[float]:
    """Return the seconds from the end of each sale in one shop to the commit of the new count in the other."""
    seconds = []
    for n in range(20):
        sku, here, there = skus[n % len(skus)], stage.shops[n % 2], stage.shops[1 - n % 2]
        goal = there.quantity(sku) - 1
        here.own.buy(sku)
        seconds.append(_until_shown(there, sku, goal, time.monotonic()))
        time.sleep(chance.uniform(0.0, 0.3))  # so that sales fall anywhere within a tick
    return seconds


def _until_shown(shop: DemoShop, sku: str, goal: int, began: float) -> float:
    """Return the seconds from ``began`` until the shop shows the goal; give up after ten."""
    while shop.quantity(sku) != goal and time.monotonic() - began < START_SECONDS_MAX:
        time.sleep(0.001)
    return time.monotonic() - began


def _try_to_buy(shop: DemoShop, sku: str) -> None:
    try:
        shop.own.buy(sku)
    except Unavailable:
        return  # sold out is an answer


def _wait_for_quiet(stage: Stage, limit: float) -> tuple[list[dict[str, Any]], float]:
    """Return the counts on all sides once they agree or time is up, and the seconds that took."""
    began = time.monotonic()
    while True:
        lines = _counts(stage)
        open_ones = stage.verb("differences", open_only=True)["differences"]
        if (all(line["agree"] for line in lines) and not open_ones) or time.monotonic() - began > limit:
            return lines, round(time.monotonic() - began, 1)
        time.sleep(0.2)


def _counts(stage: Stage) -> list[dict[str, Any]]:
    """Return for each SKU the counts in OnHand and in each shop, and the count that the shops' sales counters imply."""
    stock = {row["sku"]: row["on_hand"] for row in stage.verb("item_list", limit=PRODUCTS)["items"]}
    sold: Counter[str] = Counter()
    shown: dict[str, dict[str, int]] = {sku: {} for sku in stage.opening}
    for shop in stage.shops:
        for ware in shop.own.stock():
            sold[ware.sku or ""] += ware.ordered
            shown[ware.sku or ""][shop.name] = ware.quantity
    lines = []
    for sku, opening in sorted(stage.opening.items()):
        left = opening + stage.booked[sku] - sold[sku]
        agree = {stock.get(sku), left, *shown[sku].values()} == {left}
        lines.append({"sku": sku, "qoh": stock.get(sku), "shops": shown[sku], "expected": left, "agree": agree})
    return lines


def _spread(seconds: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile in milliseconds."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(1000 * cuts[49], 1), "p99": round(1000 * cuts[98], 1), "samples": len(seconds)}


def _in_words(report: dict[str, Any]) -> str:
    wrong = [line["sku"] for line in report["skus"] if not line["agree"]]
    verdict = "All counts agree." if report["agree"] else f"Counts differ for {', '.join(wrong)}."
    causes = ", ".join(f"{row['cause']} ({row['sku']}, {row['amount']:+d})" for row in report["differences"]) or "none"
    return (
        f"{verdict} The ledger {'adds up' if report['prove_holds'] else 'does NOT add up'}. Differences found: {causes}.\n"
        f"From OnHand to a shop: {report['local_to_shop_ms']['p50']} ms (p50), {report['local_to_shop_ms']['p99']} ms (p99). "
        f"From one shop to the other: {report['shop_to_shop_ms']['p50']} ms, {report['shop_to_shop_ms']['p99']} ms."
    )


def _hush(text: str) -> None:
    """Discard progress messages: a program reads only the result."""
