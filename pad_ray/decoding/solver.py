"""Any decoder for any question, over one engine, one sandbox and one set of scorers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.decoding.beam import Outcome, StepBeam
from pad_ray.decoding.engine import Draw, StepEngine
from pad_ray.decoding.sampling import ballot, sample
from pad_ray.decoding.scorers import Scorer
from pad_ray.decoding.settings import Decoder, DecodingConfig
from pad_ray.decoding.trace import Branch
from pad_ray.sandbox import Sandbox


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
    sandbox: Sandbox
    scorers: Sequence[Scorer]
    settings: DecodingConfig
    max_tokens: int = 160
    stop: Sequence[str] = ()

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
        ids = self.engine.encode(prompt)
        return await sample(self.engine, self.sandbox.run_async, ids, draws[decoder], opening=opening, stop=self.stop)
