"""How many logical CPUs a run needs at once."""

from __future__ import annotations

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError
from pad_ray.runtime import local_cpus, needed_cpus, start_ray


def test_sampling_counts_one_engine_and_one_judge() -> None:
    assert needed_cpus(ResourcesConfig(train_workers=1)) == 2.5
    assert needed_cpus(ResourcesConfig(train_workers=1, engine_cpus=3)) == 3 + 0.5 + 1


def test_further_engines_and_judges_start_as_there_is_room_and_are_not_waited_for() -> None:
    assert needed_cpus(ResourcesConfig(engines=8, sandbox_workers=8)) == needed_cpus(ResourcesConfig())


def test_a_ray_of_the_runs_own_has_room_for_all_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert local_cpus(ResourcesConfig(sandbox_workers=8)) == 6
    assert local_cpus(ResourcesConfig(sandbox_workers=8, cpus=3)) == 3


def test_training_counts_its_workers() -> None:
    assert needed_cpus(ResourcesConfig(train_workers=16)) == 17


def test_each_gpu_of_an_engine_reserves_its_cpus() -> None:
    assert needed_cpus(ResourcesConfig(train_workers=1, engine_cpus=2, engine_gpus=4)) == 8 + 0.5 + 1


def test_too_few_cpus_are_an_error_that_says_how_many_before_ray_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(PlacementError, match="training needs 5 CPUs at once") as caught:
        start_ray(ResourcesConfig(cpus=4, train_workers=4))
    assert caught.value.exit_code == 2
    import ray

    assert not ray.is_initialized()
