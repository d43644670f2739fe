"""What a round teaches, of samples that are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.lessons import make_lessons
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row, columns
from tests.training.tiny import make_student, write_recorded

SIZES = {"train": 12, "validation": 4, "test": 4, "unseen": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lessons")
    make_student("t5", place / "t5")
    write_recorded(place / "bought.jsonl", SIZES)
    return place


def _pipeline(folder: Path, **refinement: Any) -> Pipeline:
    return Pipeline(
        parse_config(
            {
                "name": "lessons",
                "runs": str(folder / "runs"),
                "problems": {"sizes": SIZES},
                "teacher": {"kind": "recorded", "file": str(folder / "bought.jsonl"), "samples": 1},
                "student": {"model": str(folder / "t5")},
                "refinement": refinement,
            }
        )
    )


def _sample(id: str, problem: str, body: str, verdict: str = "ok", **facts: Any) -> Row:
    program = f"def solution():\n    {body}"
    given = {"id": id, "rid": id, "problem_id": problem, "program": program, "completion": body, "verdict": verdict}
    return {**dict.fromkeys(columns("sample")), **given, "k": 0, "attempt": 0, "forged": False, **facts}


def test_a_failure_may_become_an_own_right_program_that_is_not_learnt_from(folder: Path) -> None:
    pipeline = _pipeline(folder, own=False, repair={"mined": 1, "ratio": 1})
    one, other = (row["id"] for row in pipeline.parts.of_split("train")[:2])
    taught = [_sample("taught", one, "return 3 + 4")]
    error = {"error_class": "NameError", "error": "name 'nut' is not defined", "line": 2}
    written = [
        _sample("own", other, "nuts = 5\n    return nuts + 4"),
        _sample("failed", other, "nuts = 5\n    return nut + 4", "name_error", **error),
    ]
    settings = pipeline.config.refinement
    assert settings
    rows = make_lessons(pipeline.parts, settings, taught, written)
    used = {(row["lesson"], row["sample_id"], row["broken_id"]) for row in rows if row["used"]}
    assert used == {(None, "taught", None), ("mined:name_error", "own", "failed")}
