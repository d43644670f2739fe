"""What a recipe cannot be combined with."""

from __future__ import annotations

from collections.abc import Sequence

from pad_ray.config import RunConfig
from pad_ray.decoding.settings import GIVEN, OF_TEXTS, TURNS, takes_turns
from pad_ray.errors import ConfigError
from pad_ray.programs.error_code import EMPTY
from pad_ray.recipes import JudgedBy, Recipe


def check_recipe(recipe: Recipe, config: RunConfig) -> None:
    """Refuses settings that a recipe cannot be combined with.

    Raises:
        ConfigError: names the setting.
    """
    _check_decoders(recipe, config.evaluation.decoders)
    if config.examples.edit and not recipe.pairs:
        raise ConfigError(
            f"examples.edit: recipe `{recipe.name}` makes no pairs",
            "Take the recipe `edit` or `edit_cot`, or leave it out",
        )
    if config.refinement and config.refinement.teaches_repair and not recipe.students:  # of those no rounds at all
        recipe.prompt("?", (), EMPTY)


def _check_decoders(recipe: Recipe, decoders: Sequence[str]) -> None:
    alone = [name for name in decoders if takes_turns(name) != bool(recipe.students)]
    if alone and recipe.students:
        raise ConfigError(
            f"evaluation.decoders: `{alone[0]}` is of one student, and recipe `{recipe.name}` teaches two",
            f"Set `evaluation.decoders: [{TURNS}]`, or [{TURNS}, {GIVEN}]",
        )
    if alone:
        raise ConfigError(
            f"evaluation.decoders: `{alone[0]}` takes two students, and recipe `{recipe.name}` teaches one",
            "Take recipe `socratic_iterative`, or another decoder",
        )
    others = [name for name in decoders if name not in OF_TEXTS and not takes_turns(name)]
    if others and recipe.judged_by is JudgedBy.TEXT:
        raise ConfigError(
            f"evaluation.decoders: `{others[0]}` runs programs, and recipe `{recipe.name}` writes none",
            f"Set `evaluation.decoders` to some of: {', '.join(OF_TEXTS)}",
        )
