"""Recipes from data through training and inference to evaluation, on real parts: a random T5 and annotated problems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import ConfigError
from pad_ray.pipeline import Pipeline
from pad_ray.recipes import recipe_named
from pad_ray.verification import Verdict
from tests.annotated_run import TEST, TRAIN, problem, run_config, write_folder

# Ray and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TEXTS = ("cot", "answer_only", "socratic_unified", "step_by_step")
NAMES = (*TEXTS, "socratic_program")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import ray

    yield write_folder(tmp_path_factory.mktemp("recipes"))
    ray.shutdown()


@pytest.fixture(scope="module", params=NAMES)
def run(request: pytest.FixtureRequest, folder: Path) -> tuple[Pipeline, list[dict[str, Any]]]:
    pipeline = Pipeline(run_config(folder, request.param))
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
    assert {row["prompt"] for row in asked} == {recipe.prompt(problem(n, "test")["question"]) for n in range(TEST)}


def test_a_decoder_that_runs_programs_is_refused_where_there_are_none(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.decoders: `step-beam` runs programs"):
        Pipeline(run_config(folder, "cot", evaluation={"decoders": ["step-beam"]}))
