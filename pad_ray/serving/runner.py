"""The sandbox as a deployment, and what a decoder asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pad_ray.errors import StageError
from pad_ray.generation.handle_calls import awaited, elsewhere
from pad_ray.sandbox import Execution, Program, Sandbox, Status, StepVerdict

_PROBE = Program("answer = 1 + 1", None)


class SandboxServer:
    """Replica of the sandbox.

    Args:
        workers: programs that run at the same time.
    """

    def __init__(self, workers: int = 1) -> None:
        self._sandbox = Sandbox(workers=workers).__enter__()

    async def run_async(self, programs: Sequence[Program]) -> list[Execution]:
        """As `Sandbox.run_async`."""
        return await self._sandbox.run_async(programs)

    async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        """As `Sandbox.check_steps_async`."""
        return await self._sandbox.check_steps_async(prefix, candidates)

    async def check_health(self) -> None:
        """It is healthy when a program runs; one that waits behind others says nothing against it.

        Raises:
            StageError: it does not.
        """
        [found] = await self._sandbox.run_async([_PROBE])
        if not found.ok and found.status is not Status.OVERLOAD:
            raise StageError(f"the sandbox runs no programs: {found.message}")

    def __del__(self) -> None:
        sandbox = getattr(self, "_sandbox", None)
        if sandbox is not None:
            sandbox.__exit__(None, None, None)


class RemoteRunner:
    """What `Solver` needs of a sandbox, by the handle of its deployment.

    A call whose replica died is made on another one. A program that a lost worker ran has a status that says so.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def run_async(self, programs: Sequence[Program]) -> Sequence[Execution]:
        """As `Sandbox.run_async`.

        Raises:
            EngineLost: replicas died, again and again.
        """

        async def call(handle: Any) -> Any:
            return await awaited(handle.run_async.remote(list(programs)))

        found: list[Execution] = await elsewhere(self._handle, "", call)
        return found

    async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        """As `Sandbox.check_steps_async`.

        Raises:
            EngineLost: replicas died, again and again.
        """

        async def call(handle: Any) -> Any:
            return await awaited(handle.check_steps_async.remote(prefix, list(candidates)))

        found: list[StepVerdict] = await elsewhere(self._handle, "", call)
        return found
