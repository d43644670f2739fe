"""What a recipe is: how a model is asked, how its answer is read, and what the student learns from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pad_ray.programs.error_code import ErrorCode
from pad_ray.prompts import WorkedExample


class Recipe(Protocol):
    """A way to teach. Stages know recipes through these members only, so a new method is one file."""

    name: str
    stop: tuple[str, ...]  # a completion ends where one of these would begin

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        """The text that a model continues; with no worked examples it is what the student is asked.

        Args:
            question: the problem's text.
            examples: worked examples that are shown first.
            error_code: what stands in the slot for a broken program, of a student that learns to repair; `EMPTY` where
                it is asked for the first time. By default there is no slot.
        """
        ...

    def messages(self, question: str, examples: Sequence[WorkedExample] = ()) -> list[dict[str, str]]:
        """The same question as turns of a chat, the last one the user's."""
        ...

    def solution(self, completion: str) -> str:
        """The text that the verifier reads, from what the model wrote after the prompt."""
        ...

    def target(self, program: str) -> str:
        """What the student shall write after `prompt(question)`, from a program that held."""
        ...

    def answer_spans(self, target: str) -> Sequence[tuple[int, int]]:
        """The characters of a target (half-open spans) that are its final answer; the rest are steps towards it."""
        ...


def opening_of(recipe: Recipe) -> str:
    """The end of a recipe's prompts that is the beginning of the program, such as `def solution():`."""
    return recipe.solution("")
