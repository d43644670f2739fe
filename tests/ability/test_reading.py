"""What counts as a program where text was asked, and where the answer stands in a text."""

from __future__ import annotations

import pytest

from pad_ray.ability.reading import is_program, read_answer
from pad_ray.programs.answers import Kind

OPTIONS = "What is the date?\nOptions:\n(A) 12/11/1937\n(B) 12/25/1937\n(C) a blue cup"


@pytest.mark.parametrize(
    "text",
    [
        "def solution():\n    return 3",
        " 3 + 2 + 3 + 3",
        " -70 + -70 * -3 * 1 +",
        " 1 + step_1",
        " 11\n    result = step_1\n    return result",
        " step_1 = 1 + 1",
        "\n    return step_1 + 2",
        "Here it is:\n```python\n3\n```",
        "import math",
        "from math import sqrt",
    ],
)
def test_pieces_of_programs_are_programs(text: str) -> None:
    assert is_program(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 10",
        " -70",
        " (A)",
        "01/02/1987",
        "return to the start",
        "I return to it.",
        " 8 + 8 = 16",
        " True\nB: False",
        "2 - a pair",
        "a == b holds",
        "from here on",
    ],
)
def test_texts_are_no_programs(text: str) -> None:
    assert not is_program(text)


@pytest.mark.parametrize(
    ("text", "kind", "answer"),
    [
        (" 10\nB: 11", Kind.NUMBER, 10),
        ("I count 3 and 5.", Kind.NUMBER, 5),
        ("10 or so. The answer is 12.", Kind.NUMBER, 12),
        (" No", Kind.TRUTH, "No"),
        ("The expression is True.", Kind.TRUTH, "True"),
        (" (b) 12/25/1937", Kind.CHOICE, "(B)"),
        ("C.", Kind.CHOICE, "(C)"),
        ("12/25/1937", Kind.CHOICE, "(B)"),
        ("A blue cup.", Kind.CHOICE, "(C)"),
        ("I think that it is (B)", Kind.CHOICE, "(B)"),
        ("I do not know", Kind.CHOICE, None),
        ("none", Kind.NUMBER, None),
        (" ", Kind.TEXT, None),
        (" apple pear\nfig", Kind.TEXT, "apple pear"),
    ],
)
def test_an_answer_is_read_by_its_kind(text: str, kind: Kind, answer: object) -> None:
    assert read_answer(text, kind, OPTIONS if kind is Kind.CHOICE else "") == answer


def test_an_option_that_stands_twice_is_no_letter() -> None:
    assert read_answer("red", Kind.CHOICE, "(A) red\n(B) red") is None
