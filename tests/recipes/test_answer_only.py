"""Answers alone: made of golds, and read back as them."""

from __future__ import annotations

import pytest

from pad_ray.extractors import strict
from pad_ray.programs.values import Value
from pad_ray.recipes.answer_only import AnswerOnly
from pad_ray.recipes.base import Held, Lesson

RECIPE = AnswerOnly()


@pytest.mark.parametrize(
    ("gold", "written"),
    [(72, " 72.\n"), (18.0, " 18.\n"), (2.5, " 2.5.\n"), (-3, " -3.\n"), ("yes", " yes.\n"), ("1/2", " 1/2.\n")],
)
def test_a_gold_answer_is_a_sentences_end(gold: Value, written: str) -> None:
    assert RECIPE.given({}, gold) == written


@pytest.mark.parametrize("gold", [72, 2.5, -3, "yes", "(B)", "a b c"])
def test_what_is_taught_is_read_back_as_the_gold(gold: Value) -> None:
    taught = RECIPE.target(RECIPE.solution(RECIPE.given({}, gold) or ""))
    assert strict(RECIPE.solution(taught)) == gold


def test_the_lesson_goes_on_from_the_prompt() -> None:
    [lesson] = RECIPE.lessons("Why?", Held(text="The answer is 3."))
    assert lesson == Lesson("Question: Why?\nThe answer is", " 3.\n")


def test_without_gold_there_is_nothing_to_learn() -> None:
    assert RECIPE.given({}, None) is None


def test_a_text_without_an_answer_is_no_target() -> None:
    with pytest.raises(ValueError, match="no final answer"):
        RECIPE.target("Three.")


def test_all_of_a_target_is_its_answer() -> None:
    assert RECIPE.answer_spans(" 3.\n") == [(0, 4)]
