"""Throws hostile inputs at the connector, the API and the files for a while; then the books have to be right.

Path: ``make fuzz SECONDS=180 SEED=…`` and ``test_fuzz.py`` → ``run`` → a JSON report; ``outcome`` has the checks.
Promise: every input follows from the seed and its number; how inputs at the same moment meet does not.
Never: forgives a failed check.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from tests.fuzz.api import Api
from tests.fuzz.connector import Connector
from tests.fuzz.files import Files
from tests.fuzz.outcome import Outcome, faults_of
from tests.servers import MariaDB, PhpServer
from tests.shops.families import OsCommerce23

CALLS_AT_ONCE = 12
REQUESTS_AT_ONCE = 4
API_SHARE = 0.6  # of the time that the API and the files share
WARM = 0.25  # of the time; what memory grows by from then on is looked at
QUIET = logging.CRITICAL + 1


class Faults(logging.Handler):
    """Keeps what was logged with a traceback: a fault of ours that got an answer is a fault all the same."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.ERROR)
        self._outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if len(self._outcome.tracebacks) < 20:
            info = record.exc_info or (record.msg.get("exc_info") if isinstance(record.msg, dict) else None)
            trace = "".join(traceback.format_exception(*info)) if isinstance(info, tuple) and info[0] else ""
            if info is True:
                trace = traceback.format_exc()
            self._outcome.tracebacks.append(f"{record.getMessage()[:300]} {trace[-1500:]}")


def memory_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def cpu_seconds() -> float:
    """What this process, and the servers that it started and ended, took of the machine."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return round(sum(one.ru_utime + one.ru_stime for one in used), 1)


def api_and_files(seed: int, seconds: float, folder: Path) -> Outcome:
    """The part of one process: the API, with a little of the time for the files."""
    outcome = Outcome()
    _listen(outcome)
    target = Api(seed, outcome, folder)
    began = time.monotonic()
    end = began + seconds * API_SHARE
    warm: list[float] = []
    numbers = iter(range(10**9))

    async def caller() -> None:
        while time.monotonic() < end:
            await target.one(next(numbers))
            if not warm and time.monotonic() - began > seconds * API_SHARE * WARM:
                warm.append(memory_mb())

    async def all_callers() -> None:
        await asyncio.gather(*(caller() for _ in range(CALLS_AT_ONCE)))

    asyncio.run(all_callers())
    outcome.memory_mb["API"] = (*(warm or [memory_mb()]), memory_mb())
    target.finish()
    files, number = Files(seed, outcome), 0
    before = memory_mb()
    while time.monotonic() < began + seconds:
        files.one(number)
        number += 1
    outcome.memory_mb["files"] = (before, memory_mb())
    outcome.cpu_seconds["API and files"] = cpu_seconds()
    return outcome


def connector(seed: int, seconds: float, _: Path) -> Outcome:
    """The part of the other process: a shop with its own PHP and MariaDB."""
    outcome = Outcome()
    with MariaDB() as mariadb, PhpServer(workers=REQUESTS_AT_ONCE) as php:
        shop = OsCommerce23(mariadb, php)
        target = Connector(seed, outcome, shop)
        end = time.monotonic() + seconds

        def sender(first: int) -> None:
            number = first
            while time.monotonic() < end:
                target.one(number)
                number += REQUESTS_AT_ONCE

        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as senders:
            list(senders.map(sender, range(REQUESTS_AT_ONCE)))
        target.finish()
        shop.close()
    outcome.cpu_seconds["connector"] = cpu_seconds()
    return outcome


def run(seed: int, seconds: float, folder: Path) -> Outcome:
    """Both parts at once, each in a process of its own."""
    outcome = Outcome()
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        parts = [pool.apply_async(part, (seed, seconds, folder)) for part in (api_and_files, connector)]
        for part in parts:
            outcome.join(part.get())
    return outcome


def report(seed: int, seconds: float, outcome: Outcome, found: dict[str, list[Any]]) -> dict[str, Any]:
    """What was done and what came of it."""
    total = sum(outcome.inputs.values())
    return {
        "seed": seed,
        "seconds": seconds,
        "inputs": total,
        "inputs_per_second": round(total / seconds),
        **{
            name: value
            for name, value in asdict(outcome).items()
            if name in {"answers", "booked", "memory_mb", "cpu_seconds"}
        },
        "by_target": outcome.inputs,
        "checks": {name: faults or "holds" for name, faults in found.items()},
    }


def _listen(outcome: Outcome) -> None:
    logging.basicConfig(handlers=[Faults(outcome)], level=logging.ERROR, force=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def one_again(seed: int, name: str, number: int, show: Callable[[str], object] = print) -> None:
    """Show the input of that number again."""
    with tempfile.TemporaryDirectory(prefix="onhand-fuzz-") as folder:
        target = Files(seed, Outcome()) if name == "files" else Api(seed, Outcome(), Path(folder))
        show(repr(target.made(number)))


def main() -> int:
    """Print the report as JSON; 1 if a check failed."""
    parser = argparse.ArgumentParser(
        description="Hostile inputs for the connector, the API and the files, for a while."
    )
    parser.add_argument("--seconds", type=float, default=180.0, help="how long")
    parser.add_argument("--seed", type=int, default=None, help="of the inputs; by chance if not given")
    parser.add_argument("--at-least", type=int, default=0, help="how many inputs there have to be")
    parser.add_argument("--show", nargs=2, metavar=("TARGET", "NO"), help="only show one input: api 17, or files 17")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}, {given.seconds:.0f} seconds", file=sys.stderr)
    if given.show:
        one_again(seed, given.show[0], int(given.show[1]))
        return 0
    with tempfile.TemporaryDirectory(prefix="onhand-fuzz-") as folder:
        outcome = run(seed, given.seconds, Path(folder))
    found = faults_of(outcome, given.at_least)
    print(json.dumps(report(seed, given.seconds, outcome, found), indent=2, default=str))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
