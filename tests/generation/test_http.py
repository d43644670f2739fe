"""The teacher `http` against an endpoint that misbehaves: what each row gets, and that nothing paid for is lost."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import ConfigError
from pad_ray.generation.http import HttpTeacher
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.records import columns
from tests.generation.bad_server import (
    COMPLETION_TOKENS,
    MODEL,
    PROMPT_TOKENS,
    RETRY_AFTER_S,
    BadServer,
    request_rows,
    text_of,
)

Row = dict[str, Any]
KEY = "sk-very-secret-0123456789"
PRICES = {"price_per_million_prompt_tokens": 1e6, "price_per_million_completion_tokens": 2e6}
COST = PROMPT_TOKENS + 2 * COMPLETION_TOKENS


@pytest.fixture
def server() -> Iterator[BadServer]:
    with BadServer() as opened:
        yield opened


def ask(server: BadServer, prompts: list[str], spent: float = 0.0, **settings: Any) -> list[Row]:
    """The rows of some prompts, in their order."""
    config = HttpConfig(base_url=server.url, **{"retries": 1, **PRICES, **settings})
    return run(config, prompts, spent)


def run(config: HttpConfig, prompts: list[str], spent: float = 0.0) -> list[Row]:
    async def first(teacher: HttpTeacher) -> Any:
        async for table in teacher(pyarrow.Table.from_pylist(request_rows(prompts))):
            return table

    with closing(HttpTeacher(config, MODEL, spent=spent)) as teacher:
        rows: list[Row] = asyncio.run(first(teacher)).to_pylist()
    return rows


def one(server: BadServer, kind: str, **settings: Any) -> Row:
    return ask(server, [f"kind={kind} 1"], **settings)[0]


def test_a_good_reply_is_a_completion_with_its_tokens_and_cost(server: BadServer) -> None:
    row = one(server, "good")
    assert (row["completion"], row["finish_reason"]) == (text_of("kind=good 1"), "stop")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (PROMPT_TOKENS, COMPLETION_TOKENS)
    assert (row["cost"], row["teacher_error"]) == (COST, None)


def test_each_request_has_one_row_under_its_own_id(server: BadServer) -> None:
    rows = ask(server, ["kind=good 1", "kind=bad_request 2", "kind=good 3"])
    assert [row["id"] for row in rows] == ["r0-0", "r1-0", "r2-0"]
    assert list(rows[0]) == columns("completion")


def test_a_cut_completion_says_so(server: BadServer) -> None:
    row = one(server, "cut")
    assert (row["finish_reason"], row["completion"]) == ("length", text_of("kind=cut 1"))


FAILURES = {
    "error_json": "HTTP 500",  # its body is a good completion, and it is a failure all the same
    "error_page": "HTTP 502",
    "truncated": "connection failed: RemoteProtocolError",
    "reset": "connection failed: ReadError",
    "garbage": "the reply is no JSON object",
    "deep_garbage": "the reply is no JSON object",
    "error_in_reply": "the reply has no choices: upstream is down",
    "rate_limited": "HTTP 429: slow down",
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_that_may_pass_is_asked_again_and_then_is_the_rows(server: BadServer, kind: str) -> None:
    row = one(server, kind)
    assert row["completion"] is None
    assert row["teacher_error"].startswith(FAILURES[kind])
    assert row["teacher_error"].endswith(" (2 requests)")
    assert len(server.arrivals) == 2


@pytest.mark.parametrize("kind", ["error_json", "error_page", "truncated", "reset", "garbage", "error_in_reply"])
def test_a_failure_that_passes_leaves_a_completion(server: BadServer, kind: str) -> None:
    row = one(server, f"{kind}_once")
    assert (row["completion"], row["teacher_error"]) == (text_of(f"kind={kind}_once 1"), None)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("bad_request", "HTTP 400: prompt is too long"),
        ("forbidden", "HTTP 403: not for you"),
    ],
)
def test_a_refusal_is_not_asked_again(server: BadServer, kind: str, error: str) -> None:
    row = one(server, kind)
    assert (row["teacher_error"], row["cost"], len(server.arrivals)) == (error, 0, 1)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("another_model", "another model answered: gpt-x-mini"),
        ("no_choices", "the reply has no choices"),
        ("null_text", "the reply has no text, finish_reason stop"),
        ("filtered", "finish_reason content_filter"),
    ],
)
def test_a_reply_without_a_completion_is_a_failure_that_costs_once(server: BadServer, kind: str, error: str) -> None:
    row = one(server, kind)
    assert (row["completion"], row["teacher_error"], row["finish_reason"]) == (None, error, "error")
    assert (row["cost"], len(server.arrivals)) == (COST, 1)


@pytest.mark.parametrize("kind", ["dated_model", "no_model"])
def test_a_dated_version_or_no_name_is_the_model_asked_for(server: BadServer, kind: str) -> None:
    assert one(server, kind)["completion"] == text_of(f"kind={kind} 1")


def test_an_empty_text_is_a_completion(server: BadServer) -> None:
    row = one(server, "empty_text")
    assert (row["completion"], row["teacher_error"]) == ("", None)


@pytest.mark.parametrize("kind", ["no_usage", "absurd_usage"])
def test_a_reply_without_a_usable_count_of_tokens_is_kept_and_counts_nothing(server: BadServer, kind: str) -> None:
    row = one(server, kind)
    assert row["completion"] == text_of(f"kind={kind} 1")
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost"]) == (0, 0, 0)


def test_a_text_that_no_table_can_hold_is_mended_and_the_batch_kept(server: BadServer) -> None:
    rows = ask(server, ["kind=half_surrogate 1", "kind=good 2"])
    assert [row["completion"] for row in rows] == ["half ? pair", text_of("kind=good 2")]


@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_a_reply_that_does_not_come_whole_ends_at_the_timeout(server: BadServer, kind: str) -> None:
    row = one(server, kind, timeout_s=0.5, retries=0)
    assert row["teacher_error"] == "no whole reply within 0.5 s"


@pytest.mark.parametrize("kind", ["rate_limited_once", "busy_once"])
def test_retry_after_in_seconds_is_waited_for(server: BadServer, kind: str) -> None:
    assert one(server, kind)["completion"]
    first, second = server.arrivals
    assert second.time - first.time > 0.95 * RETRY_AFTER_S


def test_retry_after_as_a_date_is_waited_for(server: BadServer) -> None:
    assert one(server, "rate_limited_by_date_once")["completion"]
    first, second = server.arrivals
    # The date is in whole seconds, one to two ahead.
    assert second.time - first.time > 0.95


def test_after_a_429_no_row_is_asked_before_its_time(server: BadServer) -> None:
    rows = ask(server, ["kind=rate_limited_once 1", "kind=good 2", "kind=good 3"], max_in_flight=1)
    assert all(row["completion"] for row in rows)
    limited, *others = server.arrivals
    assert min(arrival.time for arrival in others) - limited.time > 0.95 * RETRY_AFTER_S


def test_the_rate_limit_is_kept(server: BadServer) -> None:
    ask(server, [f"kind=good {place}" for place in range(15)], requests_per_minute=600)
    times = sorted(arrival.time for arrival in server.arrivals)
    # A tenth of a second each: 10 requests begin within no less than 0.9 s, but for how late the first one is heard.
    assert all(late - early > 0.7 for early, late in zip(times, times[9:], strict=False))


def test_no_more_requests_are_in_flight_than_allowed(server: BadServer) -> None:
    ask(server, [f"kind=good {place}" for place in range(40)], max_in_flight=3)
    assert server.most_in_flight <= 3


def test_requests_are_in_flight_together() -> None:
    with BadServer(hold_until=30) as server:
        rows = ask(server, [f"kind=good {place}" for place in range(30)], max_in_flight=30)
    assert all(row["completion"] for row in rows)
    assert server.most_in_flight == 30


def test_the_circuit_opens_after_straight_failures_and_the_rest_is_not_asked(server: BadServer) -> None:
    prompts = [f"kind=error_page {place}" for place in range(20)]
    rows = ask(server, prompts, retries=0, breaker_failures=4, max_in_flight=1)
    assert len(server.arrivals) == 4
    assert [row["teacher_error"] for row in rows[:4]] == ["HTTP 502"] * 4
    assert {row["teacher_error"] for row in rows[4:]} == {"not asked: the teacher failed 4 times in a row"}


def test_an_open_circuit_sends_no_second_tries(server: BadServer) -> None:
    rows = ask(server, [f"kind=bad_request {place}" for place in range(2)] + ["kind=error_page 3"], breaker_failures=2)
    assert rows[2]["teacher_error"] == "HTTP 502"
    assert len(server.arrivals) == 3


def test_an_answer_sets_the_count_of_failures_back(server: BadServer) -> None:
    kinds = ["error_page", "error_page", "good"] * 5
    rows = ask(
        server, [f"kind={kind} {n}" for n, kind in enumerate(kinds)], retries=0, breaker_failures=3, max_in_flight=1
    )
    assert sum(row["completion"] is not None for row in rows) == 5
    assert len(server.arrivals) == 15


def test_a_429_that_passes_is_no_failure_to_the_circuit(server: BadServer) -> None:
    prompts = [f"kind=rate_limited_once {place}" for place in range(3)]
    rows = ask(server, prompts, breaker_failures=1, retries=2)
    assert all(row["completion"] for row in rows)


def test_the_spending_limit_ends_the_asking_and_keeps_what_is_paid(server: BadServer) -> None:
    prompts = [f"kind=good {place}" for place in range(10)]
    rows = ask(server, prompts, spending_limit=3 * COST, max_in_flight=1)
    assert [row["completion"] is not None for row in rows] == [True] * 3 + [False] * 7
    assert {row["teacher_error"] for row in rows[3:]} == {f"not asked: the spending limit of {3 * COST} is reached"}
    assert server.paid.total() == 3


def test_what_is_in_flight_at_the_spending_limit_is_kept() -> None:
    with BadServer(hold_until=5) as server:
        rows = ask(server, [f"kind=good {n}" for n in range(10)], spending_limit=COST, max_in_flight=5)
    assert sum(row["completion"] is not None for row in rows) == server.paid.total() == 5


def test_money_spent_before_counts_against_the_limit(server: BadServer) -> None:
    rows = ask(server, ["kind=good 1", "kind=good 2"], spent=2.5 * COST, spending_limit=3 * COST, max_in_flight=1)
    assert [row["completion"] is not None for row in rows] == [True, False]


def test_a_limit_that_is_spent_before_asks_nothing(server: BadServer) -> None:
    ask(server, ["kind=good 1"], spent=3 * COST, spending_limit=3 * COST)
    assert server.arrivals == []


def test_a_failure_that_costs_counts_against_the_limit(server: BadServer) -> None:
    prompts = [f"kind=another_model {place}" for place in range(5)]
    ask(server, prompts, spending_limit=2 * COST, max_in_flight=1)
    assert len(server.arrivals) == 2


def test_nothing_paid_for_is_lost_among_all_kinds() -> None:
    kinds = ["good", "error_json_once", "reset_once", "truncated_once", "another_model", "no_choices", "cut"]
    prompts = [f"kind={kind} {place}" for place in range(20) for kind in kinds]
    with BadServer(garbage_every=100) as server:
        rows = ask(server, prompts, retries=3)
    assert sum(row["cost"] for row in rows) == server.paid.total() * COST
    answered = {row["completion"] for row in rows if row["completion"] is not None}
    assert answered == {text_of(prompt) for prompt in prompts if "another" not in prompt and "choices" not in prompt}
    # One reply in a hundred was garbage, and its row was asked again.
    assert len(server.arrivals) > len(prompts) + 60


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_both_endpoints_are_asked_in_their_own_form(server: BadServer, endpoint: str) -> None:
    assert one(server, "good", endpoint=endpoint)["completion"] == text_of("kind=good 1")
    arrival = server.arrivals[0]
    assert arrival.path == {"chat": "/v1/chat/completions", "completions": "/v1/completions"}[endpoint]
    assert ("messages" in arrival.body, "prompt" in arrival.body) == (endpoint == "chat", endpoint == "completions")


def test_messages_in_a_prompt_are_sent_as_messages(server: BadServer) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "kind=good 1"}]
    ask(server, [json.dumps(messages)])
    assert server.arrivals[0].body["messages"] == messages


@pytest.mark.parametrize("prompt", ["How many?", '[{"role" is no JSON', "[1, 2]"])
def test_any_other_prompt_is_what_the_user_says(server: BadServer, prompt: str) -> None:
    ask(server, [prompt])
    assert server.arrivals[0].body["messages"] == [{"role": "user", "content": prompt}]


def test_sampling_parameters_are_sent(server: BadServer) -> None:
    one(server, "good")
    sent = {
        name: server.arrivals[0].body[name] for name in ("model", "temperature", "top_p", "max_tokens", "stop", "seed")
    }
    assert sent == {"model": MODEL, "temperature": 0.7, "top_p": 1.0, "max_tokens": 64, "stop": ["\n\n"], "seed": 3}


def test_further_fields_are_sent_and_null_leaves_one_out(server: BadServer) -> None:
    one(server, "good", extra_body={"max_tokens": None, "max_completion_tokens": 64, "reasoning_effort": "low"})
    body = server.arrivals[0].body
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["reasoning_effort"]) == (64, "low")


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> Row:
    """Settings that name the key's variable, which is set."""
    monkeypatch.setenv("TEACHER_KEY", f"{KEY}\n")  # as files of secrets end
    return {"api_key_env": "TEACHER_KEY"}


def test_the_key_is_sent_to_the_endpoint(server: BadServer, keyed: Row) -> None:
    one(server, "good", **keyed)
    assert server.arrivals[0].authorization == f"Bearer {KEY}"


def test_no_key_is_sent_where_none_is_named(server: BadServer) -> None:
    one(server, "good")
    assert server.arrivals[0].authorization == ""


@pytest.mark.parametrize("kind", ["echo", "echo_in_text"])
def test_a_key_that_the_endpoint_repeats_does_not_reach_the_row(server: BadServer, keyed: Row, kind: str) -> None:
    row = one(server, kind, **keyed)
    assert "[key]" in (row["teacher_error"] or row["completion"])
    assert KEY not in repr(row)


def test_the_key_is_not_in_what_is_written_of_the_settings(keyed: Row) -> None:
    config = HttpConfig(base_url="http://127.0.0.1:1/v1", **keyed)
    assert config.key() == KEY
    assert KEY not in repr(config) + config.model_dump_json() + repr(config.identity())
    assert KEY.encode() not in pickle.dumps(config)


def test_the_key_is_not_in_what_is_logged(server: BadServer, keyed: Row, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ask(server, ["kind=good 1", "kind=echo 2", "kind=reset 3"], **keyed)
    assert caplog.text
    assert KEY not in caplog.text


def test_a_key_that_is_not_set_is_an_error_that_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    with pytest.raises(ConfigError, match="TEACHER_KEY"):
        HttpTeacher(HttpConfig(base_url="http://127.0.0.1:1/v1", api_key_env="TEACHER_KEY"), MODEL)


def test_an_error_is_one_short_line() -> None:
    with BadServer() as server:
        row = one(server, "long_error")
    assert len(row["teacher_error"]) <= 300
    assert row["teacher_error"].isprintable()


def test_an_endpoint_that_is_not_there_is_the_rows_failure() -> None:
    with BadServer() as server:
        gone = server.url
    row = run(HttpConfig(base_url=gone, retries=0), ["kind=good 1"])[0]
    assert row["teacher_error"].startswith("connection failed: ConnectError")
