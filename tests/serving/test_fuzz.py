"""Requests made up from the OpenAPI document: whatever is sent, the answer is one that the document knows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis
import pytest

from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import app_of

checks = pytest.importorskip("schemathesis.specs.openapi.checks")
schemathesis = pytest.importorskip("schemathesis")
pytestmark = pytest.mark.slow
OPERATIONS = ("solve", "chat", "list_models", "get_model", "healthz", "readyz")


@pytest.fixture(scope="module")
def api() -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", app_of(Told([step(1), ANSWER])))


# Its own parametrisation does not know pytest 9.2, so operations are found by their ids.
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_that_the_document_knows(api: Any, operation: str, mode: Any) -> None:
    found = api.find_operation_by_id(operation)
    if mode.is_negative and operation in ("list_models", "healthz", "readyz", "get_model"):
        pytest.skip("it takes nothing that could be wrong")

    # Schemas cannot say that one message must be the user's and hold text.
    beyond = [checks.positive_data_acceptance] if operation == "chat" else []

    statuses: Counter[int] = Counter()

    @hypothesis.given(case=found.as_strategy(generation_mode=mode))
    @hypothesis.settings(max_examples=100, suppress_health_check=list(hypothesis.HealthCheck))
    def check(case: Any) -> None:
        statuses[case.call_and_validate(excluded_checks=beyond).status_code] += 1

    check()
    print(f"{operation}, {mode.value}: {statuses.total()} requests, {dict(statuses)}")  # for people, with `-s`


def test_no_operation_is_left_out(api: Any) -> None:
    found = {result.ok().definition.raw["operationId"] for result in api.get_all_operations()}
    assert found == set(OPERATIONS)
