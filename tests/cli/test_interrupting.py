"""Ctrl-C in the middle of a real run: one line with the command, code 130, and the same command finishes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.endpoint import Endpoint
from tests.cli.circumstances import PROBLEMS, interrupted, sampled, start, write_sampling

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(seconds=0.2) as running:
        yield running


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(folder: Path, endpoint: Endpoint) -> None:
    done = interrupted(folder, endpoint)
    assert (done.returncode, done.stderr) == (130, "pad-ray: interrupted; go on with: pad-ray sample run.yaml\n")
    kept = set(sampled(folder))
    assert 0 < len(kept) < PROBLEMS
    with start(folder) as process:
        out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert f"{len(kept)} rows are there" in out
    assert len(found := sampled(folder)) == len(set(found)) == PROBLEMS
    assert kept <= set(found)
    assert {endpoint.counts[f"What is {problem} plus 1?"] for problem in kept} == {1}


def test_without_a_terminal_lines_are_plain(folder: Path, endpoint: Endpoint) -> None:
    write_sampling(folder, endpoint)
    with start(folder) as process:
        out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert "\r" not in out
    assert "█" not in out
    begins = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert begins <= {"run", "to", "sample", "samples", "rows", "tokens", "hours", "ok", "wrong_answer", "all", "in"}
    assert list((folder / "runs/run/logs").glob("*-workers.log"))
