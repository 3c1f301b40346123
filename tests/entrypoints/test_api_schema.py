"""Holds the API to its own description: requests made from it, fitting and not, against the real application.

Path: pytest; schemathesis over ASGI, a real store, an administrator's token.
Promise: no request brings about a fault of ours; every answer is one that is described.
Never: goes on for long: the examples are few, and the same each time.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi import checks

from onhand import api, programs
from onhand.app import App
from onhand.domain.people import Role
from onhand.storage import database
from tests.entrypoints.conftest import token_for

OTHER_VERBS = {"task_start"}  # its arguments are those of another verb, which the description cannot say
EXAMPLES = 8


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "store.db"
    database.create(path)
    with App(path, "test") as app, pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "CALLS_PER_SECOND", 1e9)
        yield SimpleNamespace(
            api=api.create(app, "door", pages=True, hosts=["testserver"]), token=token_for(app, Role.ADMINISTRATOR)
        )


@pytest.fixture(scope="module")
def described(house):
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", house.api)
    schema.config.generation.update(with_security_parameters=False)
    return schema


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case, house):
    answer = case.call(headers={"Authorization": f"Bearer {house.token}"})
    excluded = [checks.positive_data_acceptance] if case.path.rpartition("/")[2] in OTHER_VERBS else []
    case.validate_response(answer, excluded_checks=excluded)
    assert answer.status_code != 500
    assert answer.status_code < 400 or json.loads(answer.content)["status"] == answer.status_code
