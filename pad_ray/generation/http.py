"""The teacher `http`: an endpoint that speaks OpenAI's protocol, asked by one Ray Data actor for the whole run.

One actor, since pace, circuit breaker and spending limit count all requests of a run. A row that the endpoint does not
answer comes back with its reason. What a request cost is in its row, whether it answered or failed; a reply without a
count of tokens counts 0 (`usage_missing` in the tally says how many), and what an endpoint charges for a reply that
never arrived whole is nowhere to be known.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pad_ray.generation.completion import answered, failed
from pad_ray.generation.http_client import Client, most_tokens, request_body
from pad_ray.generation.http_guard import Guard
from pad_ray.generation.http_reply import Reply, one_line
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.generation.loop_thread import LoopThread
from pad_ray.records import Row, table

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0  # as OpenAI's own client waits
_SHORTEST_SECRET = 12  # shorter keys are words such as `EMPTY`, which an honest completion may hold


class HttpTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    For `map_batches` with `ActorPoolStrategy(size=1, max_concurrent_calls_per_actor=n)`. A call is a block, and gives
    its rows on when the last of them is done. So `max_in_flight` requests are in flight only if n blocks hold as many
    rows, and a block to spare keeps them so while another waits for its last row.

    Args:
        config: the endpoint and its limits.
        model: name at the endpoint.
        tally: actor of `pad_ray.tally`, or None. It counts `requests`, `retries`, `rate_limited` (replies 429),
            `tokens` (prompts too), `cost`, `usage_missing`, and 1 for `circuit_open` or `spending_limit_reached`.
        spent: money that earlier runs spent, which counts against the spending limit.

    Raises:
        ConfigError: the key's environment variable is not set in this process.
    """

    def __init__(self, config: HttpConfig, model: str, tally: Any = None, spent: float = 0.0) -> None:
        self._config = config
        self._model = model
        self._tally = tally
        self._key = config.key()
        self._client = Client(config, model, self._key)
        self._guard = Guard(config, spent + _spent_here(tally), lambda cause: self._count({cause: 1}))
        # A loop of our own. Ray Data reads blocks, and waits for room in its output, on the loop that it calls us
        # from (plan_udf_map_op.py), and meanwhile replies that are paid for would run into their timeout.
        self._loop = LoopThread("http-teacher")

    async def __call__(self, batch: Any) -> AsyncIterator[Any]:
        requests = batch.to_pylist()
        bodies = [request_body(self._config, self._model, request) for request in requests]
        rows = self._loop.submit(self._answer_all(requests, bodies))
        yield table("completion", await asyncio.wrap_future(rows))

    def close(self) -> None:
        """Closes all connections and ends the thread."""
        self._loop.run(self._client.close())
        self._loop.close()

    async def _answer_all(self, requests: list[Row], bodies: list[Row]) -> list[Row]:
        return await asyncio.gather(*map(self._answer, requests, bodies))

    async def _answer(self, request: Row, body: Row) -> Row:
        """The row of one request, after as many tries as it takes."""
        bill = _Bill()
        reply = await self._ask(body, bill)
        self._guard.row_done(reply.text is not None)
        self._count(bill.counts())
        if reply.text is None:
            tries = f" ({bill.requests} requests)" if bill.requests > 1 else ""
            return failed(request, one_line(reply.error, self._key, 280) + tries, cost=bill.cost)
        long = len(self._key) >= _SHORTEST_SECRET
        return answered(
            request,
            reply.text.replace(self._key, "[key]") if long else reply.text,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            finish_reason=reply.finish_reason,
            seconds=bill.seconds,
            cost=bill.cost,
        )

    async def _ask(self, body: Row, bill: _Bill) -> Reply:
        """The last reply to a request, which is sent again as long as its failure may pass."""
        reply = None
        for attempt in range(self._config.retries + 1):
            if reply is not None:
                await self._guard.rest(_wait(reply, attempt))
            async with self._guard.turn(most_tokens(body)) as may_send:
                if not may_send:
                    break
                reply = await self._send(body, bill)
            if not reply.retry:
                break
        return reply or Reply(error=self._guard.stopped)

    async def _send(self, body: Row, bill: _Bill) -> Reply:
        begun = time.monotonic()
        reply = await self._client.send(body)
        cost = self._config.cost(reply.prompt_tokens, reply.completion_tokens)
        bill.add(reply, cost, time.monotonic() - begun)
        self._guard.paid(cost)
        if used := reply.prompt_tokens + reply.completion_tokens:
            self._guard.settle(most_tokens(body), used)
        if reply.rate_limited and reply.retry_after:
            self._guard.pause(reply.retry_after)  # the limit is the key's, not the row's
        return reply

    def _count(self, counts: dict[str, float]) -> None:
        if self._tally is not None:
            self._tally.add.remote({name: count for name, count in counts.items() if count})


@dataclass
class _Bill:
    """What one row has used up."""

    requests: int = 0
    rate_limited: int = 0
    tokens: int = 0
    usage_missing: int = 0
    cost: float = 0.0
    seconds: float = 0.0  # with the endpoint; not those in line for a turn

    def add(self, reply: Reply, cost: float, seconds: float) -> None:
        self.requests += 1
        self.seconds += seconds
        self.rate_limited += reply.rate_limited
        self.tokens += reply.prompt_tokens + reply.completion_tokens
        self.usage_missing += reply.usage_missing
        self.cost += cost

    def counts(self) -> dict[str, float]:
        counted = {name: value for name, value in vars(self).items() if name != "seconds"}
        return {**counted, "retries": max(0, self.requests - 1)}


def _wait(reply: Reply, attempt: int) -> float:
    """Seconds before the next try: what the endpoint wishes, else twice as long each time, less a random part."""
    if reply.retry_after:
        return reply.retry_after
    return min(_FIRST_WAIT_S * 2.0 ** (attempt - 1), _LONGEST_WAIT_S) * random.uniform(0.75, 1)


def _spent_here(tally: Any) -> float:
    """What this run has spent already: Ray starts an actor anew that died, and the limit must hold all the same."""
    if tally is None:
        return 0.0
    import ray

    return float(ray.get(tally.read.remote()).get("cost", 0.0))
