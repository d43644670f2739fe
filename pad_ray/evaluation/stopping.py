"""When rounds of refinement end: no gain that is more than chance for so many rounds, or a budget that is used up.

Rounds are compared on validation problems: a stop that looked at test problems would be a choice made on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from pad_ray.evaluation.paired import pair
from pad_ray.section import Section

Reason = Literal["no_gain", "rounds", "tokens"]


class StopRule(Section):
    """When rounds end; whichever comes first."""

    patience: int = Field(2, ge=1, description="Stop after so many rounds in a row without a gain beyond the interval.")
    rounds: int = Field(5, ge=1, description="At most this many rounds.")
    tokens: int | None = Field(
        None, ge=1, description="Stop when so many tokens were trained on, prompts and all epochs included."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the student stood after a round.

    Attributes:
        right: validation problem to whether it was right.
        tokens: tokens that the round trained on.
    """

    right: Mapping[str, bool]
    tokens: int = 0


def stop_reason(history: Sequence[Standing], rule: StopRule) -> Reason | None:
    """Why no further round should be run; None if one should.

    Args:
        history: the student before any round (its own training counts as tokens), then after each.
        rule: patience and budgets.
    """
    if len(history) - 1 - best_round(history) >= rule.patience:
        return "no_gain"
    if len(history) - 1 >= rule.rounds:
        return "rounds"
    if rule.tokens is not None and sum(standing.tokens for standing in history) >= rule.tokens:
        return "tokens"
    return None


def best_round(history: Sequence[Standing]) -> int:
    """The last round that gained, whose student is the one to keep; 0 is the one before any round.

    A round gains when the 95 % interval of its difference to the last one that did, problem by problem, lies above 0.
    Compared with that one, small steps add up until they are more than chance.
    """
    best = 0
    for place in range(1, len(history)):
        low, _ = pair(history[best].right, history[place].right).interval()
        if low > 0:
            best = place
    return best
