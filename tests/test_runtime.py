"""How many logical CPUs a run needs at once."""

from __future__ import annotations

from pad_ray.config import ResourcesConfig
from pad_ray.runtime import needed_cpus


def test_sampling_counts_its_engines_and_judges() -> None:
    few, many = ResourcesConfig(train_workers=1), ResourcesConfig(train_workers=1, engines=3, sandbox_workers=4)
    assert needed_cpus(many) - needed_cpus(few) == 2 + 1.5


def test_training_counts_its_workers() -> None:
    assert needed_cpus(ResourcesConfig(train_workers=16)) == 17
