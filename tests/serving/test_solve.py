"""`POST /v1/solve`, over backends that tell what they are told to."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.errors import ConfigError, DataError, EngineError
from pad_ray.serving.backend import DecoderLost, Overloaded
from tests.serving.backends import ANSWER, PROGRAM, Told, answer, step
from tests.serving.web import app_of, ask, error_of, events_of, solve

LOST = DecoderLost("a replica died")


def test_an_answer_tells_all_and_what_it_cost() -> None:
    body = solve(app_of(Told([step(1), ANSWER]), name="student")).json()
    assert (body["answer"], body["value"], body["program"], body["model"]) == ("7", 7, PROGRAM, "student")
    assert body["id"].startswith("solve-")
    assert body["usage"] == {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42}


def test_a_stream_tells_steps_and_then_the_answer() -> None:
    response = solve(app_of(Told([step(1), step(2), ANSWER])), stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    names, data = zip(*events_of(response), strict=True)
    assert names == ("step", "step", "answer")
    assert data[0]["shared"] == "def solution():\n"
    assert data[2]["answer"] == "7"


def test_settings_of_a_request_reach_the_decoder() -> None:
    backend = Told([ANSWER])
    asked = {"beams": 2, "candidates": 3, "samples": 5, "temperature": 1.1, "top_p": 0.9, "seed": 7, "choose": "score"}
    budget = {"steps": 9, "tokens": 100, "seconds": 1.5}
    solve(app_of(backend), **asked, decoder="greedy+repair", max_tokens=50, budget=budget)
    [job] = backend.jobs
    settings = job.settings.model_dump()
    assert {name: settings[name] for name in asked} == asked
    assert {name: settings["budget"][name] for name in budget} == budget
    assert (job.decoder, job.max_tokens) == ("greedy+repair", 50)


def test_the_servers_settings_hold_where_a_request_has_none() -> None:
    backend = Told([ANSWER])
    solve(app_of(backend, decoder="self-consistency", decoding={"samples": 3, "embedder": "mine"}))
    [job] = backend.jobs
    assert (job.decoder, job.settings.samples, job.settings.embedder) == ("self-consistency", 3, "mine")


def test_every_job_has_a_limit_of_time() -> None:
    backend = Told([ANSWER])
    solve(app_of(backend, maxima={"seconds": 20}))
    assert backend.jobs[0].settings.budget.seconds == 20


@pytest.mark.parametrize(
    ("fields", "name", "most"),
    [
        ({"beams": 17}, "beams", "16"),
        ({"candidates": 17}, "candidates", "16"),
        ({"samples": 65}, "samples", "64"),
        ({"max_tokens": 513}, "max_tokens", "512"),
        ({"budget": {"steps": 65}}, "budget.steps", "64"),
        ({"budget": {"tokens": 16385}}, "budget.tokens", "16384"),
        ({"budget": {"seconds": 61}}, "budget.seconds", "60"),
        ({"question": "?" * 4001}, "question", "4000"),
    ],
)
def test_more_than_a_maximum_is_refused_naming_the_field(fields: dict[str, Any], name: str, most: str) -> None:
    response = solve(app_of(Told([ANSWER])), **fields)
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, name, "above_maximum")
    assert f"`{name}`" in error["message"]
    assert most in error["message"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"question": " \n"}, "question"),
        ({"question": "2 + \0 2"}, "question"),
        ({"question": None}, "question"),
        ({"beams": 0}, "beams"),
        ({"beams": "3"}, "beams"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": 0}, "temperature"),
        ({"decoder": "paper"}, "decoder"),
        ({"budget": {"money": 1}}, "budget.money"),
        ({"questions": []}, "questions"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 10**400}, "seed"),
    ],
)
def test_what_cannot_be_is_refused_naming_the_field(fields: dict[str, Any], name: str) -> None:
    response = solve(app_of(Told([ANSWER])), **fields)
    assert (response.status_code, error_of(response)["param"]) == (400, name)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    backend = Told([ANSWER])
    assert solve(app_of(backend), beams=2.0).status_code == 200
    assert repr(backend.jobs[0].settings.beams) == "2"


@pytest.mark.parametrize(
    "body", ['{"question": ', "[" * 60_000, "", '{"question": "\udcff"}', '{"seed": 1' + "0" * 5000 + "}", "NaN", "[]"]
)
def test_broken_json_is_refused(body: str) -> None:
    content, headers = body.encode("utf-8", "surrogateescape"), {"content-type": "application/json"}
    response = ask(app_of(Told([ANSWER])), "POST", "/v1/solve", content=content, headers=headers)
    assert (response.status_code, error_of(response)["type"]) == (400, "invalid_request_error")


def test_broken_json_is_told_where_it_breaks() -> None:
    headers = {"content-type": "application/json"}
    response = ask(app_of(Told([ANSWER])), "POST", "/v1/solve", content='{"question" "?"}', headers=headers)
    assert "at character 12" in error_of(response)["message"]


def test_half_a_surrogate_pair_is_refused() -> None:
    body, headers = r'{"question": "How many \ud800?"}', {"content-type": "application/json"}
    response = ask(app_of(Told([ANSWER])), "POST", "/v1/solve", content=body, headers=headers)
    assert (response.status_code, error_of(response)["param"]) == (400, "question")


def test_another_content_type_is_refused() -> None:
    response = ask(app_of(Told([ANSWER])), "POST", "/v1/solve", data={"question": "?"})
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


def test_a_job_whose_decoder_died_is_done_again() -> None:
    backend = Told([step(1), LOST], [LOST], [step(1), ANSWER])
    response = solve(app_of(backend))
    assert (response.status_code, response.json()["answer"], len(backend.jobs)) == (200, "7", 3)


def test_a_job_is_given_up_when_its_decoders_keep_dying() -> None:
    backend = Told([LOST])
    response = solve(app_of(backend, queue={"replays": 2, "retry_after": 9}))
    assert (response.status_code, response.headers["retry-after"], len(backend.jobs)) == (503, "9", 3)
    assert error_of(response)["code"] == "decoder_lost"


def test_events_that_end_without_an_answer_are_a_lost_decoder() -> None:
    backend = Told([step(1)], [ANSWER])
    assert solve(app_of(backend)).json()["answer"] == "7"


def test_a_stream_that_has_told_nothing_is_begun_again() -> None:
    names = [name for name, _ in events_of(solve(app_of(Told([LOST], [step(1), ANSWER])), stream=True))]
    assert names == ["step", "answer"]


def test_a_stream_that_has_told_steps_ends_with_an_error() -> None:
    backend = Told([step(1), LOST], [ANSWER])
    events = events_of(solve(app_of(backend), stream=True))
    assert [name for name, _ in events] == ["step", "error"]
    assert events[1][1]["error"]["code"] == "decoder_lost"
    assert len(backend.jobs) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_full_backend_is_told_at_once_with_when_to_ask_again(stream: bool) -> None:
    response = solve(app_of(Told([Overloaded("all replicas are full")])), stream=stream)
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    assert error_of(response)["code"] == "overloaded"


def test_a_job_that_cannot_be_done_is_the_clients_or_the_servers_fault() -> None:
    assert solve(app_of(Told([DataError("too long for the model")]))).status_code == 400
    assert solve(app_of(Told([EngineError("no memory")]))).status_code == 500


def test_figures_that_json_lacks_are_null_and_half_a_pair_is_escaped() -> None:
    response = solve(app_of(Told([answer(value=[float("nan"), float("inf")], answer="\ud800")])))
    assert response.json()["value"] == [None, None]
    assert r"\ud800" in response.text


def test_settings_above_the_servers_own_maxima_stop_it_at_its_start() -> None:
    with pytest.raises(ConfigError, match=r"`beams` is 32 and `maxima` allows 16"):
        app_of(Told([ANSWER]), decoding={"beams": 32})
