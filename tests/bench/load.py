"""A bounded load on a service that solves questions: so many connections, each asks one question after another."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx2

from tests.bench.decoding import in_flight

_MOST_TRIES = 50  # of a question that is turned away because there is too much to do
_PATIENCE = httpx2.Timeout(600, connect=60)


@dataclass(slots=True)
class Asked:
    """One question.

    Attributes:
        first: seconds to the first step, from the first try on; None of decoders without steps.
        seconds: to the answer.
        refused: tries that ended in 503.
        lost: why there was no answer; empty where there was one.
        told: it was a stream, and its last event said that there is no answer.
        ran: the program came to an answer.
    """

    first: float | None = None
    seconds: float = 0.0
    refused: int = 0
    lost: str = ""
    told: bool = False
    ran: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """All questions once."""

    connections: int
    seconds: float
    asked: list[Asked] = field(repr=False)

    @property
    def lost(self) -> list[Asked]:
        """Those that were never answered."""
        return [one for one in self.asked if one.lost]

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return (len(self.asked) - len(self.lost)) / self.seconds

    def firsts(self) -> list[float]:
        """Times to a first step."""
        return [one.first for one in self.asked if one.first is not None]

    def answers(self) -> list[float]:
        """Times to an answer."""
        return [one.seconds for one in self.asked if not one.lost]


class Client:
    """Asks a service.

    Args:
        url: of the service.
        token: a bearer token, where it wants one.
        settings: fields of every request, such as the decoder.
    """

    def __init__(self, url: str, token: str | None = None, **settings: object) -> None:
        self._url, self._settings = url.rstrip("/"), settings
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def turn(self, questions: Sequence[str], connections: int) -> Turn:
        """Asks all questions, so many at once."""
        asked: list[Asked] = []
        async with self._connected(connections) as client:

            async def one(question: str) -> None:
                asked.append(await self._ask(client, question))

            begun = time.monotonic()
            await in_flight(one, questions, connections)
            return Turn(connections, time.monotonic() - begun, asked)

    async def until(
        self, ended: asyncio.Event, questions: Sequence[str], connections: int, hears: Callable[[Asked], None]
    ) -> None:
        """Asks questions again and again, so many at once, until it is told to end: every other one as a stream."""
        numbers = count()
        async with self._connected(connections) as client, asyncio.TaskGroup() as group:

            async def ask() -> None:
                while not ended.is_set():
                    number = next(numbers)
                    hears(await self._ask(client, questions[number % len(questions)], stream=number % 2 == 0))

            for _ in range(connections):
                group.create_task(ask())

    async def abandon(self, questions: Sequence[str], connections: int) -> int:
        """Hangs up on every question at its first event; how many got so far."""
        begun = 0
        async with self._connected(connections) as client:

            async def one(question: str) -> None:
                nonlocal begun
                for _ in range(_MOST_TRIES):
                    async with self._sent(client, question) as response:
                        if response.status_code != 503:
                            begun += await anext(aiter(_events(response)), None) is not None
                            return
                    await asyncio.sleep(float(response.headers.get("Retry-After", 1)))

            await in_flight(one, questions, connections)
        return begun

    @asynccontextmanager
    async def _connected(self, connections: int) -> AsyncIterator[httpx2.AsyncClient]:
        limits = httpx2.Limits(max_connections=connections)
        # The way is the loopback's: a proxy of the environment has no part in it.
        async with httpx2.AsyncClient(
            limits=limits, timeout=_PATIENCE, trust_env=False, headers=self._headers
        ) as client:
            yield client

    @asynccontextmanager
    async def _sent(
        self, client: httpx2.AsyncClient, question: str, stream: bool = True
    ) -> AsyncIterator[httpx2.Response]:
        body = {**self._settings, "question": question, "stream": stream}
        async with client.stream("POST", f"{self._url}/v1/solve", json=body) as response:
            yield response

    async def _ask(self, client: httpx2.AsyncClient, question: str, stream: bool = True) -> Asked:
        asked, begun = Asked(), time.monotonic()
        try:
            while (wait := await self._try(client, question, asked, begun, stream)) is not None:
                if asked.refused == _MOST_TRIES:
                    asked.lost = f"{_MOST_TRIES} times 503"
                    break
                await asyncio.sleep(wait)
        except (httpx2.HTTPError, httpx2.SSEError, ValueError) as error:
            asked.lost = f"{type(error).__name__}: {error}"
        asked.seconds = time.monotonic() - begun
        return asked

    async def _try(
        self, client: httpx2.AsyncClient, question: str, asked: Asked, begun: float, stream: bool
    ) -> float | None:
        """One try; after how many seconds to try again, or None if not."""
        async with self._sent(client, question, stream) as response:
            if response.status_code == 503:
                asked.refused += 1
                return float(response.headers.get("Retry-After", 1))
            if response.status_code != 200:
                asked.lost = f"status {response.status_code}: {(await response.aread()).decode()[:200]}"
                return None
            if not stream:
                asked.lost, asked.ran = "", json.loads(await response.aread())["ran"]
                return None
            asked.lost = "the stream ended without an answer"
            async for event in _events(response):
                if event.event == "step" and asked.first is None:
                    asked.first = time.monotonic() - begun
                if event.event == "answer":
                    asked.lost, asked.ran = "", json.loads(event.data)["ran"]
                if event.event == "error":
                    asked.lost, asked.told = event.data, True
        return None


def _events(response: httpx2.Response) -> httpx2.EventSource:
    return httpx2.EventSource(response, max_event_size=None)  # the answer holds a whole tree


def percentile(values: Sequence[float], percent: int) -> float:
    """Of no values nan, of one itself."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
