"""Answers judged by the subset's rule; programs apart; figures over subsets and all."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.ability.accuracy import OVERALL, Answered, Fate, accuracies, judge
from pad_ray.ability.tasks import Task
from pad_ray.benchmarks import benchmark_named
from pad_ray.problems import Problem

NAVIGATE = Task("navigate", benchmark_named("bbh_navigate"), [], [])
COUNTING = Task("object_counting", benchmark_named("bbh_object_counting"), [], [])


def _problem(answer: Any) -> Problem:
    return Problem("p", "How many?", answer)


@pytest.mark.parametrize(
    ("task", "answer", "completion", "fate"),
    [
        (NAVIGATE, "Yes", " yes", Fate.RIGHT),
        (NAVIGATE, "Yes", " No", Fate.WRONG),
        (NAVIGATE, "Yes", " perhaps", Fate.NO_ANSWER),
        (COUNTING, 8, " 8", Fate.RIGHT),
        (COUNTING, 8, " eight", Fate.NO_ANSWER),
        (COUNTING, 8, "\n    return 8", Fate.PROGRAM),
    ],
)
def test_every_question_meets_one_fate(task: Task, answer: Any, completion: str, fate: Fate) -> None:
    assert judge(task, _problem(answer), completion).fate is fate


def _answers(task: str, *fates: Fate, gold: str = "Yes") -> list[Answered]:
    return [Answered(task, f"{task}-{place}", gold, "", None, fate) for place, fate in enumerate(fates)]


def test_programs_lower_accuracy_and_stand_apart() -> None:
    [one, _] = accuracies(_answers("navigate", Fate.RIGHT, Fate.PROGRAM, Fate.PROGRAM, Fate.WRONG))
    assert (one.programs, one.accuracy, one.of_texts) == (2, 0.25, 0.5)


def test_where_all_are_programs_there_is_no_share_of_texts() -> None:
    [one, _] = accuracies(_answers("navigate", Fate.PROGRAM))
    assert (one.accuracy, one.of_texts) == (0.0, None)


def test_overall_counts_problems_not_subsets() -> None:
    answers = [*_answers("navigate", Fate.RIGHT), *_answers("word_sorting", Fate.WRONG, Fate.WRONG, Fate.WRONG)]
    overall = accuracies(answers)[-1]
    assert (overall.task, overall.n, overall.accuracy) == (OVERALL, 4, 0.25)


def test_the_commonest_answer_is_of_each_subset() -> None:
    answers = [*_answers("navigate", Fate.WRONG, Fate.WRONG), *_answers("object_counting", Fate.WRONG, gold="3")]
    assert accuracies(answers)[-1].commonest == 1.0


def test_a_model_is_held_against_the_first_problem_by_problem() -> None:
    first = _answers("navigate", *[Fate.RIGHT] * 8)
    second = _answers("navigate", *[Fate.RIGHT] * 2, *[Fate.PROGRAM] * 6)
    [one, _] = accuracies(second, first)
    assert one.difference == -0.75
    assert one.p_value == pytest.approx(2 / 2**6)
