"""The one place that starts Ray or joins it."""

from __future__ import annotations

import json
import logging
import math
import os
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pad_ray.autoscaling import check_places, nodes_to_come
from pad_ray.backpressure import shorten_queues
from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError
from pad_ray.placement import JUDGE_CPUS, STAGES, Node, bundles, check
from pad_ray.ray_logs import WorkerLog
from pad_ray.run_lock import LOCK
from pad_ray.screen import chatter_to
from pad_ray.storage import Storage


def needed_cpus(resources: ResourcesConfig) -> float:
    """Logical CPUs that the widest stage holds at once, see `pad_ray.placement.bundles`."""
    return max(sum(bundle.cpus for bundle in wanted) for wanted in bundles(resources).values())


def local_cpus(resources: ResourcesConfig) -> int:
    """Logical CPUs of a Ray that is started for the run: more than there are cores, for most of its stages wait."""
    most = needed_cpus(resources) + JUDGE_CPUS * (resources.sandbox_workers - 1)
    return resources.cpus or max(math.ceil(most), os.cpu_count() or 1)


def start_ray(resources: ResourcesConfig, stages: Collection[str] = STAGES) -> bool:
    """Joins the cluster that the environment names or that runs here, or starts a local one with enough logical CPUs.

    Args:
        resources: what will be asked for.
        stages: see `check_places`.

    Returns:
        Whether one was started or joined; False where this process had one.

    Raises:
        PlacementError: there is no Ray where the environment says, or it can never hold what a stage needs at once.
    """
    import ray

    begins = not ray.is_initialized()
    if begins:
        _init(resources, stages)
        _settle()
    check_places(resources, stages)
    return begins


@contextmanager
def ray_running(resources: ResourcesConfig, run: Storage, stages: Collection[str] = STAGES) -> Iterator[None]:
    """Ray while the body runs, see `start_ray`; what it and all libraries say goes to files in the run's `logs`.

    Args:
        resources: what will be asked for.
        run: the run's folder, which is locked.
        stages: see `check_places`.

    Raises:
        PlacementError: as `start_ray`, or a node does not see the folder.
    """
    import ray

    logs = run / "logs"
    worker_log = WorkerLog(logs)
    with chatter_to(logs):
        began = False
        try:
            began = start_ray(resources, stages)
            worker_log.open()
            _check_shared(run)
            yield
        finally:
            worker_log.close()
            if began:
                ray.shutdown()


def _check_shared(run: Storage) -> None:
    """Sees that all nodes reach a run's folder, since each writes its own rows.

    Raises:
        PlacementError: one does not.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"]]
    if run.scheme or len(nodes) < 2:
        return
    sees = ray.remote(num_cpus=0, max_retries=0)(os.path.exists)
    asked = [
        sees.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
            f"{run.path}/{LOCK}"
        )
        for node in nodes
    ]
    blind = [node["NodeManagerHostname"] for node, seen in zip(nodes, ray.get(asked), strict=True) if not seen]
    if blind:
        raise PlacementError(
            f"{run.path} is not seen by {len(blind)} of {len(nodes)} nodes ({', '.join(blind[:3])})",
            "Set `runs` to a folder that all nodes share, or to object storage such as s3://bucket/runs",
        )


def with_cluster(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with `nodes` that are alive, and `restarts` of this driver's actors added to those that they name.

    What the cluster does not say just now, since its head is away for a moment, say, is left out.
    """
    try:
        return {**facts, **_standing(int(facts.get("restarts", 0)))}
    except Exception:  # of whatever kind: a line of progress is no reason to end
        return dict(facts)


def _standing(restarts: int) -> dict[str, int]:
    import ray
    from ray._private.state import state

    if not ray.is_initialized():
        return {}
    actors = state.actor_table(None, ray.JobID.from_hex(ray.get_runtime_context().get_job_id()))
    restarts += sum(int(actor["NumRestarts"]) for actor in actors.values())
    return {"nodes": sum(node["Alive"] for node in ray.nodes()), "restarts": restarts}


def nodes_here() -> tuple[list[Node], str | None]:
    """The nodes of the Ray that a run would join, and its address; none and None where it would start its own.

    Raises:
        PlacementError: the environment names a Ray that does not answer.
    """
    import ray

    address = cluster_address()
    if address is None:
        return [], None
    begins = not ray.is_initialized()
    if begins:
        _begin(logging_level=logging.ERROR, log_to_driver=False)
    try:
        return list(nodes_to_come()), address
    finally:
        if begins:
            ray.shutdown()


def cluster_address() -> str | None:
    """`host:port` of the Ray that a start would join, as Ray itself looks for it; None where it would start one.

    Raises:
        PlacementError: the environment names a Ray that does not answer.
    """
    from ray._private.services import canonicalize_bootstrap_address

    named = os.environ.get("RAY_ADDRESS", "")
    mend = "Unset RAY_ADDRESS to start a local Ray, or name one that runs"
    if "://" in named:
        raise PlacementError(
            f"RAY_ADDRESS={named} is no address for a run's own process", f"{mend}; or `pad-ray submit`"
        )
    try:
        found = canonicalize_bootstrap_address(None)  # type: ignore[arg-type]
    except (ValueError, ConnectionError, OSError) as error:
        raise PlacementError(f"RAY_ADDRESS={named} leads to no Ray: {' '.join(str(error).split())}", mend) from None
    if found is None or _answers(found):
        return found
    if named in ("", "auto"):
        return None  # a Ray that was here left a note of its address
    raise PlacementError(f"no Ray answers at RAY_ADDRESS={named}", mend)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _init(resources: ResourcesConfig, stages: Collection[str]) -> None:
    wanted = {"HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "0"), "TOKENIZERS_PARALLELISM": "false"}
    # A job's own environment wins; Ray refuses a key that both name.
    of_job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")).get("runtime_env") or {}
    named = of_job.get("env_vars") or {}
    environment = {"env_vars": {name: value for name, value in wanted.items() if name not in named}}
    # What workers say is brought to the driver, for `WorkerLog`.
    options: dict[str, Any] = {"runtime_env": environment, "log_to_driver": True, "logging_level": logging.INFO}
    if cluster_address() is not None:
        _begin(**options)
        return
    if resources.cpus and not (resources.engine_gpus or resources.train_gpus):
        # What will not do is told before Ray is started.
        check(resources, [Node("this machine", resources.cpus)], stages)
    # The first stages start a handful of workers at once; without this the raylet warns of it on the console.
    os.environ.setdefault("RAY_worker_maximum_startup_concurrency", "16")
    with _alone():
        _begin(num_cpus=local_cpus(resources), include_dashboard=False, **options)


def _begin(**options: Any) -> None:
    """The only call of `ray.init`; no address, so that the environment or a job's own cluster says where."""
    import ray

    ray.init(**options)


@contextmanager
def _alone() -> Iterator[None]:
    """Has Ray start anew, whatever address a Ray that is gone has left behind."""
    before = os.environ.get("RAY_ADDRESS")
    os.environ["RAY_ADDRESS"] = "local"
    try:
        yield
    finally:
        os.environ.pop("RAY_ADDRESS")
        if before is not None:
            os.environ["RAY_ADDRESS"] = before


def _settle() -> None:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # The stream begins when engines and judges are up: else a teacher that is up first writes what nobody can judge
    # yet, and a kill loses it. An hour, for engines that load hundreds of gigabytes.
    context.wait_for_min_actors_s = 3600
    shorten_queues(context)
    # A pool grows when all of its actors are full. Ray's own measure (1.75) counts on actors that are given twice what
    # they work on; an engine is not, so that a kill costs little, and its pool would never grow.
    context.autoscaling_config.actor_pool_util_upscaling_threshold = 1.0
    # Two judges with a block between them are no reason to end one and start it again.
    context.autoscaling_config.actor_pool_util_downscaling_threshold = 0.3
