"""How tier 1 grows from one core to two: two workers in one process, and two processes with a worker each."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

from pad_ray.sandbox import Program, Sandbox, Tier

ONE = "one worker, all on one core"
TWO_WORKERS = "two workers in one process, two cores"
TWO_PROCESSES = "two processes of one worker each, two cores"


def rates(programs: Sequence[Program]) -> dict[str, float]:
    """Programs a second by the wall clock; empty on a machine with one core."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        return {}
    return {
        ONE: _rate(programs, cores[:1], 1),
        TWO_WORKERS: _rate(programs, cores, 2),
        TWO_PROCESSES: _rate_of_processes(programs, cores),
    }


@contextlib.contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Keeps this thread, and what it starts, on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _rate(programs: Sequence[Program], cores: Sequence[int], workers: int) -> float:
    with _on(cores), Sandbox(workers=workers, tiers=[Tier.MONTY]) as sandbox:
        sandbox.run(programs[:200])
        start = time.perf_counter()
        sandbox.run(programs)
        return len(programs) / (time.perf_counter() - start)


def _rate_of_processes(programs: Sequence[Program], cores: Sequence[int]) -> float:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(cores)), context.SimpleQueue()
    halves = [list(programs[place :: len(cores)]) for place in range(len(cores))]
    processes = [context.Process(target=_process, args=(half, barrier, results)) for half in halves]
    for process in processes:
        process.start()
    spans: list[tuple[float, float]] = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return len(programs) / (max(stop for _, stop in spans) - min(start for start, _ in spans))


def _process(programs: list[Program], barrier: Barrier, results: Any) -> None:
    with Sandbox(tiers=[Tier.MONTY]) as sandbox:
        sandbox.run(programs[:200])
        barrier.wait()
        start = time.monotonic()
        sandbox.run(programs)
        results.put((start, time.monotonic()))
