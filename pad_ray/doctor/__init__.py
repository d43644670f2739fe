"""What this machine can do for a run: `pad-ray doctor`.

machine.py     cores, memory, GPUs, disk, shared memory
packages.py    versions against the pinned set
starts.py      whether sandbox, vLLM and DeepSpeed really start
placing.py     models of a run, and what it would place where
"""

from __future__ import annotations

from collections.abc import Iterator

from pad_ray.config import RunConfig
from pad_ray.doctor.check import Check

__all__ = ["Check", "examine"]


def examine(config: RunConfig, quick: bool = False) -> Iterator[Check]:
    """Looks, and tries; each finding is given as soon as it is made.

    Args:
        config: the run that the machine shall be good for.
        quick: starts neither vLLM nor DeepSpeed, which takes a minute or two.
    """
    from pad_ray.doctor.machine import machine_checks
    from pad_ray.doctor.packages import package_checks
    from pad_ray.doctor.placing import placing_checks
    from pad_ray.doctor.starts import start_checks

    yield from machine_checks(config)
    yield from package_checks()
    yield from placing_checks(config)
    yield from start_checks(config, quick)
