"""What was bought is used again where it answers the same requests, and is not left behind without a word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pad_ray.answers import Answers
from pad_ray.cli import main
from pad_ray.config import load_config
from pad_ray.errors import ConfigError, InputError, StageError
from pad_ray.generation.completion import answered, failed
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row, table
from pad_ray.run_lock import run_lock
from pad_ray.synthesis.pending import latest_attempts, pending
from pad_ray.synthesis.stream import summary
from tests.weights import safetensors

PROBLEMS = 9
SAMPLES = 2
LOST = r"18 samples in .*runs/run/samples were bought under other settings and would not be used by these\. Take"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 18 requests; nothing is asked before its requests are written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model" / "model.safetensors").write_bytes(safetensors())
    problems = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    (tmp_path / "test.jsonl").write_text('{"id": "t", "question": "Is it?", "answer": "yes"}\n')
    settings = {
        "problems": {"train": "problems.jsonl", "test": "test.jsonl", "holdout": 0},
        "teacher": {"model": "model", "samples": SAMPLES, "shots": 0},
        "student": {"model": "model"},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "run.yaml"


def _prepare(config: Path, *overrides: str, allow: bool = False) -> Answers:
    pipeline = Pipeline(load_config(config, overrides))
    pipeline.prepare(allow)
    return pipeline.sampling


def _buy(answers: Answers, error: str | None = None, **facts: Any) -> None:
    """Answers what is asked, as a teacher would that is paid by the token."""
    facts = {"completion_tokens": 7, "cost": 0.25, **facts}
    for asked in pending(answers.requests, latest_attempts(answers.samples), attempts=3):
        rows = asked.to_pylist()
        bought = [failed(row, error) if error else answered(row, "\n    return 1\n", **facts) for row in rows]
        answers.samples.storage.write_parquet(f"{rows[0]['id']}.parquet", table("sample", bought))


def _finish(answers: Answers) -> None:
    with answers.folder.working(answers.samples, keep=True) as mark:
        mark.update(summary(answers.samples))


def _asked(answers: Answers) -> list[Row]:
    tables = pending(answers.requests, latest_attempts(answers.samples), attempts=3)
    return [row for rows in tables for row in rows.to_pylist()]


def test_bought_samples_are_not_left_behind_without_a_word(config: Path) -> None:
    _buy(_prepare(config))
    with pytest.raises(InputError, match=LOST):
        _prepare(config, "teacher.temperature=0.1")


def test_the_command_names_the_option_that_leaves_them(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _buy(_prepare(config))
    assert main(["run", str(config), "--until", "samples", "--set", "teacher.temperature=0.1"]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert re.search(LOST, line)
    assert line.endswith("or allow it with --allow-unreachable")


def test_what_is_allowed_goes_on_and_is_not_asked_about_again(config: Path) -> None:
    _buy(_prepare(config))
    changed = _prepare(config, "teacher.temperature=0.1", allow=True)
    assert len(_asked(changed)) == PROBLEMS * SAMPLES
    _buy(changed)
    _prepare(config, "teacher.temperature=0.1")


def test_fewer_requests_that_are_all_answered_are_not_asked_about_again(config: Path) -> None:
    _buy(_prepare(config))
    with pytest.raises(InputError, match="10 samples in "):
        _prepare(config, "problems.limit=4")
    fewer = _prepare(config, "problems.limit=4", allow=True)
    assert _asked(fewer) == []
    _finish(fewer)
    _prepare(config, "problems.limit=4")


def test_a_sample_that_was_taken_over_counts_once(config: Path) -> None:
    _buy(_prepare(config))
    _buy(_prepare(config, "teacher.samples=3"))
    with pytest.raises(InputError, match="27 samples in "):
        _prepare(config, "teacher.temperature=0.1")


def test_samples_that_cost_nothing_may_be_left(config: Path) -> None:
    _buy(_prepare(config), completion_tokens=0, cost=0.0)
    assert len(_asked(_prepare(config, "teacher.temperature=0.1"))) == PROBLEMS * SAMPLES


def test_more_samples_keep_those_that_there_are(config: Path) -> None:
    before = _prepare(config)
    _buy(before)
    more = _prepare(config, "teacher.samples=3")
    assert {row["k"] for row in _asked(more)} == {2}
    assert len(_asked(more)) == PROBLEMS
    assert more.samples.id != before.samples.id


def test_another_run_is_drawn_on_by_its_name_or_folder(config: Path, tmp_path: Path) -> None:
    _buy(_prepare(config))
    (tmp_path / "runs" / "run").rename(tmp_path / "elsewhere")
    taken = _prepare(config, "name=second", f"samples.from={tmp_path}/elsewhere", "teacher.samples=3")
    assert len(_asked(taken)) == PROBLEMS
    (tmp_path / "elsewhere").rename(tmp_path / "runs" / "run")
    assert len(_asked(_prepare(config, "name=third", "samples.from=run"))) == 0


def test_failures_and_other_requests_of_another_run_are_not_taken(config: Path) -> None:
    _buy(_prepare(config), error="no answer")
    assert len(_asked(_prepare(config, "name=second", "samples.from=run"))) == PROBLEMS * SAMPLES
    warmer = _prepare(config, "name=third", "teacher.temperature=0.1", "samples.from=run")
    assert len(_asked(warmer)) == PROBLEMS * SAMPLES


def test_another_run_without_samples_is_named(config: Path) -> None:
    with pytest.raises(ConfigError, match=r"samples\.from: there are no samples in .*/runs/none/samples"):
        _prepare(config, "samples.from=none")


def test_samples_are_complete_when_all_were_answered_or_tried_often_enough(config: Path) -> None:
    answers = _prepare(config)
    assert not answers.complete
    for _ in range(3):
        _buy(answers, error="no answer")
        assert not answers.complete
    _finish(answers)
    assert answers.complete
    assert not _prepare(config, "resources.attempts=4").complete


def test_samples_that_are_not_complete_are_not_judged_again(config: Path) -> None:
    answers = _prepare(config)
    _buy(answers)
    with pytest.raises(StageError, match=r"are not complete\. Run `pad-ray run` first"):
        answers.judge()


def test_a_benchmarks_answers_are_judged_by_its_rule_and_the_teachers_by_the_settings(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gsm_hard").mkdir()
    (tmp_path / "gsm_hard" / "test.jsonl").write_text('{"id": "h", "question": "How many?", "answer": 3431580}\n')
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    pipeline = Pipeline(load_config(config, ["problems.test=gsm_hard", "verification.relative=0.1"]))
    ours = pipeline.sampling.rules
    assert (ours.comparison.relative, ours.benchmark) == (0.1, "")
    assert pipeline.measuring.base_validation.rules == ours
    for answers in (pipeline.measuring.base_test, pipeline.measuring.test(pipeline.student, "greedy")):
        assert (answers.rules.comparison.relative, answers.rules.benchmark) == (1e-12, "gsm_hard.1")
        assert answers.rules.limits == ours.limits


def test_of_several_benchmarks_each_has_its_own_rule(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gsm_hard", "svamp"):
        (tmp_path / name).mkdir()
        row = {"id": name, "question": f"How many {name}?", "answer": 3431580}
        (tmp_path / name / "test.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    pipeline = Pipeline(load_config(config, ["problems.test=[svamp, gsm_hard, test.jsonl]"]))
    rules = pipeline.measuring.test(pipeline.student, "greedy").rules
    assert {id: rules.of(id).benchmark for id in ("svamp", "gsm_hard", "t")} == {
        "svamp": "svamp.1",
        "gsm_hard": "gsm_hard.1",
        "t": "",
    }
    assert rules.of("t").version == pipeline.sampling.rules.version


def test_two_do_not_judge_the_same_samples_at_once(config: Path) -> None:
    answers = _prepare(config)
    _buy(answers)
    with answers.folder.working(answers.samples, keep=True) as mark:
        mark.update(summary(answers.samples))
    with (
        run_lock(answers.folder.storage / "verdicts"),
        pytest.raises(InputError, match=r"is at work on .*verdicts"),
    ):
        answers.judge()
    assert answers.judge()["judged"] == PROBLEMS * SAMPLES
