"""Ctrl-C in the middle of a real run: one line with the command, code 130, and the same command finishes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pad_ray.run_tables import RunTables, read
from tests.chaos.endpoint import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = 400


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(seconds=0.2) as running:
        yield running


def write_config(folder: Path, endpoint: Endpoint) -> None:
    problems = [{"id": str(n), "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    (folder / "run.yaml").write_text(
        "problems: {train: problems.jsonl, holdout: 0}\nevaluation: {shots: [0]}\n"
        "teacher:\n  {kind: http, model: counted, shots: 0, samples: 1,\n"
        f"   http: {{base_url: {endpoint.url}, endpoint: completions, max_in_flight: 16}}}}\n"
    )


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pad_ray.cli", "sample", "run.yaml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def rows(folder: Path) -> list[str]:
    """Problems whose samples are on disk."""
    stage = RunTables.find(str(folder / "runs/run")).newest("samples")
    return [row["problem_id"] for row in read(stage, only=["problem_id"])] if stage else []


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(folder: Path, endpoint: Endpoint) -> None:
    write_config(folder, endpoint)
    with start(folder) as process:
        while process.poll() is None and not (folder / "runs/run/samples").is_dir():
            time.sleep(0.1)
        while process.poll() is None and not rows(folder):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err == "pad-ray: interrupted; go on with: pad-ray sample run.yaml\n"
    kept = set(rows(folder))
    assert 0 < len(kept) < PROBLEMS
    with start(folder) as process:
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert f"{len(kept)} rows are there" in out
    assert len(found := rows(folder)) == len(set(found)) == PROBLEMS
    assert kept <= set(found)
    assert {endpoint.counts[f"What is {problem} plus 1?"] for problem in kept} == {1}


def test_without_a_terminal_lines_are_plain(folder: Path, endpoint: Endpoint) -> None:
    write_config(folder, endpoint)
    with start(folder) as process:
        out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert "\r" not in out
    assert "█" not in out
    begins = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert begins <= {"run", "to", "sample", "samples", "rows", "tokens", "hours", "ok", "wrong_answer", "all", "in"}
    assert list((folder / "runs/run/logs").glob("*-workers.log"))
