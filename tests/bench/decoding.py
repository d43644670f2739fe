"""What the benches of decoders share: problems, an engine, one answer after another with so many in flight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pad_ray.benchmarks import load_benchmark
from pad_ray.config import ResourcesConfig
from pad_ray.generation.engines import engine_for
from pad_ray.problems import Problem, load_problems

T = TypeVar("T")


def problems(name: str, count: int) -> list[Problem]:
    """The first problems of a benchmark, or of the quickstart's own test problems.

    Raises:
        DataError, ConfigError: there are none of that name.
    """
    found = load_problems("quickstart")["test"] if name == "quickstart" else load_benchmark(name)
    return found[:count]


@asynccontextmanager
async def engine(kind: str, model: str) -> AsyncIterator[Any]:
    """A step engine.

    Args:
        kind: `vllm`, `transformers`, or `auto` for what the architecture allows.
        model: a resolved model.
    """
    if kind == "vllm" or (kind == "auto" and engine_for(model) == "vllm"):
        from pad_ray.generation.step_vllm import VLLMStepEngine

        served = VLLMStepEngine(model, ResourcesConfig())
        try:
            yield served
        finally:
            served.close()
        return
    from pad_ray.generation.step_transformers import TransformersStepEngine

    yield TransformersStepEngine(model)


async def in_flight(work: Callable[[T], Awaitable[None]], over: Iterable[T], most: int) -> None:
    """Does `work` for each, so many at a time."""
    turns = asyncio.Semaphore(most)

    async def one(item: T) -> None:
        async with turns:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for item in over:
            group.create_task(one(item))


def percent(share: float) -> str:
    """`12.3 %`."""
    return f"{100 * share:.1f} %"


def mean(numbers: Sequence[float]) -> float:
    """Of no numbers, 0."""
    return sum(numbers) / len(numbers) if numbers else 0.0
