"""Any decoder for any question, over one engine, one sandbox and one set of scorers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pad_ray.decoding.beam import Outcome, StepBeam
from pad_ray.decoding.engine import Draw, StepEngine
from pad_ray.decoding.growing import StepChecker
from pad_ray.decoding.repair import Ask
from pad_ray.decoding.sampling import ballot, sample
from pad_ray.decoding.scorers import Scorer
from pad_ray.decoding.settings import Decoder, DecodingConfig
from pad_ray.decoding.trace import Branch, Trace
from pad_ray.sandbox import Execution, Program


class Runner(StepChecker, Protocol):
    """What runs programs, partial and whole; `pad_ray.sandbox.Sandbox` is one."""

    async def run_async(self, programs: Sequence[Program]) -> Sequence[Execution]:
        """What came of each program, in their order."""
        ...


@dataclass(frozen=True)
class Solver:
    """Answers questions; many at once.

    Attributes:
        engine: the model.
        sandbox: runs programs, partial and whole.
        scorers: judges of steps.
        settings: widths, weights, budgets.
        max_tokens: longest program, in tokens, where it is drawn at once.
        stop: a program ends where one of these would begin.
    """

    engine: StepEngine
    sandbox: Runner
    scorers: Sequence[Scorer]
    settings: DecodingConfig
    max_tokens: int = 160
    stop: Sequence[str] = ()

    async def answer(
        self, decoder: Decoder, ask: Ask, opening: str, on_step: Callable[[Sequence[Branch]], None] | None = None
    ) -> Outcome:
        """The program for one attempt at a question: the decoder's, or a draw where it would only say the same again.

        Args:
            decoder, opening, on_step: as of `solve`.
            ask: the question, the prompt, and which attempt it is; draws of different attempts differ.

        Raises:
            EngineError, ValueError: as of `solve`.
        """
        if not ask.sampled:
            return await self.solve(decoder, ask.question, ask.prompt, opening, on_step)
        draw = replace(ballot(self.settings, self.max_tokens), count=1, seed=self.settings.seed + ask.attempt)
        return await self._sample(draw, ask.prompt, opening)

    async def solve(
        self,
        decoder: Decoder,
        question: str,
        prompt: str,
        opening: str,
        on_step: Callable[[Sequence[Branch]], None] | None = None,
    ) -> Outcome:
        """The program and the answer that a decoder finds.

        Args:
            decoder: `greedy`, `self-consistency` or `step-beam`; the token beams have an engine of their own.
            question: the question itself.
            prompt: what the model goes on from.
            opening: the end of the prompt that is the beginning of the program.
            on_step: see `StepBeam`.

        Raises:
            EngineError: the model cannot answer.
            ValueError: no such decoder here.
        """
        settings = self.settings
        if decoder == "step-beam":
            return await StepBeam(self.engine, self.sandbox, settings, self.scorers, on_step).solve(
                question, prompt, opening
            )
        draws: dict[str, Any] = {
            "greedy": Draw(1, 0.0, max_tokens=self.max_tokens, greedy_first=False),
            "self-consistency": ballot(settings, self.max_tokens),
        }
        if decoder not in draws:
            raise ValueError(f"{decoder} is no decoder of this solver")
        return await self._sample(draws[decoder], prompt, opening)

    async def _sample(self, draw: Draw, prompt: str, opening: str) -> Outcome:
        """Programs that are drawn at once; those that are not there when time is over count for nothing."""
        ids, seconds = self.engine.encode(prompt), self.settings.budget.seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await sample(self.engine, self.sandbox.run_async, ids, draw, opening=opening, stop=self.stop)
        except TimeoutError:
            if not limit.expired():
                raise  # the engine's own: not the end of this budget
            trace = Trace(stopped="seconds")
            trace.cost.seconds = seconds or 0.0
            return Outcome("", None, False, 0, trace)
