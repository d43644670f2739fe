"""Promises of training under kill -9: the same weights as if nothing had happened."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos.training import Plan, compared, torture
from tests.training.tiny import make_student

pytestmark = [pytest.mark.chaos, pytest.mark.filterwarnings("default")]


def _plan(folder: Path, **settings: Any) -> Plan:
    """Steps that take their time, and many after the last kill, so that none comes after the end."""
    return Plan(
        str(folder / "disturbed"), make_student("gpt2", folder / "model", width=256), batch=32, steps=120, **settings
    )


@pytest.mark.parametrize("victim", ["driver", "worker"])
@pytest.mark.parametrize(("zero", "lora"), [(0, False), (2, False), (3, False), (2, True)])
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path, victim: str, zero: int, lora: bool) -> None:
    plan = _plan(tmp_path, zero=zero, lora=lora)
    outcome = compared(plan, torture(plan, kills=2, victim=victim, seed=zero), str(tmp_path / "peace"))
    assert len(outcome.at) == 2
    assert outcome.difference <= 1e-6


@pytest.mark.parametrize("zero", [0, 2, 3])
def test_two_workers_then_one_then_two_end_with_the_same_weights(tmp_path: Path, zero: int) -> None:
    plan = _plan(tmp_path, workers=(2, 1, 2), zero=zero, dropout=0.0)
    outcome = compared(plan, torture(plan, kills=2, victim="driver", seed=zero), str(tmp_path / "peace"))
    assert outcome.starts == 3
    assert outcome.difference <= 1e-4
