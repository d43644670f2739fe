"""Two students in a run, from examples to predictions, on real parts: a random T5 and annotated problems."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import ConfigError, DataError, InputError
from pad_ray.export import Student as Exported
from pad_ray.pipeline import Pipeline
from pad_ray.report import write_report
from pad_ray.saved_run import SavedRun
from pad_ray.status import status_of
from tests.annotated_run import TEST, TRAIN, run_config, write_folder

# Ray and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = pytest.mark.filterwarnings("default")

BOTH = ["turns", "turns+given"]
MEASURED = {"base": False, "max_tokens": 12, "decoders": BOTH, "turns": {"max_turns": 2}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import ray

    yield write_folder(tmp_path_factory.mktemp("turns"))
    ray.shutdown()


def _pipeline(folder: Path, recipe: str = "socratic_iterative", **settings: Any) -> Pipeline:
    return Pipeline(run_config(folder, recipe, **{"evaluation": MEASURED, **settings}))


@pytest.fixture(scope="module")
def run(folder: Path) -> tuple[Pipeline, list[dict[str, Any]]]:
    pipeline = _pipeline(folder, "socratic_iterative_guided")
    return pipeline, pipeline.run()


@pytest.mark.slow
def test_each_student_learns_the_lessons_of_its_own_task(run: Any) -> None:
    students = run[0].student_stage.done["students"]
    assert {task: one["examples"] for task, one in students.items()} == {"qg": TRAIN, "qa": TRAIN}
    assert run[0].student_stage.done["examples"] == 2 * TRAIN


@pytest.mark.slow
def test_both_checkpoints_stand_in_the_students_folder_with_their_cards(run: Any, folder: Path) -> None:
    place = folder / "runs/socratic_iterative_guided/student"
    for task, does in (("qg", "asks the next subquestion"), ("qa", "answers it")):
        assert (place / task / "config.json").is_file()
        assert does in (place / task / "README.md").read_text()
        assert json.loads((place / task / "pad_ray.json").read_text())["task"] == task
    assert "take turns" in (place / "README.md").read_text()


@pytest.mark.slow
def test_results_tell_own_subquestions_from_given_ones(run: Any) -> None:
    rows = {row["decoder"]: row for row in run[1] if row["split"] == "test"}
    assert [*rows] == BOTH
    assert {row["n"] for row in rows.values()} == {TEST}
    assert rows["turns"]["questions"]["problems"] == TEST
    assert "questions" not in rows["turns+given"]


@pytest.mark.slow
def test_predictions_keep_the_dialogue(run: Any) -> None:
    stages = run[0].stages
    for row in stages["student_test (turns+given)"].read_rows():
        told = json.loads(row["trace"])
        assert [step["question"] for step in told["steps"]] == told["reference"]


@pytest.mark.slow
def test_the_same_run_again_does_nothing(run: Any) -> None:
    folder = run[0].folder
    before = len(folder.events())
    again = Pipeline(run[0].config)
    assert again.run() == run[1]
    assert [event["event"] for event in folder.events()[before:]] == ["run"]


@pytest.mark.slow
def test_a_kill_between_the_two_trainings_costs_the_second_alone(run: Any) -> None:
    student = run[0].student
    before = student.parts["qg"].done
    student.stage.storage.remove("done.json")
    student.parts["qa"].storage.clear()
    Pipeline(run[0].config).run("student")
    assert student.parts["qg"].done == before
    assert student.stage.done["students"]["qg"] == {key: value for key, value in before.items() if key != "id"}


@pytest.mark.slow
def test_status_and_report_know_the_run(run: Any) -> None:
    pipeline, results = run
    assert status_of(SavedRun(pipeline.folder.storage)).state == "finished"
    report = Path(write_report(pipeline.folder, pipeline.config, pipeline.stages, results)).read_text()
    assert "turns+given" in report


@pytest.mark.slow
def test_two_students_are_not_pushed_or_merged_as_one(run: Any) -> None:
    with pytest.raises(InputError, match="two students, student/qg and student/qa"):
        Exported.of(run[0].folder.storage)


def test_two_students_have_decoders_of_their_own(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"`greedy` is of one student, and recipe `socratic_iterative` teaches two"):
        _pipeline(folder, evaluation={"decoders": ["greedy"]})


def test_one_student_takes_no_turns(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"`turns` takes two students"):
        _pipeline(folder, "socratic_unified")


def test_the_budget_of_tokens_is_that_of_both(folder: Path) -> None:
    training = {"epochs": 1, "batch_size": 4, "precision": "fp32"}
    whole = _pipeline(folder, training={**training, "tokens": 2000})
    assert whole.learning._part_training.tokens == 1000


def test_students_of_several_tasks_have_stages_of_their_own(folder: Path) -> None:
    student = _pipeline(folder).student
    assert [stage.name for stage in student.parts.values()] == ["student/qg", "student/qa"]
    assert len({student.stage.id, *(stage.id for stage in student.parts.values())}) == 3


def test_rules_of_turns_change_what_is_measured_and_nothing_before(folder: Path) -> None:
    first = _pipeline(folder)
    other = _pipeline(folder, evaluation={**MEASURED, "turns": {"max_turns": 3}})
    assert first.student_stage.id == other.student_stage.id
    tests = [pipeline.measuring.tests(pipeline.student)["turns"].requests.id for pipeline in (first, other)]
    assert len(set(tests)) == 2


def test_rounds_of_two_students_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="rounds are of one student"):
        _pipeline(folder, refinement={})


def test_given_subquestions_are_refused_where_the_data_has_none(folder: Path) -> None:
    plain = folder / "plain.jsonl"
    plain.write_text('{"id": "plain", "question": "How many?", "answer": 3}\n')
    problems = {"train": str(folder / "train.jsonl"), "test": str(plain), "holdout": 0}
    with pytest.raises(DataError, match="test problem plain has none"):
        _pipeline(folder, problems=problems)


def test_the_base_is_asked_as_the_teacher_is(folder: Path) -> None:
    pipeline = _pipeline(folder)
    assert pipeline.measuring._base_recipe.name == "socratic_unified"
