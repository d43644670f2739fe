"""Chain of thought: a rationale in words, then the answer, in GSM8K's form (arXiv 2110.14168).

Question: Ann has 3 nuts and finds 4. How many has she?
Answer:
She has 3 + 4 = 7 nuts.
#### 7
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pad_ray.decompositions import strip_notes
from pad_ray.extractors import find_final
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.forms import TextForm, as_answer, no_worked


class Cot(TextForm):
    """From a teacher, a file, or GSM8K's human solutions, whose calculator notes are left out."""

    name = annotator = "cot"
    instruction = "Answer the question step by step, one step a line. End with a line `#### ` and the final answer."

    def target(self, solution: str) -> str:
        rationale, answer = split_rationale(solution)
        return f"\n{rationale}\n#### {answer}\n"

    def worked(self, example: WorkedExample) -> str:
        if not example.steps or example.answer is None:
            raise no_worked(self.name, "a rationale and an answer", example)
        return "\n".join([*(step.solution for step in example.steps), f"#### {as_answer(example.answer)}"])

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        """The problem's `rationale`, with its own `####` line, or with the gold answer behind it where it has none."""
        rationale = fields.get("rationale")
        if not isinstance(rationale, str) or not rationale.strip():
            return None
        text = strip_notes(rationale).strip()
        return f"\n{text}\n" if "####" in text else f"\n{text}\n#### {as_answer(answer)}\n"


def split_rationale(text: str) -> tuple[str, str]:
    """The lines of reasoning, and the answer as it is written behind the last mark.

    Raises:
        ValueError: no answer, or nothing before it.
    """
    final = find_final(text)
    if final is None:
        raise ValueError("the text states no final answer")
    lines = [line.strip() for line in strip_notes(text[: final.start]).splitlines()]
    rationale = "\n".join(filter(None, lines))
    if not rationale:
        raise ValueError("no rationale stands before the answer")
    return rationale, final.phrase.removesuffix(".").strip(" *")
