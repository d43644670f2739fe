"""Socratic, unified: subquestion and solution in turn, written and read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.decompositions import Step
from pad_ray.extractors import strict
from pad_ray.jsonl import read_rows
from pad_ray.programs.answers import Kind, Outcome, compare, parse_gold
from pad_ray.prompts import load_examples
from pad_ray.recipes.base import Held
from pad_ray.recipes.socratic import parse_steps, render_steps
from pad_ray.recipes.socratic_unified import SocraticUnified

RECIPE = SocraticUnified()
STEPS = [Step("How much is 3 * 2?", "It is 3 * 2 = 6.", "6"), Step("How much is left?", "10 - 6 = 4 are left.", "4")]
TEXT = (
    "Subquestion: How much is 3 * 2?\nSolution: It is 3 * 2 = 6. #### 6\n"
    "Subquestion: How much is left?\nSolution: 10 - 6 = 4 are left. #### 4\n"
)


def test_steps_are_written_a_turn_a_line() -> None:
    assert render_steps(STEPS) == TEXT


def test_what_is_written_is_read_back() -> None:
    assert parse_steps(TEXT) == STEPS


def test_lines_that_begin_no_turn_go_on_with_the_one_before() -> None:
    wrapped = "Sure!\n" + TEXT.replace("It is 3 * 2 = 6.", "It is\n\n 3 * 2 = 6.")
    assert parse_steps(wrapped) == STEPS


def test_a_text_in_a_step_cannot_begin_a_turn() -> None:
    steps = [Step("Why?\nSolution: 5", "So.\nSubquestion: Who?", "3")]
    assert len(parse_steps(render_steps(steps))) == 1


def test_steps_without_solutions_follow_each_other() -> None:
    text = "Subquestion: Who?\nSubquestion: Is #1 tall?\nSolution: #### yes\n"
    assert parse_steps(text) == [Step("Who?"), Step("Is #1 tall?", answer="yes")]
    assert render_steps(parse_steps(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no subquestion"),
        ("Solution: It is 6. #### 6", "of its own"),
        ("Subquestion: Why?\nSolution: So. #### 6\nSolution: No. #### 7", "of its own"),
        ("Subquestion:\nSolution: So. #### 6", "empty"),
        ("Subquestion: Why?\nSolution: So.", "no answer"),
        ("Subquestion: Why?\nSolution: So. #### 6\nSubquestion: And?", "no answer"),
    ],
)
def test_what_is_not_of_the_form_is_no_target(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_steps(text)


def test_the_lesson_goes_on_from_the_prompt() -> None:
    [lesson] = RECIPE.lessons("Why?", Held(text=TEXT))
    assert lesson.prompt + lesson.target == f"Question: Why?\n{TEXT}"


def test_the_last_partial_answer_is_the_final_one() -> None:
    assert strict(TEXT) == 4


def test_the_answer_of_a_target_is_behind_its_last_mark() -> None:
    target = RECIPE.target(TEXT)
    assert [target[start:stop] for start, stop in RECIPE.answer_spans(target)] == ["#### 4"]


def test_worked_examples_show_the_form() -> None:
    [example] = load_examples("socratic")[:1]
    assert parse_steps(RECIPE.prompt("Why?", [example]).partition("\n")[2].rpartition("\nQuestion:")[0]) == list(
        example.steps
    )


def test_a_problem_without_decomposition_gives_nothing() -> None:
    assert RECIPE.given({"rationale": "So."}, 3) is None


@pytest.mark.parametrize(("file", "kind"), [("gsm8k/test_socratic", Kind.NUMBER), ("strategyqa/dev", Kind.TRUTH)])
def test_given_decompositions_are_of_the_form_and_end_in_gold(data_folder: Path, file: str, kind: Kind) -> None:
    for row in read_rows(data_folder / f"{file}.jsonl"):
        gold = row.fields["answer"]
        text = RECIPE.solution(RECIPE.given(row.fields, gold) or "")
        assert RECIPE.opening + RECIPE.target(text) == text
        assert compare(strict(text, kind), parse_gold(gold)) is Outcome.EQUAL
