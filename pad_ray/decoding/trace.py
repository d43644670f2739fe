"""What a search did: every branch that was considered, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pad_ray.decoding.engine import Tokens
from pad_ray.sandbox import StepVerdict

_LONGEST_VALUE = 80


class Fate(StrEnum):
    """What became of a branch. The list is closed."""

    KEPT = "kept"
    FINISHED = "finished"  # a return ran
    BROKEN = "broken"  # it cannot run; the verdict says of what
    MERGED = "merged"  # another branch has the same state
    OUTSCORED = "outscored"
    ENDED = "ended"  # the text, or the function, ended without an answer
    TOO_LONG = "too_long"  # no whole statement within the longest step


@dataclass(slots=True)
class Branch:
    """A program that is being written, after one more step.

    Attributes:
        id: its number within the search, from 1; 0 is the root.
        parent: the branch that it goes on from.
        depth: statements written.
        tokens: ids of all that was written after the prompt.
        text: the program so far, whole lines only while it goes on.
        step: the text of its last step.
        logprob: ln of the probability of everything that reached its state: the sum over its own tokens, with the
            probabilities of merged branches added.
        scores: sum over steps of each scorer's ln ψ, by name; the scorers' weights are not in it.
        score: the objective, by which beams are kept.
        verdict: what the sandbox said of its last step; None of the root.
        fate: what became of it.
        into: the branch that it was merged into.
        tail: what its tokens hold after the last whole line: the next statement's indentation.
    """

    id: int
    parent: int
    depth: int
    tokens: Tokens
    text: str
    step: str
    logprob: float
    scores: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    verdict: StepVerdict | None = None
    fate: Fate = Fate.KEPT
    into: int | None = None
    tail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The branch without its ids, for a trace."""
        seen = self.verdict
        row: dict[str, Any] = {
            "id": self.id,
            "parent": self.parent,
            "depth": self.depth,
            "step": self.step,
            "logprob": round(self.logprob, 4),
            "score": round(self.score, 4),
            "scores": {name: round(value, 4) for name, value in self.scores.items()},
            "fate": str(self.fate),
        }
        if self.into is not None:
            row["into"] = self.into
        if seen is not None:
            row["values"] = {name: shortened(value) for name, value in seen.values.items()}
            row |= {"value": shortened(seen.value)} if seen.finished else {}
            if not seen.ok:
                row["died_of"] = seen.error_class or str(seen.status)
                row["message"] = seen.message
        return row


@dataclass(slots=True)
class Cost:
    """What a search used.

    Attributes:
        completion_tokens: all tokens generated, those of dropped candidates and lost beams included.
        prompt_tokens: tokens read that no cache held.
        sandbox_seconds: wall time spent waiting for the sandbox.
        seconds: wall time in all.
    """

    completion_tokens: int = 0
    prompt_tokens: int = 0
    sandbox_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """What counts against a budget: tokens generated, and those read that no cache held."""
        return self.completion_tokens + self.prompt_tokens


@dataclass(slots=True)
class Trace:
    """The tree of one question.

    Attributes:
        branches: all of them, in the order in which they were met; their ids are their places, from 1.
        cost: what it took.
        stopped: why the search ended: `done`, `no_beams`, `steps`, `tokens` or `seconds`.
    """

    branches: list[Branch] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    stopped: str = ""

    def deaths(self) -> dict[str, int]:
        """How many branches died, by cause."""
        causes = Counter(
            (one.verdict.error_class or str(one.verdict.status))
            if one.fate is Fate.BROKEN and one.verdict
            else one.fate
            for one in self.branches
            if one.fate not in (Fate.KEPT, Fate.FINISHED)
        )
        return {str(cause): count for cause, count in sorted(causes.items())}

    def as_json(self) -> dict[str, Any]:
        """The whole trace."""
        cost = self.cost
        return {
            "stopped": self.stopped,
            "completion_tokens": cost.completion_tokens,
            "prompt_tokens": cost.prompt_tokens,
            "sandbox_seconds": round(cost.sandbox_seconds, 4),
            "seconds": round(cost.seconds, 4),
            "deaths": self.deaths(),
            "branches": [branch.as_json() for branch in self.branches],
        }


def shortened(value: Any) -> str:
    """A value as text of at most 80 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
