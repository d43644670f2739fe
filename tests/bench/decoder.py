"""The step-verified beam with 16 problems in flight, beside the same code with one in flight.

    python -m tests.bench.decoder [--model FOLDER] [--problems N] [--rounds N] [--engine vllm|transformers]

One process holds engine, sandbox and embedder; all stay loaded. A few problems warm up; then the arms take turns over
the same problems, each turn with an empty prefix cache and no vector kept, and the median of the rounds counts. All
scorers count, so the embedder works. Time in the sandbox is what a problem waits for it, queues included: its share
with one in flight is the sandbox's own.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.faithfulness import FaithfulnessScorer
from pad_ray.decoding.scorers import ExecutionScorer
from pad_ray.decoding.settings import DecodingConfig, ScorerWeights
from pad_ray.decoding.solver import Solver
from pad_ray.generation.embedder import Embedder
from pad_ray.models import resolve_model
from pad_ray.problems import Problem
from pad_ray.recipes import opening_of, recipe_named
from pad_ray.sandbox import Sandbox
from tests.bench.decoding import engine, in_flight, percent, problems

WARM = 4
ARMS = (1, 16)
SETTINGS = DecodingConfig(weights=ScorerWeights(likelihood=1, execution=1, faithfulness=1))


@dataclass(frozen=True)
class Turn:
    """One arm, once over all problems."""

    seconds: float
    outcomes: list[Outcome]

    @property
    def sandbox_share(self) -> float:
        """Of the time of all problems, added up."""
        spent = sum(outcome.trace.cost.seconds for outcome in self.outcomes)
        return sum(outcome.trace.cost.sandbox_seconds for outcome in self.outcomes) / spent


class Bench:
    """Engine, sandbox and embedder, for as long as the bench lasts."""

    def __init__(self, model: object, sandbox: Sandbox, embedder: Embedder) -> None:
        self._engine, self._sandbox, self._embedder = model, sandbox, embedder
        self._recipe = recipe_named("pad")

    async def turn(self, asked: Sequence[Problem], most: int) -> Turn:
        """All problems, so many in flight."""
        if hasattr(self._engine, "forget"):
            await self._engine.forget()
        scorers = [ExecutionScorer(), FaithfulnessScorer(self._embedder)]
        solver = Solver(self._engine, self._sandbox, scorers, SETTINGS)  # type: ignore[arg-type]
        outcomes: list[Outcome] = []

        async def one(problem: Problem) -> None:
            prompt, opening = self._recipe.prompt(problem.question), opening_of(self._recipe)
            outcomes.append(await solver.solve("step-beam", problem.question, prompt, opening))

        begun = time.monotonic()
        await in_flight(one, asked, most)
        return Turn(time.monotonic() - begun, outcomes)


async def _measure(arguments: argparse.Namespace) -> None:
    asked = problems(arguments.data, arguments.problems + WARM)
    embedder = Embedder()
    with Sandbox() as sandbox:
        async with engine(arguments.engine, resolve_model(arguments.model)) as model:
            bench = Bench(model, sandbox, embedder)
            await bench.turn(asked[:WARM], WARM)
            turns: dict[int, list[Turn]] = {most: [] for most in ARMS}
            for round_ in range(arguments.rounds):
                for most in ARMS if round_ % 2 else ARMS[::-1]:
                    turns[most].append(await bench.turn(asked[WARM:], most))
                    print(f"round {round_ + 1}: {most} in flight, {turns[most][-1].seconds:.1f} s", flush=True)
    _report(turns, arguments.problems)


def _report(turns: dict[int, list[Turn]], count: int) -> None:
    print(f"\n{'in flight':>9} {'problems/s':>11} {'s/problem':>10} {'tokens/s':>9} {'in sandbox':>11} {'answered':>9}")
    speed = {}
    for most, found in turns.items():
        seconds = statistics.median(turn.seconds for turn in found)
        speed[most] = count / seconds
        tokens = statistics.median(
            sum(outcome.trace.cost.completion_tokens for outcome in turn.outcomes) / turn.seconds for turn in found
        )
        latency = statistics.median(outcome.trace.cost.seconds for turn in found for outcome in turn.outcomes)
        share = statistics.median(turn.sandbox_share for turn in found)
        answered = statistics.mean(outcome.ran for turn in found for outcome in turn.outcomes)
        shares = f"{percent(share):>11} {percent(answered):>9}"
        print(f"{most:>9} {speed[most]:>11.3f} {latency:>10.2f} {tokens:>9.0f} {shares}")
    first, last = ARMS
    print(f"\n{last} in flight are {speed[last] / speed[first]:.1f} × as fast as {first} (aim 5)")


def main() -> None:
    """Runs the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--data", default="quickstart", help="`quickstart` or a benchmark, such as gsm8k")
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engine", choices=("auto", "vllm", "transformers"), default="auto")
    asyncio.run(_measure(parser.parse_args()))


if __name__ == "__main__":
    main()
