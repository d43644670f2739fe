"""The learning rate of each step."""

from __future__ import annotations

import pytest

from pad_ray.training.schedule import learning_rate
from pad_ray.training.settings import TrainingConfig


def test_rate_warms_up_to_its_peak_then_falls_to_nothing() -> None:
    training = TrainingConfig(learning_rate=1.0, warmup=0.1, schedule="linear")
    rates = [learning_rate(step, 100, training) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.02


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_rate_is_never_above_its_peak(schedule: str) -> None:
    training = TrainingConfig.model_validate({"learning_rate": 0.5, "schedule": schedule})
    assert max(learning_rate(step, 7, training) for step in range(7)) <= 0.5
