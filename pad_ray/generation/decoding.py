"""A student's decoder as what answers requests: Ray Data hands it rows, and many problems are in flight at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.repair import Ask, Repaired, Written, begun_with, by_decoder, with_repair
from pad_ray.decoding.sampling import ballot
from pad_ray.decoding.settings import TOKEN_BEAMS, DecodingConfig, decoder_of, repairs
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.texts import Reading, sample_texts, votes
from pad_ray.errors import EngineError
from pad_ray.generation.completion import answered, failed
from pad_ray.generation.loop_thread import LoopThread
from pad_ray.generation.scorers import Scorers
from pad_ray.programs.error_code import EMPTY, ErrorCode
from pad_ray.recipes import JudgedBy, opening_of, recipe_named
from pad_ray.records import Row, table
from pad_ray.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class _Found:
    """What a decoder chose: its text, whether it came to an answer, what it cost, what was considered."""

    text: str
    ended: bool
    prompt_tokens: int
    completion_tokens: int
    trace: dict[str, Any] | None


class DecoderTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out, each with its trace.

    A request's `sampling` says how it is decoded (`decoding_request`). A search that the engine broke off is a failed
    row, which the next run asks again.

    Args:
        kind: `vllm` or `transformers`; token beams need the latter.
        model: a local folder or a hub name.
        adapter: folder of a LoRA adapter to put on the model.
        resources: devices, memory, and how many problems are in flight.
        recipe: name of the recipe that reads completions.
    """

    def __init__(self, kind: str, model: str, adapter: str | None, resources: ResourcesConfig, recipe: str) -> None:
        self._kind, self._model, self._adapter, self._resources = kind, model, adapter, resources
        self._recipe = recipe_named(recipe)
        # Engines hold to one event loop, and Ray may call from several.
        self._loop = LoopThread("decoder")
        self._opened, self._sandbox = ExitStack(), Sandbox()
        if self._recipe.judged_by is JudgedBy.PROGRAM:
            self._opened.enter_context(self._sandbox)
        self._scorers = Scorers()
        self._loop.run(self._start())

    async def _start(self) -> None:
        self._turns = asyncio.Semaphore(self._resources.decode_in_flight)
        self.engine: Any
        if self._kind == "vllm":
            from pad_ray.generation.step_vllm import VLLMStepEngine

            self.engine = VLLMStepEngine(self._model, self._resources, self._adapter)
        else:
            from pad_ray.generation.step_transformers import TransformersStepEngine

            self.engine = TransformersStepEngine(self._model, self._resources.threads, self._adapter)

    def close(self) -> None:
        """Ends the engine, the sandbox and the thread; Ray ends an actor's process with all that is in it."""
        if self._kind == "vllm":
            self.engine.close()
        self._opened.close()
        self._loop.close()

    async def __call__(self, batch: Any) -> AsyncIterator[Any]:
        rows = self._loop.submit(self._answer_all(batch.to_pylist()))
        yield table("completion", await asyncio.wrap_future(rows))

    async def _answer_all(self, requests: list[Row]) -> list[Row]:
        return await asyncio.gather(*map(self._answer, requests))

    async def _answer(self, request: Row) -> Row:
        asked = json.loads(request["sampling"])
        async with self._turns:
            begun = time.monotonic()
            try:
                found = await (self._voted if "answer" in asked else self._program)(request["prompt"], asked)
            except EngineError as error:
                return failed(request, str(error))
        row = answered(
            request,
            found.text.removeprefix(opening_of(self._recipe)),
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
            finish_reason="stop" if found.ended else "length",
            seconds=time.monotonic() - begun,
        )
        return {**row, "trace": json.dumps(found.trace, ensure_ascii=False)}

    async def _program(self, prompt: str, asked: dict[str, Any]) -> _Found:
        found = await self._repaired(prompt, asked)
        trace = found.as_json() if repairs(asked["decoder"]) else found.last.written.trace
        ran = found.last.execution.ok
        return _Found(found.last.written.text, ran, found.prompt_tokens, found.completion_tokens, trace)

    async def _voted(self, prompt: str, asked: dict[str, Any]) -> _Found:
        """The text whose answer most of those that were drawn give."""
        reading, settings = Reading.of(asked["answer"]), DecodingConfig.model_validate(asked["decoding"])
        found = await sample_texts(
            self.engine,
            reading,
            self.engine.encode(prompt),
            ballot(settings, asked["max_tokens"]),
            opening=opening_of(self._recipe),
            stop=asked["stop"],
        )
        trace = {**found.trace.as_json(), "chosen": found.branch, "votes": votes(found.trace, reading)}
        cost = found.trace.cost
        return _Found(found.program, found.ran, cost.prompt_tokens, cost.completion_tokens, trace)

    async def _repaired(self, prompt: str, asked: dict[str, Any]) -> Repaired:
        """All programs of one question; of a decoder that does not repair, its only one."""
        settings = DecodingConfig.model_validate(asked["decoding"])

        def asking(question: str, slot: ErrorCode) -> str:
            return prompt if slot == EMPTY else self._recipe.prompt(question, (), slot)

        generate = by_decoder(lambda ask: self._decode(ask, asked, settings))
        if "first" in asked:
            generate = begun_with([_first(asked["first"], opening_of(self._recipe))], generate)
        [found] = await with_repair(
            [asked["question"]],
            generate,
            self._sandbox.run_async,
            asking,
            settings.repairs if repairs(asked["decoder"]) else 0,
            settings.repair_message,
        )
        return found

    async def _decode(self, ask: Ask, asked: dict[str, Any], settings: DecodingConfig) -> Outcome:
        decoder = decoder_of(asked["decoder"])
        if decoder in TOKEN_BEAMS and not ask.sampled:
            return await self._token_beam(ask.prompt, asked, settings)
        solver = Solver(
            self.engine, self._sandbox, self._scorers.of(settings), settings, asked["max_tokens"], asked["stop"]
        )
        return await solver.answer(decoder, ask, opening_of(self._recipe))

    async def _token_beam(self, prompt: str, asked: dict[str, Any], settings: DecodingConfig) -> Outcome:
        from pad_ray.generation.token_beam import search_tokens

        scorer = self._scorers.faithfulness(settings) if decoder_of(asked["decoder"]) == "paper" else None
        return await search_tokens(
            self.engine,
            self._sandbox.run_async,
            prompt,
            opening_of(self._recipe),
            width=settings.beams,
            max_tokens=asked["max_tokens"],
            stop=asked["stop"],
            question=asked["question"],
            scorer=scorer,
        )


def _first(row: Row, opening: str) -> Written:
    """What a sample holds, as a decoder's first program."""
    trace = json.loads(row["trace"]) if row["trace"] else None
    return Written(opening + row["completion"], row["completion_tokens"], row["prompt_tokens"], trace)


def decoding_request(
    decoder: str,
    settings: DecodingConfig,
    question: str,
    max_tokens: int,
    stop: Any,
    reading: Reading | None = None,
) -> Row:
    """The `sampling` of a request that a decoder answers: all that shapes the answer, and what its scorers read.

    Args:
        decoder: one of `pad_ray.decoding.settings.NAMES`.
        settings: widths, weights, budgets, repairs.
        question: the question itself.
        max_tokens, stop: of programs that are drawn at once.
        reading: of texts, whose answers vote; None of programs.
    """
    row = {
        "decoder": decoder,
        "decoding": settings.model_dump(mode="json"),
        "question": question,
        "max_tokens": max_tokens,
        "stop": list(stop),
    }
    return {**row, "answer": reading.as_json()} if reading else row
