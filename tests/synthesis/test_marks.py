"""Marks say what is noteworthy about a sample; they hang on the samples, not on the order in which they come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pad_ray.records import Row
from pad_ray.synthesis.marks import MARKS, kind_of, mark_samples

QUESTIONS = {"p1": "What are 3 and 4?", "p2": "What are 5 and 6?"}
PROGRAM = "def solution():\n    a = 3\n    return a + 4"
RENAMED = "def solution():\n    first = 3  # the first\n    return first + 4"


def _sample(id: str, program: str | None = PROGRAM, problem: str = "p1", **facts: Any) -> Row:
    row = {"id": id, "problem_id": problem, "program": program, "completion": "", "verdict": "ok", "forged": False}
    return {**row, **facts}


def _marks(*samples: Row) -> dict[str, tuple[str, ...]]:
    return mark_samples(samples, QUESTIONS)


def test_an_ordinary_sample_has_no_marks() -> None:
    assert _marks(_sample("a")) == {"a": ()}


def test_the_first_of_the_same_programs_is_no_duplicate() -> None:
    assert _marks(_sample("b", RENAMED), _sample("a"), _sample("c")) == {
        "a": (),
        "b": ("duplicate",),
        "c": ("duplicate",),
    }


def test_the_same_program_for_another_problem_is_no_duplicate() -> None:
    found = _marks(
        _sample("a", "def solution():\n    return 3 + 5"), _sample("b", "def solution():\n    return 3 + 5", "p2")
    )
    assert found == {"a": (), "b": ()}


def test_what_is_forged_does_not_make_an_honest_one_a_duplicate() -> None:
    assert _marks(_sample("a", forged=True), _sample("b")) == {"a": ("forged", "duplicate"), "b": ()}


def test_what_cannot_be_parsed_is_compared_as_it_stands() -> None:
    assert _marks(_sample("a", "x = ("), _sample("b", "x = ( "), _sample("c", "y = (")) == {
        "a": (),
        "b": ("duplicate",),
        "c": (),
    }


def test_samples_without_a_program_are_compared_by_their_completions() -> None:
    samples = [_sample(id, None, completion=text) for id, text in (("a", "It is 7."), ("b", "It is 7."), ("c", "7"))]
    assert _marks(*samples) == {"a": (), "b": ("duplicate",), "c": ()}


def test_suspicious_ways_are_marked() -> None:
    found = _marks(_sample("a", "def solution():\n    b = 3 + 4\n    return 7"))
    assert found == {"a": ("constant_program", "unused_steps")}


def test_only_what_held_is_looked_at() -> None:
    wrong = {"verdict": "wrong_answer"}
    program = "def solution():\n    return 8"
    assert _marks(_sample("a", program, **wrong), _sample("b", program, **wrong, forged=True)) == {"a": (), "b": ()}


def test_a_question_of_an_evaluation_set_marks_all_its_samples_and_is_asked_for_once() -> None:
    asked = []

    def overlap(question: str) -> Sequence[str]:
        asked.append(question)
        return ["gsm8k", "svamp"] if question == QUESTIONS["p1"] else []

    samples = [_sample("a"), _sample("b", verdict="syntax_error"), _sample("c", problem="p2", program=None)]
    found = mark_samples(samples, QUESTIONS, overlap)
    assert found["a"] == found["b"] == ("contaminated:gsm8k", "contaminated:svamp")
    assert found["c"] == ()
    assert sorted(asked) == sorted(QUESTIONS.values())


def test_marks_are_of_the_closed_list() -> None:
    program = "def solution():\n    b = 30 + 40\n    return 70"
    [found] = mark_samples([_sample("a", program, forged=True)], QUESTIONS, lambda _: ["test"]).values()
    assert [kind_of(mark) for mark in found] == [mark for mark in MARKS if mark != "duplicate"]


@given(st.randoms(use_true_random=False))
def test_the_order_of_samples_changes_nothing(shuffler: random.Random) -> None:
    samples = [_sample(f"{n}", PROGRAM.replace("4", str(n % 3)), forged=n % 5 == 0) for n in range(20)]
    assert _marks(*shuffler.sample(samples, len(samples))) == _marks(*samples)
