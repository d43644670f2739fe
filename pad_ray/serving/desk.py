"""Jobs at work: no more than there are places, asked again when their decoder dies, counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from pad_ray.errors import PadRayError
from pad_ray.serving.backend import Backend, DecoderLost
from pad_ray.serving.messages import AnswerEvent, Event, Job
from pad_ray.serving.metrics import Metrics
from pad_ray.serving.refusals import Refusal
from pad_ray.serving.settings import QueueConfig

_READY_WITHIN = 5.0  # seconds


class Desk:
    """What all routes that decode share.

    Args:
        backend: decodes.
        queue: how many at once, and how often again.
        metrics: hears of every event.
    """

    def __init__(self, backend: Backend, queue: QueueConfig, metrics: Metrics) -> None:
        self._backend, self._queue, self._metrics = backend, queue, metrics
        self._at_work, self._was_ready = 0, False

    async def check_ready(self) -> None:
        """Refuses while the model is not loaded: a request would spend its time on waiting for that.

        Raises:
            Refusal: 503.
        """
        try:
            async with asyncio.timeout(_READY_WITHIN):
                self._was_ready = await self._backend.ready()
        except (PadRayError, TimeoutError):
            self._was_ready = False
        if not self._was_ready:
            raise Refusal("the model is not loaded yet", "Ask again later", 503, code="not_ready")

    async def place(self) -> AsyncIterator[None]:
        """A dependency of a route: a place that is kept until its answer has been sent.

        Raises:
            Refusal: 503, there is none, or the model has never been ready yet.
        """
        if not self._was_ready:
            await self.check_ready()
        if self._at_work >= self._queue.in_flight:
            raise Refusal(
                f"{self._at_work} requests are at work here, and there are no more places",
                "Ask again later",
                503,
                code="overloaded",
            )
        self._at_work += 1
        self._metrics.in_flight(self._at_work)
        try:
            yield
        finally:
            self._at_work -= 1
            self._metrics.in_flight(self._at_work)

    async def events(
        self, job: Job, route: str, may_replay: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Event, None]:
        """The events of a job; from the first on once more when its decoder died.

        Args:
            job: what to solve.
            route: that it came by.
            may_replay: whether the client can still be told otherwise.

        Raises:
            DecoderLost: as often as it may be asked again, and once more.
            Overloaded, PadRayError: see `Backend`.
        """
        with self._metrics.watch(route) as watch:
            replays = self._queue.replays
            while True:
                try:
                    async with aclosing(self._once(job)) as events:
                        async for event in events:
                            watch.saw(event)
                            yield event
                    return
                except DecoderLost:
                    if not replays or not may_replay():
                        raise
                    replays -= 1
                    self._metrics.replayed(route)

    async def _once(self, job: Job) -> AsyncGenerator[Event, None]:
        async with aclosing(self._backend.solve(job)) as events:
            async for event in events:
                yield event
                if isinstance(event, AnswerEvent):
                    return
        raise DecoderLost(f"the events of job {job.id} ended before an answer")

    async def answer(self, job: Job, route: str) -> AnswerEvent:
        """The last event of a job.

        Raises:
            DecoderLost, Overloaded, PadRayError: see `events`.
        """
        async with aclosing(self.events(job, route)) as events:
            async for event in events:
                if isinstance(event, AnswerEvent):
                    return event
        raise AssertionError("a job ends with an answer or an error")
