"""`status`, `report`, `show`, `samples`: they read a run's folder, from wherever it is, and change nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.cli import main
from pad_ray.run_folder import RunFolder
from pad_ray.storage import Storage
from tests.past_run import QUESTIONS, finish, sample, write_run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def run(folder: Path) -> Path:
    """A run, without the models and files that it was made from."""
    place = Path(write_run(folder / "runs").storage.path)
    (place / "run.yaml").write_text("name: small\nproblems: {train: gone.jsonl}\nstudent: {model: gone}\n")
    return place


@pytest.mark.parametrize("where", ["small", "runs/small"])
def test_status_by_name_or_folder(capfd: Capture, where: str) -> None:
    assert main(["status", where]) == 0
    assert capfd.readouterr().out.startswith("small in ")


def test_status_of_all(capfd: Capture) -> None:
    assert main(["status"]) == 0
    assert capfd.readouterr().out.startswith("small  stopped  ")


def test_status_as_json(capfd: Capture) -> None:
    assert main(["status", "small", "--json"]) == 0
    status = json.loads(capfd.readouterr().out)
    assert (status["name"], status["state"]) == ("small", "stopped")
    assert {stage["name"] for stage in status["stages"]} >= {"problems", "samples", "student"}


def test_following_ends_when_nobody_is_at_work(capfd: Capture) -> None:
    assert main(["status", "small", "--follow"]) == 0
    assert capfd.readouterr().out.count("small in ") == 1


def test_report_needs_neither_models_nor_problem_files(capfd: Capture, run: Path) -> None:
    assert main(["report", "small"]) == 0
    assert capfd.readouterr().out == f"report: {run}/report.html\n"
    assert (run / "report.html").read_text().startswith("<!doctype html>")


def test_a_run_that_was_stopped_reports_what_it_has_measured(run: Path) -> None:
    facts = {"benchmark": "nuts", "split": "test", "model": "base", "decoder": "greedy", "k": 4}
    asked = {**sample("cccccc1", "train-10"), **facts, "question": QUESTIONS["train-10"]}
    finish(RunFolder(Storage.open(str(run))), "evaluation/base/predictions", [asked])
    assert main(["report", "small"]) == 0
    page = (run / "report.html").read_text()
    assert "the base model at its best prompt" in page
    assert "No split was measured." not in page


def test_report_as_json(capfd: Capture, run: Path) -> None:
    assert main(["report", "small", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"run": "small", "report": f"{run}/report.html"}


def test_show_goes_back_to_the_problem(capfd: Capture) -> None:
    assert main(["show", "small", "cccccc1-0", "--json"]) == 0
    titles = [block["title"] for block in json.loads(capfd.readouterr().out)]
    assert titles[0].startswith("prediction")
    assert titles[-1].startswith("problem")


def test_samples_are_an_object_a_line(capfd: Capture) -> None:
    assert main(["samples", "small", "--verdict", "name_error", "--json"]) == 0
    [line] = capfd.readouterr().out.splitlines()
    assert json.loads(line)["verdict"] == "name_error"


def test_where_there_are_no_such_samples_that_is_said(capfd: Capture) -> None:
    assert main(["samples", "small", "--verdict", "timeout"]) == 0
    assert capfd.readouterr().out == "no samples with the verdict timeout\n"


def test_a_run_without_settings_says_so(capfd: Capture, run: Path) -> None:
    (run / "run.yaml").unlink()
    assert main(["report", "small"]) == 2
    assert capfd.readouterr().err.startswith(f"pad-ray: {run} holds no run.yaml. ")
