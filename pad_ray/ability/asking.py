"""Greedy answers of a model to the problems of a subset.

transformers starts in seconds and serves every architecture. vLLM takes its time to start, and then reads the examples
that all prompts of a subset begin with only once: it is for whole subsets and for large models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from pad_ray.ability.models import Measured
from pad_ray.ability.settings import Settings
from pad_ray.errors import EngineError, ModelError
from pad_ray.generation.step_vllm import running_engine
from pad_ray.synthesis.requests import answer_prompts

_ROWS = 32  # that transformers generates at once
_LONGEST = 2048  # tokens of prompt and answer for vLLM; the longest prompt of three examples has some 900


@dataclass(frozen=True)
class Length:
    """How far a model writes: so many tokens at most, and up to the first of these texts."""

    max_tokens: int
    stop: tuple[str, ...]


class Answerer(Protocol):
    """A model that continues prompts greedily."""

    def __call__(self, prompts: Sequence[str], length: Length) -> list[str]:
        """What the model writes after each prompt.

        Raises:
            EngineError: a prompt has more tokens than the model takes.
        """
        ...


@contextmanager
def answering(model: Measured, settings: Settings) -> Iterator[Answerer]:
    """A model that is loaded while the body runs.

    Raises:
        ModelError: vLLM does not serve it.
    """
    if settings.engine == "transformers":
        yield _ByTransformers(model, settings)
        return
    with running_engine(model.folder, _LONGEST, model.adapter) as (runner, engine):
        yield lambda prompts, length: runner.run(_by_vllm(engine, prompts, length))


class _ByTransformers:
    def __init__(self, model: Measured, settings: Settings) -> None:
        from pad_ray.generation.transformers import TransformersTeacher

        self._teacher = TransformersTeacher(model.folder, settings.threads, model.adapter)

    def __call__(self, prompts: Sequence[str], length: Length) -> list[str]:
        sampling = {"temperature": 0.0, "top_p": 1.0, "max_tokens": length.max_tokens, "stop": list(length.stop)}
        # Prompts of like length go together: less is padded.
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        texts = [""] * len(prompts)
        for start in range(0, len(order), _ROWS):
            for place, text in self._answers(order[start : start + _ROWS], prompts, sampling):
                texts[place] = text
        return texts

    def _answers(
        self, places: Sequence[int], prompts: Sequence[str], sampling: dict[str, Any]
    ) -> Iterator[tuple[int, str]]:
        rows = answer_prompts(self._teacher, [prompts[place] for place in places], sampling)
        for place, row in zip(places, rows, strict=True):
            if row["teacher_error"]:
                raise EngineError(row["teacher_error"], "Show fewer examples, or lower --max-tokens")
            yield place, row["completion"]


async def _by_vllm(engine: Any, prompts: Sequence[str], length: Length) -> list[str]:
    from pad_ray.decoding.engine import Draw
    from pad_ray.decoding.sampling import cut

    draw = Draw(count=1, temperature=0.0, max_tokens=length.max_tokens, lines=False)

    async def answer(prompt: str) -> str:
        [found] = (await engine.propose(engine.encode(prompt), [()], draw)).of
        if not found:
            raise EngineError(f"a prompt has no room for {length.max_tokens} tokens behind it", "Show fewer examples")
        return cut(engine.decode(found[0].tokens), length.stop)

    first = await answer(prompts[0])  # alone, so that the others find its examples in the engine's cache
    return [first, *await asyncio.gather(*map(answer, prompts[1:]))]


def chat_of(model: Measured) -> Any:
    """Renders messages by a model's own chat template.

    Raises:
        ModelError: it has none.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    if not tokenizer.chat_template:
        raise ModelError(f"model {model.name} has no chat template", "Ask with --ask completion")
    return lambda messages: str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
