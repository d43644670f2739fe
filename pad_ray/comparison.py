"""An experiment: which arms are compared, on which share of the data, with which seeds, under which budget.

    name: repairs
    run: quickstart.yaml            # what all arms have in common
    tokens: 300_000                 # each training costs the same
    seeds: [0, 1]
    arms:
      programs: {}
      repairs: {refinement.own: false, refinement.stop.rounds: 1}

A cell is an arm with a share and a seed. It is a run of its own, so that another arm re-runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from pad_ray.config import RunConfig, apply_override, first_problem, parse_config
from pad_ray.errors import ConfigError
from pad_ray.section import Section
from pad_ray.yaml_text import parse_mapping, text_of

SHARED = "shared"  # the run that buys samples and measures the base for all arms
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class ComparisonConfig(Section):
    """A whole experiment."""

    name: str = Field("comparison", pattern=_NAME, description="The experiment's name, a folder.")
    runs: str = Field("runs", description="Where its folder is kept.")
    run: str = Field(description="The YAML file of a run that all arms start from, seen from this file.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Overrides of it for all arms, by dotted key.")
    tokens: int | None = Field(
        None, ge=1, description="Tokens of each training, prompts and targets of all passes; without it `epochs` count."
    )
    arms: dict[str, dict[str, Any]] = Field(min_length=1, description="Overrides by dotted key, by the arm's name.")
    fractions: tuple[float, ...] = Field(
        (1.0,), min_length=1, description="Shares of the problems that are learnt from."
    )
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="Seeds of training and of the choice of problems.")
    folds: tuple[int, ...] = Field(
        (), description="Of `problems.folds`: each is trained and measured apart, and figures are over all of them."
    )
    reference: str | None = Field(None, description="The arm that others are paired with; by default the first.")

    @field_validator("arms")
    @classmethod
    def _check_arms(cls, arms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        import re

        for name in arms:
            if not re.match(_NAME, name) or name == SHARED:
                raise ValueError(f"`{name}` cannot be an arm's name: it is that of a folder, and `{SHARED}` is taken")
        return arms

    @field_validator("folds")
    @classmethod
    def _check_folds(cls, folds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(folds)) < len(folds):
            raise ValueError("must be different folds")
        return folds

    @property
    def paired_with(self) -> str:
        """The arm that others are paired with."""
        return self.reference or next(iter(self.arms))


@dataclass(frozen=True)
class Cell:
    """An arm with a share of the data and a seed.

    Attributes:
        arm: its name.
        fraction: of the problems, 0 to 1.
        seed: of training and of the choice of problems.
        config: the run that it is.
    """

    arm: str
    fraction: float
    seed: int
    config: RunConfig


@dataclass(frozen=True)
class Comparison:
    """An experiment that was checked.

    Attributes:
        config: its settings.
        shared: the run that buys the samples and measures the base; of folds one for each.
        cells: in the order of folds, arms, shares and seeds.
    """

    config: ComparisonConfig
    shared: Sequence[RunConfig]
    cells: Sequence[Cell]


def load_comparison(path: Path, overrides: Sequence[str] = ()) -> Comparison:
    """Reads an experiment and checks every run in it.

    Raises:
        ConfigError: a file that is not there, an unknown key or setting; what is wrong with an arm names the arm.
    """
    raw = _read(path)
    raw.setdefault("name", path.stem)
    for override in overrides:
        apply_override(raw, override)
    try:
        config = ComparisonConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_problem(error, ComparisonConfig)}") from None
    if config.paired_with not in config.arms:
        raise ConfigError(
            f"{path}: `reference`: there is no arm `{config.paired_with}`", f"There are: {', '.join(config.arms)}"
        )
    base = path.parent / config.run
    common = _read(base)
    folds = config.folds or (None,)
    shared = [_run(config, common, f"{path}", _of_fold(SHARED, fold), _fold(fold)) for fold in folds]
    cells = [
        Cell(arm, fraction, seed, _run(config, common, f"{path}: arm {arm}", *_cell(config, arm, fraction, seed, fold)))
        for fold, arm, fraction, seed in product(folds, config.arms, config.fractions, config.seeds)
    ]
    return Comparison(config, shared, cells)


def _read(path: Path) -> dict[str, Any]:
    return parse_mapping(text_of(path), str(path))


def _of_fold(name: str, fold: int | None) -> str:
    return name if fold is None else f"{name}-fold{fold}"


def _fold(fold: int | None) -> dict[str, Any]:
    return {} if fold is None else {"problems.fold": fold}


def _cell(
    config: ComparisonConfig, arm: str, fraction: float, seed: int, fold: int | None
) -> tuple[str, dict[str, Any]]:
    """Name and settings of a cell's run."""
    name = arm
    if len(config.fractions) > 1:
        name += f"-{100 * fraction:g}"
    if len(config.seeds) > 1:
        name += f"-seed{seed}"
    given = {
        "evaluation.base": False,
        "samples.from": f"{config.runs}/{config.name}/{_of_fold(SHARED, fold)}",
        **_fold(fold),
        "examples.fraction": fraction,
        "examples.seed": seed,
        "training.seed": seed,
        **({"training.tokens": config.tokens} if config.tokens else {}),
    }
    return _of_fold(name, fold), {**given, **config.arms[arm]}


def _run(
    config: ComparisonConfig, common: dict[str, Any], place: str, name: str, settings: dict[str, Any]
) -> RunConfig:
    raw = json.loads(json.dumps(common))
    given = {**config.settings, **settings, "name": name, "runs": f"{config.runs}/{config.name}"}
    return parse_config(raw, place, [f"{key}={json.dumps(value)}" for key, value in given.items()])
