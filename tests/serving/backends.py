"""Backends in this process: one that tells what it is told to, and events to tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import Any

from pad_ray.serving.messages import AnswerEvent, Event, Job, StepEvent

PROGRAM = "def solution():\n    boxes = 3 * 4\n    return boxes - 5\n"
ANSWER = AnswerEvent(
    answer="7",
    value=7,
    program=PROGRAM,
    ran=True,
    verdict="ok",
    message="",
    lines=[],
    branches=[],
    chosen=2,
    deaths={"NameError": 1},
    stopped="done",
    completion_tokens=30,
    prompt_tokens=12,
    sandbox_seconds=0.25,
    seconds=0.5,
)


def step(lines: int, program: str = PROGRAM) -> StepEvent:
    """A step after which all beams share so many lines of a program."""
    shared = "".join(program.splitlines(keepends=True)[:lines])
    return StepEvent(0, lines, [], [1], shared, 10 * lines, 12, 0.1 * lines)


def answer(**other: Any) -> AnswerEvent:
    """An answer that differs in some fields."""
    return replace(ANSWER, **other)


class Told:
    """Gives each job the next of some scripts, the last one again and again.

    Args:
        scripts: each a row of events; an exception in it is raised, an asyncio event in it is awaited.
    """

    def __init__(self, *scripts: Sequence[Event | Exception | asyncio.Event]) -> None:
        self._scripts = list(scripts)
        self.jobs: list[Job] = []
        self.begun, self.closed = asyncio.Event(), asyncio.Event()
        self.on_close: Callable[[], None] = lambda: None

    async def solve(self, job: Job) -> AsyncGenerator[Event, None]:
        script = self._scripts[min(len(self.jobs), len(self._scripts) - 1)]
        self.jobs.append(job)
        self.begun.set()
        try:
            for one in script:
                if isinstance(one, Exception):
                    raise one
                if isinstance(one, asyncio.Event):
                    await one.wait()
                else:
                    yield one
        finally:
            self.closed.set()
            self.on_close()

    async def ready(self) -> bool:
        return True
