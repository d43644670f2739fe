"""Suspicious ways to a right answer are marked, and ordinary programs are not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from textwrap import indent

import pytest

from pad_ray.programs.shortcuts import shortcuts

QUESTION = "Ann has 3 bags of 14 nuts. She eats 2 nuts. How many nuts are left?"
HONEST = "bags = 3\nper_bag = 14\nnuts = bags * per_bag\nleft = nuts - 2\nreturn left"


def _marks(body: str, question: str = QUESTION) -> set[str]:
    return set(shortcuts("def solution():\n" + indent(body, "    "), question))


def _is(mark: str, body: str, question: str = QUESTION) -> bool:
    return mark in _marks(body, question)


def test_an_honest_program_has_no_mark() -> None:
    assert _marks(HONEST) == set()


@pytest.mark.parametrize(
    "body",
    [
        "return 40",
        "return -40",
        "return int(40.0)",
        "return round(40, 2)",
        "return 'forty'",
        "nuts = 40\nreturn nuts",
        "nuts = 40\nresult = nuts\nreturn int(result)",
        "bags = 3\nnuts = bags * 14\nreturn 40",
        "nuts = 3 * 14\nnuts = 40\nreturn nuts",
    ],
)
def test_an_answer_that_is_one_literal(body: str) -> None:
    assert _is("constant_program", body)


@pytest.mark.parametrize(
    "body",
    [
        HONEST,
        "return 3 * 14 - 2",
        "total = 42\ntotal -= 2\nreturn total",
        "n = 0\nfor i in range(40):\n    n += 1\nreturn n",
        "n = 0\nif 3 > 2:\n    n = 40\nreturn n",
        "import math\nreturn math.factorial(5)",
        "if 3 > 2:\n    return 40\nreturn 3",
        "a = b\nb = a\nreturn a",
        "return None",
        "pass",
    ],
)
def test_an_answer_that_is_more_than_a_literal(body: str) -> None:
    assert not _is("constant_program", body)


@pytest.mark.parametrize(
    ("program", "constant"),
    [
        ("ans = 40", True),
        ("def solver():\n    return 40\nans = solver()", True),
        ("def solver():\n    return 3 * 14 - 2\nans = solver()", False),
        ("ans = 0\nfor n in [3, 14]:\n    ans += n", False),
        ("def f(x):\n    return 40\nans = f(3)", False),
        ("print(40)", False),
    ],
)
def test_flat_code_is_judged_by_the_variable_that_is_its_answer(program: str, constant: bool) -> None:
    assert ("constant_program" in shortcuts(program, QUESTION)) is constant


@pytest.mark.parametrize(
    "body",
    [
        HONEST.replace("return left", "return 40"),
        HONEST.replace("return", "per_nut = per_bag / bags\nreturn"),
        "a = 3 * 14\nb = a - 2\nprint(b)\nreturn 42 - 2",
        "a = 3 * 14\nb = a / 2\nfor _ in range(2):\n    b += 1\nreturn a - 2",
    ],
)
def test_a_step_that_the_answer_does_not_depend_on(body: str) -> None:
    assert _is("unused_steps", body)


@pytest.mark.parametrize(
    "body",
    [
        "sparrows = 3\nbags = 3\nreturn bags * 14 - 2",
        "whole, rest = divmod(42, 2)\nreturn whole",
        "_ = 3 * 14\nreturn 40",
        "for i in range(2):\n    pass\nreturn 40",
        "nuts = []\nfull = 3 * 14\nnuts.append(full)\nreturn len(nuts)",
        "nuts = {}\nfull = 3 * 14\nnuts['a'] = full\nreturn nuts['a']",
        "full = 3 * 14\nif full > 2:\n    return 40\nreturn 2",
        "n = 0\nfull = 3 * 14\nwhile True:\n    if n > full:\n        break\n    n += 1\nreturn n",
        "full = 3 * 14\nassert full == 42\nreturn 40",
        "full = 3 * 14\ndef left():\n    return full - 2\nreturn left()",
        "full = 3 * 14\ntry:\n    left = full - 2\nexcept ValueError:\n    left = 0\nreturn left",
        "full = 3 * 14\nreturn eval('full - 2')",
        "full = 3 * 14\nleft = 40 if full else 2\nreturn left",
        "full = 3 * 14\nmatch full:\n    case 42:\n        left = 40\nreturn left",
        "nuts = [3, 14]\nordered = nuts\nordered.sort()\nreturn nuts[0]",
    ],
)
def test_what_the_answer_may_depend_on_is_no_idle_step(body: str) -> None:
    assert not _is("unused_steps", body)


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ("return 6 * 7", QUESTION),
        ("a = 50\nb = a - 10\nreturn b", QUESTION),
        ('"""3 bags of 14 nuts, 2 eaten."""\nreturn 50 - 10', QUESTION),
        ("return 50 - 10", "Ann has twenty-five nuts, Ben has 15 nuts. How many are that?"),
    ],
)
def test_a_program_with_other_numbers_than_the_question(body: str, question: str) -> None:
    assert _is("ignores_question", body, question)


@pytest.mark.parametrize(
    ("body", "question"),
    [
        ("return 3 * 13 + 1", QUESTION),
        ("return 100 * 1.2", "A price of 100 dollars rises by 20%. What is it?"),
        ("return 80 * 0.75", "A jacket costs 80 euros, with 25 % off. What is it?"),
        ("return 1200 + 7", "1,200 people live here. Then 9 more come. How many?"),
        ("return 25 + 6", "Ann has twenty-five nuts, Ben has 15. How many are that?"),
        ("return 12 * 5", "Ann has a dozen eggs and 7 hens. How many eggs?"),
        ("return 7 * 24", "How many hours are in a week?"),
        ("a = 1\nreturn a + a", QUESTION),
        ("return int('14') + 20", QUESTION),
    ],
)
def test_one_number_of_the_question_is_enough(body: str, question: str) -> None:
    assert not _is("ignores_question", body, question)


def test_huge_numbers_are_passed_over() -> None:
    assert _marks("return 4 + " + "9" * 4_000, "What is " + "7" * 500 + " + 4?") == set()


def test_few_programs_that_follow_human_solutions_are_marked(data_folder: Path) -> None:
    """Of programs made from GSM8K's own solutions few ignore the question, and few are constants."""
    lines = (data_folder / "derived/gsm8k_train_programs.jsonl").read_text(encoding="utf-8").splitlines()[:2000]
    rows = [json.loads(line) for line in lines]
    counts = Counter(mark for row in rows for mark in shortcuts(row["program"], row["question"]))
    assert 0 < counts["ignores_question"] < 0.02 * len(rows)
    assert 0 < counts["constant_program"] < 0.03 * len(rows)


def test_worked_examples_have_no_mark() -> None:
    from pad_ray.prompts import load_examples

    examples = load_examples("arithmetic")
    assert [example.question for example in examples if shortcuts(example.program, example.question)] == []
