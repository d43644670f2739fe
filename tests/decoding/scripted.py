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
        self.draws: list[Draw] = []
        self.tokens = 0

    def encode(self, prompt: str) -> Tokens:
        return (self._id(prompt),)

    def decode(self, tokens: Tokens) -> str:
        return "".join(self._lines[token] for token in tokens)

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        self.draws.append(draw)
        of = [
            [self._drawn(self.decode(beam), place, draw, number) for number in range(draw.count)]
            for place, beam in enumerate(beams)
        ]
        written = sum(len(one.tokens) for proposals in of for one in proposals)
        self.tokens += written
        return Proposals(of, len(beams), written)

    def _drawn(self, text: str, place: int, draw: Draw, number: int) -> Proposal:
        if not number:
            self.asked.append(text)
        chance = random.Random(f"{draw.seed}/{place}/{text}/{number}")
        greedy = draw.temperature == 0 or (draw.greedy_first and not number)
        lines: list[str] = []
        logprob = 0.0
        while not lines or (not draw.lines and len(lines) < draw.max_tokens and not self._ended(lines[-1])):
            chances = self._script(text + "".join(lines))
            weights = [p for _, p in chances]
            line, p = max(chances, key=lambda one: one[1]) if greedy else chance.choices(chances, weights)[0]
            lines.append(line)
            logprob += math.log(p)
        return Proposal(tuple(map(self._id, lines)), logprob, self._ended(lines[-1]))

    def _id(self, line: str) -> int:
        if line not in self._lines:
            self._lines.append(line)
        return self._lines.index(line)
