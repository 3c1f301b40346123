"""Performs the same worlds on both engines: what happens in them must not depend on where the store is."""

from __future__ import annotations

import pytest

from onhand.simulation.plan import plan
from onhand.simulation.run import run_world
from tests.postgresql import shared_postgresql

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


@pytest.fixture
def database():
    server = shared_postgresql()
    address = server.address(server.new_database())
    yield address
    server.drop(address)


@pytest.mark.long
@pytest.mark.parametrize("world", range(8))
def test_the_same_seed_gives_the_same_history_on_both_engines(database, seed, world) -> None:
    planned = plan(seed + world)
    assert run_world(planned, database) == run_world(planned)


def test_no_schema_is_left_behind(database) -> None:
    run_world(plan(6), database)
    with shared_postgresql().connect(database.database) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'onhand%'").fetchall()
    assert left == []
