"""The command line: bad input ends with code 2 and one line that names the place and the mend."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

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
from pad_ray.verification import Verdict

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with all that a run needs, so that each test breaks just one thing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)  # files would be looked for there too
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_text("weights")
    problems = [{"id": n, "question": f"What is {n}?", "answer": n} for n in range(9)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    settings = {
        "teacher": {"model": "model"},
        "student": {"model": "model"},
        "problems": {"train": "problems.jsonl"},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def _refusal(capfd: Capture, *argv: str) -> str:
    """The one line that a command leaves on stderr when it ends with code 2."""
    assert main(argv) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert err.startswith("pad-ray: ")
    return err.removeprefix("pad-ray: ").strip()


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("run.yaml", "training: [1", "configuration file run.yaml cannot be read: while parsing a flow sequence"),
        ("run.yaml", "- training", "configuration file run.yaml must be a mapping of keys to values"),
        ("run.yaml", "training: {epoch: 3}", "run.yaml: unknown key `training.epoch`; did you mean `training.epochs`?"),
        ("run.yaml", '"a\\nb": 3', "run.yaml: unknown key `a b`; there are: name, runs, recipe"),
        ("run.yaml", "training: {epochs: two}", "run.yaml: `training.epochs`: input should be a valid number"),
        ("run.yaml", "training:", "run.yaml: `training`: must be a section, with keys of its own"),
        ("problems.jsonl", "", "problems.jsonl: the file has no rows. Write one JSON object a line."),
        ("problems.jsonl", "{}\n", "problems.jsonl, line 1: field `question` is missing."),
        ("problems.jsonl", '{"question": "Why?", "answer": 1}\n{"que', "problems.jsonl, line 2: malformed JSON at"),
        ("problems.jsonl", '{"question": "Why?"}', "problems.jsonl, line 1: no gold: field `answer` is missing. Give"),
        ("problems.jsonl", '{"question": 3, "answer": 1}', "problems.jsonl, line 1: field `question` is a number."),
        ("problems.jsonl", '{"question": "Why?", "answer": 1}', "problems.jsonl: 1 problems are too few to hold some"),
    ],
)
def test_a_file_of_a_run_that_cannot_be_used(capfd: Capture, folder: Path, file: str, text: str, says: str) -> None:
    (folder / file).write_text(text)
    assert _refusal(capfd, "run", "run.yaml").startswith(says)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("training.epochs", "`--set training.epochs` is not of the form key.path=value"),
        ("training.epochs=[", "`--set training.epochs=[`: the value cannot be read"),
        ("training.lr=1", "run.yaml: unknown key `training.lr`; there are: epochs, learning_rate, "),
        ("recipe=pod", "recipe `pod` is unknown. There are: pad"),
        ("problems.train=nowhere.jsonl", "nowhere.jsonl: there is no such file. Check the path."),
        ("problems.test=nowhere.jsonl", "nowhere.jsonl: there is no such file. Check the path."),
        ("problems.test=problems.jsonl", "problem 0 is in train and in test. Keep it in one"),
        ("teacher.examples=nowhere", "nowhere: no such file, and no built-in examples of that name. Built in: "),
        ("teacher.model=/nowhere", "model `/nowhere` is no folder with a config.json. Give `embedded`, a folder"),
        ("student.model=problems.jsonl", "model `problems.jsonl` is no folder with a config.json. Give `embedded`"),
        ("student.model=org/none", "model `org/none` is no local folder, and the hub cannot be reached for it. Give"),
        ("runs=problems.jsonl", "cannot write to {folder}/problems.jsonl/run: Not a directory. Choose another `runs`"),
        ("runs=nowhere://runs", "nowhere://runs is no place to keep runs: Unrecognized filesystem type"),
        ("name=a/b", "run.yaml: `name`: must be letters, digits"),
    ],
)
def test_a_setting_that_cannot_be_used(capfd: Capture, folder: Path, override: str, says: str) -> None:
    assert _refusal(capfd, "run", "run.yaml", "--set", override).startswith(says.format(folder=folder))


@pytest.mark.parametrize("lacking", ["config.json", "model.safetensors"])
def test_a_model_folder_that_is_none(capfd: Capture, folder: Path, lacking: str) -> None:
    (folder / "model" / lacking).unlink()
    assert _refusal(capfd, "run", "run.yaml").startswith(f"model folder {folder}/model has no ")


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "run.yaml/run.yaml"])
def test_a_configuration_that_is_not_there(capfd: Capture, path: str) -> None:
    says = f"configuration file {path} does not exist. Give the path of a YAML file"
    assert _refusal(capfd, "run", path) == says


def test_nothing_is_written_before_everything_is_checked(capfd: Capture, folder: Path) -> None:
    before = sorted(folder.iterdir())
    _refusal(capfd, "run", "run.yaml", "--set", "problems.test=nowhere.jsonl")
    assert sorted(folder.iterdir()) == before


GOOD = '{"program": "ans = 1", "answer": 1}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "in.jsonl: there is no such file"),
        (GOOD + "{\n", "in.jsonl, line 2: no JSON"),
        (GOOD + "[1]\n", "in.jsonl, line 2: not an object"),
        (GOOD + '{"program": "ans = 1"}\n', "in.jsonl, line 2: field `answer` is missing"),
        (GOOD + '{"answer": 1}\n', "in.jsonl, line 2: field `program` or `completion` is missing"),
        (GOOD + '{"program": 1, "answer": 1}\n', "in.jsonl, line 2: field `program` is not a string"),
    ],
)
def test_a_file_to_verify_that_cannot_be_used(capfd: Capture, folder: Path, text: str | None, says: str) -> None:
    if text is not None:
        (folder / "in.jsonl").write_text(text)
    assert _refusal(capfd, "verify", "--input", "in.jsonl", "--output", "out.jsonl").startswith(says)
    assert not (folder / "out.jsonl").exists()


def test_verify_without_a_run_or_files_says_what_it_takes(capfd: Capture, folder: Path) -> None:
    assert _refusal(capfd, "verify", "--input", "in.jsonl").startswith("nothing to verify. Give a run's folder, or")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--output=nowhere/out.jsonl", "nowhere/out.jsonl: cannot be written"),
        ("--relative=-1", "--relative -1.0, --absolute 0.001: tolerances must be finite and not negative"),
        ("--absolute=nan", "--relative 1e-06, --absolute nan: tolerances must be finite and not negative"),
        ("--workers=0", "--workers 0 is too few. Give 1 or more"),
    ],
)
def test_an_option_of_verify_that_cannot_be_used(capfd: Capture, folder: Path, option: str, says: str) -> None:
    (folder / "in.jsonl").write_text(GOOD)
    refusal = _refusal(capfd, "verify", "--input", "in.jsonl", "--output", "out.jsonl", option)
    assert refusal.startswith(says)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "pad-ray: the following arguments are required: COMMAND; see pad-ray --help\n"),
        (["rum"], "pad-ray: argument COMMAND: invalid choice: 'rum'"),
        (["run"], "pad-ray run: the following arguments are required: CONFIG; see pad-ray run --help\n"),
        (["verify", "--workers", "two"], "pad-ray verify: argument --workers: invalid int value: 'two';"),
        (["init", "what"], "pad-ray init: argument KIND: invalid choice: 'what' (choose from 'quickstart', "),
    ],
)
def test_a_command_that_is_none(capfd: Capture, argv: list[str], says: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    err = capfd.readouterr().err
    assert err.startswith(says)
    assert len(err.splitlines()) == 1


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


def test_an_interrupted_command_says_how_to_go_on(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pad_ray.verify_file.verify_file", interrupt)
    assert main(["verify", "--input", "in.jsonl", "--output", "out.jsonl"]) == 130
    assert len(capfd.readouterr().err.splitlines()) == 1


def _finish(config: Path) -> None:
    """Writes what a run would leave: every stage done, one test problem answered well by both models."""
    pipeline = Pipeline(load_config(config))
    _mark(pipeline, pipeline.problem_stage)
    _answer(pipeline, pipeline.sampling)
    _mark(pipeline, pipeline.example_stage)
    for name, split in (("base_validation", "validation"), ("base", "test"), ("student_test", "test")):
        if name == "student_test":
            _mark(pipeline, pipeline.student_stage)
        _answer(pipeline, getattr(pipeline, "base_test" if name == "base" else name))
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
    assert out.endswith(f"\nreport: {folder}/runs/run/report.html\n")


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
    rows = [{"split": "test", "model": "base", "shots": 4, **figures}]
    print_results([*rows, {**rows[0], "executable_rate": None}], "runs/small/report.html")
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert lines[2] == ["test", "base", "4", "300", "25.0%", "20.4", "–", "30.2", "90.0", "%"]
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
