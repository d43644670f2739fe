"""From a configuration to what the student learns, with no teacher model: every problem holds, in every form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import load_config, parse_config
from pad_ray.pipeline import Pipeline
from pad_ray.symbolic_problems import TASKS
from pad_ray.verification import Verdict

ROOT = Path(__file__).resolve().parent.parent.parent
TRAIN = 12
FORMS = [(task, recipe) for task in TASKS for recipe in ("pad", "cot", "answer_only")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import ray

    yield tmp_path_factory.mktemp("runs")
    ray.shutdown()


@pytest.mark.parametrize("file", ["coin-flip", "last-letters"])
def test_the_jobs_are_of_the_sizes_of_the_literature(file: str) -> None:
    config = load_config(ROOT / f"jobs/{file}.yaml")
    assert (config.name, config.problems.train) == (file, file.replace("-", "_"))
    assert not config.problems.sizes.model_dump(exclude_none=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("task", "recipe"), FORMS)
def test_what_a_problem_brings_holds_and_is_learnt_from(runs: Path, task: str, recipe: str) -> None:
    settings: dict[str, Any] = {
        "name": f"{task}-{recipe}",
        "runs": str(runs),
        "recipe": recipe,
        "problems": {"train": task, "sizes": {"train": TRAIN}},
        "teacher": {"kind": "annotations", "samples": 1, "shots": 0, "examples": task},
    }
    pipeline = Pipeline(parse_config(settings))
    pipeline.run(until="examples")
    assert [row["verdict"] for row in pipeline.sampling.read()] == [Verdict.OK] * TRAIN
    examples = pipeline.example_stage.read_rows()
    assert [(row["used"], row["why_not"]) for row in examples] == [(True, None)] * TRAIN
