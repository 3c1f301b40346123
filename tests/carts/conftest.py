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


@pytest.fixture(scope="class")
def shop(request, mariadb, php):
    """The shop of a class over ``contract.OneShop``."""
    shop = request.cls.cart(mariadb, php)
    yield shop
    shop.close()
