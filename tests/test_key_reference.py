"""The reference of keys says what the models check."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.config import known_keys
from pad_ray.key_reference import field_at, reference, takes

PAGE = Path(__file__).resolve().parent.parent / "docs/configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make docs`"


@pytest.mark.parametrize("key", known_keys())
def test_every_key_is_described(key: str) -> None:
    found = field_at(key)
    assert found is not None
    section, _, name = key.rpartition(".")
    assert f"\n## `{key}`\n" in reference() or (found.description and f"\n| `{name}` | " in reference()), section


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("training.epochs", "number above 0"),
        ("problems.limit", "whole number from 1, or nothing"),
        ("problems.holdout", "number from 0 and below 0.5"),
        ("teacher.ask", "one of `completion`, `chat`"),
        ("evaluation.shots", "list of whole number"),
        ("resources.engine_kwargs", "mapping"),
        ("resources.zero_stage", "one of `0`, `1`, `2`, `3`, or nothing"),
    ],
)
def test_what_a_key_takes_is_said_in_words(key: str, words: str) -> None:
    found = field_at(key)
    assert found is not None
    assert takes(found) == words


@pytest.mark.parametrize("key", ["nothing", "training.epoch", "training.epochs.more", ""])
def test_a_key_that_there_is_not(key: str) -> None:
    assert field_at(key) is None
