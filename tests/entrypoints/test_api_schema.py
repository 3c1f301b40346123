"""Tests the API against its own description, with valid and invalid requests to the real application.

Path: pytest; schemathesis over ASGI, a real store, an administrator's token.
Promise: no request brings about a fault of ours; every answer is one that is described.
Never: goes on for long: the examples are few, and the same each time.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from onhand.app import App
from onhand.domain.people import Role
from onhand.serving import programs, server
from onhand.verbs import VERBS
from tests.builders import new_store
from tests.entrypoints.conftest import token_for

pytestmark = [pytest.mark.slow, pytest.mark.long]  # real servers and waiting: `make fast` leaves it out

# What a description cannot say: these take the arguments of another verb, or the place in a list that an earlier answer named.
BEYOND_WORDS = {"task_start", "posts"}
FEW = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "store.db"
    new_store(path)
    with App(path, "test") as app, pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "CALLS_PER_SECOND", 1e9)
        yield SimpleNamespace(
            api=server.create(app, "door", pages=True, hosts=["testserver"]), token=token_for(app, Role.ADMINISTRATOR)
        )


@pytest.fixture(scope="module")
def described(house):
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", house.api)
    schema.config.generation.update(with_security_parameters=False)
    return schema


@pytest.mark.parametrize("verb", sorted(VERBS))
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_matches_the_description(house, described, verb, mode):

    operations = described[f"/api/{verb}"].values()

    @FEW
    @given(one_of([operation.as_strategy(generation_mode=mode) for operation in operations]))
    def check(case) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {house.token}"})
        beyond_words = verb in BEYOND_WORDS or b"idempotency key was used" in answer.content
        case.validate_response(answer, excluded_checks=[checks.positive_data_acceptance] if beyond_words else [])
        assert answer.status_code not in (401, 429, 500)
        if answer.status_code >= 400:
            said = json.loads(answer.content)
            assert said["status"] == answer.status_code
            assert said["detail"]

    check()
