"""The page of an experiment: it says what is ahead, and of one that goes on that it does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pad_ray.comparison import Comparison, load_comparison
from pad_ray.findings import Finding
from pad_ray.report.comparison import comparison_page


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    (tmp_path / "run.yaml").write_text("{}")
    arms = {"pad": {}, "cot": {"recipe": "cot"}}
    (tmp_path / "compare.yaml").write_text(yaml.safe_dump({"run": "run.yaml", "arms": arms}, sort_keys=False))
    return load_comparison(tmp_path / "compare.yaml")


def _finding(arm: str, correct: int, rate: float | None) -> Finding:
    figures = (100, correct, correct / 100, 0.0, 1.0, rate, None, 5000)
    return Finding(arm, 1.0, 0, "student", True, "greedy", "gsm8k", "test", *figures)


def _heading(page: str) -> str:
    [found] = re.findall("<h1>(.*)</h1>", page)
    return str(found)


def test_the_arm_with_most_right_answers_is_ahead(comparison: Comparison) -> None:
    page = comparison_page(comparison, [_finding("cot", 4, None), _finding("pad", 14, 1.0)])
    assert _heading(page).startswith("pad is ahead")
    assert "still to come" not in page


def test_an_experiment_that_goes_on_says_what_is_still_to_come(comparison: Comparison) -> None:
    page = comparison_page(comparison, [_finding("pad", 14, 1.0)], left=2)
    assert _heading(page).startswith("So far pad is ahead")
    assert "2\u00a0runs still to come." in page


def test_before_any_figure_there_is_a_page_too(comparison: Comparison) -> None:
    assert _heading(comparison_page(comparison, [], left=3)) == "Nothing was measured yet."
