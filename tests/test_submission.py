"""A run as a job on a real Ray head with a worker node: checked, sent, followed, left and joined again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.submission import Cluster
from tests.ray_cluster import cluster_environment, ray_cluster

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "def solution():\n    return {answer}\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch, ray_cluster() as address:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        found = Cluster(address)
        until = time.monotonic() + 120
        while len(found.nodes()) < 2 or found.may_grow():
            assert time.monotonic() < until, "the worker node did not join, or the monitor tells nothing"
            time.sleep(0.5)
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of recorded programs, every other one right; its runs are where both nodes see them."""
    problems = [{"id": f"p{n}", "question": f"What is {n} and 2?", "answer": n + 2} for n in range(40)]
    completions = [{"problem_id": f"p{n}", "completion": PROGRAM.format(answer=n + 2 + n % 2)} for n in range(40)]
    for name, rows in (("problems", problems), ("completions", completions)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "mine.yaml").write_text(
        f"runs: {tmp_path}/runs\nproblems: {{train: problems.jsonl, holdout: 0}}\nevaluation: {{shots: [0]}}\n"
        "teacher: {kind: recorded, file: completions.jsonl, shots: 0, samples: 1}\n"
    )
    return tmp_path


def command(folder: Path, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *argv],
        cwd=folder,
        env=cluster_environment() | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def submit(folder: Path, cluster: Cluster, *argv: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was complained of."""
    with command(folder, "-m", "pad_ray.cli", "submit", *argv, "--address", cluster.address) as process:
        out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def verdicts(folder: Path) -> dict[str, Any]:
    [mark] = (folder / "runs/mine/verdicts").glob("*/done.json")
    found: dict[str, Any] = json.loads(mark.read_text())
    return found


def test_a_run_is_sent_followed_and_done(cluster: Cluster, folder: Path) -> None:
    code, out, err = submit(folder, cluster, "mine.yaml", "--until", "examples")
    assert code == 0, err + out
    assert "2 nodes with 3 CPUs" in out
    assert "\nrun mine in " in out
    assert "succeeded" in out.splitlines()[-1]
    assert err == ""
    assert verdicts(folder)["ok"] == 20


def test_a_run_that_can_never_be_placed_is_refused_before_it_is_sent(cluster: Cluster, folder: Path) -> None:
    before = cluster._client.list_jobs()
    code, _, err = submit(folder, cluster, "mine.yaml", "--set", "resources.train_workers=64")
    assert code == 2
    assert err.startswith("pad-ray: training needs 65 CPUs at once, and there is no place for 58 × training worker")
    assert "this Ray has 2 nodes with 3 CPUs" in err
    assert len(err.splitlines()) == 1
    assert len(cluster._client.list_jobs()) == len(before)


def test_a_job_that_is_left_goes_on_and_can_be_joined_again(cluster: Cluster, folder: Path) -> None:
    argv = ("submit", "mine.yaml", "--until", "examples", "--id", "left", "--address", cluster.address)
    with command(folder, "-m", "pad_ray.cli", *argv) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("join it") for line in lines)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "job left goes on. Join it again: pad-ray submit --follow left " in out + err
    code, out, _ = submit(folder, cluster, "--follow", "left")
    assert code == 0
    assert "run mine in " in out
    assert verdicts(folder)["ok"] == 20


def test_a_job_that_fails_ends_the_command_as_it_ended(cluster: Cluster, folder: Path) -> None:
    code, out, _ = submit(folder, cluster, "mine.yaml", "--set", "student.model=org/none")
    assert code == 2
    assert "model `org/none` is no local folder" in out


def test_a_job_of_that_id_is_there_already(cluster: Cluster, folder: Path) -> None:
    assert submit(folder, cluster, "mine.yaml", "--until", "examples", "--id", "one", "--detach")[0] == 0
    code, _, err = submit(folder, cluster, "mine.yaml", "--id", "one", "--detach")
    assert code == 2
    assert "there is a job `one` on " in err
    assert submit(folder, cluster, "--follow", "one")[0] == 0


def test_a_job_that_there_is_not(cluster: Cluster, folder: Path) -> None:
    code, _, err = submit(folder, cluster, "--follow", "nothing")
    assert code == 2
    assert "there is no job `nothing` on " in err


def test_the_entrypoints_run_under_ray_job_submit(cluster: Cluster, folder: Path) -> None:
    ray = ("-m", "ray.scripts.scripts", "job", "submit", "--address", cluster.address)
    settings = [f"problems.train={folder}/problems.jsonl", f"teacher.file={folder}/completions.jsonl"]
    sets = [word for setting in settings for word in ("--set", setting)]
    environment = ("--working-dir", str(ROOT), "--runtime-env", str(ROOT / "jobs/runtime_env.yaml"))
    entry = ("python", "jobs/synthesize.py", f"{folder}/mine.yaml", *sets)
    with command(folder, *ray, *environment, "--", *entry) as process:
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err + out
    assert "run mine in " in out
    assert verdicts(folder)["ok"] == 20
