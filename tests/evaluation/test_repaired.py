"""What asking again was worth is counted over first programs that ended in an exception."""

from __future__ import annotations

import json

from pad_ray.evaluation.repaired import repaired
from pad_ray.records import Row


def _row(verdict: str, *statuses: str) -> Row:
    return {"verdict": verdict, "trace": json.dumps({"attempts": [{"status": status} for status in statuses]})}


def test_exceptions_that_became_running_and_right_programs_are_counted() -> None:
    rows = [
        _row("ok", "error", "ok"),
        _row("wrong_answer", "syntax_error", "error", "ok"),
        _row("runtime_error", "error", "error", "error"),
    ]
    assert repaired(rows) == {"exceptions": 3, "running": 2, "right": 1, "attempts": 5}


def test_what_was_right_or_wrong_at_once_was_not_repaired() -> None:
    rows = [_row("ok", "ok"), _row("wrong_answer", "ok"), _row("timeout", "timeout")]
    assert repaired(rows) == {"exceptions": 0, "running": 0, "right": 0, "attempts": 0}


def test_a_problem_that_the_model_failed_at_does_not_count() -> None:
    assert repaired([{"verdict": "teacher_error", "trace": None}])["exceptions"] == 0
