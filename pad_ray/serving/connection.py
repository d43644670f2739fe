"""A client that may go at any time: what is done for it ends with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Message, Receive, Scope, Send

from pad_ray.errors import PadRayError
from pad_ray.serving.answers import json_text
from pad_ray.serving.refusals import Refusal

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_STILL_HERE = b": still at work\n\n"  # a comment: clients read over it


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

    What fails before anything is sent is told by a status; what fails later by a last event. A silent stream sends
    comments, since proxies close a connection on which nothing comes.

    Args:
        events: as `sent_event` writes them; at least one.
        broken: writes the last event of a stream that failed.
        silence: seconds without an event after which a comment is sent.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None], broken: Callable[[Refusal], bytes], silence: float) -> None:
        # No proxy may keep them back to send many at once.
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._events, self._broken, self._silence = events, broken, silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it all.

        Raises:
            Exception: what the source raised before anything was sent.
        """
        try:
            await while_connected(receive, self.stream_response(send))
        except ClientGone as gone:
            _LOG.info("%s in a stream", gone)

    async def stream_response(self, send: Send) -> None:
        """As `__call__`, for a client that stays. One task reads the source: it may hold a task group."""
        line = _Line(send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._events) as events, line.kept_open(self._silence):
            try:
                async for chunk in events:
                    await line.send(chunk)
            except Exception as error:
                if not line.begun:
                    raise
                await line.send(self._broken(Refusal.of(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Line:
    """What one client is sent: the head before the first chunk, and comments in between.

    Attributes:
        begun: the head has been sent, so there can be no other status.
    """

    def __init__(self, send: Send, head: Message) -> None:
        self._send, self._head = send, head
        self._sending, self._sent = asyncio.Lock(), asyncio.Event()
        self.begun = False

    async def send(self, chunk: bytes) -> None:
        """Sends it behind all that was sent before."""
        self._sent.set()
        async with self._sending:
            if not self.begun:
                self.begun = True
                await self._send(self._head)
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    @asynccontextmanager
    async def kept_open(self, silence: float) -> AsyncIterator[None]:
        """Sends a comment whenever nothing was sent for so many seconds, while the body runs."""
        commenting = asyncio.create_task(self._comment(silence))
        try:
            yield
        finally:
            commenting.cancel()
            await asyncio.gather(commenting, return_exceptions=True)

    async def _comment(self, silence: float) -> None:
        while True:
            self._sent.clear()
            try:
                async with asyncio.timeout(silence):
                    await self._sent.wait()
            except TimeoutError:
                await self.send(_STILL_HERE)
