"""The OpenAPI document and the page of routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.serving.backends import ANSWER, Told
from tests.serving.web import app_of, ask


def _document(**config: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask(app_of(Told([ANSWER]), **config), "GET", "/openapi.json").json()
    return found


def test_the_maxima_of_the_server_are_in_its_document() -> None:
    schemas = _document(maxima={"beams": 5, "steps": 30, "question_characters": 99})["components"]["schemas"]
    assert schemas["SolveRequest"]["properties"]["beams"]["anyOf"][0]["maximum"] == 5
    assert schemas["SolveRequest"]["properties"]["beams"]["anyOf"][0]["minimum"] == 1
    assert schemas["BudgetRequest"]["properties"]["steps"]["anyOf"][0]["maximum"] == 30
    assert schemas["SolveRequest"]["properties"]["question"]["maxLength"] == 99


@pytest.mark.parametrize("path", ["/v1/solve", "/v1/chat/completions"])
def test_every_failure_is_described_in_one_shape(path: str) -> None:
    responses = _document()["paths"][path]["post"]["responses"]
    assert {"200", "400", "401", "408", "413", "415", "503", "default"} <= set(responses)
    for status, response in responses.items():
        if status != "200":
            schema = response["content"]["application/json"]["schema"]
            assert schema["$ref"].endswith("ErrorBody")


def test_the_events_of_a_stream_are_described() -> None:
    document = _document()
    content = document["paths"]["/v1/solve"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}
    assert "shared" in document["components"]["schemas"]["StepEvent"]["properties"]


def test_a_guarded_server_says_that_it_asks_for_a_token(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("one", encoding="utf-8")
    guarded = _document(token_file=str(tmp_path / "tokens"))["paths"]
    assert guarded["/v1/solve"]["post"]["security"] == [{"bearer": []}]
    assert "security" not in guarded["/healthz"]["get"]
    assert "security" not in _document()["paths"]["/v1/solve"]["post"]


def test_the_page_of_routes_names_them_and_loads_nothing() -> None:
    page = ask(app_of(Told([ANSWER])), "GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert all(path in page.text for path in _document()["paths"])
    assert not any(word in page.text for word in ("<script", "<link", "src=", "http:", "https:"))
