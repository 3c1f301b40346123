"""What a run of ``make fuzz`` saw, and the checks that hold it to its promises.

Path: each target fills an ``Outcome``; ``run`` joins them and asks ``faults_of``.
Promise: every check is pure, so that a test can show that it fails.
Never: knows how an input was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

MEMORY_MB_MAX = 150  # what a process may grow by, once it is warm
KEPT_MAX = 20  # examples of one kind of fault


@dataclass(slots=True)
class Outcome:
    """Facts. ``stock``: what each SKU or product should have by what was accepted, and has."""

    inputs: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)  # target → what came of an input → how often
    undeclared: list[dict[str, Any]] = field(default_factory=list)  # answers that nobody promised, with their input
    tracebacks: list[str] = field(default_factory=list)
    stock: dict[str, tuple[int, int]] = field(default_factory=dict)
    booked: int = 0  # accepted inputs that moved stock
    proofs: dict[str, bool] = field(default_factory=dict)
    memory_mb: dict[str, tuple[float, float]] = field(default_factory=dict)  # process → warm, at the end
    cpu_seconds: dict[str, float] = field(
        default_factory=dict
    )  # process, with its servers → what it took of the machine

    def count(self, target: str, answer: object) -> None:
        """One input more, and what came of it."""
        self.inputs[target] = self.inputs.get(target, 0) + 1
        answers = self.answers.setdefault(target, {})
        answers[str(answer)] = answers.get(str(answer), 0) + 1

    def blame(self, target: str, number: int, answer: object, given: object) -> None:
        """Keep an input whose answer nobody promised."""
        if len(self.undeclared) < KEPT_MAX:
            said = {"target": target, "number": number, "answer": str(answer)[:500], "input": repr(given)[:1000]}
            self.undeclared.append(said)

    def join(self, other: Outcome) -> None:
        """Take over what another process saw."""
        for name in ("inputs", "answers", "stock", "proofs", "memory_mb", "cpu_seconds"):
            getattr(self, name).update(getattr(other, name))
        self.undeclared += other.undeclared
        self.tracebacks += other.tracebacks
        self.booked += other.booked


Check = Callable[[Outcome], Sequence[object]]


def _declared(outcome: Outcome) -> Sequence[object]:
    return outcome.undeclared


def _quiet(outcome: Outcome) -> Sequence[object]:
    return outcome.tracebacks


def _stock(outcome: Outcome) -> Sequence[object]:
    wrong = [f"{name}: {have}, accepted {due}" for name, (due, have) in outcome.stock.items() if due != have]
    return wrong if outcome.stock else ["no stock was looked at"]


def _booked(outcome: Outcome) -> Sequence[object]:
    return [] if outcome.booked else ["nothing was booked, so nothing could be wrong"]


def _proof(outcome: Outcome) -> Sequence[object]:
    broken = [name for name, holds in outcome.proofs.items() if not holds]
    return broken if outcome.proofs else ["nothing was proved"]


def _memory(outcome: Outcome) -> Sequence[object]:
    return [
        f"{name}: {warm:.0f} MB, then {end:.0f} MB"
        for name, (warm, end) in outcome.memory_mb.items()
        if end - warm > MEMORY_MB_MAX
    ]


CHECKS: dict[str, Check] = {
    "every answer is a declared one": _declared,
    "no traceback": _quiet,
    "stock is what was accepted": _stock,
    "something was accepted": _booked,
    "prove holds": _proof,
    "memory is bounded": _memory,
}


def faults_of(outcome: Outcome, at_least: int = 0) -> dict[str, list[object]]:
    """What each check found; an empty list where it holds."""
    found = {name: list(check(outcome)) for name, check in CHECKS.items()}
    total = sum(outcome.inputs.values())
    found["enough inputs"] = [f"{total:,} of {at_least:,}"] if total < at_least else []
    return found
