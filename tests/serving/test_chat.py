"""OpenAI's routes: their shapes, and the official client at a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from pad_ray.serving.backend import DecoderLost
from pad_ray.serving.messages import Event
from tests.serving.backends import ANSWER, PROGRAM, Told, answer, step
from tests.serving.web import QUESTION, app_of, ask, chat, error_of, events_of, served

TEXT = f"```python\n{PROGRAM}```\n\nAnswer: 7"
LOST = DecoderLost("a replica died")


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    app = app_of(Told([step(1), step(2), ANSWER]), name="org/student")
    with served(app) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="-", max_retries=0) as client:
        yield client


def _ask(client: openai.OpenAI, **options: Any) -> Any:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
    return client.chat.completions.create(**{"model": "org/student", "messages": messages, **options})


def test_the_official_client_gets_program_and_answer(client: openai.OpenAI) -> None:
    completion = _ask(client, temperature=0.5, top_p=0.9, seed=3, max_tokens=4096, n=1, user="me")
    [choice] = completion.choices
    assert (choice.message.content, choice.finish_reason, choice.message.role) == (TEXT, "stop", "assistant")
    assert completion.usage.total_tokens == 42
    assert completion.model_extra["pad_ray"]["value"] == 7


def test_the_official_client_streams(client: openai.OpenAI) -> None:
    chunks = list(_ask(client, stream=True, stream_options={"include_usage": True}))
    text = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(text) == TEXT
    assert text[1:3] == ["```python\ndef solution():", "\n    boxes = 3 * 4"]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 30)


def test_the_official_client_lists_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["org/student"]
    assert client.models.retrieve("org/student").owned_by == "pad-ray"


def test_the_official_client_knows_its_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        _ask(client, model="gpt-4")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")
    with pytest.raises(openai.BadRequestError, match="`n`"):
        _ask(client, n=2)


def test_the_official_client_sees_a_stream_break() -> None:
    app = app_of(Told([step(1), LOST]), queue={"replays": 0})
    with served(app) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="-", max_retries=0) as client:
        chunks = _ask(client, model="embedded", stream=True)
        with pytest.raises(openai.APIError, match="a replica died"):
            list(chunks)


def test_a_lost_stream_goes_on_where_its_text_is_the_same() -> None:
    backend = Told([step(1), step(2), LOST], [step(1), step(2), ANSWER])
    assert _text(chat(app_of(backend), stream=True)) == TEXT


def test_a_lost_stream_ends_with_an_error_where_its_text_is_another() -> None:
    other = "def solution():\n    pens = 7\n    return pens\n"
    backend = Told([step(2), LOST], [step(1), answer(program=other)])
    events = events_of(chat(app_of(backend), stream=True))
    assert events[-1][1]["error"]["code"] == "decoder_lost"
    assert "[DONE]" not in [data for _, data in events]


def test_a_decoder_with_repair_sends_no_line_before_the_answer() -> None:
    other = step(2, "def solution():\n    return pens\n")
    response = chat(app_of(Told([other, ANSWER])), stream=True, pad_ray={"decoder": "step-beam+repair"})
    assert _text(response) == TEXT


@pytest.mark.parametrize("script", [[ANSWER], [step(1), ANSWER], [step(3), ANSWER]])
def test_a_stream_has_the_text_of_the_whole(script: list[Event]) -> None:
    whole = chat(app_of(Told(script))).json()["choices"][0]["message"]["content"]
    assert _text(chat(app_of(Told(script)), stream=True)) == whole


def test_a_program_that_failed_says_why_there_is_no_answer() -> None:
    failed = answer(answer=None, value=None, ran=False, verdict="error", message="ZeroDivisionError: division by zero")
    [choice] = chat(app_of(Told([failed]))).json()["choices"]
    assert choice["message"]["content"].endswith("```\n\nNo answer: ZeroDivisionError: division by zero")
    assert choice["finish_reason"] == "stop"


def test_a_search_that_ran_out_of_its_budget_says_so() -> None:
    spent = answer(answer=None, value=None, ran=False, stopped="tokens")
    assert chat(app_of(Told([spent]))).json()["choices"][0]["finish_reason"] == "length"


def test_the_question_is_the_last_user_message_in_parts_too() -> None:
    backend = Told([ANSWER])
    parts = [{"type": "text", "text": "Two plus"}, {"type": "text", "text": "two?"}]
    first, last = {"role": "user", "content": "Hello"}, {"role": "user", "content": parts}
    chat(app_of(backend), messages=[first, {"role": "assistant", "content": "Hi"}, last])
    assert backend.jobs[0].question == "Two plus\ntwo?"


def test_temperature_0_decodes_greedily() -> None:
    backend = Told([ANSWER])
    chat(app_of(backend), temperature=0)
    assert backend.jobs[0].decoder == "greedy"


def test_a_client_that_allows_more_tokens_is_content_with_less() -> None:
    backend = Told([ANSWER])
    chat(app_of(backend), max_completion_tokens=100_000)
    assert backend.jobs[0].max_tokens == 512


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "Hello"}]}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [{"role": "user", "content": "\0"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages"),
        ({"temperature": 0, "pad_ray": {"decoder": "step-beam"}}, "temperature"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"stop": "\n"}, "stop"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"pad_ray": {"beams": 99}}, "pad_ray.beams"),
    ],
)
def test_what_a_student_cannot_do_is_refused(fields: dict[str, Any], name: str) -> None:
    response = chat(app_of(Told([ANSWER])), **fields)
    assert (response.status_code, error_of(response)["param"]) == (400, name)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1", "/v1/solve/x"])
def test_an_unknown_route_answers_in_the_same_shape(path: str) -> None:
    response = ask(app_of(Told([ANSWER])), "GET", path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def _text(response: Any) -> str:
    chunks = [data for _, data in events_of(response) if data != "[DONE]"]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
