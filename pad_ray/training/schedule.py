"""The learning rate of each step."""

from __future__ import annotations

import math

from pad_ray.training.settings import TrainingConfig


def learning_rate(step: int, steps: int, training: TrainingConfig) -> float:
    """The rate of a step (from 0): linear warm-up, then the schedule."""
    warmup = math.ceil(training.warmup * steps)
    if step < warmup:
        return training.learning_rate * (step + 1) / warmup
    left = 1 - (step - warmup) / max(1, steps - warmup)
    share = {"linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left), "constant": 1.0}[training.schedule]
    return training.learning_rate * share
