"""Token beams on transformers: plain, and PaD's, which adds the faithfulness of every line.

PaD (arXiv 2305.13888, section 3.4, and its released code): an ordinary beam search over tokens. Whenever every beam has
completed the next line, that line of each beam is scored once, and ln ψ joins the beam's summed log-probability. There
is no term for length. A beam that has ended is ranked by what it had then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.engine import Proposal, Proposals, Tokens
from pad_ray.decoding.faithfulness import FaithfulnessScorer
from pad_ray.decoding.running import Run
from pad_ray.decoding.sampling import cut, judged, outcome_of
from pad_ray.generation.step_transformers import TransformersStepEngine


async def search_tokens(
    engine: TransformersStepEngine,
    run: Run,
    prompt: str,
    opening: str,
    *,
    width: int,
    max_tokens: int,
    stop: Sequence[str] = (),
    question: str = "",
    scorer: FaithfulnessScorer | None = None,
) -> Outcome:
    """The best program of a token beam, whether it runs or not.

    Args:
        run: runs programs, such as `Sandbox.run_async`.
        opening: the end of the prompt that is the beginning of the program.
        scorer: scores each line, as PaD does; None is a plain token beam.
    """
    begun = time.monotonic()
    beam = TokenBeam(engine, width, max_tokens, stop)
    score = partial(scorer.of_lines, question) if scorer else None
    found, scores = await beam.search(engine.encode(prompt), score)
    trace = await judged(engine, run, found.of[0], opening=opening, stop=stop)
    for branch, value in zip(trace.branches, scores, strict=True):
        branch.score = value
    trace.cost.completion_tokens, trace.cost.prompt_tokens = found.completion_tokens, found.prompt_tokens
    return outcome_of(trace, begun, "score")


LineScore = Callable[[Sequence[str]], list[float]]


@dataclass(frozen=True, slots=True)
class _Beam:
    tokens: Tokens = ()
    logprob: float = 0.0
    score: float = 0.0
    text: str = ""

    @property
    def lines(self) -> list[str]:
        """Completed lines with something in them."""
        return [line for line in self.text.split("\n")[:-1] if line.strip()]


class TokenBeam:
    """Beam search over tokens.

    Args:
        engine: the model; decoder-only or encoder-decoder.
        width: beams.
        max_tokens: longest program.
        stop: a program ends where one of these would begin.
    """

    def __init__(self, engine: TransformersStepEngine, width: int, max_tokens: int, stop: Sequence[str] = ()) -> None:
        self._engine, self._width, self._max_tokens, self._stop = engine, width, max_tokens, stop

    async def search(self, prompt: Tokens, score_lines: LineScore | None = None) -> tuple[Proposals, list[float]]:
        """Programs, best first, and their scores.

        Args:
            prompt: ids of what the model goes on from.
            score_lines: ln ψ of lines; None is a plain token beam.
        """
        async with self._engine.turn:
            return await asyncio.to_thread(self._search, prompt, score_lines)

    def _search(self, prompt: Tokens, score_lines: LineScore | None) -> tuple[Proposals, list[float]]:
        import torch

        live, done, line, written = [_Beam()], list[_Beam](), 0, 0
        with torch.inference_mode():
            state = _State(self._engine, prompt)
            for _ in range(self._max_tokens):
                chances = state.read(live)
                live, ended, parents = self._advance(live, chances)
                written += len(live) + len(ended)
                done += ended
                if not live or len(done) >= self._width:
                    break
                state.keep(parents)
                if score_lines and all(len(beam.lines) > line for beam in live):
                    scores = score_lines([beam.lines[line] for beam in live])
                    live = [replace(beam, score=beam.score + one) for beam, one in zip(live, scores, strict=True)]
                    line += 1
        # Programs that were cut off count only where too few have ended: having written less, they have lost less.
        ranked = done if len(done) >= self._width else [*done, *live]
        found = sorted(ranked, key=lambda beam: -beam.score)[: self._width]
        proposals = [Proposal(beam.tokens, beam.logprob, beam in done) for beam in found]
        return Proposals([proposals], len(prompt), written), [beam.score for beam in found]

    def _advance(self, live: Sequence[_Beam], chances: Any) -> tuple[list[_Beam], list[_Beam], list[int]]:
        """The best continuations: beams that go on, beams that have ended, and whose children the first are.

        One that ends counts only among the best `width`, as in transformers: the others are there to fill up the beam.

        Args:
            chances: `[beams, vocabulary]`, log-probabilities.
        """
        import torch

        scores = chances + torch.tensor([beam.score for beam in live], device=chances.device).unsqueeze(1)
        top = scores.flatten().topk(2 * self._width)
        going, ended, parents = list[_Beam](), list[_Beam](), list[int]()
        for rank, (score, place) in enumerate(zip(top.values.tolist(), top.indices.tolist(), strict=True)):
            parent, token = divmod(place, chances.shape[1])
            beam = live[parent]
            logprob = beam.logprob + float(chances[parent, token])
            if token in self._engine.ends:
                if rank < self._width:
                    ended.append(replace(beam, logprob=logprob, score=score))
                continue
            tokens = (*beam.tokens, token)
            grown = _Beam(tokens, logprob, score, self._engine.decode(tokens))
            if cut(grown.text, self._stop) != grown.text:
                if rank < self._width:
                    ended.append(grown)
            else:
                going.append(grown)
                parents.append(parent)
            if len(going) == self._width:
                break
        return going, ended, parents


class _State:
    """The model's cache, one row a beam."""

    def __init__(self, engine: TransformersStepEngine, prompt: Tokens) -> None:
        import torch

        self._model, self._device = engine.model, engine.device
        asked = torch.tensor([prompt], device=self._device)
        self._encoded: Any = None
        self._first = asked
        if engine.encoder_decoder:
            self._encoded = self._model.get_encoder()(asked).last_hidden_state
            self._first = torch.tensor([[engine.start]], device=self._device)
        self._cache: Any = None

    def read(self, live: Sequence[_Beam]) -> Any:
        """Log-probabilities of the next token of each beam, `[beams, vocabulary]`."""
        import torch

        last = [[beam.tokens[-1]] for beam in live if beam.tokens]
        ids = torch.tensor(last, device=self._device) if last else self._first
        if self._encoded is not None:
            encoded = self._encoded.expand(len(live), -1, -1)
            out = self._model(
                encoder_outputs=(encoded,), decoder_input_ids=ids, past_key_values=self._cache, use_cache=True
            )
        else:
            out = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True)
        self._cache = out.past_key_values
        return out.logits[:, -1].float().log_softmax(-1)

    def keep(self, parents: Sequence[int]) -> None:
        """Goes on with the children of these beams, in this order."""
        import torch

        self._cache.reorder_cache(torch.tensor(parents, device=self._device))
