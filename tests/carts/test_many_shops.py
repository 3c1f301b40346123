"""Holds what each request to a shop costs to a size that a thousand carts can bear."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

from onhand.carts import trust
from onhand.carts.deadline import Deadline

FAR_SECONDS = 60.0
PATIENCE_SECONDS = 20.0


def watchers() -> int:
    return sum(thread.name == "onhand-deadlines" for thread in threading.enumerate())


def test_one_thread_watches_the_deadlines_of_all_requests() -> None:
    with Deadline(FAR_SECONDS):
        threads = threading.active_count()
    with ExitStack() as requests:
        for _ in range(300):
            requests.enter_context(Deadline(FAR_SECONDS))
        assert threading.active_count() == threads
        assert watchers() == 1


def test_a_short_deadline_ends_in_time_although_longer_ones_began_before() -> None:
    here, there = socket.socketpair()
    there.settimeout(PATIENCE_SECONDS)
    with here, there, Deadline(FAR_SECONDS), Deadline(0.05) as short:
        short.watch(here)
        assert there.recv(1) == b""  # the end, and not a time-out
        assert short.passed


def test_a_deadline_is_forgotten_when_its_request_has_ended() -> None:
    here, there = socket.socketpair()
    with here, there:
        with Deadline(0.05) as ended:
            ended.watch(here)
        with Deadline(0.1) as following:  # when this one is over, the first one's time is long up
            give_up = time.monotonic() + PATIENCE_SECONDS
            while not following.passed:
                assert time.monotonic() < give_up
                time.sleep(0.01)
        there.sendall(b"x")
        assert here.recv(1) == b"x"
        assert not ended.passed


def test_trusted_certificates_are_read_once_for_all_shops_and_again_after_a_while(monkeypatch) -> None:
    monkeypatch.setattr(trust, "_known", {})
    before = trust.context(trust_env=True)
    assert trust.context(trust_env=True) is before
    monkeypatch.setattr(trust, "TRUST_SECONDS", 0.0)
    assert trust.context(trust_env=True) is not before
