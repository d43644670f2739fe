"""What a step is worth: ψ between 0 and 1, as its logarithm. Scorers combine by weights."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pad_ray.programs.syntax import parse
from pad_ray.sandbox import StepVerdict, Value

LOWEST = 1e-3  # no scorer alone rules a step out: ψ is at least this


@dataclass(frozen=True, slots=True)
class Step:
    """A step that ran, as a scorer sees it.

    Attributes:
        text: the statement, with comments that lead to it.
        program: the program so far, this step included.
        verdict: what running it showed.
        before: what running its parent showed; None at the root.
        share: its part of the probability of all steps that are scored with it, 0 to 1.
    """

    text: str
    program: str
    verdict: StepVerdict
    before: StepVerdict | None
    share: float


class Scorer(Protocol):
    """Judges steps by the question, the text and the run. A learned verifier has this shape too."""

    name: str

    async def score(self, question: str, steps: Sequence[Step]) -> list[float]:
        """ln ψ of each step: 0 at best, `ln(LOWEST)` at worst. All runnable steps of one round come together."""
        ...


class ExecutionScorer:
    """ψ from what ran: kind and size of the new values, agreement among branches, and at the end what was used.

    A step halves its ψ at most for each: a value that no word problem has as its answer (none at all, not finite,
    huge), values that no other probability stands behind, variables that the answer does not depend on.
    """

    name = "execution"

    async def score(self, question: str, steps: Sequence[Step]) -> list[float]:
        new = [_new_values(step) for step in steps]
        support: dict[str, float] = {}
        for step, values in zip(steps, new, strict=True):
            for value in {repr(value) for value in values}:
                support[value] = support.get(value, 0.0) + step.share
        return [
            _ln(_sanity(values) * _agreement(values, support) * _usage(step))
            for step, values in zip(steps, new, strict=True)
        ]


def _new_values(step: Step) -> list[Value]:
    """What a step computed: the result if it returned, else variables that are new or have changed."""
    if step.verdict.finished:
        return [step.verdict.value]
    old = step.before.values if step.before else {}
    return [
        value
        for name, value in step.verdict.values.items()
        if name not in old or old[name] != value or type(old[name]) is not type(value)
    ]


def _sanity(values: Sequence[Value]) -> float:
    return math.prod(1.0 if _is_sane(value) else 0.5 for value in values)


def _is_sane(value: Value) -> bool:
    if value is None:
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return math.isfinite(value) and abs(value) < 1e12 if isinstance(value, float) else abs(value) < 10**12
    return True


def _agreement(values: Sequence[Value], support: dict[str, float]) -> float:
    """Between a half and one, by the probability that stands behind its least supported value."""
    return 0.5 + 0.5 * min((support[repr(value)] for value in values), default=1.0)


def _usage(step: Step) -> float:
    """At the end, between a half and one, by the share of variables that something reads."""
    tree = parse(step.program) if step.verdict.finished else None
    if tree is None:
        return 1.0
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    written = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    return 0.5 + 0.5 * (len(written & read) / len(written) if written else 1.0)


def _ln(psi: float) -> float:
    return math.log(min(1.0, max(LOWEST, psi)))
