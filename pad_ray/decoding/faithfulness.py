"""PaD's faithfulness score: how much a step is like a sentence of the question.

ψ is the best (1 + cos) / 2 between the step and a sentence of the question (arXiv 2305.13888, section 3.4, after
ROSCOE's faithfulness of a step). It barely separates lines, and each one costs about a quarter of a nat.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pad_ray.decoding.scorers import LOWEST, Step

_SENTENCE = re.compile(r"(?<=[.?!])[\"')]*\s+")
_KEPT = 4096

Embed = Callable[[Sequence[str]], Any]


class FaithfulnessScorer:
    """Embeds in batches, each text once; steps of different questions that are asked for together share a batch.

    Args:
        embed: texts to vectors of length one, `[texts, width]`, as a NumPy array; called in a thread.
    """

    name = "faithfulness"

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, Any] = {}
        self._turn = asyncio.Lock()
        self._wanted: dict[str, None] = {}

    async def score(self, question: str, steps: Sequence[Step]) -> list[float]:
        sentences, texts = sentences_of(question), [step.text.strip() for step in steps]
        return _aligned(sentences, texts, await self._vectors([*sentences, *texts]))

    def of_lines(self, question: str, lines: Sequence[str]) -> list[float]:
        """ln ψ of lines, at once, in the calling thread: for token beams, which wait for it."""
        sentences, texts = sentences_of(question), [line.strip() for line in lines]
        return _aligned(sentences, texts, self._embedded([*sentences, *texts]))

    async def _vectors(self, texts: Sequence[str]) -> dict[str, Any]:
        """Their vectors; whoever comes while others are embedded waits, and then goes with all who came."""
        self._wanted |= {text: None for text in texts if text not in self._known}
        async with self._turn:
            wanted, self._wanted = self._wanted, {}
            return await asyncio.to_thread(self._embedded, texts, wanted)

    def _embedded(self, texts: Sequence[str], others: Iterable[str] = ()) -> dict[str, Any]:
        """The vectors of `texts`; what is not known of them and of the others is embedded, in one batch."""
        if missing := [text for text in dict.fromkeys((*others, *texts)) if text not in self._known]:
            self._known |= dict(zip(missing, self._embed(missing), strict=True))
        found = {text: self._known[text] for text in texts}
        while len(self._known) > _KEPT:
            self._known.pop(next(iter(self._known)))
        return found


def sentences_of(question: str) -> list[str]:
    """The question's sentences; the whole of it where there is but one."""
    found = [sentence.strip() for sentence in _SENTENCE.split(question) if sentence.strip()]
    return found or [question]


def _aligned(sentences: Sequence[str], texts: Sequence[str], vectors: Mapping[str, Any]) -> list[float]:
    """ln ψ of each text: by the sentence that it is most like."""
    return [max(_ln_alignment(vectors[text], vectors[sentence]) for sentence in sentences) for text in texts]


def _ln_alignment(step: Any, sentence: Any) -> float:
    return math.log(max(LOWEST, min(1.0, (1.0 + float(step @ sentence)) / 2)))
