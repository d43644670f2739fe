"""An engine whose model is a function: the same text and seed give the same proposals."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from pad_ray.decoding.engine import Draw, Proposal, Proposals, Tokens

Script = Callable[[str], Sequence[tuple[str, float]]]


class ScriptedEngine:
    """Lines are tokens.

    Args:
        script: what may follow a text, with probabilities.
        ended: whether a line ends the text; by default one without a line break at its end does.
    """

    def __init__(self, script: Script, ended: Callable[[str], bool] = lambda line: not line.endswith("\n")) -> None:
        self._script, self._ended = script, ended
        self._lines: list[str] = []
        self.asked: list[str] = []
        self.tokens = 0

    def encode(self, prompt: str) -> Tokens:
        return (self._id(prompt),)

    def decode(self, tokens: Tokens) -> str:
        return "".join(self._lines[token] for token in tokens)

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        of = []
        for place, beam in enumerate(beams):
            text = self.decode(beam)
            self.asked.append(text)
            chances = self._script(text)
            chance = random.Random(f"{draw.seed}/{place}/{text}")
            found = chance.choices(chances, [p for _, p in chances], k=draw.count)
            if draw.greedy_first:
                found[0] = max(chances, key=lambda one: one[1])
            of.append([Proposal((self._id(line),), math.log(p), self._ended(line)) for line, p in found])
        written = sum(map(len, of))
        self.tokens += written
        return Proposals(of, len(beams), written)

    def _id(self, line: str) -> int:
        if line not in self._lines:
            self._lines.append(line)
        return self._lines.index(line)
