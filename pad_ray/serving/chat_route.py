"""`POST /v1/chat/completions` and `GET /v1/models`: what OpenAI's clients call."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from pad_ray.decoding.settings import repairs
from pad_ray.serving.answers import Usage, json_text
from pad_ray.serving.chat import (
    ChatCompletion,
    ChatRequest,
    Details,
    ServedModel,
    ServedModels,
    finish_reason,
    opened,
    written,
)
from pad_ray.serving.connection import EventStream, sent_event, while_connected
from pad_ray.serving.desk import Desk
from pad_ray.serving.document import OR_STREAM
from pad_ray.serving.messages import AnswerEvent, Event, Job, StepEvent
from pad_ray.serving.refusals import ErrorBody, Refusal, refuse_other_media
from pad_ray.serving.requests import Jobs

PATH = "/v1/chat/completions"


class ChatRoute:
    """The routes, over one desk.

    Args:
        desk: does the work.
        jobs: knows the maxima.
        model: the student's name.
        most_tokens: most of `max_tokens`.
        silence: see `EventStream`.
    """

    def __init__(self, desk: Desk, jobs: Jobs, model: str, most_tokens: int, silence: float) -> None:
        self._desk, self._jobs, self._most_tokens, self._silence = desk, jobs, most_tokens, silence
        self._model = ServedModel(id=model, created=int(time.time()))

    def router(self) -> APIRouter:
        """What an application includes."""
        router = APIRouter(tags=["OpenAI"])
        unknown: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such model."}}
        router.add_api_route("/v1/models", self._models, operation_id="list_models", summary="Which student is served")
        router.add_api_route(
            "/v1/models/{model:path}",
            self._one_model,
            responses=unknown,
            operation_id="get_model",
            summary="Whether a student of that name is served",
        )
        router.add_api_route(
            PATH,
            self._chat,
            methods=["POST"],
            dependencies=[Depends(refuse_other_media), Depends(self._desk.place)],
            response_model=ChatCompletion,
            responses={**unknown, **OR_STREAM},
            operation_id="chat",
            summary="Solve the last user message, for OpenAI's clients",
        )
        return router

    async def _models(self) -> ServedModels:
        return ServedModels(data=[self._model])

    async def _one_model(self, model: str) -> ServedModel:
        if model != self._model.id:
            problem = f"model `{model}` is not served here"
            raise Refusal(problem, f"There is `{self._model.id}`", 404, "model", "model_not_found")
        return self._model

    async def _chat(self, asked: ChatRequest, request: Request) -> Response:
        await self._one_model(asked.model)
        solve = asked.as_solve(self._most_tokens)
        job = self._jobs.of(solve, f"chatcmpl-{uuid.uuid4().hex}", "pad_ray." if asked.pad_ray else "")
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            chunks = _Chunks(job, self._model.id, usage)
            return EventStream(self._stream(job, chunks), lambda refusal: sent_event(refusal.body()), self._silence)
        answer = await while_connected(request.receive, self._desk.answer(job, PATH))
        return Response(json_text(self._whole(answer, job)), media_type="application/json")

    def _whole(self, answer: AnswerEvent, job: Job) -> dict[str, Any]:
        message = {"role": "assistant", "content": written(answer), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(answer), "logprobs": None}
        return {
            "id": job.id,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self._model.id,
            "choices": [choice],
            "usage": Usage.of(answer).model_dump(),
            "pad_ray": Details.of(answer),
        }

    async def _stream(self, job: Job, chunks: _Chunks) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._desk.events(job, PATH)) as events:
            async for event in events:
                try:
                    added = chunks.of(event)
                except Refusal as refusal:
                    await events.athrow(refusal)  # so that the desk hears of it
                for chunk in added:
                    yield sent_event(chunk)
        yield b"data: [DONE]\n\n"


class _Chunks:
    """The chunks of one stream: a line of the program is sent once every live beam has it.

    A decoder with repair may write a program anew, so of its lines none is certain before the answer.
    """

    def __init__(self, job: Job, model: str, usage: bool) -> None:
        self._base = {"id": job.id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        self._usage, self._early = usage, not repairs(job.decoder)
        self._sent, self._begun = "", False

    def of(self, event: Event) -> list[dict[str, Any]]:
        """What an event adds.

        Raises:
            Refusal: a replayed job came to another text than the one that the client has.
        """
        chunks = [] if self._begun else [self._chunk({"role": "assistant", "content": ""})]
        self._begun = True
        if isinstance(event, StepEvent):
            if self._early and event.shared.strip():
                chunks += self._grown(opened(event.shared))
            return chunks
        chunks += self._grown(written(event))
        last = self._chunk({}, finish_reason(event))
        chunks.append({**last, "pad_ray": Details.of(event)})
        if self._usage:
            chunks.append({**self._base, "choices": [], "usage": Usage.of(event).model_dump()})
        return chunks

    def _grown(self, text: str) -> list[dict[str, Any]]:
        if self._sent.startswith(text):  # a replay has not come as far yet
            return []
        if not text.startswith(self._sent):
            problem = "the decoder died, and its successor wrote another program than the one that was begun"
            raise Refusal(problem, "Ask again", 503, code="decoder_lost")
        new, self._sent = text[len(self._sent) :], text
        return [self._chunk({"content": new})]

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._base, "choices": [choice]} | ({"usage": None} if self._usage else {})
