"""What commands do and print when all is well."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pad_ray.answers import Answers
from pad_ray.cli import main
from pad_ray.config import load_config
from pad_ray.console import print_escapes, print_results, print_verdicts
from pad_ray.pipeline import Pipeline
from pad_ray.plan import changed_settings, steps
from pad_ray.provenance import provenance
from pad_ray.records import Row
from pad_ray.run_folder import Stage
from pad_ray.sandbox.doctor import Escape
from pad_ray.saved_run import SavedRun
from pad_ray.verification import Verdict
from tests.cli.bad_input import GOOD

Capture = pytest.CaptureFixture[str]


def test_help_names_every_command(capfd: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capfd.readouterr().out
    assert all(f"\n    {command} " in out for command in ("run", "verify", "doctor"))


def test_programs_in_a_file_are_judged(capfd: Capture, folder: Path) -> None:
    (folder / "in.jsonl").write_text(GOOD + '{"program": "ans = 2", "answer": 1}\n' + GOOD)
    assert main(["verify", "--input", "in.jsonl", "--output", "out.jsonl"]) == 0
    verdicts = [json.loads(line)["verdict"] for line in (folder / "out.jsonl").read_text().splitlines()]
    assert verdicts == ["ok", "wrong_answer", "ok"]
    assert [line.split() for line in capfd.readouterr().out.splitlines()] == [
        ["ok", "2", "66.7", "%"],
        ["wrong_answer", "1", "33.3", "%"],
        ["all", "3"],
    ]


@pytest.mark.parametrize(("mode", "verdict"), [("round", "ok"), ("exact", "wrong_answer")])
def test_the_mode_of_comparison_is_passed_on(folder: Path, mode: str, verdict: str) -> None:
    (folder / "in.jsonl").write_text('{"program": "ans = 7.4", "answer": 7}\n')
    assert main(["verify", "--input", "in.jsonl", "--output", "out.jsonl", "--mode", mode]) == 0
    assert json.loads((folder / "out.jsonl").read_text())["verdict"] == verdict


def _finish(config: Path) -> None:
    """Writes what a run would leave: every stage done, one test problem answered well by both models."""
    pipeline = Pipeline(load_config(config))
    _mark(pipeline, pipeline.problem_stage)
    _answer(pipeline, pipeline.sampling)
    _mark(pipeline, pipeline.example_stage)
    for name, split in (("base_validation", "validation"), ("base", "test"), ("student_test", "test")):
        if name == "student_test":
            _mark(pipeline, pipeline.student_stage)
            _answer(pipeline, pipeline.measuring.test(pipeline.student, "greedy"))
        else:
            _answer(pipeline, pipeline.measuring.base_test if name == "base" else pipeline.measuring.base_validation)
        facts = {"benchmark": "b", "split": split, "decoder": "greedy"}
        model = "student" if name == "student_test" else "base"
        _mark(pipeline, pipeline.stages[name], {**facts, "model": model, "problem_id": "0", "k": 0, "verdict": "ok"})


def _answer(pipeline: Pipeline, answers: Answers) -> None:
    for name in ("requests", "samples", "verdicts"):
        _mark(pipeline, getattr(answers, name))


def _mark(pipeline: Pipeline, stage: Stage, *rows: Row) -> None:
    with pipeline.folder.working(stage) as mark:
        if stage.record:
            stage.write_rows(rows)
        mark.update(rows=1, digest="d", unanswered=0, attempts=0, tokens=0, cost=0.0)


def test_a_finished_run_is_told_again_without_starting_anything(
    capfd: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finish(folder / "run.yaml")
    monkeypatch.setattr("pad_ray.pipeline.ray_running", lambda *given: pytest.fail("Ray was started"))
    assert main(["run", "run.yaml"]) == 0
    out = capfd.readouterr().out
    assert (out.count("\n  kept   "), out.count("\n  to do  ")) == (9, 0)
    assert len([line for line in out.splitlines() if line.startswith(("test ", "validation "))]) == 3
    assert f"\nreport: {folder}/runs/run/report.html\n" in out


def test_a_run_ends_with_the_command_that_serves_its_student(
    capfd: Capture, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finish(folder / "run.yaml")
    monkeypatch.setattr("pad_ray.pipeline.ray_running", lambda *given: pytest.fail("Ray was started"))
    assert main(["run", "run.yaml"]) == 0
    assert capfd.readouterr().out.endswith(f"\nserve it: pad-ray serve --run {folder}/runs/run\n")


def test_what_was_measured_is_noted_before_the_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(load_config(folder / "run.yaml", ["evaluation.shots=[0]"]))
    _mark(pipeline, pipeline.problem_stage)
    _answer(pipeline, pipeline.sampling)
    monkeypatch.setattr(Answers, "request", lambda answers, rows: _mark(pipeline, answers.requests))
    monkeypatch.setattr(Answers, "make", lambda answers, teacher: _answer(pipeline, answers))
    pipeline._note_stages()
    pipeline.measuring.measure_base()
    base = SavedRun(pipeline.folder.storage).stages["base"]
    assert base.done
    assert base.id == pipeline.stages["base"].id


def test_the_plan_of_a_changed_setting_says_what_is_kept(folder: Path) -> None:
    _finish(folder / "run.yaml")
    changed = Pipeline(load_config(folder / "run.yaml", ["training.learning_rate=1e-5"]))
    states = {step.name: step.state for step in steps(changed)}
    assert [name for name, state in states.items() if state == "to do"] == ["student", "student_test"]
    assert len([state for state in states.values() if state == "kept"]) == 7


def test_the_plan_says_what_changed_and_prints_no_secret(folder: Path) -> None:
    before = Pipeline(load_config(folder / "run.yaml"))
    before.folder.storage.write_text("run.yaml", provenance(before.config))
    changes = ["training.epochs=3", "resources.engine_kwargs.hf_token=hf_secret"]
    changed = changed_settings(Pipeline(load_config(folder / "run.yaml", changes)))
    assert changed == ["training.epochs: 2 → 3", "resources.engine_kwargs.hf_token: None → ***"]


def test_results_are_a_table_with_intervals(capfd: Capture) -> None:
    figures = {"n": 300, "accuracy": 0.25, "low": 0.2043, "high": 0.3021, "executable_rate": 0.9}
    place = {"benchmark": "quickstart", "split": "test"}
    rows = [{**place, "model": "base", "decoder": "greedy", "shots": 4, **figures}]
    print_results([*rows, {**rows[0], "executable_rate": None}], "runs/small/report.html")
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert lines[2] == ["test", "base", "greedy", "4", "300", "25.0%", "20.4", "–", "30.2", "90.0", "%"]
    assert lines[3] == lines[2][:-2]


def test_verdicts_are_counted_from_the_most_frequent_down(capfd: Capture) -> None:
    print_verdicts(Counter({Verdict.TIMEOUT: 1, Verdict.OK: 2999}))
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "2,999"], ["timeout", "1"], ["all", "3,000"]]


def test_a_file_without_verdicts_has_a_sum_too(capfd: Capture) -> None:
    print_verdicts(Counter())
    assert capfd.readouterr().out.split() == ["all", "0"]


@pytest.mark.parametrize(("held", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("as_json", [True, False])
def test_an_escape_is_reported_and_ends_with_1(capfd: Capture, held: bool, code: int, as_json: bool) -> None:
    escapes = [
        Escape("files", "read /etc/shadow", "kernel", True, ("landlock",), "EACCES"),
        Escape("network", "connect", "cpython", held, (), "PermissionError"),
    ]
    assert print_escapes(escapes, as_json) == code
    out = capfd.readouterr().out
    if as_json:
        assert [row["held"] for row in json.loads(out)] == [True, held]
    else:
        assert f"\n{1 + held} of 2 attempts held\n" in out
        assert ("NO" in out) is not held
