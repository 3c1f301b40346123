"""Gives each test of the services a world of its own, and asks it at the end whether the promises hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from onhand.services.bookkeeping import prove
from tests.builders import FILE, SERVER, World


@pytest.fixture(params=[FILE, pytest.param(SERVER, marks=[pytest.mark.postgresql, pytest.mark.long])])
def kept_in(request) -> str:
    """Where the store of a test is. Five minutes of tests on a server are for ``make test-long``."""
    return request.param


@pytest.fixture
def world(tmp_path: Path, kept_in: str) -> Iterator[World]:
    """After every test, whatever it did: each balance is the sum of its movements, each cart's sums are its listings'."""
    world = World(tmp_path, kept_in)
    yield world
    try:
        proof = prove(world.house)
    finally:
        world.close()
    assert proof.holds, proof
