"""Training starts when the processes of the engines before it are gone, not when Ray has freed their CPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import StageError
from pad_ray.release import await_released, engine_mark
from pad_ray.runtime import start_ray

pytestmark = pytest.mark.usefixtures("started")


class Engine:
    """An actor that starts a process of its own, as vLLM's does."""

    def pids(self) -> list[int]:
        self.core = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        return [os.getpid(), self.core.pid]


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    import ray

    start_ray(ResourcesConfig(cpus=3))
    yield
    ray.shutdown()


def _engine(mark: dict[str, str]) -> Any:
    import ray

    return ray.remote(num_cpus=1)(Engine).options(runtime_env={"env_vars": mark}).remote()


def _gone(pid: int) -> bool:
    """Whether a process holds no memory; on its way out it may stay on the list, and so may who has lost its parent."""
    try:
        return bool(psutil.Process(pid).memory_info().rss == 0)
    except psutil.NoSuchProcess:  # a zombie is one of these too
        return True


def test_the_processes_of_an_engine_are_waited_for() -> None:
    import ray

    engine = _engine(engine_mark())
    actor, core = ray.get(engine.pids.remote())
    with pytest.raises(StageError, match="engines still hold memory 1 s after their work") as caught:
        await_released(1)
    assert all(f"process {pid}" in str(caught.value) for pid in (actor, core))
    ray.kill(engine)
    await_released(60)
    assert _gone(actor)
    assert _gone(core)


def test_engines_of_others_are_not_waited_for() -> None:
    import ray

    engine = _engine(dict.fromkeys(engine_mark(), "another"))
    _, core = ray.get(engine.pids.remote())
    await_released(0)
    psutil.Process(core).kill()
    ray.kill(engine)
