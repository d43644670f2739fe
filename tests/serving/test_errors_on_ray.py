"""What becomes of errors, deaths and cancelling between small real deployments of Ray Serve."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.engine import Draw, Proposals
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.errors import EngineLost, PadRayError, StageError
from pad_ray.generation.handle_calls import gathered
from pad_ray.generation.step_serve import RemoteStepEngine
from pad_ray.serving.backend import DecoderLost, Overloaded
from pad_ray.serving.decoder import ServeBackend, WarmUp
from pad_ray.serving.messages import Event, Job
from pad_ray.serving.model import session_routing

# Ray warns of much that is its own.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


class Misbehaving:
    """A decoder and a model in one that does what the question says; `left` tells what was cancelled."""

    def __init__(self) -> None:
        self._begun, self._left, self._go = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._asked = 0

    async def solve(self, job: Job) -> AsyncGenerator[Event]:
        if job.question == "die":
            os._exit(1)
        if job.question == "refuse":
            raise StageError("no sandbox here")
        if job.question == "break":
            raise KeyError("surprise")
        self._begun.set()
        try:
            await asyncio.Future()
        finally:
            self._left.set()
        yield  # type: ignore[misc]

    async def propose(self, prompt: Any, beams: Any, draw: Draw) -> Proposals:
        if prompt == (0,):
            os._exit(1)
        if prompt == Slow.PROMPT:
            self._asked += 1
            self._begun.set()
            await self._go.wait()
        return Proposals([[] for _ in beams])

    async def go(self) -> None:
        self._go.set()

    async def asked(self) -> int:
        return self._asked

    async def begun(self) -> bool:
        return await self._begun.wait()

    async def left(self) -> bool:
        return await self._left.wait()


class Slow:
    """A tokenizer whose every text is the prompt at which the model waits."""

    PROMPT = (2,)

    def encode(self, text: str) -> tuple[int, ...]:
        return self.PROMPT


class Warming:
    """A decoder that warms up its model; `left` tells that a request for it was cancelled."""

    def __init__(self, models: Any) -> None:
        self._warm_up = WarmUp(RemoteStepEngine(models, Slow()))  # type: ignore[arg-type]
        self._left = asyncio.Event()

    async def ready(self) -> bool:
        try:
            await self._warm_up.ended()
        except asyncio.CancelledError:
            self._left.set()
            raise
        return True

    async def left(self) -> bool:
        return await self._left.wait()


class Asking:
    """A decoder that asks its model several times at once, as one that draws greedily and samples does."""

    def __init__(self, models: Any) -> None:
        self._engine = RemoteStepEngine(models, Slow(), "one")  # type: ignore[arg-type]

    async def ask(self, times: int) -> int:
        return len(await gathered([self._engine.propose((1,), [()], Draw(1)) for _ in range(times)]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    import ray
    from ray import serve

    from pad_ray.runtime import cluster_address, start_ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # replicas do not find modules of tests
    own = not ray.is_initialized() and cluster_address() is None
    begins = start_ray(ResourcesConfig(cpus=4))
    serve.start(proxy_location="Disabled")
    yield
    serve.delete("misbehaving")
    if own:
        serve.shutdown()
    if begins:
        ray.shutdown()


def deployed(**options: Any) -> Any:
    from ray import serve

    deployment = serve.deployment(name="Misbehaving", ray_actor_options={"num_cpus": 0.1}, **options)(Misbehaving)
    return serve.run(deployment.bind(), name="misbehaving", route_prefix=None)


def job(question: str) -> Job:
    return Job("one", question, "greedy", DecodingConfig(), 8)


async def first(handle: Any, question: str) -> Event:
    return await anext(ServeBackend(handle).solve(job(question)))


@pytest.mark.parametrize(
    ("question", "error", "said"),
    [
        ("die", DecoderLost, "the decoder died"),
        ("refuse", StageError, "no sandbox here"),
        ("break", StageError, "KeyError"),
    ],
)
def test_an_error_of_a_replica_is_one_of_ours(
    cluster: None, question: str, error: type[PadRayError], said: str
) -> None:
    handle = deployed()
    with pytest.raises(error, match=said):
        asyncio.run(first(handle, question))


def test_closing_cancels_the_replica(cluster: None) -> None:
    handle = deployed(max_ongoing_requests=4)

    async def close() -> bool:
        waiting = asyncio.ensure_future(first(handle, "hang"))
        await handle.begun.remote()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(60):
            return bool(await handle.left.remote())

    assert asyncio.run(close())


def test_a_warm_up_goes_on_when_the_request_that_began_it_is_cancelled(cluster: None) -> None:
    from ray import serve

    small: dict[str, Any] = {"ray_actor_options": {"num_cpus": 0.1}, "max_ongoing_requests": 4}
    models = serve.deployment(name="Misbehaving", **small)(Misbehaving).bind()
    decoder = serve.run(
        serve.deployment(name="Warming", **small)(Warming).bind(models), name="misbehaving", route_prefix=None
    )
    model = serve.get_deployment_handle("Misbehaving", "misbehaving")

    async def leave() -> tuple[bool, int]:
        waiting = asyncio.ensure_future(ServeBackend(decoder).ready())
        await model.begun.remote()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(60):
            await decoder.left.remote()
        await model.go.remote()
        return await ServeBackend(decoder).ready(), await model.asked.remote()

    assert asyncio.run(leave()) == (True, 1)


def test_calls_of_one_request_at_the_same_time_are_all_routed(cluster: None) -> None:
    from ray import serve

    small: dict[str, Any] = {"ray_actor_options": {"num_cpus": 0.1}, "max_ongoing_requests": 64}
    routed = serve.deployment(name="Misbehaving", request_router_config=session_routing(), **small)(Misbehaving).bind()
    decoder = serve.run(
        serve.deployment(name="Asking", **small)(Asking).bind(routed), name="misbehaving", route_prefix=None
    )

    async def crowd() -> list[int]:
        async with asyncio.timeout(60):
            return list(await asyncio.gather(*[decoder.ask.remote(2) for _ in range(16)]))

    assert asyncio.run(crowd()) == [2] * 16


def test_a_full_queue_is_overload(cluster: None) -> None:
    handle = deployed(max_ongoing_requests=1, max_queued_requests=1)

    async def crowd() -> list[Any]:
        waiting = [asyncio.ensure_future(first(handle, "hang")) for _ in range(6)]
        done, _ = await asyncio.wait(waiting, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        errors = [task.exception() for task in done]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return errors

    errors = asyncio.run(crowd())
    assert errors
    assert all(isinstance(error, Overloaded) for error in errors)


def test_a_model_that_dies_each_time_is_lost(cluster: None) -> None:
    engine = RemoteStepEngine(deployed(num_replicas=2), None, "one")  # type: ignore[arg-type]
    with pytest.raises(EngineLost, match="Misbehaving"):
        asyncio.run(engine.propose((0,), [()], Draw(1)))


def test_a_model_that_lives_answers(cluster: None) -> None:
    engine = RemoteStepEngine(deployed(num_replicas=2), None, "one")  # type: ignore[arg-type]
    assert asyncio.run(engine.propose((1,), [(), ()], Draw(1))).of == [[], []]
