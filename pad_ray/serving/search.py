"""A job, worked off in this process: what a replica of the decoder does, without Ray."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

from pad_ray.asking import Asking, check_stepwise
from pad_ray.decoding.engine import Draw, Proposals, StepEngine, Tokens
from pad_ray.decoding.solver import Runner, Solver
from pad_ray.decoding.trace import Branch, Cost
from pad_ray.errors import ConfigError, EngineLost, StageError
from pad_ray.generation.scorers import Scorers
from pad_ray.recipes import opening_of
from pad_ray.sandbox import Execution, Program, SandboxError, StepVerdict
from pad_ray.serving.answering import answer_of
from pad_ray.serving.backend import DecoderLost
from pad_ray.serving.growth import Growth
from pad_ray.serving.messages import AnswerEvent, Event, Job


class Searcher:
    """A `Backend`: jobs run side by side, over one engine, one sandbox and one set of scorers.

    Args:
        engine: the model.
        runner: runs programs, such as an open `Sandbox`.
        asking: how the student is asked.
        session: the engine for the job of that id, where a job's calls shall stay with one of several.

    Raises:
        ConfigError: the student writes no programs.
    """

    def __init__(
        self,
        engine: StepEngine,
        runner: Runner,
        asking: Asking,
        session: Callable[[str], StepEngine] | None = None,
    ) -> None:
        if not asking.writes_programs:
            raise ConfigError(
                f"recipe `{asking.recipe.name}` writes no programs, so no step of it can be run",
                "Serve a student of another recipe",
            )
        self._engine, self._runner, self._asking = engine, runner, asking
        self._session, self._scorers = session, Scorers()

    async def ready(self) -> bool:
        """Its engine is loaded, else there were none."""
        return True

    async def solve(self, job: Job) -> AsyncGenerator[Event]:
        """The events of a job, see `Backend`.

        Raises:
            DecoderLost: the engine died.
            ConfigError: no such decoder.
            EngineError, StageError: the model cannot answer; programs cannot be run.
        """
        check_stepwise(job.decoder)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(job, events))
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            # The engine has forgotten the job only when the task is over.
            with suppress(asyncio.CancelledError, Exception):
                await work

    async def _work(self, job: Job, events: asyncio.Queue[Event | None]) -> None:
        try:
            events.put_nowait(await self._answer(job, events))
        except EngineLost as error:
            raise DecoderLost(error.problem, error.mend) from error
        except SandboxError as error:
            raise StageError(error.problem, error.mend) from error

    async def _answer(self, job: Job, events: asyncio.Queue[Event | None]) -> AnswerEvent:
        engine = self._session(job.id) if self._session else self._engine
        meter = _Meter(engine, self._runner)
        growth = Growth(opening_of(self._asking.recipe))

        def on_step(attempt: int, branches: Sequence[Branch]) -> None:
            events.put_nowait(growth.event(attempt, branches, meter.cost))

        scorers = await asyncio.to_thread(self._scorers.of, job.settings)
        recipe = self._asking.recipe
        solver = Solver(meter, meter, scorers, job.settings, job.max_tokens, recipe.stop)
        asked = await self._asking.ask(solver, job.decoder, job.question, on_step)
        return answer_of(asked, meter.cost, stepwise=job.decoder.startswith("step-beam"))


class _Meter:
    """The engine and the sandbox of one job, with what it has used so far, all attempts together."""

    def __init__(self, engine: StepEngine, runner: Runner) -> None:
        self._engine, self._runner = engine, runner
        self._begun, self._cost = time.monotonic(), Cost()

    @property
    def cost(self) -> Cost:
        self._cost.seconds = time.monotonic() - self._begun
        return self._cost

    def encode(self, prompt: str) -> Tokens:
        return self._engine.encode(prompt)

    def decode(self, tokens: Tokens) -> str:
        return self._engine.decode(tokens)

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        found = await self._engine.propose(prompt, beams, draw)
        self._cost.prompt_tokens += found.prompt_tokens
        self._cost.completion_tokens += found.completion_tokens
        return found

    async def run_async(self, programs: Sequence[Program]) -> Sequence[Execution]:
        begun = time.monotonic()
        try:
            return await self._runner.run_async(programs)
        finally:
            self._cost.sandbox_seconds += time.monotonic() - begun

    async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        begun = time.monotonic()
        try:
            return await self._runner.check_steps_async(prefix, candidates)
        finally:
            self._cost.sandbox_seconds += time.monotonic() - begun
