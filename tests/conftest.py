"""Gives every test run a seed of its own for what is random, and says which: SEED=7 repeats a run.

Also lets programs be interrupted where the run itself was started in the background: a shell has such a run, and all it starts,
ignore SIGINT.

Promise: all processes of one run have the same seed.
"""

from __future__ import annotations

import os
import secrets
import signal

import pytest

from tests.builders import ENGINES


def pytest_configure():
    os.environ.setdefault("SEED", str(secrets.randbelow(10**9)))  # the processes of pytest-xdist inherit it
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    return f"seed: {os.environ['SEED']} (repeat with SEED={os.environ['SEED']})"


@pytest.fixture(scope="session")
def seed() -> int:
    return int(os.environ["SEED"])


@pytest.fixture(params=ENGINES)
def kept_in(request) -> str:
    """Where the store of a test is: in a file, and again on a server."""
    return request.param
