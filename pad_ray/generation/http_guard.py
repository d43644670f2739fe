"""What stands between rows and an endpoint: requests in flight, pace, circuit breaker, spending limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

from pad_ray.generation.http_settings import HttpConfig

NOT_ASKED = "not asked: "
Stop = Literal["circuit_open", "spending_limit_reached"]


class Pace:
    """Even spacing of requests and tokens, without bursts: providers count in windows shorter than their minute.

    Args:
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit.
        clock: seconds, from anywhere.
    """

    def __init__(
        self,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._clock = clock
        self._request_due = self._tokens_due = self._paused_until = clock()

    def wait(self) -> float:
        """Seconds until the next request may be sent; 0 or less if it may be now."""
        return max(self._request_due, self._tokens_due, self._paused_until) - self._clock()

    def take(self, tokens: int) -> None:
        """Counts a request that is sent now, with the tokens that it may use up."""
        now = self._clock()
        self._request_due = now + self._per_request
        self._tokens_due = max(now, self._tokens_due) + tokens * self._per_token

    def settle(self, taken: int, used: int) -> None:
        """Gives back what a request took and did not use, or takes the rest."""
        self._tokens_due += (used - taken) * self._per_token

    def pause(self, seconds: float) -> None:
        """Sends nothing for some seconds, as an endpoint wished that was asked too fast."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)


class Guard:
    """Says when a request may be sent, and when none may be any more.

    Args:
        config: limits.
        spent: money spent before.
        on_stop: told once for each cause why no more are asked.
    """

    def __init__(self, config: HttpConfig, spent: float, on_stop: Callable[[Stop], None]) -> None:
        self._config = config
        self._pace = Pace(config.requests_per_minute, config.tokens_per_minute)
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._line = asyncio.Lock()
        self._on_stop = on_stop
        self._stop = asyncio.Event()
        self._straight_failures = 0
        self._spent = 0.0
        self.stopped = ""  # why no more are asked: the error of the rows that are left
        self.paid(spent)

    @asynccontextmanager
    async def turn(self, tokens: int) -> AsyncIterator[bool]:
        """A place among the requests in flight, at the pace allowed; False when none may be sent any more.

        Args:
            tokens: what the request may use up.
        """
        async with self._slots:
            # One waits for its time and the others for it, so that no pause ends in a burst.
            async with self._line:
                while not self.stopped and (wait := self._pace.wait()) > 0:
                    await self.rest(wait)
                if not self.stopped:
                    self._pace.take(tokens)
            yield not self.stopped

    async def rest(self, seconds: float) -> None:
        """Sleeps, but not on when no more are asked."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    def settle(self, taken: int, used: int) -> None:
        """Corrects the tokens of a request by what the reply says; a reply that says nothing used what it took."""
        self._pace.settle(taken, used)

    def pause(self, seconds: float) -> None:
        """Holds all requests back for some seconds."""
        self._pace.pause(seconds)

    def paid(self, cost: float) -> None:
        """Counts money, up to the limit."""
        self._spent += cost
        limit = self._config.spending_limit
        if limit is not None and self._spent >= limit:
            self._end("spending_limit_reached", f"the spending limit of {limit:g} is reached")

    def row_done(self, answered: bool) -> None:
        """Counts failures in a row; one answer sets them back."""
        self._straight_failures = 0 if answered else self._straight_failures + 1
        if self._straight_failures >= self._config.breaker_failures:
            self._end("circuit_open", f"the teacher failed {self._straight_failures} times in a row")

    def _end(self, cause: Stop, words: str) -> None:
        if not self.stopped:
            self.stopped = NOT_ASKED + words
            self._stop.set()
            self._on_stop(cause)
