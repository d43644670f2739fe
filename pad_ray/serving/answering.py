"""The last event of a job, from what a decoder found."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import Any

from pad_ray.asking import Asked
from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.trace import Branch, Cost
from pad_ray.sandbox import Value
from pad_ray.serving.messages import AnswerEvent, Line

_EXACT = 2**53  # larger integers lose digits in what reads JSON with doubles


def answer_of(asked: Asked, cost: Cost, stepwise: bool) -> AnswerEvent:
    """What a question's programs came to.

    The answer is the value of the last run of the whole program: what the search found on the way to it counts for
    nothing if that fails.

    Args:
        asked: the programs.
        cost: of all of them.
        stepwise: they were written by the step beam, so the branches are steps.
    """
    outcome, attempt = asked.last, asked.repaired.last
    run = attempt.execution
    ran = run.ok and run.value is not None
    return AnswerEvent(
        answer=as_written(run.value) if ran else None,
        value=as_json(run.value) if ran else None,
        program=attempt.program or outcome.program,
        ran=ran,
        verdict=str(run.status),
        message=run.message,
        lines=_lines(outcome) if stepwise else [],
        branches=[branch.as_json() for branch in outcome.trace.branches],
        chosen=outcome.branch,
        deaths=outcome.trace.deaths(),
        stopped=outcome.trace.stopped,
        completion_tokens=cost.completion_tokens,
        prompt_tokens=cost.prompt_tokens,
        sandbox_seconds=round(cost.sandbox_seconds, 4),
        seconds=round(cost.seconds, 4),
        attempts=[one.as_json() for one in asked.repaired.attempts[:-1]],
    )


def _lines(outcome: Outcome) -> list[Line]:
    """The chosen program's steps, from the first."""
    by_id = {branch.id: branch for branch in outcome.trace.branches}
    lines: list[Line] = []
    branch = by_id.get(outcome.branch)
    while branch is not None:
        before = by_id.get(branch.parent)
        lines.append(_line(branch, before))
        branch = before
    return lines[::-1]


def _line(branch: Branch, before: Branch | None) -> Line:
    already = before.scores if before else {}
    return Line(
        text=branch.step,
        branch=branch.id,
        logprob=round(branch.logprob - (before.logprob if before else 0.0), 4),
        scores={name: round(value - already.get(name, 0.0), 4) for name, value in branch.scores.items()},
        values=branch.as_json().get("values", {}),
    )


def as_written(value: Value) -> str:
    """A value as people write it: no point behind a whole number, items with commas between."""
    if isinstance(value, list | tuple):
        return ", ".join(map(as_written, value))
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return _digits(int(value))
    return _digits(value)


def as_json(value: Value) -> Any:
    """A value as JSON has it; what JSON has not, or would not keep whole, as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    number: Any = value
    if isinstance(number, float | Decimal) and not math.isfinite(number):
        return str(number)
    if abs(number) >= _EXACT:
        return as_written(value)
    return int(number) if number == int(number) else float(number)


def _digits(value: Value) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes 4300 digits of an integer at most
        return f"a number of more than {sys.get_int_max_str_digits()} digits"
