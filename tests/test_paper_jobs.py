"""The papers' own settings: each loads, says what the paper says, and runs whole with a model of its architecture.

The models are random and narrow, their tokenizers are trained on the spot, and the problems are few.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import load_config
from pad_ray.pipeline import Pipeline
from tests.annotated_run import problem
from tests.training.tiny import make_student

pytestmark = pytest.mark.filterwarnings("default")

JOBS = Path(__file__).resolve().parent.parent / "jobs" / "paper"
NAMES = sorted(path.stem for path in JOBS.glob("*.yaml"))
TRAIN, TEST = 20, 2


def test_both_papers_are_there_in_three_sizes() -> None:
    sizes = {"codet5": ("base", "large", "small"), "gpt2": ("large", "medium", "small")}
    assert [f"{model}-{size}" for model, some in sizes.items() for size in some] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_job_loads_under_the_name_of_its_file(name: str) -> None:
    assert load_config(JOBS / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("codet5")])
def test_codet5_is_taught_and_decoded_as_in_the_paper(name: str) -> None:
    config = load_config(JOBS / f"{name}.yaml")
    assert (config.teacher.samples, config.teacher.shots, config.teacher.context) == (8, 4, "sets")
    assert (config.training.learning_rate, config.training.batch_size, config.training.epochs) == (6e-5, 8, 50)
    assert (config.training.validation, config.training.early_stopping) == (0.05, 3)
    assert "paper" in config.evaluation.decoders
    assert config.evaluation.decoding.beams == 5
    assert config.student.model == f"Salesforce/{name}"


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _run(folder: Path, name: str, **settings: Any) -> list[dict[str, Any]]:
    tests = [_write(folder / f"{split}.jsonl", [problem(n, split) for n in range(TEST)]) for split in ("one", "two")]
    train = _write(folder / "train.jsonl", [problem(n, "train") for n in range(TRAIN)])
    given = {
        "runs": str(folder / "runs"),
        "problems.train": str(train),
        "problems.test": [*map(str, tests)],
        "training.epochs": 1,
        "training.precision": "fp32",
        "evaluation.max_tokens": 16,
        "resources.train_gpus": False,
        "resources.engine_gpus": 0,
        "resources.threads": 1,
        **settings,
    }
    return Pipeline(
        load_config(JOBS / f"{name}.yaml", [f"{key}={json.dumps(one)}" for key, one in given.items()])
    ).run()


def _program(number: int) -> str:
    return f"\n    bought = {number + 2} * 2\n    return bought + {number + 5}\n"


@pytest.mark.slow
def test_codet5_runs_whole_with_a_random_t5(tmp_path: Path) -> None:
    told = [
        {"problem_id": f"train-{n}", "completion": _program(n + wrong)} for n in range(TRAIN) for wrong in (0, 1, 0, 0)
    ]
    file = _write(tmp_path / "told.jsonl", told)
    results = _run(
        tmp_path,
        "codet5-small",
        **{
            "student.model": make_student("t5", tmp_path / "t5"),
            "teacher": {"kind": "recorded", "file": str(file), "samples": 4},
            "evaluation.base": False,
            "evaluation.decoding.embedder": "embedded",
        },
    )
    found = {(row["benchmark"], row["decoder"]): row["n"] for row in results}
    assert found == {(name, decoder): TEST for name in ("one", "two") for decoder in ("beam", "paper")}


@pytest.mark.slow
def test_gpt2_runs_whole_with_a_random_gpt2(tmp_path: Path) -> None:
    results = _run(tmp_path, "gpt2-small", **{"student.model": make_student("gpt2", tmp_path / "gpt2", width=256)})
    assert {(row["benchmark"], row["n"], row["recipe"]) for row in results} == {
        (name, TEST, "socratic_unified") for name in ("one", "two")
    }
