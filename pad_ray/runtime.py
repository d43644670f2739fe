"""The one place that starts Ray or joins it."""

from __future__ import annotations

import logging
import math
import os
from typing import Any

from pad_ray.backpressure import shorten_queues
from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError


def needed_cpus(resources: ResourcesConfig) -> float:
    """Logical CPUs that the widest stage holds at once, so that a start with fewer is refused instead of hanging.

    Sampling holds one engine (more are started as there is room), its judges (half a CPU each), and a read, cut or
    map before the engine or after it; a resume holds the same. Training holds one CPU for each worker and one for
    the controller's own work.
    """
    engine = resources.engine_cpus * max(1, resources.engine_gpus)
    sampling = engine + 0.5 * resources.sandbox_workers + 1
    training = resources.train_workers + 1
    return max(sampling, training)


def needed_gpus(resources: ResourcesConfig) -> int:
    """GPUs that the widest stage holds at once: one engine, or all training workers."""
    return max(resources.engine_gpus, resources.train_workers if resources.train_gpus else 0)


def start_ray(resources: ResourcesConfig) -> None:
    """Joins the cluster that the environment names, or starts a local one with enough logical CPUs.

    Raises:
        PlacementError: the cluster has fewer CPUs or GPUs than the run needs at once.
    """
    import ray

    if not ray.is_initialized():
        if resources.cpus and not os.environ.get("RAY_ADDRESS"):
            _check_cpus(resources, resources.cpus)
        _init(resources)
        _quiet()
    have = ray.cluster_resources()
    _check_cpus(resources, have.get("CPU", 0))
    gpus = needed_gpus(resources)
    if have.get("GPU", 0) < gpus:
        raise PlacementError(
            f"the stages need {gpus} GPUs at once and this Ray has {have.get('GPU', 0):g}",
            "Lower `resources.engine_gpus` or `resources.train_workers`, or add GPUs",
        )


def _check_cpus(resources: ResourcesConfig, have: float) -> None:
    need = needed_cpus(resources)
    if have < need:
        raise PlacementError(
            f"the stages need {need:g} logical CPUs at once and this Ray has {have:g}",
            "Lower `resources.train_workers` or `resources.sandbox_workers`, or raise `resources.cpus`",
        )


def _init(resources: ResourcesConfig) -> None:
    import ray

    environment = {
        "env_vars": {
            "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "0"),
            "TOKENIZERS_PARALLELISM": "false",
        }
    }
    options: dict[str, Any] = {"runtime_env": environment, "log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**options)
        return
    # The first stages start a handful of workers at once; without this the raylet warns of it on the console.
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "16")
    cpus = resources.cpus or max(math.ceil(needed_cpus(resources)), os.cpu_count() or 1)
    # Logical CPUs may outnumber the cores: the stages of a laptop's run mostly wait for one another.
    ray.init(num_cpus=cpus, include_dashboard=False, **options)


def _quiet() -> None:
    """Keeps the console for our own lines; Ray's own words are in the files of its session."""
    import ray.data

    for name in ("ray", "ray.data", "ray.train", "ray.llm", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # The stream begins when engines and judges are up: else a teacher that is up first writes what nobody can judge
    # yet, and a kill loses it. An hour, for engines that load hundreds of gigabytes.
    context.wait_for_min_actors_s = 3600
    shorten_queues(context)
