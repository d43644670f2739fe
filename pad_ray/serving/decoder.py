"""The decoder as a deployment, and the ingress's way to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pad_ray.asking import Asking
from pad_ray.decoding.engine import Draw, StepEngine
from pad_ray.errors import PadRayError, StageError
from pad_ray.generation.handle_calls import awaited, is_lost, said, streamed
from pad_ray.serving.backend import DecoderLost, Overloaded
from pad_ray.serving.messages import Event, Job
from pad_ray.serving.model import step_engine
from pad_ray.serving.runner import RemoteRunner
from pad_ray.serving.search import Searcher
from pad_ray.serving.settings import ServeConfig

_READY_WITHIN = 10.0  # seconds
_FIRST = "def solution():"


class DecoderServer:
    """Replica of the decoder: many jobs at once, with tokenizer and scorers in memory.

    Args:
        config: what is served.
        model: the resolved model.
        models: handle of the model's deployment.
        sandboxes: handle of the sandbox's deployment.
    """

    def __init__(self, config: ServeConfig, model: str, models: Any, sandboxes: Any) -> None:
        self._models = models
        engine = step_engine(models, config, model)
        self._warm_up = WarmUp(engine)
        self._searcher = Searcher(engine, RemoteRunner(sandboxes), Asking.of(model, config.recipe), engine.session)

    async def solve(self, job: Job) -> AsyncGenerator[Event]:
        """As `Backend.solve`."""
        async with aclosing(self._searcher.solve(job)) as events:
            async for event in events:
                yield event

    async def ready(self) -> bool:
        """Whether a model's replica answers; the first question is its first token, which takes an engine longest."""
        await awaited(self._models.check_health.remote())
        await self._warm_up.ended()
        return True


class WarmUp:
    """The first token of a model, asked for once, however often and however briefly it is waited for.

    Args:
        engine: the model.
    """

    def __init__(self, engine: StepEngine) -> None:
        self._engine = engine
        self._task: asyncio.Task[object] | None = None

    async def ended(self) -> None:
        """Waits for it; who stops waiting does not stop it. One that failed is begun again at the next call.

        Raises:
            EngineError, EngineLost: the model does not answer.
        """
        if self._task is None or _failed(self._task):
            self._task = asyncio.create_task(self._first_token())
        await asyncio.shield(self._task)

    async def _first_token(self) -> None:
        await self._engine.propose(self._engine.encode(_FIRST), [()], Draw(1, 0.0, max_tokens=4))


def _failed(task: asyncio.Task[object]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


class ServeBackend:
    """A `Backend` by the handle of the decoder's deployment."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def solve(self, job: Job) -> AsyncGenerator[Event]:
        """As `Backend.solve`."""
        try:
            async with aclosing(streamed(self._handle.options(stream=True).solve.remote(job))) as events:
                async for event in events:
                    yield event
        except Exception as error:
            raise translated(error) from error

    async def ready(self) -> bool:
        """As `Backend.ready`."""
        try:
            async with asyncio.timeout(_READY_WITHIN):
                return bool(await awaited(self._handle.ready.remote()))
        except Exception:  # whatever it is, nothing can be answered
            return False


def translated(error: Exception) -> PadRayError:
    """An error of Ray's, or one that crossed it, as one of ours."""
    from ray.exceptions import RayTaskError
    from ray.serve.exceptions import BackPressureError

    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, PadRayError):
        return cause
    if isinstance(cause, BackPressureError):
        return Overloaded("all decoders have as much waiting as they may", "Ask again later")
    if is_lost(error):
        return DecoderLost(f"the decoder died: {said(error)}", "Ask again")
    return StageError(f"the decoder failed: {type(cause).__name__}: {said(cause)}")
