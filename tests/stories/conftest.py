"""Hands out stages: a house of its own for every story, shops on this process's MariaDB and PHP."""

from __future__ import annotations

import logging

import pytest
import structlog

from tests.builders import FILE, SERVER
from tests.servers import shared_mariadb, shared_php
from tests.shops.families import OsCommerce23
from tests.stories.stage import HouseOnServer, Stage

both_engines = pytest.mark.parametrize("engine", ["InnoDB", "MyISAM"])


@pytest.fixture(autouse=True)
def quiet():
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def mariadb():
    return shared_mariadb()


@pytest.fixture
def php():
    return shared_php()


@pytest.fixture
def engine():
    """Of the shops' tables, where a story does not run on both."""
    return "InnoDB"


@pytest.fixture(params=[FILE, pytest.param(SERVER, marks=[pytest.mark.postgresql, pytest.mark.long])])
def kept_in(request):
    """Where our own store is."""
    return request.param


@pytest.fixture
def stage(tmp_path, mariadb, php, engine, kept_in):
    """Two shops in step, ten of each of three products."""
    house = HouseOnServer if kept_in == SERVER else None
    with Stage(tmp_path, {"MUG": 10, "PEN": 10, "CAP": 10}, house=house) as stage:
        for _ in range(2):
            stage.open_shop(OsCommerce23(mariadb, php, engine))
        stage.align()
        yield stage
