"""A run on a cluster that has no nodes until there is work, started and ended by Ray's own autoscaler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.manifests import ROOT
from tests.cluster.tiny_run import write_run
from tests.node_watch import Watch, nodes_alive
from tests.ray_cluster import cluster_environment, growing_cluster

pytestmark = pytest.mark.slow

ROWS = 40
LONG = 1800  # seconds, on a machine that has much else to do


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with growing_cluster({"sandbox": {"CPU": 2}}, most=2, idle_seconds=5) as address:
        yield address


def start_run(address: str, config: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pad_ray.cli", "run", str(config), "--until", "examples", *arguments]
    environment = {**cluster_environment(), "RAY_ADDRESS": address}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def test_nodes_come_for_the_rows_and_go_after_them(address: str, tmp_path: Path) -> None:
    config = write_run(tmp_path, problems=ROWS)
    watch = Watch(address, tmp_path / "runs")
    assert nodes_alive(address) == {}
    run = start_run(address, config)
    watch.until(lambda look: run.poll() is not None, LONG)
    said, _ = run.communicate()
    assert run.returncode == 0, said
    assert "sampling: asked the autoscaler for nodes" in said
    assert "training: asked" not in said, "it ends before the training"
    assert watch.most("sandbox") >= 1
    watch.until(lambda look: not look.nodes, LONG)
    [done] = tmp_path.glob("runs/mine/samples/*/done.json")
    assert json.loads(done.read_text())["rows"] == watch.looks[-1].rows == ROWS


def test_what_no_group_can_hold_is_refused_at_once(address: str, tmp_path: Path) -> None:
    run = start_run(address, write_run(tmp_path, problems=2), "--set", "resources.engine_gpus=4")
    said, _ = run.communicate(timeout=LONG)
    assert run.returncode == 2, said
    assert "no place for 4 × engine (1 CPU and 1 GPU)" in said
    assert "its autoscaler has no nodes for that. Lower `resources.engine_cpus`" in said
    assert "Traceback" not in said


def test_nodes_that_do_not_come_in_time_end_the_wait(address: str, tmp_path: Path) -> None:
    config = write_run(tmp_path, problems=2)
    run = start_run(address, config, "--set", "resources.node_minutes=0.001", "--set", "resources.train_workers=1")
    said, _ = run.communicate(timeout=LONG)
    assert run.returncode == 2, said
    assert "none came in 0.001 minutes. Run the same command again" in said
    assert os.listdir(tmp_path / "runs" / "mine")
