"""Which of the finished programs is the answer, and when nothing can change that any more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch
from pad_ray.sandbox import Value


def choose(
    finished: Sequence[Branch], how: Literal["score", "vote"], answer: Callable[[Branch], str] | None = None
) -> Branch:
    """The program of highest score, or the best one of the answer that most weight stands behind.

    Args:
        finished: branches whose return ran, at least one.
        how: a vote weighs each program by the exponential of its score.
        answer: the same for branches whose answers count as one; by default by `answer_key`.
    """
    answer = answer or _answer
    best = min(finished, key=_rank)
    if how == "score":
        return best
    votes = _votes(finished, answer=answer)
    return min(finished, key=lambda one: (-votes[answer(one)], *_rank(one)))


def is_settled(finished: Sequence[Branch], live: Sequence[Branch], settings: DecodingConfig) -> bool:
    """Whether what is still being written can no longer change the choice.

    Scores only fall, and the probability of what grows from a branch is no more than its own; so the bounds hold
    wherever the likelihood counts in full. Where it does not, a beam's worth of finished programs is enough. It is not
    elsewhere: they may be one program's `return` in several words.
    """
    if not finished:
        return False
    if settings.weights.likelihood < 1:
        return len(finished) >= settings.beams
    if settings.choose == "score":
        # Branches that merge add up, to no more than so many times the best.
        bound = live[0].score + settings.weights.likelihood * math.log(len(live))
        return max(one.score for one in finished) >= bound
    top = max(one.score for one in (*finished, *live))
    votes = sorted(_votes(finished, top).values(), reverse=True)
    rest = math.fsum(math.exp(one.score - top) for one in live)
    return votes[0] >= rest + (votes[1] if len(votes) > 1 else 0.0)


def _votes(
    finished: Sequence[Branch], top: float | None = None, answer: Callable[[Branch], str] | None = None
) -> dict[str, float]:
    top = max(one.score for one in finished) if top is None else top
    votes: dict[str, float] = {}
    for one in finished:
        key = (answer or _answer)(one)
        votes[key] = votes.get(key, 0.0) + math.exp(one.score - top)
    return votes


def answer_key(value: Value) -> str:
    """The same for answers that count as one: 5, 5.0 and 5.0000000001 do, True and 1 do not."""
    if isinstance(value, float):
        value = float(f"{value:.9g}")
        value = int(value) if value.is_integer() else value
    return repr(value)


def _answer(branch: Branch) -> str:
    return answer_key(branch.verdict.value if branch.verdict else None)


def _rank(branch: Branch) -> tuple[float, int]:
    return -branch.score, branch.id
