"""The SLURM script: what it says of bad input, and a run on SLURM nodes of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.manifests import CLUSTER, ROOT
from tests.cluster.slurm_nodes import missing, on_slurm
from tests.cluster.tiny_run import write_run

SCRIPT = CLUSTER / "slurm.sh"
VENV = Path(sys.prefix)


def said_without_slurm(*arguments: str, **variables: str) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "SLURM_SUBMIT_DIR": "/nowhere", **variables}
    done = subprocess.run(["bash", SCRIPT, *arguments], env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_without_a_configuration_it_says_so_in_one_line() -> None:
    assert said_without_slurm() == (
        2,
        "pad-ray slurm: no configuration is named. Give one: sbatch cluster/slurm.sh jobs/quickstart.yaml\n",
    )


def test_without_an_environment_it_says_so_in_one_line() -> None:
    code, said = said_without_slurm("jobs/quickstart.yaml")
    assert code == 2
    assert said == (
        "pad-ray slurm: there is no /nowhere/.venv/bin/ray. Submit from a checkout after `make setup`, or set VENV\n"
    )


slow = pytest.mark.slow
on_nodes = pytest.mark.skipif(bool(missing()), reason=missing() or "SLURM is there")


def submit(folder: Path, nodes: int, *arguments: str) -> tuple[int, str]:
    """The job's exit code and its log."""
    log = folder / "job.log"
    options = (f"--nodes={nodes}", "--cpus-per-task=2", f"--output={log}")
    command = on_slurm(nodes, 2, "sbatch", "--wait", *options, str(SCRIPT), *arguments)
    environment = {**os.environ, "VENV": str(VENV), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200)
    text = log.read_text(errors="replace") if log.exists() else ""
    return done.returncode, done.stdout + done.stderr + text


@slow
@on_nodes
def test_a_run_uses_both_nodes_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    config = write_run(tmp_path, problems=40)
    code, log = submit(tmp_path, 2, str(config), "--until", "examples")
    assert code == 0, log
    assert "On worker node" in log
    [done] = tmp_path.glob("runs/mine/samples/*/done.json")
    assert json.loads(done.read_text())["rows"] == 40


@slow
@on_nodes
def test_a_run_that_fails_fails_the_job(tmp_path: Path) -> None:
    config = write_run(tmp_path, problems=4)
    code, log = submit(tmp_path, 1, str(config), "--set", "no.such=key")
    assert code == 2, log
    assert "no.such" in log or "`no`" in log
