"""Faults put into a right program, as exercises in repair: each says how it is meant to fail.

    fault = draw(program, count=1, seed=7)[0]
    fault.faulty  # the program with the fault
    fault.effect  # what running it is meant to give

Nothing is run here. `pad_ray.confirmation` keeps the faults that fail as they are meant to.
"""

from __future__ import annotations

from .drawing import Mix, all_faults, draw
from .fault import EFFECTS, Edit, Effect, Fault, Kind

__all__ = ["EFFECTS", "Edit", "Effect", "Fault", "Kind", "Mix", "all_faults", "draw"]
