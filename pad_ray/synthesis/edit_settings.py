"""How much a recipe with pairs counts what tells a right solution from a wrong one."""

from __future__ import annotations

from pydantic import Field

from pad_ray.section import Section


class EditConfig(Section):
    """What the recipes `edit` and `edit_cot` make of a right and a wrong sample of one problem (arXiv 2405.19737)."""

    alpha: float = Field(
        1.0, ge=0, description="What only the right one has counts so much more: 1 + alpha; what both have counts 1."
    )
    beta: float = Field(
        0.025, ge=0, description="What only the wrong one has counts −beta: it is made less likely. 0 learns plainly."
    )
    pairs: int = Field(1, ge=1, description="Most pairs of one problem, the nearest first.")
