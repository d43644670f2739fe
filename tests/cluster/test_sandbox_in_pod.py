"""What a sandbox pod runs first, confined as the pod is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cluster.manifests import ROOT, pods

[FIRST] = {tuple(one["command"]) for pod in pods().values() for one in pod.get("initContainers", [])}


def as_in_pod(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/tmp"}
    words = [sys.executable, "-m", "tests.cluster.as_in_pod", *command]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_there_are_no_namespaces_in_it() -> None:
    assert as_in_pod("unshare", "--user", "true").returncode != 0


@pytest.mark.slow
def test_the_sandbox_holds_in_it() -> None:
    done = as_in_pod(sys.executable, "-m", "pad_ray.cli", *FIRST[1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "attempts held" in done.stdout
