"""What all parts of a run share: its settings, its folder, its problems and its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pad_ray.benchmarks import Benchmark
from pad_ray.config import RunConfig
from pad_ray.generation.teachers import Teacher
from pad_ray.prompts import WorkedExample
from pad_ray.recipes import Recipe
from pad_ray.records import Row, list_hash
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.splits import bare_questions
from pad_ray.synthesis.edit_settings import EditConfig


@dataclass(frozen=True)
class Student:
    """A student at one point of a run.

    Attributes:
        name: in results: `student`, then `round-1`, `round-2`, …
        stage: its checkpoint.
        repairs: it was taught to repair, so its prompts have the slot for a broken program.
        parts: of a recipe with several students, the checkpoint of each by its task; they lie within `stage`.
    """

    name: str
    stage: Stage
    repairs: bool = False
    parts: Mapping[str, Stage] = field(default_factory=dict)


@dataclass(frozen=True)
class RunParts:
    """The parts.

    Attributes:
        config: the run's settings.
        folder: the run's folder.
        recipe: how models are asked, and what they learn.
        problems: all problem rows.
        benchmarks: by whose rules test answers are compared, by the name that their problems carry.
        worked_examples: what the teacher and the base model are shown.
        teacher: who writes programs.
        base: the model that learns.
        noted: called when stages have begun or ended, so that who reads the folder knows which are in use.
    """

    config: RunConfig
    folder: RunFolder
    recipe: Recipe
    problems: Sequence[Row]
    benchmarks: Mapping[str, Benchmark]
    worked_examples: Sequence[WorkedExample]
    teacher: Teacher
    base: Teacher
    noted: Callable[[], None]

    @cached_property
    def problem_stage(self) -> Stage:
        """The stage of `problems`."""
        return self.folder.stage("problems", list_hash(self.problems), record="problem")

    @cached_property
    def questions(self) -> dict[str, str]:
        """Problem id to question."""
        return {row["id"]: row["question"] for row in self.problems}

    @cached_property
    def _bare(self) -> dict[str, str]:
        return bare_questions(self.problems, self.config.problems)

    def bare(self, question: str) -> str:
        """A problem's question without the context that stands before it."""
        return self._bare[question]

    def of_split(self, *splits: str) -> list[Row]:
        """Problems of these splits."""
        return [row for row in self.problems if row["split"] in splits]

    @cached_property
    def tests(self) -> list[Row]:
        """Problems of all splits that are measured on."""
        return [row for row in self.problems if row["split"] not in ("train", "validation")]

    @cached_property
    def names(self) -> list[str]:
        """Names of what is measured on, in the order of the settings."""
        return list(dict.fromkeys(row["benchmark"] for row in self.tests))

    @cached_property
    def shown(self) -> list[dict[str, Any]]:
        """The worked examples as what defines a result; one without steps as it was before there were any."""
        fields = [vars(example) for example in self.worked_examples]
        return [{name: value for name, value in one.items() if name != "steps" or value} for one in fields]

    @cached_property
    def pairing(self) -> EditConfig | None:
        """How pairs of right and wrong samples count; None of a recipe without pairs."""
        return (self.config.examples.edit or EditConfig()) if self.recipe.pairs else None

    @cached_property
    def paired(self) -> list[Any]:
        """The same as what defines a result; empty without pairs."""
        return [self.pairing.model_dump()] if self.pairing else []

    @cached_property
    def asking(self) -> list[Any]:
        """How the recipe asks, as what defines a result."""
        return asking_by(self.recipe)


def shown_by(recipe: Recipe, config: RunConfig) -> str:
    """The name or the file of the worked examples that the teacher is shown."""
    return config.teacher.examples or recipe.worked_examples


def asking_by(recipe: Recipe) -> list[Any]:
    """How a recipe asks, as what defines a result."""
    return [recipe.name, recipe.prompt("?"), recipe.stop]
