"""Which part of a program is its answer."""

from __future__ import annotations

import pytest

from pad_ray.programs.spans import answer_spans


@pytest.mark.parametrize(
    ("program", "answers"),
    [
        ("def solution():\n    a = 1\n    return a + 1\n", ["return a + 1"]),
        ("def solution():\n    a = 1\n    result = a + 1\n    return result\n", ["result = a + 1", "return result"]),
        (
            "def solution():\n    r = 1\n    r = 2\n    if r:\n        return r\n    return 0\n",
            ["r = 2", "return r", "return 0"],
        ),
        ("def solution():\n    r = 1\n    r += 2\n    return r\n", ["r += 2", "return r"]),
        ("def solution():\n    é = 'ü' ; ä = 1\n    return ä\n", ["ä = 1", "return ä"]),
        ("def solution():\n    def f():\n        return 1\n    return f()\n", ["return f()"]),
        ("def solution():\n    return (\n        1\n    )\n", ["return (\n        1\n    )"]),
        ("def solution():\n    a = 1  # \x0c x\u2028\n    return a\n", ["a = 1", "return a"]),
        ("def solution(:\n", []),
        ("", []),
    ],
)
def test_the_answer_is_what_is_returned_and_the_statement_that_binds_it(program: str, answers: list[str]) -> None:
    assert [program[start:end] for start, end in answer_spans(program)] == answers
