"""Intervals and the rows of results."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pad_ray.evaluation.metrics import summarise, wilson
from pad_ray.records import Row
from pad_ray.verification import Verdict, is_executable


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (1, 10, 0.0179, 0.4042),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        # The examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_values(correct: int, n: int, low: float, high: float) -> None:
    assert wilson(correct, n) == pytest.approx((low, high), abs=5e-5)


@example((0, 226_777))
@example((226_777, 226_777))
@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors_the_failures(counts: tuple[int, int]) -> None:
    correct, n = counts
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert wilson(n - correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_more_trials_narrow_an_interval() -> None:
    widths = [high - low for low, high in (wilson(n // 2, n) for n in (10, 100, 1000))]
    assert widths == sorted(widths, reverse=True)


def _rows(*verdicts: str, benchmark: str = "b", split: str = "test") -> list[Row]:
    return [{"benchmark": benchmark, "split": split, "verdict": verdict} for verdict in verdicts]


def test_a_result_counts_what_was_right_what_ran_and_what_went_wrong() -> None:
    [row] = summarise(_rows("ok", "ok", "wrong_answer", "name_error", "name_error"), model="base", seed=3)
    low, high = wilson(2, 5)
    assert row == {
        "benchmark": "b",
        "split": "test",
        "model": "base",
        "seed": 3,
        "n": 5,
        "correct": 2,
        "accuracy": 0.4,
        "low": low,
        "high": high,
        "executable_rate": 0.6,
        "errors": {"name_error": 2, "wrong_answer": 1},
    }


def test_results_are_told_apart_by_benchmark_and_split() -> None:
    rows = [*_rows("ok", split="unseen"), *_rows("ok", "timeout"), *_rows("timeout", benchmark="a")]
    found = [(row["benchmark"], row["split"], row["correct"], row["n"]) for row in summarise(rows)]
    assert found == [("a", "test", 0, 1), ("b", "test", 1, 2), ("b", "unseen", 1, 1)]


def test_without_programs_there_is_no_executable_rate() -> None:
    assert summarise(_rows("ok"), programs=False)[0]["executable_rate"] is None


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_counted(verdict: Verdict) -> None:
    [row] = summarise(_rows(str(verdict)))
    assert row["correct"] + sum(row["errors"].values()) == 1
    assert row["executable_rate"] == is_executable(verdict)


def test_without_predictions_there_are_no_results() -> None:
    assert summarise([]) == []


def test_an_unknown_verdict_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="fine"):
        summarise(_rows("fine"))
