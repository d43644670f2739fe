"""Names of models, and waits that an endpoint asks for. What replies become is told in test_http.py."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from pad_ray.generation.http_reply import LONGEST_WAIT_S, one_line, retry_after, same_model

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-x", "gpt-x"),
        ("gpt-x", "gpt-x-2024-08-06"),
        ("gpt-x", "gpt-x-20240806"),
        ("gpt-x", "gpt-x-0613"),
        ("gemma-x", "models/gemma-x-05-20"),
        ("mistral-latest", "mistral-2407"),
        ("org/Model", "org/model"),
    ],
)
def test_a_dated_version_is_the_same_model(asked: str, answered: str) -> None:
    assert same_model(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-x", "gpt-x-mini"),
        ("gpt-x", "gpt-x-mini-2024-08-06"),
        ("gpt-x", "gpt-x2"),
        ("gpt-x-2024-08-06", "gpt-x"),
        ("llama", "llama-70b"),
        ("gpt.x", "gptyx"),
        ("gpt-x", ""),
    ],
)
def test_any_other_name_is_another_model(asked: str, answered: str) -> None:
    assert not same_model(asked, answered)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        (formatdate(NOW + 20, usegmt=True), 20.0),
        (formatdate(NOW + 20), 20.0),  # its zone is `-0000`
        (formatdate(NOW - 20, usegmt=True), 0.0),
        ("9" * 400, LONGEST_WAIT_S),
        (formatdate(NOW + 1e6, usegmt=True), LONGEST_WAIT_S),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("nan", None),
        ("Mon, 99 Foo 2024 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_up_to_the_longest_wait(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == (None if seconds is None else pytest.approx(seconds))


def test_a_reason_is_cut_only_after_the_key_is_out_of_it() -> None:
    key = "sk-very-secret-0123456789"
    assert one_line(f"HTTP 500: {key}", key, longest=20) == "HTTP 500: [key]"
