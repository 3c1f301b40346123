"""Takes two things' measure side by side: runs them in turns and keeps each turn's ratio.

Path: every file of ``bench`` that measures something returns ``Finding`` values made here; ``__main__`` shows and writes them.
Promise: both sides of a ratio were measured in one process run, in turns, so that a busy machine slows both.
Never: hides a spread: every summary says how many runs there were and how far apart they lay.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Aim:
    """What a ratio should be: ``Aim("≤", 4)``."""

    sign: str
    value: float

    def met(self, measured: float) -> bool:
        return {"≤": measured <= self.value, "≥": measured >= self.value, "<": measured < self.value}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Summary:
    """Many runs of one thing, in ``unit``."""

    unit: str
    runs: int
    p50: float
    p99: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float], unit: str) -> Summary:
        ordered = sorted(values)
        return cls(unit, len(ordered), statistics.median(ordered), percentile(ordered, 99), ordered[0], ordered[-1])

    def __str__(self) -> str:
        return f"{shown(self.p50)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: a figure, how it was come by, and what it should be."""

    work: str
    against: str  # what it is compared with; "" if the figure stands for itself
    figure: float
    unit: str  # "×" for a ratio
    aim: Aim | None = None
    ours: Summary | None = None
    theirs: Summary | None = None
    spread: tuple[float, float] | None = None  # the least and the greatest ratio of single turns
    note: str = ""
    more: Mapping[str, Summary] | None = None  # other figures of the same runs, by name

    @property
    def met(self) -> bool | None:
        return None if self.aim is None else self.aim.met(self.figure)


def percentile(ordered: Sequence[float], per_cent: float) -> float:
    """The value that this share of the sorted values does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * per_cent / 100))]


def shown(value: float) -> str:
    """Three digits that count, and no more."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def in_turns(rounds: int, *works: Callable[[], float]) -> list[list[float]]:
    """Each work's results, the works taking turns; every other round they go in the opposite order."""
    found: list[list[float]] = [[] for _ in works]
    for n in range(rounds):
        order = list(enumerate(works))
        for at, work in order if n % 2 == 0 else reversed(order):
            found[at].append(work())
    return found


def ratio(
    work: str,
    against: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    aim: Aim | None = None,
    note: str = "",
) -> Finding:
    """The median of the ratios ours / theirs of each turn."""
    turns = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return Finding(
        work,
        against,
        statistics.median(turns),
        "×",
        aim,
        Summary.of(ours, unit),
        Summary.of(theirs, unit),
        (turns[0], turns[-1]),
        note,
    )
