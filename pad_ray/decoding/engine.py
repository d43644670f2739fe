"""What a decoder asks of a language model: how programs go on from here, as token ids with log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way in which a model writes on.

    Attributes:
        tokens: ids up to the one that holds a line break, that one included. It may hold the next line's indentation
            too, so text is never cut between tokens and tokenised again.
        logprob: sum of the tokens' log-probabilities (nats) under the model itself, whatever the temperature.
        ended: the model ended its text here; the end token is not among `tokens`, its log-probability is in `logprob`.
    """

    tokens: Tokens
    logprob: float
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Proposals:
    """What came of one call, and what it cost.

    Attributes:
        of: `[beams][at most count]`, in the order of the beams.
        prompt_tokens: tokens read that no cache held.
        completion_tokens: tokens written, in all of them.
    """

    of: list[list[Proposal]]
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Draw:
    """How proposals are drawn.

    Attributes:
        count: proposals of each beam.
        temperature: 0 is greedy, which makes sense for a count of one.
        top_p: nucleus.
        max_tokens: longest proposal.
        seed: the same draw of the same beams gives the same proposals, as far as the engine can.
        lines: a proposal ends at a line break; without, where the model ends its text.
        greedy_first: the first of each beam's proposals is the most likely token at every place.
    """

    count: int
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 96
    seed: int = 0
    lines: bool = True
    greedy_first: bool = True


class StepEngine(Protocol):
    """A model, one step at a time. Calls of different problems may run at once."""

    def encode(self, prompt: str) -> Tokens:
        """The prompt's ids, with what the model's tokenizer puts before a text."""
        ...

    def decode(self, tokens: Tokens) -> str:
        """The text that these ids, written after a prompt, stand for."""
        ...

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """How each beam may go on; not at all where it has outgrown the model's context.

        Args:
            prompt: what every beam begins with.
            beams: what each has written after it.
            draw: how many proposals of each, and how.

        Raises:
            EngineError: the model cannot answer.
        """
        ...
