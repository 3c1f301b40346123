"""A short run of ``make fuzz``, and the proof that each of its checks can fail."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
import structlog

from onhand.files import sheets
from onhand.services import receiving
from onhand.verbs import registry
from tests.fuzz.api import Api
from tests.fuzz.files import Files
from tests.fuzz.outcome import CHECKS, Outcome, faults_of
from tests.fuzz.run import _listen, report, run

SECONDS = 8.0
pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def logs_as_before():
    """What listens to the log for this test only."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.servers
def test_a_few_seconds_of_hostile_inputs(tmp_path, seed):
    outcome = run(seed, SECONDS, tmp_path)
    found = faults_of(outcome, at_least=300)
    assert not any(found.values()), report(seed, SECONDS, outcome, found)
    assert set(outcome.inputs) == {"api", "files", "connector"}
    assert {"200", "422"} <= outcome.answers["api"].keys()
    assert {"200", "400", "401"} <= outcome.answers["connector"].keys()
    assert {"read", "refused"} == outcome.answers["files"].keys()


def test_the_same_seed_makes_the_same_inputs(tmp_path, seed):
    files = [Files(seed, Outcome()) for _ in range(2)]
    assert [files[0].made(n) for n in range(50)] == [files[1].made(n) for n in range(50)]
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    calls = [Api(seed, Outcome(), tmp_path / name) for name in ("one", "other")]
    assert [calls[0].made(n) for n in range(50)] == [calls[1].made(n) for n in range(50)]
    for target in calls:
        target.finish()


class TestEachCheckCanFail:
    """An outcome in which all promises were kept, and one lie each."""

    RIGHT = Outcome(
        inputs={"api": 10}, booked=3, stock={"TEA": (5, 5)}, proofs={"store": True}, memory_mb={"API": (100.0, 110.0)}
    )

    @pytest.mark.parametrize(
        ("check", "lie"),
        [
            ("every answer is a declared one", {"undeclared": [{"target": "api", "answer": "500"}]}),
            ("no traceback", {"tracebacks": ["Traceback (most recent call last)"]}),
            ("stock is what was accepted", {"stock": {"TEA": (5, 6)}}),
            ("stock is what was accepted", {"stock": {}}),
            ("something was accepted", {"booked": 0}),
            ("prove holds", {"proofs": {"store": False}}),
            ("prove holds", {"proofs": {}}),
            ("memory is bounded", {"memory_mb": {"API": (100.0, 400.0)}}),
            ("enough inputs", {"inputs": {"api": 9}}),
        ],
    )
    def test_a_lie_is_found(self, check, lie):
        assert not any(faults_of(self.RIGHT, at_least=10).values())
        found = faults_of(replace(self.RIGHT, **lie), at_least=10)
        assert [name for name, faults in found.items() if faults] == [check]

    def test_no_check_is_left_out(self):
        assert CHECKS.keys() | {"enough inputs"} == faults_of(self.RIGHT).keys()


def _called(seed, folder, calls=400) -> Outcome:
    outcome = Outcome()
    target = Api(seed, outcome, folder)

    async def all_calls() -> None:
        for number in range(calls):
            await target.one(number)

    asyncio.run(all_calls())
    target.finish()
    return outcome


def test_a_receipt_that_is_booked_twice_is_found(tmp_path, seed, monkeypatch):
    real = receiving.receive

    def twice(house, lines, *rest, **more):
        real(house, lines, *rest, **more)
        return real(house, lines, "", *rest[1:], **{name: value for name, value in more.items() if name != "reference"})

    monkeypatch.setattr(receiving, "receive", twice)
    assert faults_of(_called(seed, tmp_path))["stock is what was accepted"]


def test_a_fault_behind_the_api_is_found(tmp_path, seed, monkeypatch, logs_as_before):
    outcome = Outcome()
    target = Api(seed, outcome, tmp_path)
    _listen(outcome)

    async def some_calls() -> None:
        for number in range(50):
            await target.one(number)

    with monkeypatch.context() as broken:
        broken.setattr(registry, "redacted", lambda _: 1 / 0)
        asyncio.run(some_calls())
    target.finish()
    found = faults_of(outcome)
    assert found["every answer is a declared one"]
    assert found["no traceback"]


def test_a_file_that_is_no_refusal_is_found(seed, monkeypatch):
    monkeypatch.setattr(sheets, "read", lambda *_: {}["nothing"])
    outcome = Outcome()
    Files(seed, outcome).one(0)
    assert faults_of(outcome)["every answer is a declared one"]
