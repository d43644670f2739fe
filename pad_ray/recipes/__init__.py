"""Ways to teach a student, by name."""

from __future__ import annotations

from pad_ray.errors import ConfigError
from pad_ray.recipes.answer_only import AnswerOnly
from pad_ray.recipes.base import Held, JudgedBy, Lesson, Material, Recipe, opening_of
from pad_ray.recipes.cot import Cot
from pad_ray.recipes.edit import Edit, EditCot
from pad_ray.recipes.pad import Pad
from pad_ray.recipes.socratic_iterative import Guidance, SocraticIterative
from pad_ray.recipes.socratic_program import SocraticProgram
from pad_ray.recipes.socratic_unified import SocraticUnified
from pad_ray.recipes.step_by_step import StepByStep

_ITERATIVE = [SocraticIterative(Guidance(number, equation)) for number in (False, True) for equation in (False, True)]
_ALL: tuple[Recipe, ...] = (
    Pad(),
    Cot(),
    AnswerOnly(),
    SocraticUnified(),
    *_ITERATIVE,
    SocraticProgram(),
    StepByStep(),
    Edit(),
    EditCot(),
)
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: there is none; those that exist are named.
    """
    if name not in RECIPES:
        raise ConfigError(f"recipe `{name}` is unknown", f"There are: {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


__all__ = ["RECIPES", "Held", "JudgedBy", "Lesson", "Material", "Recipe", "opening_of", "recipe_named"]
