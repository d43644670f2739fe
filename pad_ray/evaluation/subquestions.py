"""How good the questions of a student that asks are, against a reference decomposition (arXiv 2212.00193).

Two measures beside the accuracy of the whole: whether as many questions are asked, and BLEU of what is asked. All
questions of a problem are one segment, joined by blanks, so that a question too many costs n-grams and not a pairing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.evaluation.bleu import bleu


@dataclass(frozen=True, slots=True)
class QuestionMeasures:
    """Measures over problems.

    Attributes:
        problems: how many.
        mean_written: mean number of questions that were asked.
        mean_reference: mean number of the reference.
        same_number: share of problems with as many questions as the reference.
        bleu: of all questions, between 0 and 100.
    """

    problems: int
    mean_written: float
    mean_reference: float
    same_number: float
    bleu: float


def measure_questions(written: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> QuestionMeasures:
    """Compare the questions of each problem with the reference's.

    Args:
        written: for each problem, its questions in order; a problem may have none.
        references: the same of the reference.

    Raises:
        ValueError: no problems, or not as many on both sides.
    """
    if not written or len(written) != len(references):
        raise ValueError(f"questions for {len(written)} problems, references for {len(references)}")
    count = len(written)
    return QuestionMeasures(
        problems=count,
        mean_written=sum(map(len, written)) / count,
        mean_reference=sum(map(len, references)) / count,
        same_number=sum(len(a) == len(b) for a, b in zip(written, references, strict=True)) / count,
        bleu=bleu([" ".join(one) for one in written], [[" ".join(one)] for one in references]),
    )
