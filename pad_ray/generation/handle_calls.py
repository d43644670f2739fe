"""Calls through a handle of Ray Serve that may be made again: what they change is the replica's cache alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context
from functools import cache
from typing import Any, TypeVar

from pad_ray.errors import EngineLost

_T = TypeVar("_T")
_TRIES = 4
_FIRST_WAIT = 0.25  # seconds; doubled each time, so the controller has two to notice that a replica is dead
_LONGEST_REASON = 300


async def elsewhere(handle: Any, session: str, call: Callable[[Any], Coroutine[Any, Any, _T]]) -> _T:
    """What a call gives; where its replica dies it is made again, on another one, a few times.

    Args:
        handle: of the deployment.
        session: keeps calls on one replica; after a death they move to another one.
        call: makes the call by the handle that it is given; cancelled, it cancels the call in its replica.

    Raises:
        EngineLost: it died every time.
    """
    for number in range(_TRIES):
        named = f"{session}/{number}" if number else session
        try:
            return await _alone(call(handle.options(session_id=named) if named else handle))
        except Exception as error:
            if not is_lost(error):
                raise
            if number == _TRIES - 1:
                raise EngineLost(f"no replica of {handle.deployment_name} lived to answer: {said(error)}") from error
        _retries().inc(tags={"deployment": handle.deployment_name})
        await asyncio.sleep(_FIRST_WAIT * 2**number)
    raise AssertionError("unreachable")


async def _alone(call: Coroutine[Any, Any, _T]) -> _T:
    # All calls of a request have one id; of two that wait to be routed at the same time Ray 2.60's router of sessions
    # forgets the second one, for ever. In a context of its own a call has an id of its own; and Serve does not
    # cancel it with the request, which is for the caller to do.
    return await asyncio.create_task(call, context=Context())


@cache
def _retries() -> Any:
    """Counts calls made again, see `pad_ray.metrics.SERVED`."""
    from ray.util.metrics import Counter

    return Counter("pad_ray_serve_retries", "Calls made again since a replica died.", ("deployment",))


def is_lost(error: BaseException) -> bool:
    """Whether an error says that a process died, and nothing of what it was asked."""
    from ray.exceptions import NodeDiedError, ObjectLostError, RayActorError, RayTaskError, WorkerCrashedError

    if isinstance(error, RayActorError | NodeDiedError | ObjectLostError | WorkerCrashedError):
        return True
    cause = error.cause if isinstance(error, RayTaskError) else error
    # By name: vLLM, whose error it is, is not loaded here.
    return isinstance(cause, EngineLost) or type(cause).__name__ in ("EngineDeadError", "ReplicaUnavailableError")


async def awaited(response: Any) -> Any:
    """What a handle's response gives; cancelling this cancels the call in its replica."""
    try:
        return await response
    except asyncio.CancelledError:
        response.cancel()
        raise


async def streamed(responses: Any) -> Any:
    """What a handle's stream gives; leaving it cancels the call in its replica."""
    ended = False
    try:
        async for one in responses:
            yield one
        ended = True
    finally:
        if not ended:
            responses.cancel()


async def gathered(calls: Sequence[Awaitable[_T]]) -> list[_T]:
    """All results, in order; where one fails the others are cancelled."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def said(error: BaseException) -> str:
    """An error in one line."""
    return one_line(str(error))


def one_line(text: str) -> str:
    """A reason in one line that is not too long."""
    return " ".join(text.split())[:_LONGEST_REASON]
