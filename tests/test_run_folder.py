"""A run's folder: stages are done once and whole, and their ids say what defines them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.errors import InputError, StageError
from pad_ray.pipeline import Pipeline
from pad_ray.run_folder import RunFolder, Stage, once
from pad_ray.storage import Storage
from tests.weights import safetensors

ROWS = [{"id": "b", "prompt": "2"}, {"id": "a", "prompt": "1"}]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.open(str(tmp_path / "runs"), "small")


@pytest.fixture
def examples(folder: RunFolder) -> Stage:
    return folder.stage("examples", {"per_problem": 4}, record="example")


def _files(stage: Stage) -> list[str]:
    return sorted(path.name for path in Path(stage.storage.path).iterdir())


def test_a_stage_is_done_when_its_work_has_ended(folder: RunFolder, examples: Stage) -> None:
    with folder.working(examples) as mark:
        assert examples.done is None
        examples.write_rows(ROWS)
        mark["rows"] = 2
    assert examples.done is not None
    assert (examples.done["id"], examples.done["rows"]) == (examples.id, 2)


@pytest.mark.parametrize("error", [StageError("failed"), KeyboardInterrupt()])
def test_work_that_breaks_off_leaves_no_mark(folder: RunFolder, examples: Stage, error: BaseException) -> None:
    def work(mark: dict[str, Any]) -> None:
        examples.write_rows(ROWS)
        raise error

    with pytest.raises(type(error)):
        once(folder, examples, work)
    assert examples.done is None
    assert folder.events() == []


def test_what_a_killed_process_left_is_cleared_before_the_next_try(folder: RunFolder, examples: Stage) -> None:
    program = f"""
import os
from pad_ray.run_folder import RunFolder
folder = RunFolder.open({str(Path(folder.storage.path).parent)!r}, "small")
stage = folder.stage("examples", {{"per_problem": 4}}, record="example")
with folder.working(stage):
    stage.write_rows([{{"id": "stale"}}])
    stage.storage.write_text("other.parquet", "torn")
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9
    assert _files(examples) == ["other.parquet", "rows.parquet"]
    assert examples.done is None
    once(folder, examples, lambda mark: examples.write_rows(ROWS))
    assert _files(examples) == ["done.json", "rows.parquet"]
    assert [row["id"] for row in examples.read_rows()] == ["a", "b"]


def test_what_is_done_is_not_done_again(folder: RunFolder, examples: Stage) -> None:
    first = once(folder, examples, lambda mark: mark.update(rows=2))
    again = once(folder, examples, lambda mark: pytest.fail("done twice"))
    assert first == again
    assert len(folder.events()) == 1


def test_rows_come_back_sorted_by_id(folder: RunFolder, examples: Stage) -> None:
    examples.write_rows(ROWS)
    assert [row["id"] for row in examples.read_rows()] == ["a", "b"]
    assert examples.read_rows(["id", "prompt"]) == sorted(ROWS, key=lambda row: row["id"])


def test_a_stage_without_rows_is_named(examples: Stage) -> None:
    with pytest.raises(StageError, match=f"examples/{examples.id} holds no Parquet files"):
        examples.read_rows()


def test_a_flat_stage_lies_under_its_name_and_knows_its_id(folder: RunFolder) -> None:
    old, new = (folder.stage("student", {"seed": seed}, flat=True) for seed in (0, 1))
    assert Path(old.storage.path) == Path(folder.storage.path, "student") == Path(new.storage.path)
    once(folder, old, lambda mark: None)
    assert old.done
    assert new.done is None


def test_events_come_in_the_order_in_which_things_ended(folder: RunFolder) -> None:
    for name in ("problems", "evaluation/base-validation", "run"):
        folder.event(name, rows=3)
    assert [event["event"] for event in folder.events()] == ["problems", "evaluation/base-validation", "run"]
    assert all(event["rows"] == 3 and event["time"] > 0 for event in folder.events())


def test_an_event_that_is_being_written_is_passed_over(folder: RunFolder) -> None:
    folder.event("problems")
    Path(folder.storage.path, "events", "9.0-requests.json.part").write_text('{"ev')
    assert [event["event"] for event in folder.events()] == ["problems"]


def test_a_runs_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*/file/runs/small: Not a directory"):
        RunFolder.open(str(tmp_path / "file" / "runs"), "small")


def test_an_id_depends_on_settings_and_on_what_is_read(folder: RunFolder) -> None:
    one, two = (folder.stage("requests", {"k": k}) for k in (1, 2))
    ids = {
        folder.stage("samples", {"seed": 0}, [one]).id,
        folder.stage("samples", {"seed": 1}, [one]).id,
        folder.stage("samples", {"seed": 0}, [two]).id,
        folder.stage("samples", {"seed": 0}, [one, two]).id,
        folder.stage("others", {"seed": 0}, [one]).id,
    }
    assert len(ids) == 5


def test_an_id_does_not_depend_on_where_the_run_lies(folder: RunFolder, tmp_path: Path) -> None:
    other = RunFolder.open(str(tmp_path / "elsewhere"), "other")
    assert folder.stage("samples", {"b": 1, "a": 2}).id == other.stage("samples", {"a": 2, "b": 1}).id


def model_folder(place: Path, weights: bytes = b"weights") -> str:
    """A folder in the layout of a model, as far as one is looked at before it is loaded."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (place / "model.safetensors").write_bytes(safetensors(weights))
    return str(place)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    model = model_folder(tmp_path / "model")
    return {
        "name": "small",
        "runs": str(tmp_path / "runs"),
        "problems": {"sizes": {"train": 4, "validation": 2, "test": 2, "unseen": 2}},
        "teacher": {"model": model},
        "student": {"model": model},
    }


def _ids(settings: dict[str, Any], section: str = "", **changes: Any) -> dict[str, str]:
    changed = {**settings.get(section, {}), **changes} if section else changes
    config = parse_config({**settings, **({section: changed} if section else changed)})
    return {name: stage.id for name, stage in Pipeline(config).stages.items()}


def _changed(settings: dict[str, Any], section: str, **changes: Any) -> set[str]:
    before, after = _ids(settings), _ids(settings, section, **changes)
    return {name for name in before if before[name] != after[name]}


JUDGED = {"verdicts", "examples", "student", "base_validation", "base", "student_test"}
ALL = {"problems", "requests", "samples", *JUDGED}
TRAINING = {"student", "student_test"}
FROM_REQUESTS = {"requests", "samples", "verdicts", "examples", *TRAINING}
MEASURED = {"base_validation", "base", "student_test"}


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        ("problems", {"seed": 1}, ALL),
        ("problems", {"limit": 3}, ALL),
        ("teacher", {"temperature": 0.5}, FROM_REQUESTS),
        ("teacher", {"samples": 5}, FROM_REQUESTS),
        ("teacher", {"seed": 1}, FROM_REQUESTS),
        ("verification", {"relative": 0.1}, JUDGED),
        ("examples", {"per_problem": 1}, {"examples", *TRAINING}),
        ("training", {"learning_rate": 1e-5}, TRAINING),
        ("training", {"batch_size": 8}, TRAINING),
        ("training", {"seed": 1}, TRAINING),
        ("evaluation", {"max_tokens": 99}, MEASURED),
    ],
)
def test_a_setting_changes_what_depends_on_it_and_nothing_else(
    settings: dict[str, Any], section: str, change: dict[str, Any], expected: set[str]
) -> None:
    assert _changed(settings, section, **change) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"engines": 3},
        {"engine_rows": 64},
        {"sandbox_workers": 4},
        {"train_workers": 1},
        {"micro_batch_tokens": 64},
        {"zero_stage": 3},
        {"train_gpus": True},
        {"engine_kwargs": {"enforce_eager": True}},
    ],
)
def test_how_a_run_is_executed_changes_no_id(settings: dict[str, Any], change: dict[str, Any]) -> None:
    assert _changed(settings, "resources", **change) == set()


def test_where_runs_and_models_lie_changes_no_id(settings: dict[str, Any], tmp_path: Path) -> None:
    model = {"model": model_folder(tmp_path / "elsewhere" / "copy")}
    moved = {**settings, "name": "other", "runs": str(tmp_path / "more"), "teacher": model, "student": model}
    assert _ids(moved) == _ids(settings)


def test_other_weights_of_the_student_keep_the_samples(settings: dict[str, Any], tmp_path: Path) -> None:
    other = model_folder(tmp_path / "other", b"other weights")
    assert _changed(settings, "student", model=other) == {"student", *MEASURED}


def test_other_weights_of_the_teacher_keep_the_baseline(settings: dict[str, Any], tmp_path: Path) -> None:
    other = model_folder(tmp_path / "other", b"other weights")
    assert _changed(settings, "teacher", model=other) == FROM_REQUESTS


def _begun(tmp_path: Path) -> tuple[RunFolder, Stage, RunFolder, Stage]:
    """A run that has a student, and one that may take it over."""
    first, second = (RunFolder.open(str(tmp_path / "runs"), name) for name in ("first", "second"))
    second.others = [first.storage]
    made, wanted = (folder.stage("round-1/student", {"epochs": 1}, flat=True) for folder in (first, second))

    def work(mark: dict[str, Any]) -> None:
        made.storage.write_text("config.json", "{}")
        (made.storage / "tokenizer").write_text("merges.txt", "a b")
        mark["tokens"] = 7

    once(first, made, work)
    return first, made, second, wanted


def _refuse(mark: dict[str, Any]) -> None:
    raise AssertionError("it is there already")


def test_what_another_run_has_made_is_taken_over_with_its_mark(tmp_path: Path) -> None:
    _, made, second, wanted = _begun(tmp_path)
    assert once(second, wanted, _refuse) == made.done
    assert (wanted.storage / "tokenizer").read_text("merges.txt") == "a b"
    assert second.events()[-1]["taken_from"] == second.others[0].uri


def test_only_what_has_the_same_id_is_taken_over(tmp_path: Path) -> None:
    _, _, second, _ = _begun(tmp_path)
    other = second.stage("round-1/student", {"epochs": 2}, flat=True)
    assert not second.take(other)
    assert other.done is None


def test_a_copy_that_broke_off_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, made, second, wanted = _begun(tmp_path)
    copy = Storage._copy

    def broken(self: Storage, other: Storage, name: str) -> None:
        copy(self, other, name)
        raise KeyboardInterrupt

    monkeypatch.setattr(Storage, "_copy", broken)
    with pytest.raises(KeyboardInterrupt):
        second.take(wanted)
    assert (made.done is not None, wanted.done) == (True, None)
