"""Program-aided Distillation (arXiv 2305.13888): the student writes a Python function, its value is the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pad_ray.programs.error_code import ErrorCode, as_data
from pad_ray.programs.spans import answer_spans
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.forms import ProgramForm

_HEADER = "def solution():"
_DEFINITION = re.compile(r"^def solution\(\s*\)[^:\n]*:", re.MULTILINE)


class Pad(ProgramForm):
    """Worked examples as "Question: … / Solution: / program" (paper, section 3.1).

    The prompt ends at the function's header, without a newline: in many tokenizers newline and indentation are one
    token, and a prompt that ends between them is continued by something that does not run.
    """

    name = annotator = "pad"
    instruction = "Write a Python function `solution()` without arguments that returns the answer to the question."
    stop: tuple[str, ...] = ("\nQuestion:", "\ndef ", "\n\n\n", "```")

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        shown = [f"Question: {example.question}\nSolution:\n{example.program.strip()}\n\n" for example in examples]
        asked = f"Question: {question}\n"
        if error_code is not None:
            asked = f"Question: {as_data(question)}\n{error_code.text}"
        return "".join(shown) + f"{asked}Solution:\n{_HEADER}"

    def messages(self, question: str, examples: Sequence[WorkedExample] = ()) -> list[dict[str, str]]:
        turns = []
        for example in examples:
            turns.append({"role": "user", "content": f"{self.instruction}\n\nQuestion: {example.question}"})
            turns.append({"role": "assistant", "content": f"```python\n{example.program.strip()}\n```"})
        return [*turns, {"role": "user", "content": f"{self.instruction}\n\nQuestion: {question}"}]

    def solution(self, completion: str) -> str:
        """A completion goes on from the prompt's header; a chat's answer has a header of its own."""
        return completion if _DEFINITION.search(completion) else _HEADER + completion

    def target(self, solution: str) -> str:
        """The program after its header; imports and helpers that stand before it move into its body.

        Raises:
            ValueError: the program defines no `solution()` without arguments.
        """
        found = _DEFINITION.search(solution)
        if not found:
            raise ValueError("the program defines no solution()")
        above = [f"    {line}" for line in solution[: found.start()].splitlines() if line.strip()]
        return "\n".join(["", *above]) + solution[found.end() :].rstrip() + "\n"

    def answer_spans(self, target: str) -> list[tuple[int, int]]:
        """The `return` statements, and the statement that binds the name that one returns."""
        shift = len(_HEADER)
        return [(start - shift, end - shift) for start, end in answer_spans(_HEADER + target)]
