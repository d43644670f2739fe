"""What the ingress measures, all of it named `pad_ray_serve_…`, on the metrics port of Ray's nodes.

Outside Ray the figures go nowhere, and do no harm. Of a histogram Ray's agent keeps the buckets alone: its `_sum` is
made of their middles.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from pad_ray.errors import PadRayError
from pad_ray.metrics import refresh_seconds
from pad_ray.serving.backend import DecoderLost, Overloaded
from pad_ray.serving.messages import AnswerEvent, Event
from pad_ray.serving.refusals import NOBODY_READS, Refusal

_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60]
_COUNTS = [1.0, 2, 4, 8, 12, 16, 24, 32, 64]
_BUSY = ("overloaded", "not_ready")


class Metrics:
    """Counters, gauges and histograms of one replica of the ingress."""

    def __init__(self) -> None:
        from ray.util.metrics import Counter, Gauge, Histogram

        def named(name: str) -> str:
            return f"pad_ray_serve_{name}"

        by: dict[str, Any] = {"tag_keys": ("route",)}
        self._requests = Counter(named("requests"), "Requests, by how they ended.", ("route", "outcome", "status"))
        self._replays = Counter(named("replays"), "Requests given to another decoder since theirs died.", ("route",))
        self._first = Histogram(named("first_step_seconds"), "Time to the first step.", _SECONDS, **by)
        self._whole = Histogram(named("answer_seconds"), "Time to the answer.", _SECONDS, **by)
        self._steps = Histogram(named("steps"), "Statements of the chosen program.", _COUNTS, **by)
        self._sandbox = Histogram(named("sandbox_seconds"), "Time that one answer waited for it.", _SECONDS, **by)
        self._dropped = Counter(named("dropped_candidates"), "Candidates that died, by cause.", ("cause",))
        self._tokens = Counter(named("tokens"), "Tokens read and generated.", ("kind",))
        self._in_flight = Gauge(named("in_flight"), "Requests at work or waiting.")
        self._at_work = 0

    def in_flight(self, count: int) -> None:
        """How many there are now."""
        self._at_work = count
        self._in_flight.set(count)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keeps the gauge in sight while the body runs, see `refresh_seconds`."""
        setting = asyncio.create_task(self._set_again())
        try:
            yield
        finally:
            setting.cancel()

    async def _set_again(self) -> None:
        while True:
            self._in_flight.set(self._at_work)
            await asyncio.sleep(refresh_seconds())

    def ended(self, route: str, outcome: str, status: int) -> None:
        """A request is over.

        Args:
            route: its path.
            outcome: `answered`, `unanswered`, `refused`, `overloaded`, `not_ready`, `lost`, `gone` or `failed`.
            status: of HTTP; of a stream that fails after its first event, the one that it would have had.
        """
        self._requests.inc(tags={"route": route, "outcome": outcome, "status": str(status)})

    def refused(self, route: str, refusal: Refusal) -> None:
        """A request that never became a job is over."""
        self.ended(route, refusal.code if refusal.code in _BUSY else "refused", refusal.status)

    @contextmanager
    def watch(self, route: str) -> Iterator[Watch]:
        """Measures one job, from here to the end of the block."""
        watch = Watch(self, route)
        try:
            yield watch
        except (GeneratorExit, CancelledError):
            if not watch.outcome:
                watch.outcome, watch.status = "gone", NOBODY_READS
            raise
        except Exception as error:
            watch.outcome, watch.status = _ending(error)
            raise
        finally:
            self.ended(route, watch.outcome, watch.status)

    def replayed(self, route: str) -> None:
        """A job is given to another decoder."""
        self._replays.inc(tags={"route": route})

    def first_step(self, route: str, seconds: float) -> None:
        """A client could see something."""
        self._first.observe(seconds, tags={"route": route})

    def answer(self, route: str, seconds: float, answer: AnswerEvent) -> None:
        """An answer, and what it cost."""
        tags = {"route": route}
        self._whole.observe(seconds, tags=tags)
        self._sandbox.observe(answer.sandbox_seconds, tags=tags)
        self._steps.observe(len(answer.lines) or len(answer.program.splitlines()), tags=tags)
        for cause, count in answer.deaths.items():
            if count > 0:
                self._dropped.inc(count, tags={"cause": cause})
        for kind, count in (("prompt", answer.prompt_tokens), ("completion", answer.completion_tokens)):
            if count > 0:
                self._tokens.inc(count, tags={"kind": kind})


def _ending(error: Exception) -> tuple[str, int]:
    """How a job ended that raised it, and its status."""
    status = Refusal.of(error).status if isinstance(error, PadRayError) else 500
    match error:
        case Overloaded():
            return "overloaded", status
        case DecoderLost():
            return "lost", status
    return ("refused" if status < 500 else "failed"), status


class Watch:
    """One job."""

    def __init__(self, metrics: Metrics, route: str) -> None:
        self._metrics, self._route = metrics, route
        self._began, self._stepped = time.monotonic(), False
        self.outcome, self.status = "", 200

    def saw(self, event: Event) -> None:
        """Hears of an event."""
        seconds = time.monotonic() - self._began
        if not self._stepped:
            self._stepped = True
            self._metrics.first_step(self._route, seconds)
        if isinstance(event, AnswerEvent):
            self.outcome = "answered" if event.ran else "unanswered"
            self._metrics.answer(self._route, seconds, event)
