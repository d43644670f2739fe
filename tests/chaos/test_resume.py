"""Promises of a resume, kept under kill -9: each request once, what is on disk untouched, little asked twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos.counted_engine import EngineCount
from tests.chaos.endpoint import Endpoint
from tests.chaos.resume import Outcome, Run, torture, undisturbed, write_run

pytestmark = [pytest.mark.chaos, pytest.mark.filterwarnings("default")]


def _check(outcome: Outcome, kills: int) -> None:
    assert outcome.kills == kills
    assert outcome.rows == outcome.unique_ids == outcome.requests
    assert outcome.missing == 0
    assert outcome.changed_files == 0


def test_a_killed_driver_loses_and_doubles_nothing(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path, "recorded", problems=5000))
    outcome = torture(run, kills=3, victim="driver", seed=1, counter=None)
    _check(outcome, kills=3)
    assert run.digest() == undisturbed(run.config)


def test_little_is_asked_twice_of_an_endpoint(tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        run = Run(write_run(tmp_path, "http", problems=400, url=endpoint.url))
        outcome = torture(run, kills=3, victim="driver", seed=1, counter=endpoint)
    _check(outcome, kills=3)
    assert outcome.asked_twice <= 3 * outcome.two_batches


@pytest.mark.engine
@pytest.mark.parametrize("victim", ["driver", "engine"])
def test_little_is_asked_twice_of_a_real_engine(tmp_path: Path, victim: str) -> None:
    run = Run(write_run(tmp_path, "vllm", problems=320))
    outcome = torture(run, kills=2, victim=victim, seed=1, counter=EngineCount(tmp_path / "asked"))
    _check(outcome, kills=2)
    assert outcome.asked_twice <= 2 * outcome.two_batches


@pytest.mark.parametrize("victim", ["judge", "sandbox"])
def test_a_killed_judge_costs_nothing(tmp_path: Path, victim: str) -> None:
    with Endpoint() as endpoint:
        run = Run(write_run(tmp_path, "http", problems=400, url=endpoint.url))
        outcome = torture(run, kills=3, victim=victim, seed=1, counter=endpoint)
    _check(outcome, kills=3)
    assert min(outcome.killed) >= 1
    assert outcome.asked == outcome.requests
