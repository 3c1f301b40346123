"""Gives the tests of connectors their real servers: one MariaDB and one PHP per test process."""

from __future__ import annotations

import pytest

from tests.servers import MariaDB, PhpServer, shared_mariadb, shared_php


@pytest.fixture(scope="session")
def mariadb() -> MariaDB:
    return shared_mariadb()


@pytest.fixture(scope="session")
def php() -> PhpServer:
    return shared_php()
