"""Holds the benchmarks to the present schema: each part starts and finds something, and one that fails takes nothing from the others.

Path: pytest; the parts run with their quick numbers, on real servers where they need them.
Promise: what `make bench` needs is there before somebody waits an hour for it.
Never: judges a figure: a busy build machine says nothing about speed.
"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.__main__ import PARTS, measured, results
from bench.ground import Ground
from bench.ground import store as empty_store
from bench.measure import Finding
from bench.years import Size, fill
from onhand.app import App
from onhand.services import bookkeeping

pytestmark = pytest.mark.long


def test_a_store_of_many_years_fits_the_present_tables() -> None:
    with empty_store() as path:
        fill(path, Size().shared(500))
        with App(path, "bench") as app:
            proof = bookkeeping.prove(app.house)
            assert proof.items == []
            assert app.read(lambda books: len(books.listings.all(1))) > 0


def test_a_part_that_fails_is_named_and_the_others_are_kept() -> None:
    def broken(ground: Ground, quick: bool) -> list[Finding]:
        raise KeyError("a column")

    def works(ground: Ground, quick: bool) -> list[Finding]:
        return [Finding("work", "", 1.0, "ms", None)]

    console = Console(file=io.StringIO())
    findings, failed = measured({"a": works, "b": broken, "c": works}, Ground(), True, console)
    assert len(findings) == 2
    assert list(failed) == ["b"]
    kept = results({}, 1, findings, failed)
    assert (len(kept["findings"]), list(kept["failed"])) == (2, ["b"])
    assert "failed" not in results({}, 1, findings, {})


@pytest.fixture(scope="module")
def ground():
    with Ground() as servers:
        yield servers


@pytest.mark.servers
@pytest.mark.timeout(600)  # scaling takes a minute, and longer on a busy machine
@pytest.mark.parametrize("part", PARTS)
def test_each_part_finds_something_with_quick_numbers(ground, part: str) -> None:
    assert PARTS[part].measure(ground, quick=True)
