"""Waits until the engines of a stage have given back the memory that they held, before the next stage takes it.

Ray frees an actor's CPUs and GPUs when it has told the actor to end; its process goes seconds later, and with it the
memory of the machine and of the accelerator (vllm-project/vllm#20860). So the processes themselves are looked at, by
a mark in their environment, which what an engine starts inherits.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from functools import cache

from pad_ray.errors import StageError

_MARK = "PAD_RAY_ENGINE_OF"
_SECONDS = 120.0


def engine_mark() -> dict[str, str]:
    """The environment variable that an engine of this process is started with."""
    return {_MARK: _token()}


@cache
def _token() -> str:
    return uuid.uuid4().hex


def await_released(seconds: float = _SECONDS) -> None:
    """Returns when no process of an engine that this process has started is left on any node.

    Args:
        seconds: how long to wait.

    Raises:
        StageError: some are left after that.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    wait = ray.remote(num_cpus=0)(_wait_here)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    left = ray.get(
        [
            wait.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)).remote(_token(), seconds)
            for node in nodes
        ]
    )
    names = sorted({name for found in left for name in found})
    if names:
        raise StageError(
            f"engines still hold memory {seconds:g} s after their work: {', '.join(names)}",
            "What is done is kept: run the same command again",
        )


def _wait_here(token: str, seconds: float) -> list[str]:
    """Waits on this node; names of the processes that are left."""
    deadline = time.monotonic() + seconds
    while (left := sorted(_engines(token))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _engines(token: str) -> Iterator[str]:
    """Titles and pids of the processes on this machine that carry a mark."""
    import psutil

    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == token:
                yield f"{' '.join(process.cmdline()).strip()[:60]} (process {process.pid})"
        except psutil.Error:
            continue
