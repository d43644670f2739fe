"""Recipes by name."""

from __future__ import annotations

import pytest

from pad_ray.errors import ConfigError
from pad_ray.extractors import EXTRACTORS
from pad_ray.programs.error_code import EMPTY
from pad_ray.prompts import BUILTIN, load_examples
from pad_ray.recipes import RECIPES, JudgedBy, recipe_named
from pad_ray.text_verification import TextVerifier
from pad_ray.verification import Verdict

NAMES = sorted(RECIPES)
TEXTS = [name for name in NAMES if RECIPES[name].judged_by is JudgedBy.TEXT]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_found_by_the_name_it_bears(name: str) -> None:
    assert recipe_named(name).name == name


def test_an_unknown_recipe_gets_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"recipe `pod` is unknown\. There are: .*pad"):
        recipe_named("pod")


@pytest.mark.parametrize("name", NAMES)
def test_a_student_is_asked_just_as_the_end_of_a_prompt_with_examples(name: str) -> None:
    recipe = recipe_named(name)
    examples = load_examples(recipe.worked_examples)[:4]
    assert recipe.prompt("Why?", examples).endswith(recipe.prompt("Why?"))


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_does_not_end_in_white_space(name: str) -> None:
    prompt = recipe_named(name).prompt("Why?")
    assert prompt == prompt.rstrip()


@pytest.mark.parametrize("name", NAMES)
def test_the_worked_examples_of_a_recipe_are_built_in(name: str) -> None:
    assert recipe_named(name).worked_examples in BUILTIN


@pytest.mark.parametrize("name", NAMES)
def test_the_teacher_is_asked_by_a_recipe_that_is_asked_by_itself(name: str) -> None:
    annotator = recipe_named(recipe_named(name).annotator)
    assert annotator.annotator == annotator.name


@pytest.mark.parametrize("name", NAMES)
def test_texts_have_an_extractor_and_programs_none(name: str) -> None:
    recipe = recipe_named(name)
    assert (recipe.extractor in EXTRACTORS) is (recipe.judged_by is JudgedBy.TEXT)


@pytest.mark.parametrize("name", [name for name in NAMES if RECIPES[name].judged_by is JudgedBy.PROGRAM])
def test_a_recipe_of_programs_takes_the_program_that_a_problem_has(name: str) -> None:
    program = "def solution():\n    # What is asked?\n    return 3\n"
    completion = recipe_named(name).given({"program": program}, 3)
    assert completion is not None
    assert recipe_named(name).solution(completion) == program


@pytest.mark.parametrize("name", [name for name in NAMES if RECIPES[name].judged_by is JudgedBy.PROGRAM])
@pytest.mark.parametrize("program", [None, "", 3, "ans = 3"])
def test_what_is_no_program_of_its_form_a_recipe_does_not_take(name: str, program: object) -> None:
    assert recipe_named(name).given({"program": program}, 3) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_chat_ends_with_the_question(name: str) -> None:
    last = recipe_named(name).messages("Why so?", load_examples("socratic")[:2])[-1]
    assert last["role"] == "user"
    assert last["content"].endswith("Question: Why so?")


@pytest.mark.parametrize("name", TEXTS)
def test_a_chat_answer_is_judged_as_a_completion_is(name: str) -> None:
    recipe, examples = recipe_named(name), load_examples("socratic")
    for example in examples:
        reply = recipe.messages("Why?", [example])[1]["content"]
        [judged] = TextVerifier(extractor=recipe.extractor).judge([recipe.solution(reply)], [example.answer])
        assert judged.verdict is Verdict.OK


@pytest.mark.parametrize("name", TEXTS)
def test_a_recipe_in_words_has_no_slot_for_programs(name: str) -> None:
    with pytest.raises(ConfigError, match="no programs that could be repaired"):
        recipe_named(name).prompt("Why?", (), EMPTY)


@pytest.mark.parametrize("name", [name for name in TEXTS if RECIPES[name].material != "answer"])
def test_worked_examples_of_another_form_are_refused(name: str) -> None:
    recipe = recipe_named(recipe_named(name).annotator)
    with pytest.raises(ConfigError, match="socratic"):
        recipe.prompt("Why?", load_examples("arithmetic")[:1])
