"""Figures over folds, and differences from the reference."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.evaluation.metrics import wilson
from pad_ray.findings import Finding, Measured, paired, pooled


def _measured(arm: str, right: dict[str, bool], **more: Any) -> Measured:
    n, correct = len(right), sum(right.values())
    settings: dict[str, Any] = {"decoder": "greedy", "benchmark": "yes_no_folds2", "split": "test", "repaired": None}
    settings["tokens"] = 100
    figures = {"n": n, "correct": correct, "accuracy": correct / n, "low": 0.0, "high": 1.0, "executable_rate": 1.0}
    finding = Finding(arm, 1.0, 0, "student", True, **{**settings, **figures, **more})
    return Measured(finding, right)


def test_folds_are_one_figure_over_all_their_problems() -> None:
    halves = {"a": True, "b": False}, {"c": True, "d": True, "e": True, "f": False}
    [one] = pooled([_measured("cot", halves[0], executable_rate=0.5), _measured("cot", halves[1], tokens=200)])
    assert one.right == halves[0] | halves[1]
    found = one.finding
    assert (found.n, found.correct, found.accuracy, found.tokens) == (6, 4, 4 / 6, 150)
    assert (found.low, found.high) == wilson(4, 6)
    assert found.executable_rate == pytest.approx(5 / 6)


@pytest.mark.parametrize("other", [{"decoder": "step-beam"}, {"student": "round-1"}, {"split": "unseen"}, {"seed": 1}])
def test_what_is_no_fold_of_it_stays_apart(other: dict[str, Any]) -> None:
    from dataclasses import replace

    one, two = _measured("cot", {"a": True}), _measured("cot", {"b": True})
    assert len(pooled([one, replace(two, finding=replace(two.finding, **other))])) == 2


def test_repairs_of_all_folds_are_counted() -> None:
    repaired = {"exceptions": 2, "running": 1, "right": 0}
    [one] = pooled([_measured("all", {name: True}, repaired=repaired) for name in "ab"])
    assert one.finding.repaired == {"exceptions": 4, "running": 2, "right": 0}


def test_a_difference_is_over_the_problems_that_both_answered() -> None:
    reference, other = _measured("cot", {"a": False, "b": True, "c": False}), _measured("pad", {"a": True, "b": True})
    assert paired(other, reference).difference == 0.5
    assert paired(reference, reference).difference is None
