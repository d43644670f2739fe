"""Distilling Step-by-Step (arXiv 2305.02301): label and rationale are two tasks, told apart by a prefix.

    predict: Question: …             explain: Question: …
    The answer is 7.                 Rationale:
                                     She has 3 + 4 = 7 nuts.

The loss is alpha · label + (1 − alpha) · rationale; the released code recommends 0.5. At inference the label alone is
asked for, so that a rationale costs nothing. The teacher is asked by `cot`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.programs.error_code import ErrorCode
from pad_ray.programs.values import Value
from pad_ray.prompts import WorkedExample
from pad_ray.recipes.answer_only import AnswerOnly
from pad_ray.recipes.base import Held, Lesson, Material
from pad_ray.recipes.cot import Cot, split_rationale

LABEL = "label"
RATIONALE = "rationale"


class StepByStep(AnswerOnly):
    """Two lessons a sample.

    Args:
        alpha: share of the label in the loss, between 0 and 1.
    """

    name = "step_by_step"
    annotator = "cot"
    material = Material.RATIONALE

    def __init__(self, alpha: float = 0.5) -> None:
        if not 0 <= alpha <= 1:
            raise ValueError("alpha is a share, between 0 and 1")
        self._alpha = alpha

    def prompt(self, question: str, examples: Sequence[WorkedExample] = (), error_code: ErrorCode | None = None) -> str:
        asked = super().prompt
        shown = (f"predict: {asked(one.question)}{self.target(self.worked(one))}\n" for one in examples)
        return f"{''.join(shown)}predict: {asked(question, (), error_code)}"

    def lessons(self, question: str, held: Held) -> list[Lesson]:
        rationale, answer = split_rationale(held.text)
        label = self.target(f"{self.opening} {answer}")
        asked = f"explain: Question: {question}\nRationale:"
        return [
            Lesson(self.prompt(question), label, LABEL, self._alpha),
            Lesson(asked, f"\n{rationale}\n", RATIONALE, 1 - self._alpha),
        ]

    def given(self, fields: Mapping[str, Any], answer: Value) -> str | None:
        return Cot().given(fields, answer)
