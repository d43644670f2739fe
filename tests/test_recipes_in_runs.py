"""Recipes from data through training and inference to evaluation, on real parts: a random T5 and annotated problems."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import RunConfig, parse_config
from pad_ray.errors import ConfigError
from pad_ray.pipeline import Pipeline
from pad_ray.recipes import recipe_named
from pad_ray.verification import Verdict
from tests.training.tiny import make_student

# Ray and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TEXTS = ("cot", "answer_only", "socratic_unified", "step_by_step")
NAMES = (*TEXTS, "socratic_program")
TRAIN, TEST = 6, 3


def _problem(number: int, split: str) -> dict[str, Any]:
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


def _config(folder: Path, recipe: str, **settings: Any) -> RunConfig:
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import ray

    place = tmp_path_factory.mktemp("recipes")
    make_student("t5", place / "t5")
    for split, count in (("train", TRAIN), ("test", TEST)):
        lines = [json.dumps(_problem(number, split)) for number in range(count)]
        (place / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    yield place
    ray.shutdown()


@pytest.fixture(scope="module", params=NAMES)
def run(request: pytest.FixtureRequest, folder: Path) -> tuple[Pipeline, list[dict[str, Any]]]:
    pipeline = Pipeline(_config(folder, request.param))
    return pipeline, pipeline.run()


def test_what_the_data_set_holds_is_judged_and_holds(run: Any) -> None:
    samples = run[0].sampling.read()
    assert len(samples) == TRAIN
    assert {row["verdict"] for row in samples} == {Verdict.OK}


def test_only_recipes_in_words_are_judged_without_the_sandbox(run: Any) -> None:
    versions = {row["verifier"].startswith("text.") for row in run[0].sampling.read()}
    assert versions == {run[0].config.recipe in TEXTS}


def test_the_student_learns_every_lesson_of_the_recipe(run: Any) -> None:
    rows = [row for row in run[0].example_stage.read_rows() if row["used"]]
    tasks = {"step_by_step": {"label", "rationale"}}.get(run[0].config.recipe, {None})
    assert {row["task"] for row in rows} == tasks
    assert len(rows) == TRAIN * len(tasks)
    assert run[0].student_stage.done["examples"] == len(rows)


def test_the_student_is_asked_as_it_was_taught_and_measured(run: Any) -> None:
    pipeline, results = run
    [result] = [row for row in results if row["split"] == "test"]
    assert (result["recipe"], result["n"]) == (pipeline.config.recipe, TEST)
    asked = pipeline.measuring.tests(pipeline.student)["greedy"].requests.read_rows()
    recipe = recipe_named(pipeline.config.recipe)
    assert {row["prompt"] for row in asked} == {recipe.prompt(_problem(n, "test")["question"]) for n in range(TEST)}


def test_a_decoder_that_runs_programs_is_refused_where_there_are_none(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.decoders: `step-beam` runs programs"):
        Pipeline(_config(folder, "cot", evaluation={"decoders": ["step-beam"]}))


def test_two_students_are_refused_in_a_run_of_one(folder: Path) -> None:
    with pytest.raises(ConfigError, match="teaches 2 students"):
        Pipeline(_config(folder, "socratic_iterative"))
