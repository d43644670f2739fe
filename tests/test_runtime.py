"""How many logical CPUs a run needs at once."""

from __future__ import annotations

from pad_ray.config import ResourcesConfig
from pad_ray.runtime import needed_cpus


def test_sampling_counts_one_engine_and_its_judges() -> None:
    few, many = ResourcesConfig(train_workers=1), ResourcesConfig(train_workers=1, engine_cpus=3, sandbox_workers=4)
    assert needed_cpus(few) == 2.5
    assert needed_cpus(many) == 3 + 2 + 1


def test_further_engines_start_as_there_is_room_and_are_not_waited_for() -> None:
    assert needed_cpus(ResourcesConfig(engines=8)) == needed_cpus(ResourcesConfig())


def test_training_counts_its_workers() -> None:
    assert needed_cpus(ResourcesConfig(train_workers=16)) == 17
