"""Measures what becomes of a day of trade, by who keeps the counts: OnHand, what people use today, and perfect knowledge.

All of them get the same days: buyers, deliveries, an outage of one shop, shops whose checkouts race, a network that loses answers
(``trade``, ``shops``). Every run makes new days from a new seed and prints it; ``SEED=7`` repeats a run. Each figure is the median of the
days of its rate. Time is simulated, so only the headers of requests are measured on this machine.

Read ``day.Keeper`` first, then any of ``older``, ``hosted``, ``connector``, ``ours`` and ``perfect``.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

import structlog

from bench.ground import Ground, OlderWay, Wire, through
from bench.measure import Aim, Finding, Summary, shown
from onhand.domain.grammar import counted
from onhand.simulation.run import SEED_MAX

from .connector import Connector
from .day import Keeper, Outcome, play
from .hosted import Hosted
from .older import Older
from .ours import OnHand
from .perfect import Perfect
from .shops import Headers
from .trade import plan

KEEPERS: dict[str, type[Keeper]] = {kind.name: kind for kind in (OnHand, Older, Hosted, Connector, Perfect)}
# Hours of trade, by buyers an hour. The more sales, the longer OnHand's real code takes for an hour.
HOURS = {60: 8.0, 600: 2.0, 3600: 1.0}
HOURS_QUICK = {60: 0.5, 600: 0.2, 3600: 0.05}
DAYS, DAYS_QUICK = 3, 1  # of each rate
FIGURES = {
    "oversold": "units",
    "raced": "units",
    "wrong": "units",
    "wrong_minutes": "SKU-minutes",
    "turned_away": "units",
    "sold": "units",
    "requests": "requests",
    "bytes": "bytes",
    "decisions": "decisions",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One day with one keeper. Processes hand it on."""

    seed: int
    rate: int
    hours: float
    keeper: str
    headers: Headers


def measure(ground: Ground, quick: bool) -> list[Finding]:
    seed = int(os.environ.get("SEED") or secrets.randbelow(SEED_MAX))
    print(f"rivals: seed {seed}, repeat with SEED={seed}")
    found = outcomes(seed, quick, headers(ground))
    print(table(found))
    return findings(found, seed)


def headers(ground: Ground) -> Headers:
    """Measure how many bytes of HTTP headers a signed and a plain request have, with their answers, at a real shop."""
    with ground.shop(1) as shop, Wire(shop.php.port) as wire:
        client = through(wire, shop)
        client.look(0, 0, 1, True, False)  # the first one learns that the connector understands short signatures
        wire.reset()
        client.look(0, 0, 1, True, False)
        client.disconnect()
        signed = wire.bytes - wire.bodies
        wire.reset()
        OlderWay(shop, wire.port).change(1, 1)
        return Headers(signed, wire.bytes - wire.bodies)


def outcomes(seed: int, quick: bool, weights: Headers) -> list[Outcome]:
    """Play all days with all keepers; return the outcomes by rate, day and keeper."""
    hours, days = (HOURS_QUICK, DAYS_QUICK) if quick else (HOURS, DAYS)
    chance = Random(f"rivals {seed}")
    seeds = [chance.randrange(SEED_MAX) for _ in range(days)]
    tasks = [Task(own, rate, hours[rate], keeper, weights) for rate in hours for own in seeds for keeper in KEEPERS]
    processes = len(os.sched_getaffinity(0))
    if quick or processes == 1:
        return [perform(task) for task in tasks]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(perform, tasks))


def perform(task: Task) -> Outcome:
    """Play one day with one keeper, and log nothing: simulated events are not real ones."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return play(plan(task.seed, task.rate, task.hours), KEEPERS[task.keeper], task.headers)
    finally:
        structlog.configure(**before)


def findings(found: Sequence[Outcome], seed: int) -> list[Finding]:
    """Return one finding for each keeper and rate, and one that says whether OnHand was wrong at the end of any day."""
    kept = []
    for rate, keeper, days in _grouped(found):
        more = {name: Summary.of([getattr(day, name) for day in days], unit) for name, unit in FIGURES.items()}
        note = (
            f"{shown(more['raced'].p50)} of them by races, {shown(more['wrong'].p50)} wrong at the end,"
            f" {shown(more['wrong_minutes'].p50)} SKU-minutes wrong, {shown(more['requests'].p50)} requests,"
            f" {shown(more['bytes'].p50 / 1e6)} MB; {counted(len(days), 'day')} of seed {seed}"
        )
        work = f"{rate:,} sales an hour, {keeper}: oversold"
        kept.append(Finding(work, "", more["oversold"].p50, "units", note=note, more=more))
    worst = max(day.wrong for day in found if day.keeper == OnHand.name)
    return [*kept, Finding("OnHand, wrong at the end of any day", "", worst, "units", Aim("≤", 0))]


def table(found: Sequence[Outcome]) -> str:
    """Return the medians as the table of ``README.md``."""
    lines = [
        "| sales an hour | counts kept by | oversold | … by races | wrong at the end | SKU-minutes wrong | requests | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for rate, keeper, days in _grouped(found):
        medians = {name: Summary.of([getattr(day, name) for day in days], unit).p50 for name, unit in FIGURES.items()}
        figures = [f"{medians[name]:,.0f}" for name in ("oversold", "raced", "wrong", "wrong_minutes", "requests")]
        figures.append(shown(medians["bytes"] / 1e6))
        lines.append("| " + " | ".join([f"{rate:,}", keeper, *figures]) + " |")
    return "\n".join(lines)


def _grouped(found: Sequence[Outcome]) -> list[tuple[int, str, list[Outcome]]]:
    rates = sorted({day.rate for day in found})
    return [
        (rate, keeper, [day for day in found if (day.rate, day.keeper) == (rate, keeper)])
        for rate in rates
        for keeper in KEEPERS
    ]
