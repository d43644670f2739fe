"""Distilling step-by-step: two tasks by prefix, the label alone at inference."""

from __future__ import annotations

import pytest

from pad_ray.extractors import strict
from pad_ray.prompts import load_examples
from pad_ray.recipes.base import Held
from pad_ray.recipes.step_by_step import LABEL, RATIONALE, StepByStep

RECIPE = StepByStep()
HELD = Held(text="\nShe has 3 + 4 = 7 nuts.\n#### 7\n")


def test_one_sample_is_a_lesson_for_each_task() -> None:
    label, rationale = RECIPE.lessons("Why?", HELD)
    assert (label.prompt, label.target) == ("predict: Question: Why?\nThe answer is", " 7.\n")
    assert (rationale.prompt, rationale.target) == (
        "explain: Question: Why?\nRationale:",
        "\nShe has 3 + 4 = 7 nuts.\n",
    )


def test_the_rationale_does_not_tell_the_label() -> None:
    assert "####" not in RECIPE.lessons("Why?", HELD)[1].target


def test_the_student_is_asked_for_the_label() -> None:
    [label, _] = RECIPE.lessons("Why?", HELD)
    assert RECIPE.prompt("Why?") == label.prompt


def test_what_the_label_task_teaches_is_read_as_the_answer() -> None:
    [label, _] = RECIPE.lessons("Why?", HELD)
    assert strict(RECIPE.solution(label.target)) == 7


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_two_tasks_share_the_loss(alpha: float) -> None:
    weights = {lesson.task: lesson.weight for lesson in StepByStep(alpha).lessons("Why?", HELD)}
    assert weights == {LABEL: alpha, RATIONALE: 1 - alpha}


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_a_share_beyond_the_whole_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="share"):
        StepByStep(alpha)


def test_a_question_that_looks_like_a_prompt_is_not_changed() -> None:
    assert RECIPE.prompt("Question: why?").count("predict: ") == 1


def test_worked_examples_have_the_prefix_too() -> None:
    assert RECIPE.prompt("Why?", load_examples("arithmetic")[:2]).count("predict: Question: ") == 3


def test_a_sample_without_rationale_is_no_lesson() -> None:
    with pytest.raises(ValueError, match="rationale"):
        RECIPE.lessons("Why?", Held(text="#### 7"))


def test_data_gives_what_it_gives_for_cot() -> None:
    assert RECIPE.given({"rationale": "So <<1+1=2>>2.\n#### 2"}, 2) == "\nSo 2.\n#### 2\n"
