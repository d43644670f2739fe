"""How far a run is, from its folder alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pad_ray.rounds import Round, write_round
from pad_ray.run_folder import PROGRESS, RunFolder
from pad_ray.saved_run import SavedRun
from pad_ray.status import RunStatus, StageStatus, age, all_runs, status_of
from pad_ray.status_text import print_runs, print_status
from tests.past_run import finish, sample, write_run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return write_run(tmp_path)


def status(folder: RunFolder) -> RunStatus:
    return status_of(SavedRun(folder.storage))


def stage(folder: RunFolder, name: str) -> StageStatus:
    return next(stage for stage in status(folder).stages if stage.name == name)


def of_the_student(folder: RunFolder) -> set[str]:
    return {stage.name for stage in status(folder).stages if stage.name.startswith("student_test")}


def progress(folder: RunFolder, when: float, **more: Any) -> None:
    facts = {"title": "sample", "unit": "rows", "done": 5, "total": 9, "line": "sample 5/9 rows", "time": when, **more}
    folder.storage.write_text(PROGRESS, json.dumps(facts))


def test_a_run_that_nobody_is_at_work_on_has_stopped(folder: RunFolder) -> None:
    assert (status(folder).state, status(folder).holder) == ("stopped", None)


def test_a_run_that_somebody_is_at_work_on_runs(folder: RunFolder) -> None:
    with folder.locked():
        progress(folder, time.time())
        found = status(folder)
    assert found.state == "running"
    assert found.holder
    assert found.progress
    assert found.progress["line"] == "sample 5/9 rows"


def test_a_stage_that_is_at_work_is_begun_though_its_folder_is_empty(folder: RunFolder) -> None:
    folder.storage.write_text("run.yaml", "evaluation: {decoders: [step-beam]}\n")
    with folder.locked():
        progress(folder, time.time(), tags={"stage": "evaluation/student-step-beam", "model": "m"})
        found = stage(folder, "student_test (step-beam)")
    assert (found.state, found.rows) == ("begun", 5)


def test_a_training_that_is_at_work_is_begun(folder: RunFolder) -> None:
    with folder.locked():
        progress(folder, time.time(), unit="steps", tags={"stage": "student", "model": "m"})
        found = stage(folder, "student")
    assert (found.state, found.rows) == ("begun", None)


def test_a_stage_that_is_done_stays_so_whatever_the_last_line_was(folder: RunFolder) -> None:
    with folder.locked():
        progress(folder, time.time(), tags={"stage": "samples", "model": "m"})
        assert stage(folder, "samples").state == "done"


def test_nodes_and_restarts_are_told_where_there_is_more_than_usual(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with folder.locked():
        progress(folder, time.time(), nodes=3, restarts=2)
        print_status(status(folder))
        assert "sample 5/9 rows · 3 nodes · 2 started anew (" in capsys.readouterr().out
        progress(folder, time.time(), nodes=1, restarts=0)
        print_status(status(folder))
        assert "sample 5/9 rows (" in capsys.readouterr().out


def test_rounds_are_told_by_what_is_right_on_validation(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = {"a": "ok", "b": "timeout"}
    places: dict[str, Any] = {"inputs": {}, "checkpoint": "1", "place": "", "sampled": {}, "kept": {}, "left_out": {}}
    write_round(folder.storage, Round(number=0, verdicts=verdicts, tokens=1, evaluation=[], change=None, **places))
    found = status(folder)
    assert found.rounds == [{"round": 0, "n": 2, "correct": 1}]
    print_status(found)
    assert "right on validation after round 0: 50.0 %" in capsys.readouterr().out


def test_a_line_of_a_driver_before_is_not_shown(folder: RunFolder) -> None:
    progress(folder, time.time() - 60)
    with folder.locked():
        assert status(folder).progress is None


def test_a_finished_run_has_its_results(folder: RunFolder) -> None:
    finish(folder, "verdicts", [])
    facts = {"benchmark": "nuts", "decoder": "greedy", "shots": 0, "n": 2, "correct": 1, "low": 0.1, "high": 0.9}
    row = {"model": "student", "split": "test", "accuracy": 0.5, **facts}
    folder.storage.write_text("evaluation/results.json", json.dumps([row]))
    assert status(folder).state == "finished"
    assert status(folder).results == [row]


def test_a_run_lacks_the_decoders_that_it_asks_for_and_no_others(folder: RunFolder) -> None:
    assert of_the_student(folder) == {"student_test"}
    folder.storage.write_text("run.yaml", "evaluation: {decoders: [step-beam]}\n")
    assert of_the_student(folder) == {"student_test", "student_test (step-beam)"}


def test_a_stage_that_is_begun_counts_its_rows(tmp_path: Path) -> None:
    folder = RunFolder.open(str(tmp_path), "small")
    finish(folder, "samples", [sample("a"), sample("b")], done=None)
    assert (stage(folder, "samples").state, stage(folder, "samples").rows) == ("begun", 2)
    assert stage(folder, "examples").state == "to do"


def test_a_run_without_a_choice_of_prompts_has_no_such_stage(folder: RunFolder) -> None:
    assert "base_validation" not in [stage.name for stage in status(folder).stages]


def test_all_runs_are_listed_and_a_broken_one_does_not_hide_the_others(folder: RunFolder, tmp_path: Path) -> None:
    write_run(tmp_path, "other")
    broken = tmp_path / "broken/evaluation"
    broken.mkdir(parents=True)
    (tmp_path / "broken/run.yaml").write_text("name: broken")
    (broken / "results.json").write_text("{")
    assert [found.name for found in all_runs(str(tmp_path))] == ["other", "small"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5s ago"), (125, "2m ago"), (7300, "2h ago"), (200_000, "2d ago"), (-9, "0s ago")]
)
def test_ages_are_spelt_for_people(monkeypatch: pytest.MonkeyPatch, seconds: float, text: str) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert age(1e9 - seconds) == text


def test_lines_say_what_there_is_and_how_to_go_on(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    print_status(status(folder))
    out = capsys.readouterr().out
    assert out.startswith(f"small in {folder.storage.uri}: stopped\n")
    assert "\n  done   samples " in out
    assert "\n  to do  student\n" in out
    assert "The same command again goes on from here" in out
    assert "\x1b" not in out


def test_runs_are_a_line_each(folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_runs([status(folder)], str(tmp_path))
    assert capsys.readouterr().out.split() == ["small", "stopped", "5", "of", "8", "stages", "done"]
    print_runs([], "nowhere")
    assert capsys.readouterr().out == "there are no runs in nowhere\n"
