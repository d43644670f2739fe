"""The events of a search while it goes on: the tree of one attempt, step by step."""

from __future__ import annotations

from collections.abc import Sequence

from pad_ray.decoding.trace import Branch, Cost, Fate
from pad_ray.serving.messages import StepEvent


class Growth:
    """What the steps of a job have shown so far.

    Args:
        opening: the beginning of every program.
    """

    def __init__(self, opening: str) -> None:
        self._opening, self._attempt = opening, 0
        self._finished: list[str] = []

    def event(self, attempt: int, branches: Sequence[Branch], cost: Cost) -> StepEvent:
        """One more step.

        Args:
            attempt: 0, or the number of the repair whose tree this is.
            branches: all that the step made.
            cost: so far, of all attempts.
        """
        if attempt != self._attempt:
            self._attempt, self._finished = attempt, []
        live = [branch for branch in branches if branch.fate is Fate.KEPT]
        self._finished += [branch.text for branch in branches if branch.fate is Fate.FINISHED]
        return StepEvent(
            attempt=attempt,
            depth=max((branch.depth for branch in live or branches), default=0),
            branches=[branch.as_json() for branch in branches],
            live=[branch.id for branch in live],
            shared=shared_lines([*self._finished, *(branch.text for branch in live)]) or self._opening,
            completion_tokens=cost.completion_tokens,
            prompt_tokens=cost.prompt_tokens,
            seconds=round(cost.seconds, 4),
        )


def shared_lines(texts: Sequence[str]) -> str:
    """The whole lines that all texts begin with; of one text, all its lines."""
    shared: list[str] = []
    for lines in zip(*(text.splitlines(keepends=True) for text in texts), strict=False):
        if len(set(lines)) > 1:
            break
        shared.append(lines[0])
    return "".join(shared)
