"""The recipe edit from bought samples, right and wrong, to its evaluation; answers in words that vote, likewise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import RunConfig, parse_config
from pad_ray.errors import ConfigError
from pad_ray.pipeline import Pipeline
from tests.annotated_run import problem
from tests.training.tiny import make_student

pytestmark = pytest.mark.filterwarnings("default")

TRAIN, TEST = 6, 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_student("t5", tmp_path / "t5")
    for split, count in (("train", TRAIN), ("one", TEST), ("two", TEST)):
        lines = [json.dumps(problem(number, split)) for number in range(count)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def _config(folder: Path, **settings: Any) -> RunConfig:
    return parse_config(
        {
            "runs": str(folder / "runs"),
            "problems": {
                "train": str(folder / "train.jsonl"),
                "test": [str(folder / "one.jsonl"), str(folder / "two.jsonl")],
                "holdout": 0,
            },
            "student": {"model": str(folder / "t5")},
            "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
            "resources": {"threads": 1},
            **settings,
        }
    )


@pytest.mark.slow
def test_a_student_learns_pairs_of_what_its_teacher_got_right_and_wrong(folder: Path) -> None:
    """The first half of the problems has a wrong sample beside the right one."""
    told = [
        {"problem_id": f"train-{n}", "completion": f"\n    bought = {n + 2} * 2\n    return bought {sign} {n + 5}\n"}
        for n in range(TRAIN)
        for sign in ("+", "-" if n < TRAIN // 2 else "+")
    ]
    (folder / "told.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    teacher = {"kind": "recorded", "file": str(folder / "told.jsonl"), "samples": 2}
    evaluation = {"base": False, "max_tokens": 16}
    pipeline = Pipeline(_config(folder, recipe="edit", teacher=teacher, evaluation=evaluation))
    results = pipeline.run()
    rows = [row for row in pipeline.example_stage.read_rows() if row["used"]]
    assert sum(row["lesson"] == "edit:wrong_answer" for row in rows) == TRAIN // 2
    assert sum(row["lesson"] is None and row["contrast"] is not None for row in rows) == TRAIN // 2
    assert (pipeline.student_stage.done or {})["examples"] == TRAIN
    assert {(row["benchmark"], row["n"]) for row in results} == {("one", TEST), ("two", TEST)}


@pytest.mark.slow
def test_a_student_of_words_is_measured_by_votes(folder: Path) -> None:
    evaluation: dict[str, Any] = {"base": False, "max_tokens": 16, "decoders": ["greedy", "self-consistency"]}
    evaluation["decoding"] = {"samples": 3}
    teacher = {"kind": "annotations", "samples": 1}
    pipeline = Pipeline(_config(folder, recipe="cot", teacher=teacher, evaluation=evaluation))
    results = pipeline.run()
    assert {(row["benchmark"], row["decoder"]) for row in results} == {
        (name, decoder) for name in ("one", "two") for decoder in ("greedy", "self-consistency")
    }
    [stage] = [stage for name, stage in pipeline.stages.items() if "self-consistency" in name]
    for row in stage.read_rows():
        trace = json.loads(row["trace"])
        assert len(trace["branches"]) == 3
        assert sum(vote["votes"] for vote in trace["votes"]) <= 3


def test_weights_of_pairs_are_refused_where_there_are_none(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"examples\.edit: recipe `cot` makes no pairs"):
        Pipeline(_config(folder, recipe="cot", examples={"edit": {"alpha": 2}}))
