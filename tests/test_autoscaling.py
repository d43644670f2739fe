"""What an autoscaler's answer is taken for, and which kinds of nodes are an autoscaler's."""

from __future__ import annotations

import pytest
from ray.core.generated.autoscaler_pb2 import (  # type: ignore[attr-defined]
    GangResourceRequest,
    GetClusterStatusReply,
    NodeState,
    NodeStatus,
)

from pad_ray.autoscaling import Answer, answer_in, starts_nodes
from pad_ray.config import ResourcesConfig
from pad_ray.placement import SAMPLING, bundles

GROUP, ASKED_AT = "0a1b", 7


def status(read: int, infeasible: str = "", *nodes: NodeState) -> GetClusterStatusReply:
    """As the cluster gives it, whose autoscaler has read so far and calls a group infeasible."""
    reply = GetClusterStatusReply()
    reply.autoscaling_state.last_seen_cluster_resource_state_version = read
    if infeasible:
        request = GangResourceRequest(details=f"{infeasible}:PACK|PENDING")
        reply.autoscaling_state.infeasible_gang_resource_requests.append(request)
    reply.cluster_resource_state.node_states.extend(nodes)
    return reply


def node(free: float, state: int = NodeStatus.RUNNING) -> NodeState:
    return NodeState(total_resources={"CPU": 4, "GPU": 1}, available_resources={"CPU": 4, "GPU": free}, status=state)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (status(ASKED_AT - 1, GROUP), Answer.OPEN),
        (status(ASKED_AT), Answer.STARTING),
        (status(ASKED_AT, "another"), Answer.STARTING),
        (status(ASKED_AT, GROUP), Answer.NEVER),
        (status(ASKED_AT + 1, GROUP, node(free=1)), Answer.NEVER),
        (status(ASKED_AT, GROUP, node(free=1), node(free=0)), Answer.OPEN),
        (status(ASKED_AT, GROUP, node(free=0, state=NodeStatus.DEAD)), Answer.NEVER),
    ],
    ids=["not read yet", "begun", "another's", "infeasible", "infeasible on free nodes", "taken by others", "dead"],
)
def test_infeasible_is_final_only_where_nobody_else_holds_anything(said: GetClusterStatusReply, answer: Answer) -> None:
    assert answer_in(said, GROUP, ASKED_AT) == answer


def test_without_an_autoscaler_each_node_is_a_kind_of_its_own() -> None:
    assert not starts_nodes({"ab12": "node_ab12", "cd34": "node_cd34"})
    assert starts_nodes({"ab12": "ray.head.default", "cd34": "gpu"})


def test_bundles_are_asked_for_by_rays_names() -> None:
    wanted = bundles(ResourcesConfig(engine_gpus=2, engine_cpus=3))[SAMPLING]
    assert [bundle.resources() for bundle in wanted] == [{"CPU": 3, "GPU": 1}] * 2 + [{"CPU": 1}, {"CPU": 0.5}]
