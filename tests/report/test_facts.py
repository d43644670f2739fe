"""The numbers of the report add up to the rows that they come from."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from pad_ray.recipes import recipe_named
from pad_ray.report.changes import find_changes
from pad_ray.report.facts import costs, error_pairs, exclusions, loss_curve, verdict_counts
from pad_ray.report.groups import grouping
from pad_ray.report.plots import running_mean
from pad_ray.report.words import MEANINGS, duration, plain_value, points
from pad_ray.synthesis.examples import make_examples
from pad_ray.verification import Verdict

if TYPE_CHECKING:
    from tests.report.conftest import MakeRun, Run

Row = dict[str, Any]


def samples(*rows: tuple[str, str, str], forged: bool = False) -> list[Row]:
    """Rows of (problem, program, verdict)."""
    return [
        {"problem_id": problem, "program": program, "verdict": verdict, "forged": forged, "error_class": None}
        for problem, program, verdict in rows
    ]


def problems(field: str, *values: Any) -> list[Row]:
    return [{"id": f"p{n}", "meta": json.dumps({field: value})} for n, value in enumerate(values)]


def test_every_verdict_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Verdict)


def test_ok_is_listed_even_where_nothing_held() -> None:
    assert [(c.name, c.count) for c in verdict_counts(samples(("a", "x", "timeout")))] == [
        ("ok", 0),
        ("timeout", 1),
    ]


def test_each_sample_is_excluded_for_one_reason() -> None:
    rows = samples(("a", "x", "ok"), ("a", "y", "ok"), ("a", "z", "ok"), ("b", "x", "timeout"))
    made = [{"used": n == 0, "why_not": "duplicate" if n else None} for n in range(3)]
    found = exclusions(rows, made)
    assert [(excluded.reason, excluded.count) for excluded in found] == [("the verdict is not ok", 1), ("duplicate", 2)]


def test_exclusions_agree_with_the_examples_that_were_made(make_run: MakeRun) -> None:
    run = make_run(held=0.8)
    rows = run.stages["samples"].read_rows()
    made = make_examples(rows, {row["problem_id"]: "?" for row in rows}, recipe_named("pad"), run.config.examples)
    used = sum(row["used"] for row in made)
    assert 0 < used < len(rows)
    assert sum(excluded.count for excluded in exclusions(rows, made)) == len(rows) - used


def test_errors_stand_side_by_side() -> None:
    base = samples(("a", "x", "timeout"), ("b", "x", "name_error"), ("c", "x", "ok"))
    student = samples(("a", "x", "timeout"), ("b", "x", "ok"), ("c", "x", "ok"))
    found = [(pair.verdict, pair.base.count, pair.student.count) for pair in error_pairs(base, student)]
    assert found == [("timeout", 1, 1), ("name_error", 1, 0)]


def test_groups_follow_the_number_of_operations() -> None:
    rows = samples(("p0", "x", "ok"), ("p0", "y", "timeout"), ("p2", "x", "timeout"))
    found = grouping(problems("operations", 1, 10, 2, 1, 10, 2), rows, [], [])
    assert found is not None
    assert [(group.value, group.held.count, group.held.total) for group in found.groups] == [
        ("1", 1, 2),
        ("2", 0, 1),
        ("10", 0, 0),
    ]


@pytest.mark.parametrize("values", [(1, 1, 1, 1), (1, 2, 3, 4), (1.5, 1.5, 2.5, 2.5), ([1], [1], [2], [2]), ()])
def test_there_are_no_groups_without_a_field_of_kinds(values: tuple[Any, ...]) -> None:
    assert grouping(problems("level", *values), [], [], []) is None


def test_changes_show_a_handful_of_many(make_run: MakeRun) -> None:
    run = make_run(base=0.5, student=0.5)
    base, student = run.stages["base"].read_rows(), run.stages["student_test"].read_rows()
    found = find_changes(base, student, shown=3)
    assert found is not None
    assert found.gained == found.lost > 3
    assert [len(found.shown_gained), len(found.shown_lost)] == [3, 3]
    assert all(change.student.verdict == "ok" != change.base.verdict for change in found.shown_gained)


def test_steps_without_a_finite_loss_are_set_apart(empty_run: Run) -> None:
    student = empty_run.stages["student"]
    records = [{"step": n + 1, "loss": loss} for n, loss in enumerate([2.0, math.inf, math.nan, 1.0])]
    student.storage.write_text("metrics.jsonl", "\n".join(json.dumps(record) for record in records))
    found = loss_curve(student)
    assert found is not None
    assert (found.points, found.broken) == ([(1, 2.0), (4, 1.0)], [2, 3])


def test_costs_are_those_of_the_stages_that_are_done(empty_run: Run) -> None:
    empty_run.finish("problems", [])
    empty_run.finish("student", examples=7, tokens=90)
    marks = {name: stage.done for name, stage in empty_run.stages.items()}
    found = costs(empty_run.folder, marks)
    assert [(cost.stage, cost.rows, cost.tokens) for cost in found] == [
        ("problems", 0, None),
        ("training", 7, 90),
    ]
    assert all(cost.finished for cost in found)


def test_each_decoder_costs_what_it_took(empty_run: Run) -> None:
    empty_run.finish("student_test")
    beam = empty_run.folder.stage("evaluation/student-step-beam/predictions", "beam")
    marks = {"student_test": empty_run.stages["student_test"].done, "student_test (step-beam)": {"id": beam.id}}
    found = costs(empty_run.folder, marks)
    assert [cost.stage for cost in found] == ["student on the tests", "student on the tests, step-beam"]


def test_predictions_cost_what_the_answers_behind_them_took(empty_run: Run) -> None:
    folder = empty_run.folder
    for kind, facts in (("samples", {"tokens": 90, "cost": 0.25}), ("verdicts", {}), ("predictions", {"rows": 4})):
        stage = folder.stage(f"evaluation/base/{kind}", kind)
        with folder.working(stage) as mark:
            mark.update(facts, seconds=10.0)
    [cost] = costs(folder, {"base": stage.done})
    assert (cost.rows, cost.tokens, cost.money, cost.seconds) == (4, 90, 0.25, 30.0)


def test_running_mean_reaches_to_both_sides() -> None:
    assert running_mean([0.0, 3.0, 6.0, 0.0], 1) == [1.5, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under 0.1 s"),
        (0.43, "0.4 s"),
        (9.97, "10 s"),
        (59.7, "1 min 00 s"),
        (450, "7 min 30 s"),
        (7_500, "2 h 05 min"),
    ],
)
def test_durations_are_rounded_to_what_matters(seconds: float, words: str) -> None:
    assert duration(seconds).replace("\u00a0", " ") == words


@pytest.mark.parametrize(("gain", "words"), [(0.293, "+29.3"), (-0.05, "−5.0"), (0, "+0.0")])
def test_gains_carry_their_sign(gain: float, words: str) -> None:
    assert points(gain) == words


@pytest.mark.parametrize(
    ("tagged", "words"),
    [("int:48", "48"), ('str:"a"', 'str:"a"'), ("float:0.5", "0.5"), (None, ""), ("none", "none")],
)
def test_values_are_shown_as_one_reads_them(tagged: str | None, words: str) -> None:
    assert plain_value(tagged) == words
