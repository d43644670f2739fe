"""The plan says what is kept, gone on with, asked again or still to do, and which settings changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pad_ray.config import load_config
from pad_ray.console import print_plan
from pad_ray.generation.completion import answered, failed
from pad_ray.pipeline import Pipeline
from pad_ray.plan import Step, changed_settings, purposes, steps
from pad_ray.provenance import provenance
from pad_ray.records import table
from pad_ray.synthesis.stream import summary
from tests.weights import safetensors

REQUESTS = 9


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model" / "model.safetensors").write_bytes(safetensors())
    problems = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(REQUESTS)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    (tmp_path / "test.jsonl").write_text('{"id": "t", "question": "Is it?", "answer": "yes"}\n')
    settings = {
        "problems": {"train": "problems.jsonl", "test": "test.jsonl", "holdout": 0},
        "teacher": {"model": "model", "samples": 1, "shots": 0},
        "student": {"model": "model"},
        "training": {"epochs": 4},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "run.yaml"


def _pipeline(config: Path, *overrides: str) -> Pipeline:
    pipeline = Pipeline(load_config(config, overrides))
    pipeline.prepare(allow_unreachable=True)
    return pipeline


def _answer(pipeline: Pipeline, count: int, failures: int = 0, attempt: int = 0, done: bool = False) -> None:
    rows = [{**row, "id": f"{row['rid']}-{attempt}", "attempt": attempt} for row in _requests(pipeline)[:count]]
    given = [failed(row, "no answer") if n < failures else answered(row, "text") for n, row in enumerate(rows)]
    samples = pipeline.sampling.samples
    samples.storage.write_parquet(f"{attempt}.parquet", table("sample", given))
    if done:
        with pipeline.folder.working(samples, keep=True) as mark:
            mark.update(summary(samples))


def _requests(pipeline: Pipeline) -> list[dict[str, object]]:
    return pipeline.sampling.requests.read_rows()


def _samples(pipeline: Pipeline) -> Step:
    return {step.name: step for step in steps(pipeline)}["samples"]


def test_before_anything_is_made_all_is_to_do(config: Path) -> None:
    plan = list(steps(Pipeline(load_config(config))))
    assert {step.state for step in plan} == {"to do"}
    assert [step.name for step in plan if step.id] == ["problems"]  # what follows is defined by what will be made


def test_what_is_done_is_kept_up_to_the_first_that_is_not(config: Path) -> None:
    pipeline = _pipeline(config)
    states = {step.name: step.state for step in steps(pipeline)}
    assert [name for name, state in states.items() if state == "kept"] == ["problems", "requests"]
    assert _samples(pipeline) == Step("to do", "samples", pipeline.sampling.samples.id)


def test_samples_that_were_begun_are_gone_on_with(config: Path) -> None:
    pipeline = _pipeline(config)
    _answer(pipeline, count=5)
    assert _samples(pipeline) == Step("go on", "samples", pipeline.sampling.samples.id, "5 rows are there")


def test_requests_that_failed_are_asked_again(config: Path) -> None:
    pipeline = _pipeline(config)
    _answer(pipeline, count=REQUESTS, failures=2, done=True)
    step = _samples(pipeline)
    assert (step.state, step.note) == ("again", "2 requests failed at the teacher")
    assert [step.state for step in steps(pipeline)][3:] == ["to do"] * (len(pipeline.stages) - 3)


def test_requests_that_failed_as_often_as_they_may_are_kept(config: Path) -> None:
    pipeline = _pipeline(config, "resources.attempts=2")
    _answer(pipeline, count=REQUESTS, failures=2, done=True)
    _answer(pipeline, count=2, failures=2, attempt=1, done=True)
    assert (_samples(pipeline).state, _samples(pipeline).note) == ("kept", "9 rows")


def test_samples_that_are_all_there_are_kept(config: Path) -> None:
    pipeline = _pipeline(config)
    _answer(pipeline, count=REQUESTS, done=True)
    assert _samples(pipeline).state == "kept"


def _changed(config: Path, *overrides: str, before: tuple[str, ...] = ()) -> list[str]:
    """What the plan says of overrides, after a run with those of `before`."""
    first = _pipeline(config, *before)
    first.folder.storage.write_text("run.yaml", provenance(first.config))
    return changed_settings(_pipeline(config, *overrides))


def test_a_changed_setting_is_said_as_it_was_and_is(config: Path) -> None:
    changes = ("training.epochs=8", "training.learning_rate=1e-4", "evaluation.shots=[0, 2]", "problems.limit=7")
    assert _changed(config, *changes) == [
        "problems.limit: None → 7",
        "training.epochs: 4 → 8",
        "training.learning_rate: 0.0003 → 0.0001",
        "evaluation.shots: [0, 4, 8] → [0, 2]",
    ]


def test_the_same_settings_and_a_first_run_have_no_changes(config: Path) -> None:
    assert changed_settings(_pipeline(config)) == []
    assert _changed(config) == []


def test_a_setting_that_the_run_before_did_not_know_has_its_default(config: Path) -> None:
    before = _pipeline(config)
    settings = yaml.safe_load(provenance(before.config))
    del settings["training"]["seed"], settings["verification"]
    before.folder.storage.write_text("run.yaml", yaml.safe_dump(settings))
    assert changed_settings(before) == []
    assert changed_settings(_pipeline(config, "training.seed=5")) == ["training.seed: 0 → 5"]


def test_a_secret_is_never_said(config: Path) -> None:
    token = "resources.engine_kwargs={'hf_token': 'hush'}"
    assert _changed(config, token) == ["resources.engine_kwargs.hf_token: None → ***"]
    assert _changed(config, token, before=(token,)) == []


def test_what_is_to_be_done_is_said_in_words(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = Pipeline(load_config(config, ["training.epochs=3", "evaluation.shots=[0, 2]"]))
    said = purposes(pipeline)
    assert said.keys() == pipeline.stages.keys()
    assert "3 epochs" in said["student"]
    assert said["base_validation"].startswith("0 or 2 worked examples, on ")
    print_plan("runs/run", "run", steps(pipeline), [], said)
    out = capsys.readouterr().out
    assert all(sentence in out for sentence in said.values())


def test_the_plan_is_printed_a_line_a_stage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = _pipeline(config)
    _answer(pipeline, count=5)
    print_plan("runs/run", "run", steps(pipeline), ["training.epochs: 4 → 8"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["run run in runs/run", "  changed  training.epochs: 4 → 8"]
    assert [line.split()[0] for line in lines[2:5]] == ["kept", "kept", "go"]
    assert lines[4].endswith(f"samples          {pipeline.sampling.samples.id}  5 rows are there")
