"""Step by step with transformers: decoder-only and encoder-decoder models, in this process.

Nothing is kept between calls, so every call reads the prompt and the beams again: it is for encoder-decoders and for
small trials. vLLM, which caches prefixes, is the engine for many problems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pad_ray.decoding.engine import Draw, Proposal, Proposals, Tokens
from pad_ray.generation.loading import load_generator
from pad_ray.generation.step_tokens import StepTokenizer


class TransformersStepEngine(StepTokenizer):
    """A `StepEngine`. Calls take turns; the same calls in the same order give the same proposals.

    Args:
        model: a local folder or a hub name.
        threads: CPU threads; None leaves it to torch.
        adapter: folder of a LoRA adapter to put on the model.
    """

    def __init__(self, model: str, threads: int | None = None, adapter: str | None = None) -> None:
        loaded = load_generator(model, threads, adapter)
        self.model, self.device, self.encoder_decoder = loaded.model, loaded.device, loaded.encoder_decoder
        self.start, self._longest = loaded.start, loaded.longest
        super().__init__(loaded.tokenizer, self.model.generation_config.eos_token_id)
        self.turn = asyncio.Lock()

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """As `StepEngine.propose`."""
        async with self.turn:
            return await asyncio.to_thread(self._propose, prompt, beams, draw)

    def _propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        import torch

        torch.manual_seed(draw.seed)
        of: list[list[Proposal]] = [[] for _ in beams]
        places = [place for place, beam in enumerate(beams) if self._fits(prompt, beam, draw.max_tokens)]
        cost = [0, 0]
        greedy = draw.greedy_first or draw.temperature == 0
        for count, sampled in ((1, False), (draw.count - 1, True)) if greedy else ((draw.count, True),):
            if count and places:
                part = replace(draw, count=count, temperature=draw.temperature if sampled else 0.0)
                found = self._generate(prompt, [beams[place] for place in places], part, cost)
                for place, proposals in zip(places, found, strict=True):
                    of[place] += proposals
        return Proposals(of, *cost)

    def _fits(self, prompt: Tokens, beam: Tokens, more: int) -> bool:
        taken = len(beam) if self.encoder_decoder else len(prompt) + len(beam)
        return self._longest is None or taken + more <= self._longest

    def _generate(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw, cost: list[int]) -> list[list[Proposal]]:
        import torch

        inputs = self.inputs(prompt, beams)
        stops = [*self.ends, *(self.line_breaks if draw.lines else ())]
        pad = min(self.ends, default=0)
        settings: dict[str, Any] = {"do_sample": False}
        if draw.temperature > 0:
            settings = {"do_sample": True, "temperature": draw.temperature, "top_p": draw.top_p, "top_k": 0}
        with torch.inference_mode():
            out = self.model.generate(
                **inputs,
                **settings,
                max_new_tokens=draw.max_tokens,
                num_return_sequences=draw.count,
                eos_token_id=stops or None,
                pad_token_id=pad,
                return_dict_in_generate=True,
                output_logits=True,
            )
        written = out.sequences[:, -len(out.logits) :]
        logprobs = torch.stack(out.logits, dim=1).float().log_softmax(-1).gather(-1, written.unsqueeze(-1)).squeeze(-1)
        rows = zip(written.tolist(), logprobs.tolist(), strict=True)
        found = [self._proposal(tokens, chances, set(stops)) for tokens, chances in rows]
        cost[0] += int(inputs["attention_mask"].sum()) + (sum(map(len, beams)) if self.encoder_decoder else 0)
        cost[1] += sum(len(one.tokens) + one.ended for one in found)
        return [found[start : start + draw.count] for start in range(0, len(found), draw.count)]

    def inputs(self, prompt: Tokens, beams: Sequence[Tokens]) -> dict[str, Any]:
        """What `generate` takes to go on from each beam; shorter ones are padded in front."""
        import torch

        def padded(rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
            longest = max(map(len, rows))
            ids = [[*[0] * (longest - len(row)), *row] for row in rows]
            seen = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
            return torch.tensor(ids, device=self.device), torch.tensor(seen, device=self.device)

        if not self.encoder_decoder:
            ids, seen = padded([[*prompt, *beam] for beam in beams])
            return {"input_ids": ids, "attention_mask": seen}
        ids, seen = padded([list(prompt)] * len(beams))
        begun, begun_seen = padded([[self.start, *beam] for beam in beams])
        return {
            "input_ids": ids,
            "attention_mask": seen,
            "decoder_input_ids": begun,
            "decoder_attention_mask": begun_seen,
        }

    def _proposal(self, tokens: list[int], logprobs: list[float], stops: set[int]) -> Proposal:
        length = next((place + 1 for place, token in enumerate(tokens) if token in stops), len(tokens))
        ended = tokens[length - 1] in self.ends
        return Proposal(tuple(tokens[: length - ended]), sum(logprobs[:length]), ended)
