"""Subquestions that are made by rule of worked solutions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.errors import ConfigError, DataError
from pad_ray.recipes import recipe_named
from pad_ray.splits import problem_rows
from pad_ray.step_questions import question_of, split_solution

QUESTION = "Ann had 48 clips and sold half of them in May. How many clips were left in June?"
STEPS = "Ann sold 48/2 = <<48/2=24>>24 clips in May.\nIn June 48-24 = <<48-24=24>>24 clips were left.\n#### 24"


@pytest.mark.parametrize(
    ("step", "question"),
    [
        ("Natalia sold 48/2 = <<48/2=24>>24 clips in May.", "Natalia sold how many clips in May?"),
        ("The cookies are 4 * $1.25 = $<<4*1.25=5>>5", "The cookies are how much?"),
        ("He has 23*3=<<23*3=69>>69 goats", "He has how many goats?"),
        ("Mary added 7 stickers/page * 6 pages= <<7*6=42>>42 stickers.", "Mary added how many stickers?"),
        ("That is 12/48 = <<12/48*100=25>>25% of them.", "That is how much of them?"),
        ("The rest is <<4=4>>4.", None),  # nothing is computed
        ("He has 2+2 = <<2+2=4>>4 and 3+3 = <<3+3=6>>6.", None),  # two results
        ("He thinks for a while.", None),
    ],
)
def test_a_step_asks_for_its_result(step: str, question: str | None) -> None:
    assert question_of(step) == question


def test_a_solution_is_split_into_its_steps() -> None:
    found = split_solution(QUESTION, {"rationale": STEPS})
    assert found is not None
    assert [one["question"] for one in found] == [
        "Ann sold how many clips in May?",
        "In June how many clips were left?",
    ]
    assert found[0]["answer"] == "Ann sold 48/2 = <<48/2=24>>24 clips in May."


@pytest.mark.parametrize(("question", "kept"), [("How much is it?", False), ("How much are 3 at 24 cents?", True)])
def test_no_question_gives_away_an_earlier_result_that_the_problem_does_not_name(question: str, kept: bool) -> None:
    steps = "She had 20+4 = <<20+4=24>>24 pens.\nOf the 24 pens 24/2 = <<24/2=12>>12 are red.\n#### 12"
    assert (split_solution(question, {"rationale": steps}) is not None) is kept


@pytest.mark.parametrize("fields", [{}, {"rationale": "Two and two are four.\n#### 4"}, {"rationale": 4}])
def test_without_notes_there_is_nothing_to_split(fields: dict[str, Any]) -> None:
    assert split_solution(QUESTION, fields) is None


def _rows(folder: Path, rationales: list[str]) -> list[dict[str, Any]]:
    for split in ("train", "test"):
        lines = [
            {"id": f"{split}-{n}", "question": f"{split} {n}: {QUESTION}", "answer": 24, "rationale": text}
            for n, text in enumerate(rationales)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    problems = {"train": str(folder / "train.jsonl"), "test": str(folder / "test.jsonl"), "holdout": 0}
    return list(problem_rows(parse_config({"problems": {**problems, "split_solutions": True}}).problems))


def test_problems_whose_steps_do_not_read_so_are_not_learnt_from_and_tests_stay_as_they_are(tmp_path: Path) -> None:
    rows = _rows(tmp_path, [STEPS, "The rest is <<24=24>>24.\n#### 24"])
    assert [(row["split"], row["id"]) for row in rows] == [
        ("train", "train-0"),
        ("test", "test-0"),
        ("test", "test-1"),
    ]
    assert [("subquestions" in json.loads(row["meta"])) for row in rows] == [True, False, False]


@pytest.mark.parametrize("recipe", ["socratic_unified", "socratic_iterative", "socratic_program", "cot"])
def test_every_form_of_the_same_problem_can_be_taught(recipe: str, tmp_path: Path) -> None:
    [row] = [row for row in _rows(tmp_path, [STEPS]) if row["split"] == "train"]
    assert recipe_named(recipe).given(json.loads(row["meta"]), 24)


def test_problems_that_cannot_be_split_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no problem has a solution with calculator notes"):
        _rows(tmp_path, ["Two and two are four.\n#### 4"])


def test_built_in_problems_have_no_solutions_to_split() -> None:
    with pytest.raises(ConfigError, match="split_solutions is of files"):
        list(problem_rows(parse_config({"problems": {"split_solutions": True}}).problems))
