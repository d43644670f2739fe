"""What most recipes share: those by which programs are written, and those by which texts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.errors import ConfigError
from pad_ray.extractors import find_final
from pad_ray.programs.error_code import ErrorCode
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.base import Held, JudgedBy, Lesson, Material, Span


class ProgramForm:
    """A program is judged, and one lesson is made of it: question to program."""

    judged_by = JudgedBy.PROGRAM
    students: tuple[str, ...] = ()
    pairs = False
    extractor = ""
    material = Material.PROGRAM
    worked_examples = "arithmetic"

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        raise NotImplementedError

    def target(self, solution: str) -> str:
        raise NotImplementedError

    def lessons(self, question: str, held: Held) -> list[Lesson]:
        return [Lesson(self.prompt(question), self.target(held.program))]

    def learnt_spans(self, target: str, task: str | None = None) -> list[Span] | None:
        return None

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        """The problem's own `program`, where it has one of the recipe's form."""
        program = fields.get("program")
        try:
            return self.target(program) if isinstance(program, str) else None
        except ValueError:
            return None


class TextForm:
    """A text is judged by its final answer, and one lesson is made of it.

    A prompt is "Question: …", a line break and the cue, which the completion goes on from. The cue does not end in
    white space: many tokenizers join a blank or a line break to what follows.
    """

    name: str
    annotator: str
    stop: tuple[str, ...] = ("\nQuestion:",)
    judged_by = JudgedBy.TEXT
    students: tuple[str, ...] = ()
    pairs = False
    extractor = "strict"
    material = Material.RATIONALE
    worked_examples = "socratic"
    cue = "Answer:"
    opening = ""  # what of the cue belongs to the text that is judged
    instruction = ""

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        if error_code is not None:
            raise ConfigError(
                f"recipe `{self.name}` writes no programs that could be repaired", "Set repair.ratio to 0"
            )
        shown = (f"Question: {one.question}\n{self.cue}{self.target(self.worked(one))}\n" for one in examples)
        return "".join(shown) + f"Question: {question}\n{self.cue}"

    def messages(self, question: str, examples: Sequence[WorkedExample] = ()) -> list[dict[str, str]]:
        turns = []
        for one in examples:
            written = self.opening + self.target(self.worked(one))
            turns.append({"role": "user", "content": f"{self.instruction}\n\nQuestion: {one.question}"})
            turns.append({"role": "assistant", "content": written.strip()})
        return [*turns, {"role": "user", "content": f"{self.instruction}\n\nQuestion: {question}"}]

    def solution(self, completion: str) -> str:
        """A completion goes on from the cue; a chat's answer has the opening words itself."""
        begun = completion.lstrip().casefold().startswith(self.opening.casefold())
        return completion if begun and self.opening else self.opening + completion

    def target(self, solution: str) -> str:
        raise NotImplementedError

    def lessons(self, question: str, held: Held) -> list[Lesson]:
        return [Lesson(self.prompt(question), self.target(held.text))]

    def answer_spans(self, target: str) -> list[Span]:
        """The last mark of an answer, with what follows it on its line."""
        final = find_final(target)
        return [(final.start, final.stop)] if final else []

    def learnt_spans(self, target: str, task: str | None = None) -> list[Span] | None:
        return None

    def worked(self, example: WorkedExample) -> str:
        """The text that a worked example shows.

        Raises:
            ConfigError: the example has none of that form.
        """
        raise NotImplementedError


def no_worked(name: str, wanted: str, example: WorkedExample) -> ConfigError:
    """The complaint about a worked example of another form."""
    return ConfigError(
        f"recipe `{name}` shows {wanted}, and the worked example has none: {example.question[:40]!r}",
        "Take the built-in examples `socratic`, or give each line `steps`",
    )


def as_answer(answer: Value) -> str:
    """A gold answer as it is written in a text: 18 for 18.0."""
    return str(int(answer)) if isinstance(answer, float) and answer.is_integer() else str(answer)
