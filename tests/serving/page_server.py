"""The service with its page on a free port, in this process: a scripted model, the real sandbox and ingress."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pad_ray.asking import Asking
from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.errors import EngineError
from pad_ray.recipes import recipe_named
from pad_ray.sandbox import Sandbox
from pad_ray.serving.backend import Overloaded
from pad_ray.serving.messages import Event, Job
from pad_ray.serving.search import Searcher
from tests.decoding.scripted import Script, ScriptedEngine
from tests.serving import web

QUESTION = (
    "At the store Leila buys 4 scarves for 12 dollars each and 8 dolls for 13 dollars each. "
    "How many dollars does Leila spend in all?"
)
_SHOPPING = {
    "": [
        ("\n    scarves = 4 * 12\n", 0.45),
        ("\n    scarf_price = 12\n", 0.2),
        ("\n    scarves_cost = 12 * 4\n", 0.15),
        ("\n    total = scarves * 12\n", 0.2),
    ],
    "scarves = 4 * 12": [
        ("    dolls = 8 * 13\n", 0.6),
        ("    dolls = 13 * 8\n", 0.25),
        ("    dolls = doll * 13\n", 0.15),
    ],
    "scarves_cost = 12 * 4": [("    dolls_cost = 13 * 8\n", 0.8), ("    return scarves_cost\n", 0.2)],
    "scarf_price = 12": [("    doll_price = 13\n", 0.7), ("    total = 4 * scarf_price + 8 * doll\n", 0.3)],
    "doll_price = 13": [("    total = 4 * scarf_price + 8 * doll_price\n", 0.8), ("    return 4 * scarf_prise\n", 0.2)],
    "dolls_cost = 13 * 8": [("    return scarves_cost + dolls_cost\n", 0.9), ("    return dolls_cost / 0\n", 0.1)],
}
_LAST = [
    ("    total = scarves + dolls\n", 0.7),
    ("    return scarves + dolls\n", 0.2),
    ("    return scarf + dolls\n", 0.1),
]


def shopping(text: str) -> Sequence[tuple[str, float]]:
    """Programs such as a small model writes for `QUESTION`, right and wrong."""
    last = text.rstrip().rpartition("\n")[2].strip()
    if last.startswith("total"):
        return [("    return total\n", 1.0)]
    return _SHOPPING.get(last, _LAST)


class Gated(ScriptedEngine):
    """A model that writes no further than it is allowed.

    Attributes:
        begun: set once it has been asked.
        left: set once something that was being written is not wanted any more.
        at_work: calls that it has not answered yet.
    """

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._changed = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._allowed, self._broken = 0, False
        self.begun, self.left = threading.Event(), threading.Event()
        self.at_work = 0

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        self._loop = asyncio.get_running_loop()
        self.begun.set()
        self.at_work += 1
        written = max(map(len, beams), default=0)
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._broken or written < self._allowed)
        except asyncio.CancelledError:
            self.left.set()
            raise
        finally:
            self.at_work -= 1
        if self._broken:
            raise EngineError("the model ran out of memory")
        return await super().propose(prompt, beams, draw)

    def allow(self, lines: int = 1_000) -> None:
        """Lets it write programs of so many lines."""
        self._allowed = lines
        self._wake()

    def fail(self) -> None:
        """Lets what is being written fail."""
        self._broken = True
        self._wake()

    def _wake(self) -> None:
        async def wake() -> None:
            async with self._changed:
                self._changed.notify_all()

        if self._loop:
            asyncio.run_coroutine_threadsafe(wake(), self._loop).result()


class Refusing:
    """A backend that turns so many jobs away before it lets them through."""

    def __init__(self, searcher: Searcher, refusals: int = 0) -> None:
        self._searcher, self.refusals = searcher, refusals

    async def solve(self, job: Job) -> AsyncGenerator[Event]:
        if self.refusals:
            self.refusals -= 1
            raise Overloaded("all replicas are at work")
        async for event in self._searcher.solve(job):
            yield event

    async def ready(self) -> bool:
        return True


@contextmanager
def served(engine: Gated, sandbox: Sandbox, refusals: int = 0, **config: Any) -> Iterator[str]:
    """The address of a service over an engine, with what is being written let through at the end.

    Args:
        engine: the model.
        sandbox: runs its programs.
        refusals: so many jobs are turned away first.
        config: settings, see `ServeConfig`.
    """
    config = {"decoding": {"candidates": 6, "certain": 1.0}, **config}
    backend = Refusing(Searcher(engine, sandbox, Asking(recipe_named("pad"))), refusals)
    with web.served(web.app_of(backend, **config)) as url:
        try:
            yield url + "/"
        finally:
            engine.allow()
