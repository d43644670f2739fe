"""Examples come from programs that held, each once, in an order that nothing but the samples decides."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.config import ExamplesConfig
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, table
from pad_ray.synthesis.examples import make_examples
from pad_ray.verification import Verdict

PAD = recipe_named("pad")
QUESTIONS = {"p1": "One?", "p2": "Two?"}


def _sample(id: str, value: int = 1, problem: str = "p1", **facts: Any) -> Row:
    program = f"def solution():\n    return {value}"
    return {"id": id, "problem_id": problem, "program": program, "verdict": "ok", "forged": False, **facts}


def _make(*samples: Row, limit: int = 4) -> list[Row]:
    return make_examples(samples, QUESTIONS, PAD, ExamplesConfig(per_problem=limit))


def test_an_example_is_a_record_that_names_its_sample() -> None:
    [example] = _make(_sample("a-0"))
    assert example == {
        "id": "a-0",
        "sample_id": "a-0",
        "problem_id": "p1",
        "split": "train",
        "prompt": PAD.prompt("One?"),
        "target": "\n    return 1\n",
    }
    assert [*example] == columns("example")
    assert table("example", [example]).to_pylist() == [example]


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.OK])
def test_what_did_not_hold_is_not_learnt_from(verdict: Verdict) -> None:
    assert _make(_sample("a", verdict=str(verdict))) == []


def test_what_may_have_forged_its_value_is_not_learnt_from() -> None:
    assert _make(_sample("a", forged=True)) == []


def test_a_sample_without_a_program_is_passed_over() -> None:
    assert _make(_sample("a", verdict="teacher_error", program=None, forged=None), _sample("b"))[0]["id"] == "b"


def test_the_same_program_is_kept_once_for_each_problem() -> None:
    kept = _make(_sample("b"), _sample("a"), _sample("c", problem="p2"), _sample("d", value=2))
    assert [row["id"] for row in kept] == ["a", "d", "c"]


def test_of_many_programs_of_a_problem_some_are_chosen() -> None:
    samples = [_sample(f"a{n}", value=n) for n in range(9)] + [_sample("b", problem="p2")]
    kept = _make(*samples, limit=3)
    assert [row["problem_id"] for row in kept] == ["p1", "p1", "p1", "p2"]
    assert len({row["target"] for row in kept}) == 4


def test_the_choice_differs_from_problem_to_problem() -> None:
    samples = [_sample(f"{n}", value=n, problem=problem) for n in range(50) for problem in ("p1", "p2")]
    chosen = [[row["target"] for row in _make(*samples, limit=5) if row["problem_id"] == p] for p in ("p1", "p2")]
    assert chosen[0] != chosen[1]


@given(st.randoms(use_true_random=False))
def test_the_order_of_samples_changes_nothing(shuffler: random.Random) -> None:
    samples = [_sample(f"{n}", value=n % 7, problem=f"p{1 + n % 2}") for n in range(30)]
    shuffled = shuffler.sample(samples, len(samples))
    assert _make(*shuffled, limit=3) == _make(*samples, limit=3)
