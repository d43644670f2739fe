"""Step by step over Ray Serve: models that other processes hold, reached through a deployment's handle.

A draw is one call with all its beams, so the engine batches them. A call whose replica died is asked elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from typing import Any, Self, TypeVar

from pad_ray.decoding.engine import Draw, Proposal, Proposals, Tokens
from pad_ray.errors import EngineError, EngineLost
from pad_ray.generation.step_tokens import StepTokenizer

_T = TypeVar("_T")
_TRIES = 4
_FIRST_WAIT = 0.25  # seconds; doubled each time, so the controller has two to notice that a replica is dead
_LONGEST_REASON = 300


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


async def elsewhere(handle: Any, session: str, call: Callable[[Any], Awaitable[_T]]) -> _T:
    """What a call gives; where its replica dies it is made again, on another one, a few times.

    Args:
        handle: of the deployment.
        session: keeps calls on one replica; after a death they move to another one.
        call: makes the call by the handle that it is given.

    Raises:
        EngineLost: it died every time.
    """
    for number in range(_TRIES):
        named = f"{session}/{number}" if number else session
        try:
            return await call(handle.options(session_id=named) if named else handle)
        except Exception as error:
            if not is_lost(error):
                raise
            if number == _TRIES - 1:
                raise EngineLost(f"no replica of {handle.deployment_name} lived to answer: {said(error)}") from error
        _retries().inc(tags={"deployment": handle.deployment_name})
        await asyncio.sleep(_FIRST_WAIT * 2**number)
    raise AssertionError("unreachable")


@cache
def _retries() -> Any:
    """Counts calls made again, see `pad_ray.metrics.SERVED`."""
    from ray.util.metrics import Counter

    return Counter("pad_ray_serve_retries", "Calls made again since a replica died.", ("deployment",))


def is_lost(error: BaseException) -> bool:
    """Whether an error says that a process died, and nothing of what it was asked."""
    from ray.exceptions import NodeDiedError, ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError

    if isinstance(error, RayActorError | NodeDiedError | ObjectLostError | WorkerCrashedError):
        return True
    cause = error.cause if isinstance(error, RayTaskError) else error
    # By name: vLLM, whose error it is, is not loaded here.
    return isinstance(cause, EngineLost) or type(cause).__name__ in ("EngineDeadError", "ReplicaUnavailableError")


async def awaited(response: Any) -> Any:
    """What a handle's response gives; cancelling this cancels the call in its replica."""
    try:
        return await response
    except asyncio.CancelledError:
        response.cancel()
        raise


async def streamed(responses: Any) -> Any:
    """What a handle's stream gives; leaving it cancels the call in its replica."""
    ended = False
    try:
        async for one in responses:
            yield one
        ended = True
    finally:
        if not ended:
            responses.cancel()


async def gathered(calls: Sequence[Awaitable[_T]]) -> list[_T]:
    """All results, in order; where one fails the others are cancelled."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def said(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(error).split())[:_LONGEST_REASON]


def _checked(answers: Sequence[Any]) -> Any:
    [answer] = answers
    failure = getattr(answer, "error", None)
    if failure is None:
        return answer
    reason = " ".join(str(failure.message).split())[:_LONGEST_REASON]
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
