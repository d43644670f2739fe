"""Step by step over Ray Serve: models that other processes hold, reached through a deployment's handle.

A draw is one call with all its beams, so the engine batches them. A call whose replica died is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

from pad_ray.decoding.engine import Draw, Proposal, Proposals, Tokens
from pad_ray.errors import EngineError, EngineLost
from pad_ray.generation.handle_calls import awaited, elsewhere, gathered, one_line, streamed
from pad_ray.generation.step_tokens import StepTokenizer


class _Remote:
    """A model of another process: its tokenizer is here, and its calls go by a handle."""

    def __init__(self, handle: Any, tokenizer: StepTokenizer, session: str = "") -> None:
        self._handle, self._tokenizer, self._session = handle, tokenizer, session

    def session(self, name: str) -> Self:
        """The same model, for the calls of one job: they stay on one replica, where their prompt is cached."""
        other = copy(self)
        other._session = name
        return other

    def encode(self, prompt: str) -> Tokens:
        """As `StepEngine.encode`."""
        return self._tokenizer.encode(prompt)

    def decode(self, tokens: Tokens) -> str:
        """As `StepEngine.decode`."""
        return self._tokenizer.decode(tokens)


class ServeStepEngine(_Remote):
    """A `StepEngine` over a `ray.serve.llm` deployment of a decoder-only model.

    A seed is not passed on: see `pad_ray.generation.step_vllm`.

    Args:
        handle: of the deployment.
        model: what the deployment calls the model.
        tokenizer: the model's own.
        longest: prompt and completion together, in tokens.
    """

    def __init__(self, handle: Any, model: str, tokenizer: StepTokenizer, longest: int) -> None:
        super().__init__(handle, tokenizer)
        self._model, self._longest = model, longest

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """As `StepEngine.propose`.

        Raises:
            EngineLost: replicas died, again and again.
            EngineError: the engine refuses the request.
        """
        fitting = [
            place for place, beam in enumerate(beams) if len(prompt) + len(beam) + draw.max_tokens <= self._longest
        ]
        texts = [list(prompt + beams[place]) for place in fitting]
        greedy = draw.greedy_first or draw.temperature == 0
        parts = [replace(draw, count=1, temperature=0.0)] if greedy else []
        if count := draw.count - len(parts):
            parts.append(replace(draw, count=count, temperature=draw.temperature))
        # A greedy draw has a temperature of its own, so it is a call of its own.
        answers = await gathered([self._ask(texts, part) for part in parts]) if texts else []
        of: list[list[Proposal]] = [[] for _ in beams]
        for part, answer in zip(parts, answers, strict=False):
            for number, choice in enumerate(answer.choices):
                of[fitting[number // part.count]].append(self._proposal(choice))
        return Proposals(of, sum(map(_read, answers)), sum(answer.usage.completion_tokens for answer in answers))

    async def _ask(self, texts: list[list[int]], draw: Draw) -> Any:
        from ray.serve.llm.openai_api_models import CompletionRequest

        request = CompletionRequest(
            model=self._model,
            prompt=texts,
            n=draw.count,
            temperature=draw.temperature,
            top_p=draw.top_p if draw.temperature else 1.0,
            top_k=0,
            max_tokens=draw.max_tokens,
            stop_token_ids=list(self._tokenizer.line_breaks) if draw.lines else [],
            logprobs=0,
            return_token_ids=True,
            return_tokens_as_token_ids=True,
        )

        async def call(handle: Any) -> Any:
            return _checked([one async for one in streamed(handle.options(stream=True).completions.remote(request))])

        return await elsewhere(self._handle, self._session, call)

    def _proposal(self, choice: Any) -> Proposal:
        tokens = tuple(choice.token_ids)
        ended = bool(tokens) and tokens[-1] in self._tokenizer.ends
        return Proposal(tokens[: len(tokens) - ended], float(sum(choice.logprobs.token_logprobs)), ended)


class RemoteStepEngine(_Remote):
    """A `StepEngine` over a deployment that has `propose` itself: of encoder-decoders, which vLLM does not serve.

    Args:
        handle: of the deployment.
        tokenizer: the model's own.
        session: see `session`.
    """

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """As `StepEngine.propose`.

        Raises:
            EngineLost: replicas died, again and again.
        """

        async def call(handle: Any) -> Any:
            return await awaited(handle.propose.remote(prompt, list(beams), draw))

        found: Proposals = await elsewhere(self._handle, self._session, call)
        return found


def _checked(answers: Sequence[Any]) -> Any:
    [answer] = answers
    failure = getattr(answer, "error", None)
    if failure is None:
        return answer
    reason = one_line(str(failure.message))
    if int(failure.code) >= 500:
        raise EngineLost(f"the engine failed: {reason}")
    raise EngineError(f"the engine refuses the request: {reason}")


def _read(answer: Any) -> int:
    """Tokens read that no cache held; the engine says it of the last beam alone, and beams of one step are alike."""
    details = answer.usage.prompt_tokens_details
    places = [choice.prompt_token_ids for choice in answer.choices if choice.prompt_token_ids]
    if details is None or not places:
        return int(answer.usage.prompt_tokens)
    beams = max(1, round(answer.usage.prompt_tokens / max(1, sum(map(len, places)) / len(places))))
    return int(max(0, len(places[-1]) - (details.cached_tokens or 0)) * beams)
