"""The sandbox: programs in, executions out, in order."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

from .audit import Statistics
from .errors import SandboxClosed, SandboxUnavailable
from .execution import Execution, Program, Status, Tier
from .limits import ALL_LAYERS, DEFAULT_LIMITS, Layer, Limits
from .pool import Overload, Pool
from .steps import StepCheck, StepVerdict
from .suspicion import suspicions

CHUNK = 128
# The time that a call may take to get here without having waited.
_A_MOMENT = 0.01


class Sandbox:
    """Runs untrusted programs in confined processes. A context manager; safe to use from several threads.

    Args:
        limits: bounds on each program.
        workers: programs that run at the same time, one core each. Deciding what to run where and reading answers
            takes this process about twice the time that Monty takes for a short program, so past two workers more
            processes with a sandbox each do more than more workers.
        layers: the layers of confinement to use where the machine has them; fewer for tests only.
        tiers: the interpreters to use; CPython runs what Monty cannot.
        max_wait_s: how long a call waits for a worker that others use, before it comes back as `overload`.
        audit: the share of Monty's answers that CPython is asked for again. Where the two differ, CPython's counts
            and `statistics` keeps both. CPython takes some thirty times as long, so 0.01 costs a third.
        warm: start the CPython interpreters at once. Otherwise the first program that needs one waits for it, a
            second or more where it needs sympy or numpy.

    Raises (when entered):
        SandboxUnavailable: the machine cannot confine programs, or a tier's interpreter is missing.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        workers: int = 1,
        *,
        layers: Iterable[Layer | str] = ALL_LAYERS,
        tiers: Iterable[Tier | str] = tuple(Tier),
        max_wait_s: float = 60.0,
        audit: float = 0.0,
        warm: bool = False,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if not 0 <= audit <= 1:
            raise ValueError(f"audit is a share between 0 and 1, not {audit}")
        self.limits = limits
        self.workers = workers
        self.layers = frozenset(Layer(layer) for layer in layers)
        self.tiers = frozenset(Tier(tier) for tier in tiers)
        self.max_wait_s = max_wait_s
        self.audit = audit
        self.warm = warm
        self._pool: Pool | None = None
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Sandbox:
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable("the sandbox needs Linux", "Run it in a container or a virtual machine")
        pool = Pool(self.limits, self.workers, self.layers, self.tiers, self.audit)
        try:
            pool.start(self.warm)
        except BaseException:
            pool.close()
            raise
        self._pool = pool
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        threads, self._threads = self._threads, None
        if pool:
            pool.close()
        if threads:
            threads.shutdown(wait=True, cancel_futures=True)

    @property
    def statistics(self) -> Statistics:
        """What the sandbox has done since it was opened.

        Raises:
            SandboxClosed: outside of the `with` block.
        """
        return self._open()[0].statistics

    def run(self, programs: Sequence[Program | str]) -> list[Execution]:
        """Runs programs and returns what came of each, in their order.

        Raises:
            SandboxClosed: outside of the `with` block.
            SandboxUnavailable: workers were lost and no new ones could be confined.
        """
        return self._run(programs, time.monotonic())

    def _run(self, programs: Sequence[Program | str], asked_at: float) -> list[Execution]:
        pool, threads = self._open()
        wanted = [Program(program) if isinstance(program, str) else program for program in programs]
        batch = _Batch(pool, wanted, self._patience(asked_at))
        helpers = min(self.workers, len(batch.chunks)) - 1
        for _ in range(helpers):
            threads.submit(batch.work)
        batch.work()
        return batch.result()

    async def run_async(self, programs: Sequence[Program | str]) -> list[Execution]:
        """`run` without blocking the event loop.

        Raises:
            SandboxClosed: outside of the `with` block.
            SandboxUnavailable: workers were lost and no new ones could be confined.
        """
        _, threads = self._open()
        return await asyncio.get_running_loop().run_in_executor(threads, self._run, programs, time.monotonic())

    def check_steps(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        """Says of each candidate for the next statement whether the text with it parses and runs, and what of it.

        Args:
            prefix: the text so far, whole lines.
            candidates: texts of the next statement with its indent; a block opener, a comment, a blank line or
                several lines will do.

        Raises:
            SandboxClosed: outside of the `with` block.
            SandboxUnavailable: workers were lost and no new ones could be confined.
        """
        return self._check_steps(prefix, candidates, time.monotonic())

    def _check_steps(self, prefix: str, candidates: Sequence[str], asked_at: float) -> list[StepVerdict]:
        pool, _ = self._open()
        check = StepCheck(prefix, candidates, self.limits.code_kb << 10)
        try:
            with pool.slot(self._patience(asked_at)) as slot:
                return check.verdicts(slot.look(check.looks))
        except Overload as error:
            return [StepVerdict(Status.OVERLOAD, message=str(error)) for _ in candidates]

    async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        """`check_steps` without blocking the event loop.

        Raises:
            SandboxClosed: outside of the `with` block.
            SandboxUnavailable: workers were lost and no new ones could be confined.
        """
        _, threads = self._open()
        asked = (prefix, candidates, time.monotonic())
        return await asyncio.get_running_loop().run_in_executor(threads, self._check_steps, *asked)

    def _patience(self, asked_at: float) -> float:
        """How much longer a call may wait for a worker, having waited for a thread; below 0 if it may not at all."""
        waited = time.monotonic() - asked_at
        return self.max_wait_s - waited if waited > _A_MOMENT else self.max_wait_s

    def _open(self) -> tuple[Pool, ThreadPoolExecutor]:
        if self._pool is None or self._threads is None:
            raise SandboxClosed("the sandbox is not open", "Use it within `with Sandbox() as sandbox:`")
        return self._pool, self._threads


class _Batch:
    """The programs of one call, cut into chunks that any number of threads take from."""

    def __init__(self, pool: Pool, programs: list[Program], max_wait_s: float) -> None:
        self._pool = pool
        self._programs = programs
        self._max_wait_s = max_wait_s
        self._executions: list[Execution | None] = [None] * len(programs)
        self._lock = threading.Lock()
        self._done = threading.Condition(self._lock)
        self.chunks = [range(at, min(at + CHUNK, len(programs))) for at in range(0, len(programs), CHUNK)]
        self._next = 0
        self._left = len(self.chunks)
        self._error: BaseException | None = None

    def work(self) -> None:
        """Runs chunks until none is left."""
        while (chunk := self._take()) is not None:
            try:
                self._run(chunk)
            except BaseException as error:
                with self._done:
                    self._error = error
            finally:
                with self._done:
                    self._left -= 1
                    self._done.notify_all()

    def result(self) -> list[Execution]:
        """All executions, once every chunk is done."""
        with self._done:
            self._done.wait_for(lambda: self._left == 0 or self._error is not None)
        if self._error is not None:
            raise self._error
        return [execution for execution in self._executions if execution is not None]

    def _take(self) -> range | None:
        with self._lock:
            if self._next == len(self.chunks) or self._error is not None:
                return None
            self._next += 1
            return self.chunks[self._next - 1]

    def _run(self, chunk: range) -> None:
        programs = [self._programs[place] for place in chunk]
        try:
            with self._pool.slot(self._max_wait_s) as slot:
                executions = slot.run(programs)
        except Overload as error:
            executions = [Execution(Status.OVERLOAD, message=str(error)) for _ in programs]
        for place, program, execution in zip(chunk, programs, executions, strict=True):
            signs = suspicions(program.code)
            if signs:
                execution = replace(execution, suspicions=tuple(sorted({*execution.suspicions, *signs})))
            self._executions[place] = execution
