"""The first token of a model: asked for once, whoever stops waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.errors import EngineLost
from pad_ray.serving.decoder import WarmUp
from tests.decoding.scripted import ScriptedEngine
from tests.serving.page_server import shopping


class Slow(ScriptedEngine):
    """Writes nothing until it may; counts how often it is asked."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__(shopping)
        self.go, self.calls, self._failures = asyncio.Event(), 0, failures

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        self.calls += 1
        await self.go.wait()
        if self.calls <= self._failures:
            raise EngineLost("it died")
        return await super().propose(prompt, beams, draw)


async def impatient(warm_up: WarmUp) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await warm_up.ended()


def test_a_first_token_that_takes_longer_than_anybody_waits_is_asked_for_once() -> None:
    async def main() -> int:
        engine = Slow()
        warm_up = WarmUp(engine)
        for _ in range(3):
            await impatient(warm_up)
        engine.go.set()
        for _ in range(2):
            await warm_up.ended()
        return engine.calls

    assert asyncio.run(main()) == 1


def test_a_model_that_died_at_its_first_token_is_asked_again() -> None:
    async def main() -> int:
        engine = Slow(failures=1)
        engine.go.set()
        warm_up = WarmUp(engine)
        with pytest.raises(EngineLost):
            await warm_up.ended()
        await warm_up.ended()
        return engine.calls

    assert asyncio.run(main()) == 2
