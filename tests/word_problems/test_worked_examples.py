"""The worked examples: right, mixed, and none of them a problem that is trained or evaluated on."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import DataError
from pad_ray.prompts import WorkedExample, load_examples
from pad_ray.word_problems import generate
from pad_ray.word_problems.templates import HELD_OUT, TRAINED, Template
from pad_ray.word_problems.words import NOUNS, PEOPLE, PERSON_SLOTS, PLAIN

EXAMPLES = load_examples("arithmetic")
SETS = {n: [e for e in EXAMPLES if e.set == n] for n in range(1, 9)}
GOOD: dict[str, Any] = {
    "set": 1,
    "question": "How many?",
    "program": "def solution():\n    result = 2\n    return result",
}


def _operators(example: WorkedExample) -> list[str]:
    symbols = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
    return [symbols[type(node.op)] for node in ast.walk(ast.parse(example.program)) if isinstance(node, ast.BinOp)]


def _five_word_runs(text: str) -> set[tuple[str, ...]]:
    words = re.sub(r"\{[^}]*\}|[^a-zA-Z{}]+", " ", text).lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def _pattern(template: Template) -> str:
    """What the template can make with any numbers and any words of its lists."""

    def words(slot: str) -> str:
        name, _, form = slot.strip("{}").partition(".")
        if name in template.ranges:
            return r"\d+"
        if name in PERSON_SLOTS:
            return r"\w+" if form else "(?:" + "|".join(person.name for person in PEOPLE) + ")"
        nouns = [noun.one if form else noun.many for noun in NOUNS.get(name, [])]
        return "(?:" + "|".join(nouns or PLAIN[name]) + ")"

    parts = re.split(r"(\{[^}]*\})", template.text)
    return "".join(words(part) if part.startswith("{") else re.escape(part) for part in parts)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.question[:20])
def test_the_program_gives_the_answer(example: WorkedExample) -> None:
    namespace: dict[str, Any] = {}
    exec(example.program, namespace)
    assert namespace["solution"]() == example.answer


def test_there_are_eight_sets_of_four() -> None:
    assert [len(examples) for examples in SETS.values()] == [4] * 8
    assert len(EXAMPLES) == 32


@pytest.mark.parametrize("number", SETS)
def test_every_set_goes_from_one_operation_to_three(number: int) -> None:
    counts = [len(_operators(example)) for example in SETS[number]]
    assert counts == sorted(counts)
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize("number", SETS)
def test_every_set_shows_all_four_operations(number: int) -> None:
    assert {operator for example in SETS[number] for operator in _operators(example)} == set("+-*/")


def test_no_example_is_a_problem_that_any_seed_could_generate() -> None:
    patterns = [_pattern(template) for template in (*TRAINED, *HELD_OUT)]
    assert not [e.question for e in EXAMPLES if any(re.fullmatch(pattern, e.question) for pattern in patterns)]


def test_the_patterns_of_that_test_know_a_generated_problem() -> None:
    patterns = {template.name: _pattern(template) for template in (*TRAINED, *HELD_OUT)}
    made = [problem for split in generate(0).values() for problem in split]
    assert all(re.fullmatch(patterns[problem.template], problem.question) for problem in made)


def test_no_example_is_worded_like_a_held_out_template() -> None:
    held_out = set().union(*(_five_word_runs(t.text) for t in HELD_OUT))
    assert not [e.question for e in EXAMPLES if _five_word_runs(e.question) & held_out]


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(GOOD) + "\n")
    assert load_examples(path) == [WorkedExample(1, "How many?", GOOD["program"])]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"set": "one"}, "line 1: field `set` is a string"),
        ({"set": True}, "field `set` is a boolean"),
        ({"question": " "}, "field `question` is empty"),
        ({"program": 3}, "field `program` is a number"),
        ({"program": "def solution(:"}, "field `program` is no Python"),
        ({"program": "result = 2"}, "defines no `solution`"),
        ({"answer": [2]}, "field `answer` is a list"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(DataError, match=re.escape(says)):
        load_examples(path)


def test_an_unknown_name_gets_the_names_there_are() -> None:
    with pytest.raises(DataError, match="Built in: arithmetic"):
        load_examples("algebra")
