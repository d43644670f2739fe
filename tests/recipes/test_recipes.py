"""Recipes by name."""

from __future__ import annotations

import pytest

from pad_ray.errors import ConfigError
from pad_ray.recipes import RECIPES, recipe_named


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_found_by_the_name_it_bears(name: str) -> None:
    assert recipe_named(name).name == name


def test_an_unknown_recipe_gets_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"recipe `pod` is unknown\. There are: .*pad"):
        recipe_named("pod")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_student_is_asked_just_as_the_end_of_a_prompt_with_examples(name: str) -> None:
    recipe = recipe_named(name)
    from pad_ray.prompts import load_examples

    assert recipe.prompt("Why?", load_examples("arithmetic")[:4]).endswith(recipe.prompt("Why?"))
