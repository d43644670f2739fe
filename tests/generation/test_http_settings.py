"""The settings of the teacher `http`: what is refused, what defines a result, and what never shows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pad_ray.errors import ConfigError
from pad_ray.generation.http_settings import HttpConfig

URL = "https://host/v1"
KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    "url",
    ["host/v1", "ftp://host/v1", "http://", "http://host:port/v1", "https://host/v 1", "http://[::1/v1"],
)
def test_a_base_url_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address such as"):
        HttpConfig(base_url=url)


@pytest.mark.parametrize("url", [f"https://me:{KEY}@host/v1", f"https://{KEY}@host/v1", f"https://host/v1?key={KEY}"])
def test_a_base_url_that_may_hold_a_key_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError, match="must hold no user, password or query") as caught:
        HttpConfig(base_url=url)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "hf_abcDEF0123456789", "gsk_0123456789abc", "two words", ""])
def test_a_key_in_place_of_its_variables_name_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValidationError, match="must be the name of an environment variable") as caught:
        HttpConfig(base_url=URL, api_key_env=key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("name", ["model", "messages", "prompt", "stream", "n", "best_of"])
def test_a_further_field_must_not_be_one_that_is_set_for_each_request(name: str) -> None:
    with pytest.raises(ValidationError, match=f"must not hold `{name}`"):
        HttpConfig(base_url=URL, extra_body={name: 1})


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_a_further_field_must_be_json(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be what JSON can hold"):
        HttpConfig(base_url=URL, extra_body={"field": value})


def test_a_spending_limit_without_prices_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs the prices"):
        HttpConfig(base_url=URL, spending_limit=1.0)


def test_identity_is_who_is_asked_and_in_which_words() -> None:
    config = HttpConfig(base_url=f"{URL}/", endpoint="completions", extra_body={"top_k": 5})
    assert config.identity() == {"base_url": URL, "endpoint": "completions", "extra_body": {"top_k": 5}}


def test_how_it_is_asked_leaves_the_identity_alone() -> None:
    hasty = HttpConfig(
        base_url=URL,
        api_key_env="OTHER_KEY",
        requests_per_minute=7,
        tokens_per_minute=7,
        max_in_flight=7,
        timeout_s=7,
        retries=7,
        breaker_failures=7,
        spending_limit=7,
        price_per_million_prompt_tokens=7,
        price_per_million_completion_tokens=7,
    )
    assert hasty.identity() == HttpConfig(base_url=URL).identity()


def test_cost_is_by_the_million_tokens() -> None:
    prices = {"price_per_million_prompt_tokens": 2.0, "price_per_million_completion_tokens": 10.0}
    assert HttpConfig(base_url=URL, **prices).cost(500_000, 100_000) == pytest.approx(2.0)


@pytest.mark.parametrize("value", ["", " \n"])
def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TEACHER_KEY", value)
    with pytest.raises(ConfigError, match="TEACHER_KEY"):
        HttpConfig(base_url=URL, api_key_env="TEACHER_KEY").key()


@pytest.mark.parametrize("value", [f"{KEY}\nsecond", f"{KEY} second", f"{KEY}é"])
def test_a_key_that_no_header_can_carry_is_an_error_without_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TEACHER_KEY", value)
    with pytest.raises(ConfigError, match="TEACHER_KEY") as caught:
        HttpConfig(base_url=URL, api_key_env="TEACHER_KEY").key()
    assert KEY not in str(caught.value)
