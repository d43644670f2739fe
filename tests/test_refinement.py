"""Rounds of refinement on real parts: a random T5 answers, and its errors become lessons for the next one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.errors import ConfigError
from pad_ray.pipeline import Pipeline
from pad_ray.plan import purposes, steps
from pad_ray.programs.error_code import EMPTY
from pad_ray.report import write_report
from pad_ray.rounds import REASONING
from pad_ray.saved_run import SavedRun
from pad_ray.status import status_of
from pad_ray.student_file import StudentFile
from tests.training.tiny import make_student, write_recorded

# Ray and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = pytest.mark.filterwarnings("default")

SIZES = {"train": 12, "validation": 4, "test": 4, "unseen": 3}
DRAWN = 2  # programs of each training problem in a round
ROUNDS = 1
LIMIT = 2  # problems of each split that are asked for again


def _config(folder: Path, **refinement: Any) -> Any:
    return parse_config(
        {
            "name": "refined",
            "runs": str(folder / "runs"),
            "problems": {"sizes": SIZES},
            "teacher": {"kind": "recorded", "file": str(folder / "bought.jsonl"), "samples": 1},
            "student": {"model": str(folder / "t5")},
            "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
            "evaluation": {
                "base": False,
                "max_tokens": 24,
                "decoders": ["greedy+repair"],
                "limits": {"greedy+repair": LIMIT},
            },
            "resources": {"threads": 1},
            "refinement": {
                "samples": 1,
                "temperatures": [0.5, 1.0],
                "max_tokens": 24,
                "stop": {"rounds": ROUNDS, "patience": 9},
                **refinement,
            },
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("refinement")
    make_student("t5", place / "t5")
    write_recorded(place / "bought.jsonl", SIZES)
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> Any:
    import ray

    pipeline = Pipeline(_config(folder))
    try:
        results = pipeline.run()
    finally:
        ray.shutdown()
    write_report(pipeline.folder, pipeline.config, pipeline.stages, results)
    return pipeline, results


def _rows(run: Any, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run[0].stages[name].read_rows()
    return rows


def test_rounds_go_on_until_the_stop_rule_fires(run: Any) -> None:
    refinement = run[0].refinement
    assert [one.number for one in refinement.rounds] == list(range(ROUNDS + 1))
    assert refinement.reason == "rounds"


def test_every_student_is_measured(run: Any) -> None:
    measured = {(row["model"], row["decoder"]) for row in run[1] if row["split"] == "test"}
    students = ["student", *(f"round-{number}" for number in range(1, ROUNDS + 1))]
    assert measured == {(student, "greedy+repair") for student in students}


def test_a_round_samples_each_training_problem_at_each_temperature_and_no_other(run: Any) -> None:
    rows = _rows(run, "round-1 samples")
    train = {row["id"] for row in _rows(run, "problems") if row["split"] == "train"}
    assert {row["problem_id"] for row in rows} == train
    assert len(rows) == DRAWN * len(train)


def test_a_round_teaches_reasoning_and_repair_with_the_slot_in_every_prompt(run: Any) -> None:
    rows = [row for row in _rows(run, "round-1 examples") if row["used"]]
    lessons = {(row["lesson"] or REASONING).partition(":")[0] for row in rows}
    assert lessons == {"reasoning", "injected", "mined"}
    for row in rows:
        assert "ErrorCode:\n" in row["prompt"]
        assert (f"{EMPTY.text}Solution:" in row["prompt"]) == (row["lesson"] is None)


def test_lessons_are_of_training_problems_alone(run: Any) -> None:
    train = {row["id"] for row in _rows(run, "problems") if row["split"] == "train"}
    assert {row["problem_id"] for row in _rows(run, "round-1 examples")} <= train


def test_students_say_how_they_were_taught_to_be_asked(run: Any) -> None:
    stages = run[0].stages
    found = [StudentFile.read(stages[name].storage.path) for name in ("student", "round-1")]
    assert found == [StudentFile("pad", repairs=False), StudentFile("pad", repairs=True)]
    assert "ErrorCode:" in (Path(stages["round-1"].storage.path) / "README.md").read_text()


def test_a_manifest_says_what_was_read_sampled_kept_and_changed(run: Any) -> None:
    before, after = run[0].refinement.rounds[:2]
    assert after.inputs["before"] == before.checkpoint
    assert sum(after.sampled.values()) == DRAWN * SIZES["train"]
    assert sum(after.kept.values()) == sum(row["used"] for row in _rows(run, "round-1 examples"))
    assert after.tokens > 0
    assert after.change is not None
    assert len(after.verdicts) == SIZES["validation"]
    assert {row["model"] for row in after.evaluation} == {"round-1"}


def test_the_same_again_keeps_all_and_starts_no_ray(run: Any, folder: Path) -> None:
    import ray

    place = Path(run[0].folder.storage.path)
    before = {path: path.read_bytes() for path in sorted(place.glob("rounds/*.json"))}
    again = Pipeline(_config(folder))
    assert {step.state for step in steps(again)} == {"kept"}
    assert again.run() == run[1]
    assert not ray.is_initialized()
    assert {path: path.read_bytes() for path in sorted(place.glob("rounds/*.json"))} == before


def test_a_manifest_that_is_gone_is_made_again_from_what_is_there(run: Any, folder: Path) -> None:
    path = Path(run[0].folder.storage.path) / "rounds" / f"{ROUNDS}.json"
    before = path.read_bytes()
    path.unlink()
    assert Pipeline(_config(folder)).run() == run[1]
    assert path.read_bytes() == before


def test_rounds_of_other_settings_are_others(run: Any, folder: Path) -> None:
    assert len(Pipeline(_config(folder, own=False)).refinement.rounds) == 1  # the student before any round
    assert len(Pipeline(_config(folder, stop={"rounds": 5})).refinement.rounds) == ROUNDS + 1


def test_the_plan_says_what_each_stage_of_a_round_is_for(run: Any, folder: Path) -> None:
    longer = Pipeline(_config(folder, stop={"rounds": ROUNDS + 1, "patience": 9}))
    said = purposes(longer)
    assert said.keys() >= longer.stages.keys()
    assert said[f"round-{ROUNDS + 1} samples"].startswith(f"the student before it, {DRAWN} times for each of ")


def test_status_and_report_tell_of_rounds(run: Any) -> None:
    saved = SavedRun(run[0].folder.storage)
    status = status_of(saved)
    assert status.state == "finished"
    assert {f"round-{number}" for number in range(1, ROUNDS + 1)} <= {stage.name for stage in status.stages}
    page = Path(run[0].folder.storage.path, "report.html").read_text()
    assert "Rounds of refinement" in page
    assert page.count("Right answers on validation problems by round.") == 2  # for wide and for narrow screens


def test_a_decoder_answers_as_many_problems_of_each_split_as_it_may(run: Any) -> None:
    answered = Counter((row["decoder"], row["split"]) for row in _rows(run, "round-1 test (greedy+repair)"))
    assert answered == {("greedy+repair", "test"): LIMIT, ("greedy+repair", "unseen"): LIMIT}


def test_repair_keeps_every_attempt_in_the_trace(run: Any) -> None:
    traces = [json.loads(row["trace"]) for row in _rows(run, "round-1 test (greedy+repair)")]
    assert all(trace["attempts"] for trace in traces)
    assert {trace["stopped"] for trace in traces} <= {"answered", "not_an_exception", "attempts"}


def test_rounds_without_validation_problems_are_refused(folder: Path) -> None:
    config = _config(folder).model_dump(mode="json", by_alias=True)
    (folder / "mine.jsonl").write_text("".join(json.dumps({"question": f"{n}?", "answer": n}) + "\n" for n in range(9)))
    config["problems"] |= {"train": str(folder / "mine.jsonl"), "test": str(folder / "mine2.jsonl"), "holdout": 0}
    (folder / "mine2.jsonl").write_text('{"question": "How many?", "answer": 3}\n')
    with pytest.raises(ConfigError, match="no validation problems to compare rounds on"):
        Pipeline(parse_config(config))


def test_rounds_that_would_teach_nothing_new_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="would teach nothing new"):
        Pipeline(_config(folder, own=False, repair={"ratio": 0}))
