"""Ways to teach a student, by name."""

from __future__ import annotations

from pad_ray.errors import ConfigError
from pad_ray.recipes.base import Recipe, opening_of
from pad_ray.recipes.pad import Pad

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (Pad(),)}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: there is none; those that exist are named.
    """
    if name not in RECIPES:
        raise ConfigError(f"recipe `{name}` is unknown", f"There are: {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


__all__ = ["RECIPES", "Recipe", "opening_of", "recipe_named"]
