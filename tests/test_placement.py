"""What fits on which nodes, and what is said of what does not."""

from __future__ import annotations

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError
from pad_ray.placement import SAMPLING, STAGES, TRAINING, Bundle, Node, bundles, check, described, listed, place, summed


def homeless(wanted: list[Bundle], *nodes: Node) -> list[str]:
    return [bundle.who for bundle in place(wanted, nodes)[1]]


def test_a_bundle_lies_on_one_node() -> None:
    wide = [Bundle("engine", 2)]
    assert homeless(wide, *(Node(str(n), 1) for n in range(10))) == ["engine"]
    assert homeless(wide, Node("wide", 2)) == []


def test_who_needs_no_gpu_leaves_the_node_with_gpus_to_who_does() -> None:
    wanted = [Bundle("judge", 1), Bundle("engine", 1, 1)]
    placed, left = place(wanted, [Node("gpu", 1, 1), Node("cpu", 1)])
    assert left == []
    assert [bundle.who for bundle in placed["gpu"]] == ["engine"]


def test_the_largest_is_placed_first() -> None:
    assert homeless([Bundle("judge", 1), Bundle("judge", 1), Bundle("engine", 3)], Node("a", 3), Node("b", 2)) == []


def test_thirds_add_up() -> None:
    assert homeless([Bundle("judge", 1 / 3)] * 3, Node("a", 1)) == []


def test_an_engine_of_several_gpus_is_a_bundle_for_each() -> None:
    wanted = bundles(ResourcesConfig(engine_gpus=4, engine_cpus=1))[SAMPLING]
    assert [bundle for bundle in wanted if bundle.who == "engine"] == [Bundle("engine", 1, 1)] * 4


def test_training_on_gpus_asks_for_one_a_worker() -> None:
    wanted = bundles(ResourcesConfig(train_workers=3, train_gpus=True))[TRAINING]
    assert summed(wanted) == "4 CPUs and 3 GPUs"


def test_training_asks_for_no_more_than_the_fewest_workers() -> None:
    wanted = bundles(ResourcesConfig(train_workers=64, train_workers_min=3))[TRAINING]
    assert summed(wanted) == "4 CPUs"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"train_workers": 4},
            "training needs 5 CPUs at once, and there is no place for 1 × controller (1 CPU): "
            "this Ray has 2 nodes with 2 CPUs. Lower `resources.train_workers`, or add nodes",
        ),
        (
            {"engine_cpus": 3, "train_workers": 1},
            "sampling needs 4.5 CPUs at once, and there is no place for 1 × engine (3 CPUs): this Ray has 2 nodes",
        ),
        ({"engine_gpus": 1, "train_workers": 1}, "sampling needs 2.5 CPUs and 1 GPU at once, and there is no place"),
    ],
)
def test_what_is_missing_is_said(settings: dict[str, int], says: str) -> None:
    with pytest.raises(PlacementError) as caught:
        check(ResourcesConfig(**settings), [Node("a", 2), Node("b", 2)])
    assert str(caught.value).startswith(says)


def test_enough_is_enough() -> None:
    check(ResourcesConfig(), [Node("a", 2), Node("b", 2)])


def test_nodes_of_one_kind_are_counted_together() -> None:
    nodes = [Node("head", 0), Node("a", 8, 1), Node("b", 8, 1), Node("c", 4)]
    assert described(nodes) == "2 nodes with 8 CPUs and 1 GPU, 1 node with 4 CPUs"
    assert described(nodes[:1]) == "no node with a CPU"


def test_bundles_of_one_kind_are_counted_together() -> None:
    assert listed([Bundle("engine", 1, 1), Bundle("judge", 0.5), Bundle("judge", 0.5)]) == (
        "1 × engine (1 CPU and 1 GPU), 2 × judge (0.5 CPUs)"
    )


def test_a_stage_that_the_run_does_not_come_to_needs_no_place() -> None:
    check(ResourcesConfig(train_workers=64), [Node("one", 4)], (SAMPLING,))
    with pytest.raises(PlacementError, match="training needs 65 CPUs"):
        check(ResourcesConfig(train_workers=64), [Node("one", 4)], STAGES)
