"""What a recipe is: how a model is asked, how its answer is read and judged, and what the student learns from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pad_ray.programs.error_code import ErrorCode
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample

Span = tuple[int, int]


class JudgedBy(StrEnum):
    """How the verdict on a completion comes about."""

    PROGRAM = "program"  # the program is found and run in the sandbox, its value is compared with gold
    TEXT = "text"  # the final answer is read out of the text by an extractor and compared with gold; no sandbox


class Material(StrEnum):
    """What a target is made of."""

    PROGRAM = "program"
    RATIONALE = "rationale"  # with the final answer behind it
    ANSWER = "answer"
    DECOMPOSITION = "decomposition"  # subquestions with their solutions


@dataclass(frozen=True, slots=True)
class Held:
    """A sample whose verdict is `ok`.

    Attributes:
        program: the program as it was run; empty where texts are judged.
        text: what the verifier read: `annotator.solution(completion)`, see `Recipe.annotator`.
    """

    program: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing that a student learns from one sample.

    Attributes:
        prompt: what is read.
        target: what is to be written after it.
        task: name of the task where a recipe has several; None where it has one.
        weight: how much the lesson counts as a whole, whatever its length; None where each of its tokens counts as
            much as a token of any other.
    """

    prompt: str
    target: str
    task: str | None = None
    weight: float | None = None


class Recipe(Protocol):
    """A way to teach. Stages know recipes through these members only, so a new method is one file."""

    name: str
    stop: tuple[str, ...]  # a completion ends where one of these would begin
    judged_by: JudgedBy
    extractor: str  # name of the extractor that finds the answer in a text; empty where programs are judged
    material: Material
    worked_examples: str  # built-in worked examples that show what the recipe asks for
    students: tuple[str, ...]  # tasks that have a student of their own; none where one student learns all
    pairs: bool  # whether wrong samples of a problem tell what the right one has instead, see `synthesis.pairs`
    annotator: str  # name of the recipe by which the teacher is asked and judged; its own where that is the same

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        """The text that a model continues; with no worked examples it is what the student is asked.

        Args:
            question: the problem's text.
            examples: worked examples that are shown first.
            error_code: what stands in the slot for a broken program, of a student that learns to repair; `EMPTY` where
                it is asked for the first time. By default there is no slot.

        Raises:
            ConfigError: worked examples of another form, or a slot where no programs are written.
        """
        ...

    def messages(self, question: str, examples: Sequence[WorkedExample] = ()) -> list[dict[str, str]]:
        """The same question as turns of a chat, the last one the user's."""
        ...

    def solution(self, completion: str) -> str:
        """The text that the verifier reads, from what the model wrote after the prompt."""
        ...

    def target(self, solution: str) -> str:
        """What the student shall write after `prompt(question)`, from a program or a text that held.

        Raises:
            ValueError: it is not of the recipe's form.
        """
        ...

    def lessons(self, question: str, held: Held) -> Sequence[Lesson]:
        """All that the student learns from one sample.

        Raises:
            ValueError: the sample is not of the recipe's form.
        """
        ...

    def answer_spans(self, target: str) -> Sequence[Span]:
        """The characters of a target (half-open spans) that are its final answer; the rest are steps towards it."""
        ...

    def learnt_spans(self, target: str, task: str | None = None) -> Sequence[Span] | None:
        """The characters of a target that the loss counts, of a lesson of that task; None where it counts all."""
        ...

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        """The completion that a data set itself holds for a problem, in place of a teacher's; None where there is none.

        Of recipes of programs it is the problem's own `program`; where there is none, those of `Material.PROGRAM` take
        one that is made from the calculator notes of its `rationale`.

        Args:
            fields: the problem's `meta`, such as `program`, `rationale` or `subquestions`.
            answer: its gold answer.
        """
        ...


def opening_of(recipe: Recipe) -> str:
    """The end of a recipe's prompts that is the beginning of the program, such as `def solution():`."""
    return recipe.solution("")
