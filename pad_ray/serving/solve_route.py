"""`POST /v1/solve`: a question, and all that was considered on the way to its answer."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Depends, Request, Response

from pad_ray.serving.answers import SolveAnswer, json_text
from pad_ray.serving.connection import EventStream, sent_event, while_connected
from pad_ray.serving.desk import Desk
from pad_ray.serving.document import OR_STREAM
from pad_ray.serving.messages import AnswerEvent, Job
from pad_ray.serving.refusals import refuse_other_media
from pad_ray.serving.requests import Jobs, SolveRequest

PATH = "/v1/solve"


class SolveRoute:
    """The route, over one desk.

    Args:
        desk: does the work.
        jobs: knows the maxima.
        model: the student's name.
        silence: see `EventStream`.
    """

    def __init__(self, desk: Desk, jobs: Jobs, model: str, silence: float) -> None:
        self._desk, self._jobs, self._model, self._silence = desk, jobs, model, silence

    def router(self) -> APIRouter:
        """What an application includes."""
        router = APIRouter()
        router.add_api_route(
            PATH,
            self._solve,
            methods=["POST"],
            dependencies=[Depends(refuse_other_media), Depends(self._desk.place)],
            response_model=SolveAnswer,
            responses=OR_STREAM,
            summary="Solve a question",
            operation_id="solve",
        )
        return router

    async def _solve(self, asked: SolveRequest, request: Request) -> Response:
        job = self._jobs.of(asked, f"solve-{uuid.uuid4().hex}")
        if asked.stream:
            return EventStream(self._stream(job), lambda refusal: sent_event(refusal.body(), "error"), self._silence)
        answer = await while_connected(request.receive, self._desk.answer(job, PATH))
        return Response(json_text(self._whole(answer, job)), media_type="application/json")

    def _whole(self, answer: AnswerEvent, job: Job) -> SolveAnswer:
        return SolveAnswer.of(answer, job.id, self._model)

    async def _stream(self, job: Job) -> AsyncGenerator[bytes, None]:
        sent = False
        async with aclosing(self._desk.events(job, PATH, lambda: not sent)) as events:
            async for event in events:
                sent = True
                yield sent_event(self._whole(event, job) if isinstance(event, AnswerEvent) else event, event.type)
