"""What a run of any recipe takes, made on the spot: annotated problems in two files, a random T5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pad_ray.config import RunConfig, parse_config
from pad_ray.programs.values import encode
from pad_ray.records import Row
from tests.training.tiny import make_student

TRAIN, TEST = 6, 3


def problem(number: int, split: str) -> dict[str, Any]:
    """A problem in two steps, as a line of a file: with a rationale, and subquestions with their solutions."""
    bought, found = number + 2, number + 5
    steps = [
        ("How many nuts does Ann buy?", f"She buys {bought} * 2 = <<{bought}*2={bought * 2}>>{bought * 2} nuts."),
        (
            "How many nuts has she?",
            f"She has {bought * 2} + {found} = <<{bought * 2}+{found}={bought * 2 + found}>>{bought * 2 + found} nuts.",
        ),
    ]
    answer = bought * 2 + found
    return {
        "id": f"{split}-{number}",
        "question": f"Ann buys {bought} bags of 2 nuts and finds {found} {split} nuts. How many nuts has she?",
        "answer": answer,
        "rationale": "\n".join([*(solution for _, solution in steps), f"#### {answer}"]),
        "subquestions": [{"question": question, "answer": solution} for question, solution in steps],
    }


def problem_rows(count: int) -> list[Row]:
    """Test problems as rows of a run."""
    made = [problem(number, "test") for number in range(count)]
    return [
        {
            "id": one["id"],
            "split": "test",
            "benchmark": "nuts",
            "question": one["question"],
            "gold": encode(one["answer"]),
            "meta": json.dumps({"subquestions": one["subquestions"]}),
        }
        for one in made
    ]


def run_config(folder: Path, recipe: str, **settings: Any) -> RunConfig:
    """A run on the problems and the student in a folder; settings replace whole sections."""
    return parse_config(
        {
            "name": recipe,
            "recipe": recipe,
            "runs": str(folder / "runs"),
            "problems": {"train": str(folder / "train.jsonl"), "test": str(folder / "test.jsonl"), "holdout": 0},
            "teacher": {"kind": "annotations", "samples": 1},
            "student": {"model": str(folder / "t5")},
            "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
            "evaluation": {"base": False, "max_tokens": 16},
            "resources": {"threads": 1},
            **settings,
        }
    )


def write_folder(place: Path) -> Path:
    """Writes the student, and the files of problems."""
    make_student("t5", place / "t5")
    for split, count in (("train", TRAIN), ("test", TEST)):
        lines = [json.dumps(problem(number, split)) for number in range(count)]
        (place / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return place
