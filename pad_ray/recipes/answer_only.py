"""Answers without steps: what a student learns from questions and golds alone. The baseline of every comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pad_ray.extractors import find_final
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.base import Material
from pad_ray.recipes.forms import TextForm, as_answer, no_worked


class AnswerOnly(TextForm):
    """The prompt ends in "The answer is"; the target is the answer and a full stop. Needs no teacher: see `given`."""

    name = annotator = "answer_only"
    stop: tuple[str, ...] = ("\n",)
    material = Material.ANSWER
    cue = opening = "The answer is"
    instruction = "Answer the question in one sentence: `The answer is …`. Write no steps."

    def target(self, solution: str) -> str:
        final = find_final(solution)
        if final is None:
            raise ValueError("the text states no final answer")
        return f" {final.phrase.removesuffix('.').strip(' *')}.\n"

    def worked(self, example: WorkedExample) -> str:
        if example.answer is None:
            raise no_worked(self.name, "an answer", example)
        return f"{self.opening} {as_answer(example.answer)}."

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        return None if answer is None else f" {as_answer(answer)}.\n"

    def answer_spans(self, target: str) -> list[tuple[int, int]]:
        """All of it."""
        return [(0, len(target))]
