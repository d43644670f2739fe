"""Socratic CoT, unified (arXiv 2212.00193): one student writes subquestion, solution, subquestion, solution …"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pad_ray.decompositions import decomposition_of
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.base import Material
from pad_ray.recipes.forms import TextForm, as_answer, no_worked
from pad_ray.recipes.socratic import SUBQUESTION, parse_steps, render_steps


class SocraticUnified(TextForm):
    """See `recipes.socratic` for the form. A teacher annotates in it, and is kept when the last answer is right."""

    name = annotator = "socratic_unified"
    material = Material.DECOMPOSITION
    cue = opening = SUBQUESTION
    instruction = (
        "Split the question into subquestions and answer them one by one. Write each as a line `Subquestion: …` "
        "followed by a line `Solution: … #### ` with its answer. The last answer is the answer to the question."
    )

    def target(self, solution: str) -> str:
        return render_steps(parse_steps(solution)).removeprefix(self.opening)

    def worked(self, example: WorkedExample) -> str:
        if not example.steps:
            raise no_worked(self.name, "subquestions", example)
        return render_steps(example.steps)

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        """The problem's own decomposition."""
        found = decomposition_of(fields, as_answer(answer))
        return render_steps(found.steps).removeprefix(self.opening) if found else None
