"""Measures the drift sketch: how often cells fail to name what drifted, how often they name it wrongly, what they weigh.

``python -m bench.sketch`` takes all of it and writes ``bench/sketch.json``; ``--quick`` takes a minute or two and writes nothing.
The same seed gives the same figures to the last digit, on any number of workers. Nothing but ``onhand.domain.sketch`` is at work
here: the cells are those that a shop would send, less those of the books.

A pattern is a number of drifts, a way to choose their ids and a kind of amounts. *Failed* is a decode that says so: the
next size is asked for. *Wrong* is a decode that is not the pattern. A wrong name is found out when the rows of the named products
are read, which happens before anything is decided: the product's row does not differ (*disproved*), and the next look leaves out
one size more. If every product named did drift, but others have too, those are left for the next look (*incomplete*). *Hidden*
would be what no further look could find, because all cells agree although something drifted.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import sqrt
from pathlib import Path
from random import Random
from typing import Any

from onhand.domain.sketch import FIRST_SIZE, SIZES, WORD, Counters, cell_of, cells_of, decode, unweight, weight

RESULTS = Path(__file__).parent / "sketch.json"
DRIFTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
CATALOGUES = (1_000, 100_000, 1_000_000)
TRIED = tuple(sorted({*SIZES[:5], 13, 17, 19}))  # sizes that the curve is drawn for
DRIFTS_PER_POINT = 40_000  # trials are so many that a point handles about this many drifts, or four times as many cells
TRIALS_MIN, TRIALS_MAX = 100, 4_000
CHUNK = 5_000  # patterns per seed of their own
POOL = 150_000  # ids to choose those from that share cells
HIGHEST = 2**31 - 1  # the highest id that a shop's column holds

COLUMNS = ("ids", "amounts", "catalogue", "drifts", "size", "trials", "failed", "wrong", "low", "high")  # of the curve

Drifts = dict[int, Counters]
AMOUNTS: dict[str, Callable[[Random, int], Counters]] = {
    "all +1": lambda _chance, _at: Counters(1, 0),
    "−3 to +3": lambda chance, _at: Counters(chance.choice((-3, -2, -1, 1, 2, 3)), 0),
    "+n and −n": lambda _chance, at: Counters(2 - 4 * (at % 2), 0),
    "sales": lambda chance, _at: Counters(-(n := chance.randint(1, 3)), n),
}


class Ids:
    """Ways to choose ids; some as an adversary would, who knows the first size."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        self._pool = chance.sample(range(1, HIGHEST + 1), POOL)
        self._sharing: list[dict[tuple[int, ...], list[int]]] = [{}, {}, {}]
        for product in self._pool:
            places = tuple(cell_of(product, third, FIRST_SIZE) for third in range(3))
            for shared, groups in enumerate(self._sharing, 1):
                groups.setdefault(places[:shared], []).append(product)
        self.ways: dict[str, Callable[[Random, int, int], Sequence[int]]] = {
            "any": lambda chance, n, catalogue: chance.sample(range(1, catalogue + 1), n),
            "consecutive": self._consecutive,
            "up to 2³¹": lambda chance, n, _catalogue: chance.sample(range(1, HIGHEST + 1), n),
            "a progression": self._progression,
            "weights side by side": self._weights,
            "one cell shared": lambda chance, n, _catalogue: self._shared(chance, n, 1),
            "two cells shared": lambda chance, n, _catalogue: self._shared(chance, n, 2),
            "all cells shared": lambda chance, n, _catalogue: self._shared(chance, n, 3),
        }

    def _consecutive(self, chance: Random, n: int, catalogue: int) -> Sequence[int]:
        first = chance.randint(1, catalogue - n + 1)
        return range(first, first + n)

    def _progression(self, chance: Random, n: int, _catalogue: int) -> Sequence[int]:
        step = chance.randint(1, HIGHEST // n - 1)
        first = chance.randint(1, HIGHEST - step * n)
        return range(first, first + step * n, step)

    def _weights(self, chance: Random, n: int, _catalogue: int) -> Sequence[int]:
        ids: list[int] = []
        h = chance.randrange(2**32)
        while len(ids) < n:
            h = (h + 1) % 2**32
            if 0 < unweight(h) <= HIGHEST:
                ids.append(unweight(h))
        return ids

    def _shared(self, chance: Random, n: int, shared: int) -> Sequence[int]:
        """Ids of which each shares that many of its cells with all others, as far as there are so many; then others."""
        anchor = chance.choice(self._pool)
        group = self._sharing[shared - 1][tuple(cell_of(anchor, third, FIRST_SIZE) for third in range(shared))]
        ids = chance.sample(group, min(n, len(group)))
        return [*ids, *(product for product in chance.sample(self._pool, n) if product not in ids)][:n]


def pattern(chance: Random, ids: Sequence[int], amounts: str) -> Drifts:
    return {product: AMOUNTS[amounts](chance, at) for at, product in enumerate(ids)}


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Where a rate lies with 95 % confidence, by Wilson's formula."""
    z, rate = 1.96, hits / trials
    middle, spread = rate + z * z / (2 * trials), z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def point(task: tuple[int, str, str, int, int, int, int]) -> dict[str, Any]:
    """One point of the curve: so many drifts of one kind, tried at one size."""
    seed, way, amounts, catalogue, drifts, size, trials = task
    chance = Random(f"{seed}/{way}/{amounts}/{catalogue}/{drifts}/{size}")
    ids = _ids(seed)
    failed = wrong = 0
    for _ in range(trials):
        injected = pattern(chance, ids.ways[way](chance, drifts, catalogue), amounts)
        found = decode(cells_of(injected, size))
        failed += found is None
        wrong += found is not None and found != injected
    low, high = interval(failed, trials)
    return dict(zip(COLUMNS, (*task[1:], failed, wrong, round(low, 5), round(high, 5)), strict=True))


def chunk(task: tuple[int, int, int]) -> Counter[str]:
    """Many patterns of all kinds, each taken as far as the services take it."""
    seed, number, patterns = task
    chance = Random(f"{seed}/{number}")
    ids = _ids(seed)
    ways, kinds = list(ids.ways), list(AMOUNTS)
    counts: Counter[str] = Counter()
    for _ in range(patterns):
        most = chance.choices((10, 50, 500), (94, 5.5, 0.5))[0]
        drifts, way, amounts = chance.randint(1, most), chance.choice(ways), chance.choice(kinds)
        injected = pattern(chance, ids.ways[way](chance, drifts, chance.choice(CATALOGUES)), amounts)
        counts["patterns"] += 1
        counts["drifts"] += len(injected)
        look(injected, way, counts)
    return counts


def look(drifted: Drifts, way: str, counts: Counter[str]) -> None:
    """Look at one pattern as often as the services would until every drift has been named."""
    left, misled = dict(drifted), 0
    while left:
        counts["looks"] += 1
        found = None
        for size in SIZES[misled:]:
            counts["questions"] += 1
            found = decode(cells_of(left, size))
            if found is not None:
                break
        if found is None:
            counts["full lists"] += 1
            return
        if found == left:
            return
        counts["wrong"] += 1
        counts[f"wrong, {way}"] += 1
        if found.keys() <= left.keys():  # every row that is read differs: nothing looks wrong
            counts["incomplete"] += 1
            if not found:
                counts["hidden"] += 1
                return
        else:
            counts["disproved"] += 1
            misled += 1
        left = {product: drift for product, drift in left.items() if product not in found}


_made: dict[int, Ids] = {}


def _ids(seed: int) -> Ids:
    if seed not in _made:
        _made[seed] = Ids(seed)
    return _made[seed]


def curve(seed: int, pool: ProcessPoolExecutor, quick: bool) -> list[dict[str, Any]]:
    """Failures by drifts, catalogue, size and kind, and by ids that an adversary chose."""
    tasks = []
    for drifts in DRIFTS:
        for size in TRIED:
            trials = DRIFTS_PER_POINT // max(drifts, size // 4)
            trials = min(TRIALS_MAX, max(TRIALS_MIN, trials)) // (10 if quick else 1)
            if drifts > 3 * size or (size not in SIZES and drifts > 20):
                continue  # more drifts than cells cannot decode
            for amounts in AMOUNTS:
                tasks += [(seed, "any", amounts, c, drifts, size, trials) for c in CATALOGUES if drifts <= c]
    for way in [way for way in _ids(seed).ways if way != "any"]:
        for drifts in (2, 5, 10):
            for size in SIZES[:3]:
                tasks += [(seed, way, amounts, 100_000, drifts, size, 50 if quick else 1_000) for amounts in AMOUNTS]
    return list(pool.map(point, tasks, chunksize=4))


def blind(task: tuple[int, int, int, int]) -> dict[str, Any]:
    """How often so many drifts of −3 to +3 cancel each other in the five sums, and whether the cells name those that do.

    All but one are drawn; the last is the one that would cancel them, weighed by how seldom chance draws just that.
    """
    seed, catalogue, drifts, trials = task
    chance = Random(f"{seed}/blind/{catalogue}/{drifts}")
    amounts = (-3, -2, -1, 1, 2, 3)
    counts: Counter[str] = Counter()
    for _ in range(trials):
        drifted = {p: chance.choice(amounts) for p in chance.sample(range(1, catalogue + 1), drifts - 1)}
        last = -sum(drifted.values())
        if last not in amounts:
            continue
        h, remainder = divmod(-sum(weight(product) * amount for product, amount in drifted.items()), last)
        product = unweight(h)
        if remainder or not 0 <= h < WORD or not 0 < product <= catalogue or product in drifted:
            continue
        drifted[product] = last
        counts["cancelling"] += 1
        look({product: Counters(amount, 0) for product, amount in drifted.items()}, "cancelling", counts)
    one_in = trials * len(amounts) * catalogue / counts["cancelling"]
    kept = ("cancelling", "wrong", "disproved", "incomplete", "hidden")
    return {"catalogue": catalogue, "drifts": drifts, "one in": round(one_in)} | {name: counts[name] for name in kept}


def answers(quick: bool) -> list[dict[str, int]]:
    """Bytes of the connector's JSON for each size, where quantities are below 200 and counters below 2,000."""
    chance = Random(7)
    found = []
    for catalogue in CATALOGUES[: 2 if quick else 3]:
        shelf = {p: Counters(chance.randrange(200), chance.randrange(2000)) for p in range(1, catalogue + 1)}
        for size in TRIED if catalogue <= 100_000 else SIZES[:2]:
            cells = [[str(part) for part in cell] for cell in cells_of(shelf, size)]
            answer = {"ok": True, "epoch": "0" * 16, "last_seq": 1234, "size": size, "cells": cells}
            found.append(
                {"catalogue": catalogue, "size": size, "bytes": len(json.dumps(answer, separators=(",", ":")))}
            )
    return found


def pace(seed: int) -> list[dict[str, Any]]:
    """How long a decode takes here, in milliseconds, where it succeeds and where it cannot."""
    chance, found = Random(seed), []
    for size in SIZES:
        for drifts in (size, 10 * size):
            cells = cells_of(pattern(chance, chance.sample(range(1, 1_000_000), drifts), "−3 to +3"), size)
            began = time.perf_counter()
            named = decode(cells) is not None
            taken = round(1000 * (time.perf_counter() - began), 2)
            found.append({"size": size, "drifts": drifts, "named": named, "ms": taken})
    return found


def table(points: Sequence[dict[str, Any]], catalogue: int, sizes: Sequence[int]) -> str:
    """The worst kind's failures in per cent, as the table of the docs."""
    lines = ["| drifts | " + " | ".join(map(str, sizes)) + " |", "|---|" + "---|" * len(sizes)]
    for drifts in DRIFTS:
        row = []
        for size in sizes:
            here = [
                p
                for p in points
                if (p["ids"], p["catalogue"], p["drifts"], p["size"]) == ("any", catalogue, drifts, size)
            ]
            row.append(f"{100 * max(p['failed'] / p['trials'] for p in here):.3g}" if here else "")
        lines.append(f"| {drifts:,} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sketch", description="Measure the drift sketch.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--patterns", type=int, default=1_000_000, help="injected patterns; 1,000,000 unless given")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="smaller numbers; nothing is written")
    chosen = parser.parse_args()
    patterns = min(chosen.patterns, 20_000) if chosen.quick else chosen.patterns
    began = time.monotonic()
    with ProcessPoolExecutor(chosen.workers) as pool:
        points = curve(chosen.seed, pool, chosen.quick)
        starts = range(0, patterns, CHUNK)
        tasks = [(chosen.seed, number, min(CHUNK, patterns - start)) for number, start in enumerate(starts)]
        counts = sum(pool.map(chunk, tasks), Counter[str]())
        trials = 10_000 if chosen.quick else 400_000
        cancelling = list(pool.map(blind, [(chosen.seed, c, n, trials) for c in CATALOGUES for n in (3, 4)]))
    measured = {
        "seed": chosen.seed,
        "sizes": SIZES,
        "injected": dict.fromkeys(("wrong", "disproved", "incomplete", "hidden", "full lists"), 0)
        | dict(sorted(counts.items())),
        "cancelling": cancelling,
        "answers": answers(chosen.quick),
        "decode": pace(chosen.seed),
        "curve": {"columns": COLUMNS, "points": [list(each.values()) for each in points]},
        "seconds": round(time.monotonic() - began),
    }
    for catalogue in CATALOGUES:
        print(f"\n{catalogue:,} products, worst kind, per cent failed\n{table(points, catalogue, TRIED)}")
    print(json.dumps({name: value for name, value in measured.items() if name != "curve"}, ensure_ascii=False))
    if not chosen.quick:
        RESULTS.write_text(
            json.dumps(measured, ensure_ascii=False, separators=(",", ":"))
            .replace("],[", "],\n[")
            .replace("},{", "},\n{")
            + "\n"
        )
        print("written to bench/sketch.json")


if __name__ == "__main__":
    main()
