"""Whole programs as they stand in what a model wrote: found and run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pad_ray.programs.extract import extract
from pad_ray.sandbox import Execution, Program, Status

Run = Callable[[Sequence[Program]], Awaitable[Sequence[Execution]]]

NO_PROGRAM = Execution(Status.NO_RESULT, message="the text holds no program")


async def run_texts(run: Run, texts: Sequence[str]) -> list[tuple[str | None, Execution]]:
    """The program in each text, None where there is none, and what came of running it.

    Args:
        run: runs programs, such as `Sandbox.run_async`.
    """
    found = [extract(text) for text in texts]
    programs = [Program(one.source, one.entry) for one in found if one is not None]
    executions = iter(await run(programs) if programs else ())
    return [(one.source, next(executions)) if one is not None else (None, NO_PROGRAM) for one in found]
