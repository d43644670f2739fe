"""Socratic, iterative: two students, each with its own prompts, targets and spans."""

from __future__ import annotations

import pytest

from pad_ray.decompositions import Step
from pad_ray.recipes import recipe_named
from pad_ray.recipes.base import Held
from pad_ray.recipes.socratic import parse_steps, render_steps
from pad_ray.recipes.socratic_iterative import QA, QG, Guidance, SocraticIterative

STEPS = [Step("How much is 3 * 2?", "It is 3 * 2 = 6.", "6"), Step("How much is left?", "10 - 6 = 4 are left.", "4")]
HELD = Held(text=render_steps(STEPS))
RECIPE = SocraticIterative()
GUIDED = SocraticIterative(Guidance(number=True, equation=True))
ALL = [SocraticIterative(Guidance(number, equation)) for number in (False, True) for equation in (False, True)]


def _learnt(recipe: SocraticIterative, task: str) -> list[str]:
    [lesson] = [one for one in recipe.lessons("Why?", HELD) if one.task == task]
    return [lesson.target[start:stop] for start, stop in recipe.learnt_spans(lesson.target, task) or []]


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
def test_qg_learns_the_subquestions_and_where_to_stop(recipe: SocraticIterative) -> None:
    assert _learnt(recipe, QG) == [" How much is 3 * 2?\n", " How much is left?\n", " none\n"]


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
def test_qa_learns_the_solutions_with_their_partial_answers(recipe: SocraticIterative) -> None:
    assert _learnt(recipe, QA) == [" It is 3 * 2 = 6. #### 6\n", " 10 - 6 = 4 are left. #### 4\n"]


def test_without_guidance_both_read_the_same_lines() -> None:
    qg, qa = RECIPE.lessons("Why?", HELD)
    assert qg.prompt + qg.target == f"Question: Why?\n{render_steps(STEPS)}Subquestion: none\n"
    assert qa.prompt + qa.target == f"Question: Why?\n{render_steps(STEPS)}"


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_qg_is_asked_what_stood_before_its_turn_in_training(recipe: SocraticIterative, turn: int) -> None:
    lesson = recipe.lessons("Why?", HELD)[0]
    start = (recipe.learnt_spans(lesson.target, QG) or [])[turn][0]
    assert recipe.ask_prompt("Why?", STEPS[:turn], STEPS) == lesson.prompt + lesson.target[:start]


@pytest.mark.parametrize("turn", [0, 1])
def test_qa_is_asked_what_stood_before_its_turn_in_training(turn: int) -> None:
    lesson = RECIPE.lessons("Why?", HELD)[1]
    start = (RECIPE.learnt_spans(lesson.target, QA) or [])[turn][0]
    assert RECIPE.answer_prompt("Why?", STEPS[:turn], STEPS[turn].question) == lesson.prompt + lesson.target[:start]


def test_guidance_tells_the_number_and_the_next_equation() -> None:
    assert GUIDED.ask_prompt("Why?", STEPS[:1], STEPS) == (
        "Question: Why?\nSubquestions: 2\nEquation: 3 * 2\nSubquestion: How much is 3 * 2?\n"
        "Solution: It is 3 * 2 = 6. #### 6\nEquation: 10 - 6\nSubquestion:"
    )


def test_qa_is_never_guided() -> None:
    assert GUIDED.lessons("Why?", HELD)[1] == RECIPE.lessons("Why?", HELD)[1]


def test_without_a_reference_there_is_no_guidance() -> None:
    assert GUIDED.ask_prompt("Why?", STEPS[:1]) == RECIPE.ask_prompt("Why?", STEPS[:1])


def test_a_step_without_equation_has_no_line_for_it() -> None:
    assert "Equation" not in GUIDED.ask_prompt("Why?", (), [Step("Who?", "Ann.", "Ann")])


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
def test_guidance_is_chosen_by_the_recipes_name(recipe: SocraticIterative) -> None:
    found = recipe_named(recipe.name)
    assert isinstance(found, SocraticIterative)
    assert found.guidance == recipe.guidance


def test_subquestions_without_solutions_are_no_lesson_for_two() -> None:
    text = "Subquestion: Who?\nSubquestion: Is #1 tall?\nSolution: #### yes\n"
    with pytest.raises(ValueError, match="no solution"):
        RECIPE.lessons("Why?", Held(text=text))


def test_a_text_of_no_task_is_learnt_whole() -> None:
    assert RECIPE.learnt_spans("any text") is None


def test_what_was_learnt_is_a_decomposition_again() -> None:
    qa = RECIPE.lessons("Why?", HELD)[1]
    assert parse_steps(qa.prompt + qa.target) == STEPS
