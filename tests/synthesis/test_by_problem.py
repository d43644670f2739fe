"""Samples come in whole problems, with the verdicts that count, whatever files they are in."""

from __future__ import annotations

import random
from itertools import chain
from pathlib import Path

import pytest

from pad_ray.records import Row, table
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.synthesis.by_problem import by_problem
from pad_ray.synthesis.verdicts import read_judged


def _sample(problem: str, k: int, attempt: int = 0) -> Row:
    rid = f"{problem}-{k}"
    return {"id": f"{rid}-{attempt}", "rid": rid, "attempt": attempt, "problem_id": problem, "k": k, "verdict": "ok"}


class Stages:
    """A stage of samples and one of later verdicts."""

    def __init__(self, folder: Path) -> None:
        run = RunFolder.open(str(folder), "small")
        self.samples = run.stage("samples", [], record="sample")
        self.verdicts = run.stage("verdicts", [], record="verdict")
        self.verdicts.storage.clear()

    def write(self, stage: Stage, rows: list[Row]) -> None:
        stage.storage.write_parquet(f"{len(stage.storage.names())}.parquet", table(stage.record, rows))

    def batches(self, size: int) -> list[list[Row]]:
        return list(by_problem(self.samples, self.verdicts, size))


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """Fifty problems of three samples each, shuffled over seven files; every fifth sample has a later verdict."""
    stages = Stages(tmp_path)
    rows = [_sample(f"p{number:02d}", k) for number in range(50) for k in range(3)]
    random.Random(0).shuffle(rows)
    for start in range(0, len(rows), 25):
        stages.write(stages.samples, rows[start : start + 25])
    for part in (rows[::10], rows[5::10]):
        stages.write(stages.verdicts, [{"id": row["id"], "verdict": "wrong_answer"} for row in part])
    return stages


def test_all_rows_come_with_their_latest_verdicts(stages: Stages) -> None:
    rows = list(chain.from_iterable(stages.batches(20)))
    assert rows == read_judged(stages.samples, stages.verdicts)
    assert sum(row["verdict"] == "wrong_answer" for row in rows) == 30


@pytest.mark.parametrize(("size", "rows"), [(1, [3] * 50), (20, [21] * 7 + [3]), (149, [150]), (1000, [150])])
def test_batches_are_whole_problems(stages: Stages, size: int, rows: list[int]) -> None:
    batches = stages.batches(size)
    assert [len(batch) for batch in batches] == rows
    problems = [{row["problem_id"] for row in batch} for batch in batches]
    assert sum(map(len, problems)) == len(set().union(*problems)) == 50


def test_of_several_attempts_the_last_counts(stages: Stages) -> None:
    stages.write(stages.samples, [_sample("p00", 0, attempt=1)])
    [batch] = stages.batches(1000)
    assert len(batch) == 150
    assert {row["id"] for row in batch if row["problem_id"] == "p00"} == {"p00-0-1", "p00-1-0", "p00-2-0"}


def test_without_samples_there_is_nothing(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    stages.samples.storage.clear()
    assert stages.batches(5) == []
