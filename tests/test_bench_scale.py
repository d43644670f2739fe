"""The bench of many rows: what it asks for, and what a run that broke off is left with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from pad_ray.config import load_config
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row, table
from pad_ray.run_folder import once
from pad_ray.verification import Verdict, Verifier
from tests.bench.scale import SAMPLES, broken_off, write_run
from tests.past_run import sample


def _lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_most_of_the_recorded_programs_are_right_and_some_are_no_programs(tmp_path: Path) -> None:
    write_run(tmp_path, rows=32 * SAMPLES)
    problems, lines = (_lines(tmp_path / f"{name}.jsonl") for name in ("problems", "recorded"))
    golds = {row["id"]: row["answer"] for row in problems}
    assert len(lines) == 32 * SAMPLES
    texts = [f"def solution():{line['completion']}" for line in lines]
    with Verifier() as verifier:
        verdicts = [one.verdict for one in verifier.judge(texts, [golds[line["problem_id"]] for line in lines])]
    assert {*verdicts} == {Verdict.OK, Verdict.WRONG_ANSWER, Verdict.SYNTAX_ERROR}
    assert verdicts.count(Verdict.OK) > len(verdicts) / 2


def test_a_broken_run_has_a_share_of_the_sample_files_and_goes_on_with_the_rest(tmp_path: Path) -> None:
    config = write_run(tmp_path / "whole", rows=40)
    pipeline = Pipeline(load_config(config))
    pipeline.prepare()
    samples, requests = pipeline.sampling.samples, pipeline.sampling.requests.read_rows(["rid"])

    def answer(mark: dict[str, object]) -> None:
        for place, row in enumerate(requests):
            samples.storage.write_parquet(f"{place}.parquet", table("sample", [sample(row["rid"])]))

    once(pipeline.folder, samples, answer)
    broken = broken_off(tmp_path / "broken", config, fraction=0.9)
    left = Pipeline(load_config(broken)).sampling
    assert yaml.safe_load(broken.read_text())["runs"] == str(tmp_path / "broken" / "runs")
    assert left.requests.done
    assert (left.samples.done, left.samples.count()) == (None, 36)
