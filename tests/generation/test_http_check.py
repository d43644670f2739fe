"""What is said of an endpoint before a run starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import ConfigError, ModelError
from pad_ray.generation.http_check import check_endpoint
from pad_ray.generation.http_settings import HttpConfig
from tests.generation.bad_server import MODEL, BadServer

KEY = "sk-very-secret-0123456789"


def test_a_listed_model_is_found_without_a_request_that_costs() -> None:
    with BadServer(models=["other", MODEL]) as server:
        check_endpoint(HttpConfig(base_url=server.url), MODEL)
    assert (server.listings, server.arrivals) == (1, [])


def test_a_dated_version_in_the_list_will_do() -> None:
    with BadServer(models=[f"{MODEL}-2024-08-06"]) as server:
        check_endpoint(HttpConfig(base_url=server.url), MODEL)


def test_a_model_that_is_not_listed_is_an_error_that_names_the_nearest() -> None:
    with (
        BadServer(models=["llama-70b", "gpt-x-mini", "gpt-y"]) as server,
        pytest.raises(ModelError, match="has no model gpt-x") as caught,
    ):
        check_endpoint(HttpConfig(base_url=server.url), MODEL)
    assert "gpt-y" in caught.value.mend
    assert "gpt-x-mini" in caught.value.mend
    assert "llama" not in caught.value.mend


def test_where_no_name_is_near_some_are_shown() -> None:
    with BadServer(models=["llama-70b", "qwen"]) as server, pytest.raises(ModelError) as caught:
        check_endpoint(HttpConfig(base_url=server.url), MODEL)
    assert caught.value.mend == "It has 2, such as llama-70b, qwen"


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_an_endpoint_without_a_list_is_asked_for_one_token(endpoint: str) -> None:
    with BadServer() as server:
        check_endpoint(HttpConfig.model_validate({"base_url": server.url, "endpoint": endpoint}), MODEL)
    assert [arrival.body["max_tokens"] for arrival in server.arrivals] == [1]


def test_without_a_list_a_refused_model_is_an_error_with_the_endpoints_words() -> None:
    with BadServer(always="no_such_model") as server, pytest.raises(ModelError, match="no such model"):
        check_endpoint(HttpConfig(base_url=server.url), MODEL)


def test_without_a_list_another_model_that_answers_is_an_error() -> None:
    with (
        BadServer(always="another_model") as server,
        pytest.raises(ModelError, match="another model answered: gpt-x-mini"),
    ):
        check_endpoint(HttpConfig(base_url=server.url), MODEL)


@pytest.mark.parametrize("kind", ["null_text", "filtered", "rate_limited"])
def test_one_token_need_not_make_a_text(kind: str) -> None:
    with BadServer(always=kind) as server:
        check_endpoint(HttpConfig(base_url=server.url), MODEL)
    assert len(server.arrivals) == 1


@pytest.mark.parametrize("kind", ["error_json", "garbage", "truncated", "reset"])
def test_an_endpoint_out_of_order_is_an_error(kind: str) -> None:
    with BadServer(always=kind) as server, pytest.raises(ModelError) as caught:
        check_endpoint(HttpConfig(base_url=server.url), MODEL)
    assert server.url in caught.value.problem


def test_an_endpoint_that_hangs_is_an_error() -> None:
    with BadServer(always="hang") as server, pytest.raises(ModelError, match="does not answer"):
        check_endpoint(HttpConfig(base_url=server.url, timeout_s=0.3), MODEL)


def test_an_endpoint_that_is_not_there_is_an_error_that_names_it_and_the_mend() -> None:
    with BadServer() as server:
        gone = server.url
    with pytest.raises(ModelError, match="does not answer") as caught:
        check_endpoint(HttpConfig(base_url=gone), MODEL)
    assert gone in caught.value.problem
    assert "teacher.http.base_url" in caught.value.mend
    assert caught.value.exit_code == 2


def test_a_refused_key_is_an_error_that_names_its_variable_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", KEY)
    with BadServer(models=[MODEL], key="another") as server, pytest.raises(ConfigError, match="TEACHER_KEY") as caught:
        check_endpoint(HttpConfig(base_url=server.url, api_key_env="TEACHER_KEY"), MODEL)
    assert KEY not in str(caught.value)


def test_an_endpoint_that_wants_a_key_says_which_setting_names_it() -> None:
    with BadServer(models=[MODEL], key=KEY) as server, pytest.raises(ConfigError, match="api_key_env"):
        check_endpoint(HttpConfig(base_url=server.url), MODEL)


def test_the_right_key_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", KEY)
    with BadServer(models=[MODEL], key=KEY) as server:
        check_endpoint(HttpConfig(base_url=server.url, api_key_env="TEACHER_KEY"), MODEL)


def test_a_key_that_is_not_set_is_an_error_that_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    with BadServer(models=[MODEL]) as server, pytest.raises(ConfigError, match="TEACHER_KEY"):
        check_endpoint(HttpConfig(base_url=server.url, api_key_env="TEACHER_KEY"), MODEL)
    assert server.listings == 0
