"""The teacher `recorded` gives each request the completion that the file holds for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import DataError
from pad_ray.generation.recorded import RecordedTeacher, check_recorded
from pad_ray.records import table


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "recorded.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _ask(path: Path, *asked: tuple[str, int]) -> list[dict[str, Any]]:
    facts = {"attempt": 0, "gold": "int:1", "prompt": "", "model": "", "sampling": "{}"}
    rows = [{"id": f"{p}{k}-0", "rid": f"{p}{k}", "problem_id": p, "k": k, **facts} for p, k in asked]
    answers: list[dict[str, Any]] = RecordedTeacher(str(path))(table("request", rows)).to_pylist()
    return answers


def test_lines_of_a_problem_answer_its_samples_in_turn(tmp_path: Path) -> None:
    path = _file(tmp_path, *({"problem_id": p, "completion": f"{p}{n}"} for n in range(2) for p in "ab"))
    answers = _ask(path, ("a", 0), ("a", 1), ("b", 1))
    assert [row["completion"] for row in answers] == ["a0", "a1", "b1"]


def test_a_line_may_name_the_sample_that_it_answers(tmp_path: Path) -> None:
    path = _file(tmp_path, {"problem_id": "a", "k": 3, "completion": "third"})
    assert [row["completion"] for row in _ask(path, ("a", 3), ("a", 0))] == ["third", None]


def test_what_is_not_in_the_file_is_a_failure_of_the_teacher(tmp_path: Path) -> None:
    path = _file(tmp_path, {"problem_id": "a", "completion": None})
    for row in _ask(path, ("a", 0), ("b", 0)):
        assert (row["finish_reason"], row["teacher_error"]) == ("error", "no recorded completion")


def test_an_empty_completion_is_an_answer(tmp_path: Path) -> None:
    path = _file(tmp_path, {"problem_id": "a", "completion": ""})
    assert _ask(path, ("a", 0))[0]["completion"] == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"completion": "x"}, "line 1: field `problem_id` is missing"),
        ({"problem_id": "a"}, "line 1: field `completion` is missing"),
        ({"problem_id": "a", "completion": 3}, "line 1: field `completion` is a number"),
        ({"problem_id": "a", "completion": "x", "k": "1"}, "line 1: field `k` is a string"),
        ({"problem_id": "a", "completion": "x", "k": -1}, "line 1: field `k` is a number"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        check_recorded(_file(tmp_path, line))
