"""Synthesis on a real Ray with the least CPUs: each request once, failures again, verdicts anew for nothing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.config import ResourcesConfig, parse_config
from pad_ray.errors import InputError, StageError, TeacherError
from pad_ray.pipeline import Pipeline
from pad_ray.runtime import start_ray
from tests.chaos.endpoint import Endpoint
from tests.chaos.resume import needed_whole_cpus

PROBLEMS = 20
GOOD = "\n    return {n} + 1\n"
FATAL = {3: "\n    while True: pass\n", 4: "\n    return 'x' * 10**10\n", 5: "\n    import os\n    os._exit(1)\n"}


@pytest.fixture(scope="module", autouse=True)
def started() -> Iterator[None]:
    import ray

    start_ray(ResourcesConfig(cpus=needed_whole_cpus()))
    yield
    ray.shutdown()


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    rows = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _record(tmp_path, {n: GOOD.format(n=n) for n in range(PROBLEMS)})
    return {
        "runs": str(tmp_path / "runs"),
        "problems": {"train": str(tmp_path / "problems.jsonl"), "test": str(tmp_path / "test.jsonl"), "holdout": 0},
        "teacher": {"kind": "recorded", "file": str(tmp_path / "recorded.jsonl"), "samples": 1, "shots": 0},
        "verification": {"cpu_seconds": 0.5},
    }


def _record(folder: Path, completions: dict[int, str | None]) -> None:
    rows = [{"problem_id": f"p{n}", "completion": text} for n, text in completions.items()]
    (folder / "recorded.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "test.jsonl").write_text('{"id": "t", "question": "Is it?", "answer": "yes"}\n')


def _run(settings: dict[str, Any], **changes: Any) -> Pipeline:
    pipeline = Pipeline(parse_config({**settings, **changes}))
    pipeline.run("samples", allow_unreachable=bool(changes.pop("allow", False)))
    return pipeline


def _endpoint(url: str, **http: Any) -> dict[str, Any]:
    settings = {"base_url": url, "endpoint": "completions", "max_in_flight": 4, **http}
    return {"kind": "http", "model": "counted", "samples": 1, "shots": 0, "http": settings}


def test_each_request_has_one_sample_and_a_bad_program_fails_alone(settings: dict[str, Any], tmp_path: Path) -> None:
    _record(tmp_path, {n: FATAL.get(n, GOOD.format(n=n)) for n in range(PROBLEMS)})
    rows = _run(settings).sampling.read(["problem_id", "verdict"])
    verdicts = {row["problem_id"]: row["verdict"] for row in rows}
    assert len(rows) == len(verdicts) == PROBLEMS
    assert {n for n, verdict in verdicts.items() if verdict != "ok"} == {f"p{n}" for n in FATAL}


def test_the_next_run_asks_for_what_failed_and_for_nothing_else(settings: dict[str, Any], tmp_path: Path) -> None:
    with Endpoint(seconds=0) as endpoint:
        endpoint.refused = {"What is 7 plus 1?"}
        asked = {"teacher": _endpoint(endpoint.url, retries=0)}
        first = _run(settings, **asked).sampling
        assert {row["problem_id"] for row in first.read() if row["verdict"] == "teacher_error"} == {"p7"}
        endpoint.refused = set()
        before = endpoint.asked()
        again = _run(settings, **asked).sampling
        assert endpoint.asked() - before == 1
    assert {row["id"].rpartition("-")[2] for row in again.read(["id"])} == {"0", "1"}
    assert len(again.read(["id"])) == PROBLEMS
    assert not [row for row in again.read() if row["verdict"] == "teacher_error"]


def test_a_changed_tolerance_judges_again_and_buys_nothing(settings: dict[str, Any]) -> None:
    with Endpoint(seconds=0) as endpoint:
        asked = {"teacher": _endpoint(endpoint.url)}
        strict = _run(settings, **asked).sampling
        bought = endpoint.asked()
        loose = _run(settings, **asked, verification={"absolute": 1.5}).sampling
        assert endpoint.asked() == bought == PROBLEMS
    wrong = [row["id"] for row in strict.read() if row["verdict"] == "wrong_answer"]
    assert wrong
    assert all(row["verdict"] == "ok" for row in loose.read())
    assert loose.samples.id == strict.samples.id
    assert [row["id"] for row in strict.read() if row["verdict"] == "wrong_answer"] == wrong


def test_more_problems_buy_only_the_new_ones(settings: dict[str, Any]) -> None:
    with Endpoint(seconds=0) as endpoint:
        asked = {"teacher": _endpoint(endpoint.url)}
        _run({**settings, "problems": {**settings["problems"], "limit": 12}}, **asked)
        assert endpoint.asked() == 12
        _run(settings, **asked)
        assert endpoint.asked() == PROBLEMS
        other = {"name": "other", "samples": {"from": "run"}}
        assert len(_run(settings, **asked, **other).sampling.read(["id"])) == PROBLEMS
        assert endpoint.asked() == PROBLEMS


def test_bought_samples_are_not_left_behind_without_a_word(settings: dict[str, Any]) -> None:
    with Endpoint(seconds=0) as endpoint:
        _run(settings, teacher=_endpoint(endpoint.url))
        changed = {**_endpoint(endpoint.url), "max_tokens": 7}
        with pytest.raises(InputError, match=r"20 samples in .* would not be used by these.*--allow-unreachable"):
            _run(settings, teacher=changed)
        assert endpoint.asked() == PROBLEMS
        Pipeline(parse_config({**settings, "teacher": changed})).run("samples", allow_unreachable=True)
        _run(settings, teacher=changed)
        assert endpoint.asked() == 2 * PROBLEMS


def test_a_teacher_that_fails_for_good_stops_the_run_and_keeps_what_there_is(settings: dict[str, Any]) -> None:
    with Endpoint(seconds=0) as endpoint:
        endpoint.refused = {f"What is {n} plus 1?" for n in range(8, PROBLEMS)}
        teacher = _endpoint(endpoint.url, retries=0, breaker_failures=3, max_in_flight=1)
        with pytest.raises(TeacherError, match="the teacher failed too often in a row"):
            _run(settings, teacher=teacher)
        endpoint.refused = set()
        samples = _run(settings, teacher=teacher).sampling
    assert len(samples.read(["id"])) == PROBLEMS
    assert endpoint.counts["What is 0 plus 1?"] <= 1


def test_a_teacher_that_answers_nothing_is_an_error_of_the_run(settings: dict[str, Any], tmp_path: Path) -> None:
    _record(tmp_path, {0: None})
    with pytest.raises(StageError, match="the teacher answered none of 20 requests: no recorded completion"):
        _run(settings)


def test_a_probe_is_kept(settings: dict[str, Any]) -> None:
    with Endpoint(seconds=0) as endpoint:
        pipeline = Pipeline(parse_config({**settings, "teacher": _endpoint(endpoint.url)}))
        pipeline.prepare()
        pipeline.sampling.sample(pipeline.teacher, limit=5)
        assert pipeline.sampling.samples.count() == endpoint.asked() == 5
        _run(settings, teacher=_endpoint(endpoint.url))
        assert endpoint.asked() == PROBLEMS


def test_a_judge_that_is_held_up_leaves_little_unwritten(settings: dict[str, Any], tmp_path: Path) -> None:
    rows = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(120)]
    (tmp_path / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    in_flight, unwritten, ended = 8, [0], Event()
    with Endpoint(seconds=0) as endpoint:
        endpoint.texts = {f"What is {n} plus 1?": FATAL[3] for n in range(0, 120, 20)}
        pipeline = Pipeline(parse_config({**settings, "teacher": _endpoint(endpoint.url, max_in_flight=in_flight)}))

        def watch() -> None:
            while not ended.wait(0.02):
                asked = endpoint.asked()
                unwritten.append(asked - pipeline.sampling.samples.count())

        watcher = Thread(target=watch)
        watcher.start()
        pipeline.run("samples")
        ended.set()
        watcher.join()
    assert Counter(row["verdict"] for row in pipeline.sampling.read())["timeout"] == 6
    assert 0 < max(unwritten) <= 2 * in_flight
