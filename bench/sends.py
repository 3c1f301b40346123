"""Measures Get and Send of a whole shop: how long they take, and how much memory the process that does them needs at most.

Ours: the verbs, each in a process of its own that has nothing else to do. Its memory is the highest resident size, Python included.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from onhand.app import App

from .ground import SETTLE_SECONDS, Ground, call, store
from .measure import Aim, Finding

MEMORY_MB = 200


def measure(ground: Ground, quick: bool) -> list[Finding]:
    products = 10_000 if quick else 100_000
    with ground.shop(products) as shop, store() as path:
        with App(path, "bench") as app:
            call(app, "cart_add", name="Bench", url=shop.url, key_id=shop.key_id, secret=shop.secret_hex)
            call(app, "cart_edit", cart="Bench", settle_seconds=SETTLE_SECONDS)
        work = f"{products:,} listings"
        findings = [
            *_measured(path, f"Get of {work}, all new", "get_qoh", create=True),
            *_measured(path, f"Send of {work}, all equal", "send_qoh"),
        ]
        shop.sql("UPDATE products SET products_quantity = products_quantity + 3 + products_id % 5")
        findings += _measured(path, f"Send of {work}, all different", "send_qoh")
        with App(path, "bench") as app:
            here = app.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
        if here != dict(shop.sql("SELECT products_model, products_quantity FROM products")):
            raise RuntimeError("The shop does not show what the books say.")
    return findings


def _measured(path: Path, work: str, verb: str, **arguments: Any) -> list[Finding]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        seconds, megabytes = pool.submit(perform, path, verb, arguments).result()
    return [
        Finding(work, "", seconds, "s"),
        Finding(f"{work}, memory", "", megabytes, "MB", Aim("<", MEMORY_MB)),
    ]


def perform(path: Path, verb: str, arguments: dict[str, Any]) -> tuple[float, float]:
    """Run a verb; return its seconds, and the most megabytes that this process ever had."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with App(path, "bench") as app:
        started = time.monotonic()
        call(app, verb, cart="Bench", **arguments)
        seconds = time.monotonic() - started
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return seconds, int(status["VmHWM"].split()[0]) / 1024
