"""A student's right programs join the examples where they are new for their problem."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.records import Row
from pad_ray.synthesis.own_programs import new_programs
from pad_ray.verification import Verdict

PROGRAM = "def solution():\n    nuts = 3\n    return nuts + 4"


def _sample(id: str, program: str | None = PROGRAM, problem: str = "p1", **facts: Any) -> Row:
    row = {"id": id, "problem_id": problem, "program": program, "completion": program, "verdict": "ok", "forged": False}
    return {**row, **facts}


def _new(samples: list[Row], known: list[Row] | None = None) -> list[str]:
    return [row["id"] for row in new_programs(samples, known or [])]


@pytest.mark.parametrize(
    ("program", "new"),
    [
        (PROGRAM, []),
        (PROGRAM.replace("nuts", "apples"), []),
        (PROGRAM.replace("= 3", "= 3  # three"), []),
        (PROGRAM.replace("nuts + 4", "4 + nuts"), ["s"]),
        (PROGRAM.replace("    return nuts + 4", "    all = nuts + 4\n    return all"), ["s"]),
    ],
)
def test_a_program_is_new_where_more_than_names_and_layout_differ(program: str, new: list[str]) -> None:
    assert _new([_sample("s", program)], [_sample("t")]) == new


def test_a_program_that_another_problem_has_is_new() -> None:
    assert _new([_sample("s")], [_sample("t", problem="p2")]) == ["s"]


def test_a_program_that_was_wrong_is_not_known() -> None:
    assert _new([_sample("s")], [_sample("t", verdict="wrong_answer")]) == ["s"]


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.OK])
def test_only_right_programs_join(verdict: Verdict) -> None:
    assert _new([_sample("s", verdict=str(verdict))]) == []


def test_what_may_have_forged_its_value_does_not_join() -> None:
    assert _new([_sample("a", forged=True), _sample("b")]) == ["b"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["p1", "p2"]), st.integers(0, 3))), st.randoms())
def test_each_program_joins_once_whatever_the_order(rows: list[tuple[str, str, int]], chance: random.Random) -> None:
    samples = [
        _sample(f"{n}", f"def solution():\n    {name} = {value}\n    return {name}", problem)
        for n, (name, problem, value) in enumerate(rows)
    ]
    found = new_programs(samples, [])
    assert len(found) == len({(problem, value) for _, problem, value in rows})
    assert new_programs(chance.sample(samples, len(samples)), []) == found
    assert new_programs(samples, found) == []
