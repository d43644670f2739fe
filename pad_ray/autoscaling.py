"""The nodes of the cluster that was joined, and those that its autoscaler may start: asked for, and waited for.

Ray 2.60 tells a driver nothing of the groups of nodes that an autoscaler has: `get_cluster_config` is there for it, and
neither KubeRay nor `ray up` fills it. But the autoscaler (v2) answers a placement group: it starts nodes for it, or
reports it as infeasible, by its own rules of groups and of their most nodes. So what the nodes that are there cannot
hold is asked for as one, which is given back as soon as there is an answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError
from pad_ray.placement import MENDS, STAGES, Bundle, Node, bundles, check_stage, lacking, place
from pad_ray.screen import screen

_MOST_OF_A_KIND = 1024  # an autoscaler without a limit of its own
_LOOK_SECONDS = 3
_RPC_SECONDS = 10


class Answer(StrEnum):
    """What the autoscaler has said of a request.

    `OPEN` is nothing yet, or that nodes which could hold it are taken by others just now.
    """

    OPEN = "open"
    STARTING = "starting"
    PLACED = "placed"
    NEVER = "never"


def nodes_to_come() -> Iterator[Node]:
    """The nodes of the cluster that this process has joined, and those that Ray says its autoscaler may still add."""
    import ray
    from ray._private.state import state
    from ray._raylet import RAY_NODE_GROUP_KEY  # type: ignore[attr-defined]

    alive = [node for node in ray.nodes() if node["Alive"]]
    for node in alive:
        yield Node.of(f"{node['NodeManagerAddress']} ({node['NodeID'][:6]})", node["Resources"])
    for group in getattr(state.get_cluster_config(), "node_group_configs", ()):
        here = sum(node["Labels"].get(RAY_NODE_GROUP_KEY) == group.name for node in alive)
        most = group.max_count if group.max_count >= 0 else _MOST_OF_A_KIND
        for number in range(here, most):
            yield Node.of(f"{group.name}-{number}", dict(group.resources))


def may_grow() -> bool:
    """Whether the cluster that this process has joined has an autoscaler with nodes to start."""
    return _answers() or starts_nodes(_kinds_of_nodes())


def starts_nodes(kinds: Mapping[str, str]) -> bool:
    """Whether the kinds of nodes that Ray's older monitor names are an autoscaler's groups.

    Args:
        kinds: by node; without an autoscaler the monitor calls each node a kind of its own.
    """
    return not all(kind == f"node_{node}" for node, kind in kinds.items())


def _answers() -> bool:
    """Whether the autoscaler is the one that says what it cannot do (v2)."""
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    return bool(is_autoscaler_v2(fetch_from_server=True, gcs_client=_gcs()))


def _kinds_of_nodes() -> dict[str, str]:
    from ray._private.ray_constants import DEBUG_AUTOSCALING_STATUS

    status = json.loads(_gcs().internal_kv_get(DEBUG_AUTOSCALING_STATUS.encode(), None) or b"{}")
    return dict((status.get("autoscaler_report") or {}).get("node_type_mapping") or {})


def _gcs() -> Any:
    from ray._private.worker import global_worker

    return global_worker.gcs_client  # type: ignore[attr-defined]


def check_places(resources: ResourcesConfig, stages: Collection[str] = STAGES) -> None:
    """Refuses at once what the cluster can never hold, with all the nodes that it may start.

    An autoscaler that gives no answer (v1) is believed to be able to: the stage waits for it.

    Args:
        resources: of the run.
        stages: those that the run will come to; for others no node is asked for.

    Raises:
        PlacementError: the message says what is left without a place, and what there is.
    """
    for stage, wanted in bundles(resources, stages).items():
        nodes = list(nodes_to_come())
        if not place(wanted, nodes)[1]:
            continue
        if not may_grow():
            check_stage(stage, wanted, nodes)
        elif _answers():
            _await(stage, wanted, resources, {Answer.STARTING, Answer.PLACED})


def await_places(stage: str, resources: ResourcesConfig) -> None:
    """Waits for the nodes that a stage needs at once, for `resources.node_minutes` at most, and says so.

    Args:
        stage: one of `pad_ray.placement.bundles`.
        resources: of the run.

    Raises:
        PlacementError: the cluster can never hold it, or the nodes did not come.
    """
    wanted = bundles(resources)[stage]
    if place(wanted, list(nodes_to_come()))[1] and may_grow():
        _await(stage, wanted, resources, {Answer.PLACED})


def _await(stage: str, wanted: Sequence[Bundle], resources: ResourcesConfig, enough: set[Answer]) -> None:
    until = time.monotonic() + 60 * resources.node_minutes
    nodes = list(nodes_to_come())
    print(f"{stage}: asked the autoscaler for nodes: {lacking(stage, wanted, nodes)}", file=screen(), flush=True)
    with _Demand(wanted) as demand:
        while (answer := demand.answer()) not in enough:
            nodes = list(nodes_to_come())
            if not place(wanted, nodes)[1]:
                return  # there, and in use by others: Ray shares them out
            if answer is Answer.NEVER:
                problem = f"{lacking(stage, wanted, nodes)}, and its autoscaler has no nodes for that"
                raise PlacementError(problem, MENDS[stage])
            if time.monotonic() > until:
                problem = f"{lacking(stage, wanted, nodes)}, and none came in {resources.node_minutes:g} minutes"
                raise PlacementError(problem, "Run the same command again, or raise `resources.node_minutes`")


class _Demand:
    """A placement group that asks for what a stage holds at once, until it is left.

    Args:
        wanted: what is to be placed.
    """

    def __init__(self, wanted: Sequence[Bundle]) -> None:
        from ray.util.placement_group import placement_group

        self._group = placement_group([bundle.resources() for bundle in wanted], strategy="PACK")
        self._asked_at: int | None = None

    def __enter__(self) -> _Demand:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from ray.util.placement_group import remove_placement_group

        remove_placement_group(self._group)

    def answer(self) -> Answer:
        """What is known by now, after a moment in which it may be placed."""
        from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply  # type: ignore[attr-defined]
        from ray.exceptions import RpcError

        if self._group.wait(_LOOK_SECONDS):
            return Answer.PLACED
        try:
            said = _gcs().get_cluster_status(timeout_s=_RPC_SECONDS)
        except RpcError:  # a head that is busy, or away for a moment
            return Answer.OPEN
        status = GetClusterStatusReply.FromString(said)
        group, asked = self._group.id.hex(), status.cluster_resource_state
        if self._asked_at is None and _among(group, asked.pending_gang_resource_requests):
            self._asked_at = asked.cluster_resource_state_version
        return Answer.OPEN if self._asked_at is None else answer_in(status, group, self._asked_at)


def answer_in(status: Any, group: str, asked_at: int) -> Answer:
    """What a status of the cluster says of a placement group that is not placed.

    Args:
        status: Ray's `GetClusterStatusReply`.
        group: the group's id.
        asked_at: number of a state of the cluster in which the group was asked for; the autoscaler answers with the
            number of the state that it has read last.
    """
    said = status.autoscaling_state
    if said.last_seen_cluster_resource_state_version < asked_at:
        return Answer.OPEN
    if not _among(group, said.infeasible_gang_resource_requests):
        return Answer.STARTING
    return Answer.NEVER if _all_free(status.cluster_resource_state.node_states) else Answer.OPEN


def _among(group: str, requests: Any) -> bool:
    return any(request.details.partition(":")[0] == group for request in requests)


def _all_free(nodes: Any) -> bool:
    """Whether nobody holds a CPU or GPU: else what an autoscaler calls infeasible may become possible."""
    from ray.core.generated.autoscaler_pb2 import NodeStatus  # type: ignore[attr-defined]

    return all(
        node.status == NodeStatus.DEAD
        or all(node.available_resources.get(name, 0) >= node.total_resources.get(name, 0) for name in ("CPU", "GPU"))
        for node in nodes
    )
