"""Programs are parsed within bounds: whatever the text, there is a tree or there is none, and nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.duplicates import fingerprint
from pad_ray.programs.extract import MAX_PROGRAM_CHARS
from pad_ray.programs.shortcuts import shortcuts
from pad_ray.programs.syntax import MAX_BRACKETS, parse

DEEP = {
    "signs": "x = " + "-" * 15_000 + "1",
    "nots": "x = " + "not " * 3_500 + "1",
    "sums": "x = 1" + "+1" * 7_500,
    "powers": "x = 1" + "**1" * 5_000,
    "attributes": "x = a" + ".b" * 7_500,
    "calls": "x = a" + "()" * 7_500,
    "lambdas": "x = " + "lambda:" * 2_200 + "1",
    "conditions": "x = " + "1 if 1 else " * 1_300 + "1",
    "branches": "if 1:\n pass\n" + "elif 1:\n pass\n" * 1_100,
    "brackets": "x = " + "(" * 7_000 + ")" * 7_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_deep_text_is_given_up(text: str) -> None:
    assert len(text) <= MAX_PROGRAM_CHARS
    assert fingerprint(text) is None
    assert shortcuts(text, "How many are 3 and 4?") == ()


@pytest.mark.parametrize("text", ["x = (", "x = '\0'", "x = '\ud800'", "9" * 5_000, "  x = 1", "return"])
def test_wrong_python_has_no_tree(text: str) -> None:
    assert parse(text) is None or text == "return"


def test_brackets_are_counted_before_anything_is_parsed() -> None:
    assert parse("x = " + "(" * MAX_BRACKETS + "1" + ")" * MAX_BRACKETS) is not None
    assert parse("x = " + "(" * (MAX_BRACKETS + 1) + "1" + ")" * (MAX_BRACKETS + 1)) is None


def test_a_long_text_is_not_parsed() -> None:
    assert parse("x = 1\n" + "#" * MAX_PROGRAM_CHARS) is None


def test_a_stray_backslash_warns_nobody() -> None:
    assert parse(r"x = '\d'") is not None


@given(st.text(alphabet="abx1.,:=+-()[]{}'\"\\\n #\0\ud800def return", max_size=200))
def test_no_text_raises(text: str) -> None:
    fingerprint(text)
    shortcuts(text, text)
