"""A client that may go at any time: what is done for it ends with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from pad_ray.errors import PadRayError
from pad_ray.serving.answers import json_text
from pad_ray.serving.refusals import Refusal

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


class ClientGone(PadRayError):
    """Nobody waits for the answer any more."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled, and has ended, once the client has hung up.

    Args:
        receive: of a request whose body has been read.
        work: what is done for it.

    Raises:
        ClientGone: it did.
    """
    doing, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ClientGone("the client hung up")
    finally:
        doing.cancel()
        gone.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def sent_event(data: Any, event: str | None = None) -> bytes:
    """A server-sent event; its data is written as JSON."""
    return format_sse_event(data_str=json_text(data), event=event)


class EventStream(StreamingResponse):
    """Server-sent events, whose source is closed when they have all been sent or the client has gone.

    What fails before the first event is told by a status; what fails later by a last event.

    Args:
        events: as `sent_event` writes them; at least one.
        broken: writes the last event of a stream that failed.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], broken: Callable[[Refusal], bytes]) -> None:
        # No proxy may keep them back to send many at once.
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._events, self._broken = events, broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it all.

        Raises:
            Exception: what the source raised before its first event.
        """
        try:
            await while_connected(receive, self.stream_response(send))
        except ClientGone as gone:
            _LOG.info("%s in a stream", gone)

    async def stream_response(self, send: Send) -> None:
        """As `__call__`, for a client that stays. One task does all of it: a source may hold a task group."""
        async with aclosing(self._events) as events:
            chunk = await anext(events)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                await send(_part(chunk))
                async for chunk in events:
                    await send(_part(chunk))
            except Exception as error:
                await send(_part(self._broken(Refusal.of(error))))
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _part(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}
