"""Promises of a run on a cluster of real nodes, whose parts are killed in turn, whole nodes among them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos.cluster import Cluster
from tests.chaos.endpoint import Endpoint
from tests.chaos.resume import Outcome, Run, torture, undisturbed, write_run
from tests.chaos.training import Plan, compared, give_notice, shrink_and_grow
from tests.chaos.training import torture as torture_training
from tests.training.tiny import make_student

pytestmark = [pytest.mark.chaos, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """A head without CPUs and two nodes, whatever was killed before."""
    running.fill(2, cpus=2)
    return running


def _check(outcome: Outcome, kills: int) -> None:
    """Each request has one row, on disk too; what was written before a kill is the same, byte for byte."""
    assert outcome.kills == kills
    assert outcome.rows == outcome.unique_ids == outcome.requests
    assert (outcome.missing, outcome.double_on_disk, outcome.changed_files) == (0, 0, 0)
    assert not outcome.misjudged


def test_a_lost_node_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        run = Run(write_run(tmp_path, "http", problems=300, url=endpoint.url), cluster)
        outcome = torture(run, kills=1, victim="node", seed=1, counter=endpoint)
    _check(outcome, kills=1)
    assert outcome.asked_twice <= outcome.two_batches
    assert outcome.told["nodes"] == 2
    assert outcome.told["restarts"] >= 1


@pytest.mark.parametrize("victim", ["engine", "sandbox"])
def test_a_lost_process_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path, victim: str) -> None:
    run = Run(write_run(tmp_path, "transformers", problems=200), cluster)
    outcome = torture(run, kills=2, victim=victim, seed=1, counter=None)
    _check(outcome, kills=2)
    assert min(outcome.killed) >= 1
    assert outcome.told["restarts"] == (2 if victim == "engine" else 0)


def test_a_lost_driver_loses_and_doubles_nothing(cluster: Cluster, tmp_path: Path) -> None:
    run = Run(write_run(tmp_path, "recorded", problems=3000), cluster)
    outcome = torture(run, kills=2, victim="driver", seed=1, counter=None)
    _check(outcome, kills=2)
    assert run.digest() == undisturbed(run.config, cluster)


def test_a_lost_training_worker_changes_no_weight(cluster: Cluster, tmp_path: Path) -> None:
    cluster.fill(3, cpus=1)  # a CPU each, so that the two workers lie on two nodes
    plan = Plan(str(tmp_path / "disturbed"), make_student("gpt2", tmp_path / "model"))
    outcome = compared(plan, torture_training(plan, 1, "worker", 1, cluster), str(tmp_path / "peace"))
    assert len(outcome.at) == 1
    assert outcome.difference <= 1e-6


def test_a_lost_training_node_changes_no_weight(cluster: Cluster, tmp_path: Path) -> None:
    cluster.fill(3, cpus=1)  # one to spare, since this training waits for two workers
    plan = Plan(str(tmp_path / "disturbed"), make_student("gpt2", tmp_path / "model"))
    outcome = compared(plan, torture_training(plan, 1, "node", 1, cluster), str(tmp_path / "peace"))
    assert len(outcome.at) == 1
    assert outcome.difference <= 1e-6


def _elastic(folder: Path, zero: int, minutes: float) -> Plan:
    """Steps of some tenths of a second, for a node takes its time to come; without dropout, which workers share."""
    model = make_student("gpt2", folder / "model", width=256)
    plan = Plan(str(folder / "disturbed"), model, zero=zero, dropout=0.0, fewest=1, steps=120, batch=32, rate=1e-4)
    return replace(plan, minutes=minutes)


@pytest.mark.parametrize("zero", [0, 2])
def test_a_training_goes_on_with_fewer_nodes_and_grows_back(cluster: Cluster, tmp_path: Path, zero: int) -> None:
    cluster.fill(2, cpus=1)
    plan = _elastic(tmp_path, zero, minutes=0.02)
    outcome = compared(plan, shrink_and_grow(plan, cluster), str(tmp_path / "peace"))
    assert outcome.workers == [2, 1, 2]
    assert outcome.difference <= 1e-4


def test_states_are_kept_on_notice_of_a_nodes_end_and_before_growing(cluster: Cluster, tmp_path: Path) -> None:
    cluster.fill(2, cpus=1)
    plan = _elastic(tmp_path, zero=2, minutes=600)
    outcome = compared(plan, give_notice(plan, cluster, seconds=600), str(tmp_path / "peace"))
    assert outcome.workers == [2, 1]
    assert outcome.difference <= 1e-4
