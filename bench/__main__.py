"""Measures OnHand against the barest script that does the same work, and against what a user has today.

``python -m bench`` runs all of it and writes ``bench/results.json``; ``--quick`` takes smaller numbers, a minute or so, and
writes nothing. Words choose parts: ``python -m bench bookings looks``. What is measured and how is said in
``docs/measurements.md`` and at the top of each part. A part that fails is named, the others are measured and kept, and it ends with 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from . import backlog, bookings, changes, direct, drifts, looks, moving, rivals, scaling, screens, sends
from .facts import facts
from .ground import Ground
from .measure import Finding, shown

PARTS = {
    "changes": changes,
    "backlog": backlog,
    "sends": sends,
    "bookings": bookings,
    "looks": looks,
    "direct": direct,
    "drifts": drifts,
    "rivals": rivals,
    "screens": screens,
    "moving": moving,
    "scaling": scaling,
}
Measure = Callable[[Ground, bool], list[Finding]]
WIDTH = 150  # columns, where there is no terminal
RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure OnHand against bare floors.")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="smaller numbers, a minute or so; nothing is written")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    started = time.monotonic()
    gc.freeze()  # as `onhand serve` does
    with Ground() as ground:
        machine = facts(ground)
        wanted = {name: PARTS[name].measure for name in chosen.parts or PARTS}
        findings, failed = measured(wanted, ground, chosen.quick, console)
    console.print(table(findings))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), style="dim")
    if not chosen.quick and not chosen.parts:
        seconds = round(time.monotonic() - started)
        kept = results(machine, seconds, findings, failed)
        RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        console.print("written to bench/results.json", style="dim")
    for name, why in failed.items():
        console.print(f"{name} failed: {why}", style="red", markup=False)
    if failed:
        raise SystemExit(1)


def measured(
    parts: Mapping[str, Measure], ground: Ground, quick: bool, console: Console
) -> tuple[list[Finding], dict[str, str]]:
    """Measure each part; returns what was found, and why a part failed, by its name. One that fails takes nothing from the others."""
    findings: list[Finding] = []
    failed: dict[str, str] = {}
    for name, measure in parts.items():
        began = time.monotonic()
        try:
            findings += measure(ground, quick)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the other parts are still worth measuring
            failed[name] = f"{type(problem).__name__}: {problem}"
            console.print_exception()
        word = "failed" if name in failed else "measured"
        console.print(f"{name}: {word} in {time.monotonic() - began:.0f} s", style="dim")
    return findings, failed


def table(findings: list[Finding]) -> Table:
    """Every figure with its aim beside it."""
    shown_as = Table(title="OnHand beside bare floors and today's way", title_justify="left")
    for heading in ("work", "against"):
        shown_as.add_column(heading)
    for heading in ("ours", "theirs", "figure", "aim"):
        shown_as.add_column(heading, justify="right", no_wrap=True)
    shown_as.add_column("met")
    for finding in findings:
        met = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[finding.met]
        p99 = finding.work.endswith("p99")
        sides = [
            "" if side is None else f"{shown(side.p99 if p99 else side.p50)} {side.unit}"
            for side in (finding.ours, finding.theirs)
        ]
        shown_as.add_row(
            finding.work,
            finding.against or finding.note,
            *sides,
            f"{shown(finding.figure)} {finding.unit}".strip(),
            str(finding.aim or ""),
            met,
        )
    return shown_as


def results(machine: dict[str, Any], seconds: int, findings: list[Finding], failed: dict[str, str]) -> dict[str, Any]:
    """Return what is kept of a run. ``failed``: which parts have no findings, and why."""
    kept = []
    for finding in findings:
        values = asdict(finding)
        values["aim"] = str(finding.aim) if finding.aim else None
        kept.append({**values, "met": finding.met})
    return {
        "machine": machine,
        "seconds": seconds,
        "findings": _rounded(kept),
        **({"failed": failed} if failed else {}),
    }


def _rounded(value: Any) -> Any:
    """Four digits that count are more than a run repeats."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    main()
