"""Runs as many worlds as requested, adds up their events, and shrinks the histories of those that failed.

Path: ``onhand simulate`` and ``tests/simulation`` → ``simulate`` → one ``World`` per seed, in as many processes as are allowed.
Promise: the same seed and number of operations give the same report, but for the time it took; each promise that was broken
comes with the shortest history found that still breaks it, which can be performed again.
Never: stops at a failure, or reports one without saying how to see it again.
"""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count, islice
from statistics import median
from typing import Any

import structlog

from onhand.address import Server

from .acts import perform
from .checks import check
from .plan import Act, Plan, plan
from .world import World

SEED_MAX = 10**9  # a fresh seed is below this: short enough to type again
SHRINK_RUNS_MAX = 120  # how often a failing world is performed again, to find its shortest history
SHRUNK_MAX = 3  # failing worlds that are shrunk: the first of each kind, up to so many kinds
FAILED_MAX = 1000  # failing worlds that a report lists
AHEAD = 8  # worlds that are begun before it is known whether they are needed, per process

Progress = Callable[[int], None]  # operations so far


@dataclass(frozen=True, slots=True)
class Told:
    """The result of one world."""

    seed: int
    operations: int
    acts: Counter[str]
    faults: Counter[str]
    checks: Counter[str]
    traffic: Counter[str]
    causes: Counter[str]
    in_step_seconds: tuple[float, ...]
    violations: tuple[str, ...]
    story: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """The results of many worlds, added up."""

    seed: int
    worlds: int = 0
    operations: int = 0
    seconds: float = 0.0
    acts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    traffic: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    in_step_seconds: list[float] = field(default_factory=list)
    failed: list[Told] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)  # the shortest that still fail, of the first worlds of each kind

    @property
    def holds(self) -> bool:
        return not self.failed

    @property
    def broken(self) -> dict[str, list[int]]:
        """Return the seeds of the worlds that failed, by the promise that each broke first."""
        found: dict[str, list[int]] = {}
        for told in self.failed:
            found.setdefault(_kind(told), []).append(told.seed)
        return found

    def add(self, told: Told) -> None:
        self.worlds += 1
        self.operations += told.operations
        for own, more in zip(
            (self.acts, self.faults, self.checks, self.traffic, self.causes),
            (told.acts, told.faults, told.checks, told.traffic, told.causes),
            strict=True,
        ):
            own.update(more)
        self.in_step_seconds += told.in_step_seconds
        if told.violations:
            self.failed.append(told)

    def data(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "holds": self.holds,
            "seed": self.seed,
            "worlds": self.worlds,
            "operations": self.operations,
            "operations_per_second": round(self.operations / self.seconds) if self.seconds else None,
            "seconds": round(self.seconds, 1),
            "faults": dict(sorted(self.faults.items())),
            "checks": dict(sorted(self.checks.items())),
            "acts": dict(sorted(self.acts.items())),
            "traffic": dict(sorted(self.traffic.items())),
            "differences": dict(sorted(self.causes.items())),
            "in_step_seconds": {
                "median": round(median(self.in_step_seconds), 2) if self.in_step_seconds else None,
                "longest": round(max(self.in_step_seconds), 2) if self.in_step_seconds else None,
            },
            "worlds_failed": len(self.failed),
            "broken": self.broken,
            "failed": [
                {"seed": told.seed, "violations": list(told.violations[:20])} for told in self.failed[:FAILED_MAX]
            ],
            "histories": self.histories,
        }


def fresh_seed() -> int:
    """Return a random seed."""
    return secrets.randbelow(SEED_MAX)


def simulate(
    seed: int,
    operations: int,
    jobs: int = 1,
    progress: Progress = lambda _: None,
    worlds: int | None = None,
    store: Server | None = None,
) -> Report:
    """Perform the worlds ``seed``, ``seed`` + 1, … until that many operations are done; with ``worlds``, exactly that many worlds.

    Stores are in memory, or with ``store`` on a PostgreSQL server.

    A world that fails does not end the run. Afterwards the first of each kind of failure is shrunk.
    """
    report = Report(seed)
    began = time.monotonic()
    for told in _worlds(seed, jobs, worlds, store):
        report.add(told)
        progress(report.operations)
        if worlds is None and report.operations >= operations:
            break
    report.seconds = time.monotonic() - began
    report.histories = _histories([seeds[0] for seeds in list(report.broken.values())[:SHRUNK_MAX]], jobs)
    return report


def _histories(seeds: Sequence[int], jobs: int) -> list[str]:
    """Return the shortest history of each of these worlds. Each takes as long as some hundred worlds, so they share the processes."""
    if jobs <= 1:
        return [_shortest_of(number) for number in seeds]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_shortest_of, seeds))


def _shortest_of(seed: int) -> str:
    return shortest(plan(seed))


def run_world(planned: Plan, store: Server | None = None) -> Told:
    """Perform one world and check it."""
    with _quiet():
        world = World(planned, store)
        try:
            world.run(perform, check)
        except Exception as error:  # noqa: BLE001 - a fault of ours, whatever it is, is a finding
            world.violations.append(f"raised: {type(error).__name__}: {error}")
        causes = world.causes()
        traffic = world.traffic()
        world.close()
    faults = Counter(world.faults)
    for network in world.networks.values():
        faults.update(network.happened)
    return Told(
        planned.seed,
        world.time.operations,
        world.happened,
        faults,
        world.checked,
        traffic,
        causes,
        tuple(world.calm_after),
        tuple(world.violations),
        tuple(world.story),
    )


def shortest(planned: Plan) -> str:
    """Return the shortest history found that fails in the same way: its plan, its events, and the failure."""
    kind = _kind(run_world(planned))
    runs = 0

    def fails(acts: Sequence[Act]) -> bool:
        nonlocal runs
        runs += 1
        return runs <= SHRINK_RUNS_MAX and _kind(run_world(replace(planned, acts=tuple(acts)))) == kind

    acts = list(planned.acts)
    size = max(1, len(acts) // 2)
    while size:
        for start in range(0, len(acts), size):
            fewer = acts[:start] + acts[start + size :]
            if len(fewer) < len(acts) and fails(fewer):
                acts = fewer
                break
        else:
            size //= 2
    told = run_world(replace(planned, acts=tuple(acts)))
    return "\n".join(
        [
            str(replace(planned, acts=tuple(acts))),
            "",
            *told.story,
            "",
            *told.violations,
            "",
            f"See the whole of it again: onhand simulate --seed {planned.seed} --worlds 1",
        ]
    )


def _kind(told: Told) -> str:
    """Return the name of the check that failed first; empty if none did."""
    return told.violations[0].split(":")[0] if told.violations else ""


def _worlds(seed: int, jobs: int, worlds: int | None, store: Server | None) -> Iterator[Told]:
    """Yield the results in the order of their seeds, whichever process performs them."""
    seeds = iter(count(seed) if worlds is None else range(seed, seed + worlds))
    if jobs <= 1:
        yield from (run_world(plan(number), store) for number in seeds)
        return
    # Fresh processes: a forked one would inherit locks in whatever state they are.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        begun = deque(pool.submit(_run_seed, number, store) for number in islice(seeds, jobs * AHEAD))
        try:
            while begun:
                yield begun.popleft().result()
                begun.extend(pool.submit(_run_seed, number, store) for number in islice(seeds, 1))
        finally:
            _cancel(begun)


def _cancel(begun: Iterable[Any]) -> None:
    for future in begun:
        future.cancel()


def _run_seed(seed: int, store: Server | None) -> Told:
    told = run_world(plan(seed), store)
    return told if told.violations else replace(told, story=())


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: simulated events are not real ones."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
