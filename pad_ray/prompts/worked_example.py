"""What a worked example is."""

from __future__ import annotations

from dataclasses import dataclass

from pad_ray.decompositions import Step


@dataclass(frozen=True)
class WorkedExample:
    """A question with the program that answers it.

    Attributes:
        set: number of the context set that the example belongs to.
        question: the problem's text.
        program: Python source that defines `solution()`, without a newline at its end.
        answer: what `solution()` returns; None where the file does not say.
        steps: the same in subquestions and words; empty where the file does not say.
    """

    set: int
    question: str
    program: str
    answer: int | float | str | None = None
    steps: tuple[Step, ...] = ()
