"""Lines written on from many prompts at once, each the likeliest: what students that take turns need of an engine.

Prompt and what stood behind it in a lesson's target are tokenised apart, as in training; an encoder reads the prompt
alone. vLLM for decoder-only models, transformers for encoder-decoders and what vLLM has not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.engine import Draw, Tokens
from pad_ray.generation.step_transformers import TransformersStepEngine
from pad_ray.generation.step_vllm import VLLMStepEngine
from pad_ray.recipes.turns import Turn

_BATCH = 16  # prompts that go through transformers together, as with the teacher of that kind
_SHARE = 0.45  # of a GPU's memory: two engines stand on it


class Lines(Protocol):
    """A model that writes lines. Lives in one event loop."""

    def encode(self, prompt: str) -> Tokens:
        """The prompt's ids."""
        ...

    async def write(self, turns: Sequence[Turn], max_tokens: int) -> list[str | None]:
        """The likeliest line behind each turn; None where it has outgrown the model's context.

        Args:
            turns: what is gone on from.
            max_tokens: longest line.

        Raises:
            EngineError: the model cannot answer.
        """
        ...

    def close(self) -> None:
        """Ends what runs beside this process."""
        ...


def lines_of(kind: str, model: str, adapter: str | None, resources: ResourcesConfig) -> Lines:
    """The model on its engine; to be called within a running event loop.

    Args:
        kind: `vllm` or `transformers`.
        model: a local folder or a hub name.
        adapter: folder of a LoRA adapter to put on the model.
        resources: devices and memory, of which it takes its half of a GPU.
    """
    if kind == "vllm":
        shared = {"gpu_memory_utilization": _SHARE} if resources.engine_gpus else {}
        kwargs = {**shared, **resources.engine_kwargs}
        return VLLMLines(model, resources.model_copy(update={"engine_kwargs": kwargs}), adapter)
    return TransformersLines(model, resources.threads, adapter)


class VLLMLines(VLLMStepEngine):
    """All prompts are in the engine at once; what stood in the turn before is in its prefix cache."""

    async def write(self, turns: Sequence[Turn], max_tokens: int) -> list[str | None]:
        """As `Lines.write`."""
        draw = Draw(1, temperature=0.0, max_tokens=max_tokens)
        asked = (self.propose(self.encode(turn.prompt), [self.encode_on(turn.written)], draw) for turn in turns)
        found = [proposals.of[0] for proposals in await asyncio.gather(*asked)]
        return [self.decode(one[0].tokens) if one else None for one in found]


class TransformersLines(TransformersStepEngine):
    """Batches of prompts, one after the other."""

    def close(self) -> None:
        """There is nothing beside this process."""

    async def write(self, turns: Sequence[Turn], max_tokens: int) -> list[str | None]:
        """As `Lines.write`."""
        async with self.turn:
            return await asyncio.to_thread(self._write, turns, max_tokens)

    def _write(self, turns: Sequence[Turn], max_tokens: int) -> list[str | None]:
        ids = [(self.encode(turn.prompt), self.encode_on(turn.written)) for turn in turns]
        fits = [place for place, one in enumerate(ids) if self._fits(*one, max_tokens)]
        fits.sort(key=lambda place: len(ids[place][0]) + len(ids[place][1]))  # little is padded in a batch
        lines: list[str | None] = [None] * len(turns)
        for start in range(0, len(fits), _BATCH):
            places = fits[start : start + _BATCH]
            for place, line in zip(places, self._lines([ids[place] for place in places], max_tokens), strict=True):
                lines[place] = line
        return lines

    def _lines(self, rows: Sequence[tuple[Tokens, Tokens]], max_tokens: int) -> list[str]:
        import torch

        stops = [*self.ends, *self.line_breaks]
        inputs = self._inputs(rows)
        with torch.inference_mode():
            out = self.model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=max_tokens,
                eos_token_id=stops or None,
                pad_token_id=min(self.ends, default=0),
            )
        begun = inputs["decoder_input_ids" if self.encoder_decoder else "input_ids"].shape[1]
        return [self.decode(self._proposal(row, [0.0], set(stops)).tokens) for row in out[:, begun:].tolist()]

    def _inputs(self, rows: Sequence[tuple[Tokens, Tokens]]) -> dict[str, Any]:
        if not self.encoder_decoder:
            return self.inputs((), [prompt + written for prompt, written in rows])
        longest = max(len(prompt) for prompt, _ in rows)
        inputs = self.inputs((), [written for _, written in rows])
        # A text that is read whole is padded behind, as in training.
        read = [[*prompt, *[0] * (longest - len(prompt))] for prompt, _ in rows]
        seen = [[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt, _ in rows]
        return {**inputs, "input_ids": self._tensor(read), "attention_mask": self._tensor(seen)}

    def _tensor(self, rows: list[list[int]]) -> Any:
        import torch

        return torch.tensor(rows, device=self.device)
