"""Results of several benchmarks: a row for each, by its own rule, in the order that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.config import parse_config
from pad_ray.evaluation.metrics import place_names
from pad_ray.records import Row
from pad_ray.results import results_of
from pad_ray.run_folder import RunFolder
from tests.past_run import finish, sample


def _prediction(rid: str, benchmark: str, verdict: str, **facts: str | None) -> Row:
    row = sample(rid, verdict=verdict, verifier=f"1-{benchmark}.1", k=0)
    place = {"benchmark": benchmark, "split": "test", "model": "student", "question": "?"}
    return {**row, **place, "decoder": "greedy", **facts}


def test_each_benchmark_has_a_row_with_its_own_verifier(tmp_path: Path) -> None:
    rows = [_prediction("a", "svamp", "ok"), _prediction("b", "svamp", "timeout"), _prediction("c", "gsm8k", "ok")]
    stage = finish(RunFolder.open(str(tmp_path), "small"), "predictions", rows)
    found = results_of([stage], parse_config({}), ["svamp", "gsm8k"])
    assert [(row["benchmark"], row["n"], row["correct"], row["verifier"]) for row in found] == [
        ("svamp", 2, 1, "1-svamp.1"),
        ("gsm8k", 1, 1, "1-gsm8k.1"),
    ]


def test_repairs_are_counted_for_each_benchmark(tmp_path: Path) -> None:
    trace = '{"attempts": [{"status": "error"}, {"status": "ok"}]}'
    asked = {"decoder": "greedy+repair", "trace": trace}
    rows = [_prediction("a", "svamp", "ok", **asked), _prediction("b", "gsm8k", "wrong_answer", **asked)]
    stage = finish(RunFolder.open(str(tmp_path), "small"), "predictions", rows)
    found = results_of([stage], parse_config({}))
    assert {row["benchmark"]: row["repaired"]["right"] for row in found} == {"svamp": 1, "gsm8k": 0}


@pytest.mark.parametrize(
    ("recipe", "rate"), [("pad", 1.0), ("socratic_program", 1.0), ("cot", None), ("answer_only", None)]
)
def test_only_programs_have_an_executable_rate(recipe: str, rate: float | None, tmp_path: Path) -> None:
    stage = finish(RunFolder.open(str(tmp_path), "small"), "predictions", [_prediction("a", "svamp", "no_answer")])
    assert results_of([stage], parse_config({"recipe": recipe}))[0]["executable_rate"] == rate


def test_one_benchmark_is_called_by_its_splits_and_several_by_their_names() -> None:
    test, unseen = {"benchmark": "a", "split": "test"}, {"benchmark": "a", "split": "unseen"}
    assert place_names([test, unseen]) == {("a", "test"): "test", ("a", "unseen"): "unseen"}
    other = {"benchmark": "b", "split": "validation"}
    assert place_names([test, other]) == {("a", "test"): "a", ("b", "validation"): "b validation"}
