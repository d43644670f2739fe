"""Who writes when a model rehearses: transformers, whose batches wait for their longest text, or vLLM, which fills up.

A text that does not come to its end is no example, so a batch of transformers is nearly always as long as it may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol

from pad_ray.decoding.engine import Draw, StepEngine
from pad_ray.generation.step_vllm import running_engine
from pad_ray.records import Row
from pad_ray.synthesis.requests import answer_prompts

Engine = Literal["transformers", "vllm"]
ROWS: dict[Engine, int] = {"transformers": 32, "vllm": 128}  # that are written at once, at most


class Writer(Protocol):
    """A model that goes on from prompts."""

    def __call__(self, prompts: Sequence[str], seed: int) -> list[str | None]:
        """A text for each prompt; None where it is empty or did not come to its end."""
        ...


@contextmanager
def writing(
    model: str,
    engine: Engine,
    draw: Draw,
    threads: int | None,
    engine_seed: int,
    on_text: Callable[[], None] = lambda: None,
) -> Iterator[Writer]:
    """A writer, loaded while the body runs.

    Args:
        model: a local folder or a hub name.
        engine: vLLM draws all batches from one seed, in the order in which it takes them, so that its texts may differ
            from run to run.
        draw: how a text is drawn.
        threads: CPU threads of transformers; None leaves it to torch.
        engine_seed: of vLLM; with transformers each batch has its own.
        on_text: hears of each text that is written, for progress.

    Raises:
        ModelError: vLLM does not serve the model.
    """
    if engine == "transformers":
        yield _by_transformers(model, draw, threads, on_text)
        return
    # A template, what a user asks and an answer.
    with running_engine(model, max(2048, 3 * draw.max_tokens), seed=engine_seed) as (runner, started):
        yield lambda prompts, seed: runner.run(_by_vllm(started, prompts, draw, on_text))


def _by_transformers(model: str, draw: Draw, threads: int | None, on_text: Callable[[], None]) -> Writer:
    from pad_ray.generation.transformers import TransformersTeacher

    teacher = TransformersTeacher(model, threads)
    drawn = {"temperature": draw.temperature, "top_p": draw.top_p, "max_tokens": draw.max_tokens, "stop": []}

    def write(prompts: Sequence[str], seed: int) -> list[str | None]:
        rows = answer_prompts(teacher, prompts, {**drawn, "seed": seed})
        for _ in rows:
            on_text()
        return [_finished(row) for row in rows]

    return write


def _finished(row: Row) -> str | None:
    text = str(row["completion"] or "").strip()
    return text if text and row["finish_reason"] == "stop" else None


async def _by_vllm(
    engine: StepEngine, prompts: Sequence[str], draw: Draw, on_text: Callable[[], None]
) -> list[str | None]:
    async def write(prompt: str) -> str | None:
        [found] = (await engine.propose(engine.encode(prompt), [()], draw)).of
        on_text()
        return engine.decode(found[0].tokens).strip() or None if found and found[0].ended else None

    return list(await asyncio.gather(*map(write, prompts)))
