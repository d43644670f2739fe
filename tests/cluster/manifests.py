"""The files of `cluster/`, read: manifests as documents, their pods, and what their nodes hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pad_ray.placement import Node

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "cluster"
KUBERAY = sorted((CLUSTER / "kuberay").glob("*.yaml"))
RAY_UP = [CLUSTER / "aws.yaml", CLUSTER / "gcp.yaml"]
# Where the image and the ConfigMap of README.md put files of the repository.
IN_POD = {"/opt/pad-ray/": "", "/etc/pad-ray/": "cluster/"}


def documents(path: Path) -> list[Json]:
    """The documents of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def of_ray() -> dict[str, Json]:
    """The manifests that KubeRay reads, by name of file."""
    every = {path.stem: one for path in KUBERAY for one in documents(path)}
    return {name: one for name, one in every.items() if one["apiVersion"] == "ray.io/v1"}


def cluster_spec(manifest: Json) -> Json:
    """The spec of the Ray cluster within a RayCluster, RayJob or RayService."""
    spec: Json = manifest["spec"]
    inner: Json = spec.get("rayClusterSpec") or spec.get("rayClusterConfig") or spec
    return inner


def groups(manifest: Json) -> dict[str, Json]:
    """Head and worker groups by name."""
    spec = cluster_spec(manifest)
    return {"head": spec["headGroupSpec"], **{group["groupName"]: group for group in spec["workerGroupSpecs"]}}


def pods() -> dict[str, Json]:
    """The spec of every pod that the files make, named `file/group`."""
    found = {
        f"{name}/{group}": one["template"]["spec"] for name, it in of_ray().items() for group, one in groups(it).items()
    }
    plain = {path.stem: one for path in KUBERAY for one in documents(path) if one["kind"] == "Pod"}
    return found | {name: one["spec"] for name, one in plain.items()}


def containers(pod: Json) -> Iterator[Json]:
    """All containers of a pod, those that run first too."""
    yield from [*pod.get("initContainers", []), *pod["containers"]]


def least_nodes(manifest: Json) -> list[Node]:
    """The nodes that are there before the autoscaler has started any, as Ray will count them."""
    found = []
    for name, group in groups(manifest).items():
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        cpus = float(group["rayStartParams"].get("num-cpus", limits["cpu"]))
        gpus = float(limits.get("nvidia.com/gpu", 0))
        found += [Node(f"{name}-{n}", cpus, gpus) for n in range(group.get("minReplicas", 1))]
    return found


def ray_up_nodes(config: Json) -> list[Node]:
    """The same for a `ray up` file."""
    return [
        Node.of(f"{name}-{n}", kind["resources"])
        for name, kind in config["available_node_types"].items()
        for n in range(1 if name == config["head_node_type"] else kind["min_workers"])
    ]


def in_repository(path: str) -> Path:
    """The file of the repository that a pod has at `path`."""
    for prefix, folder in IN_POD.items():
        if path.startswith(prefix):
            return ROOT / folder / path.removeprefix(prefix)
    raise ValueError(f"{path} is no place that the image or the ConfigMap has")
