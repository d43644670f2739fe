"""How a student learns from errors, in rounds."""

from __future__ import annotations

from pydantic import Field, field_validator

from pad_ray.evaluation.stopping import StopRule
from pad_ray.section import Section
from pad_ray.synthesis.repair_settings import RepairConfig


class RefinementConfig(Section):
    """Rounds: the student answers the training problems, and learns anew from its errors and from its successes."""

    samples: int = Field(2, ge=1, description="Programs of the student for each training problem and temperature.")
    temperatures: tuple[float, ...] = Field(
        (0.3, 0.7, 1.0), min_length=1, description="The ladder of temperatures at which it writes them."
    )
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus from which they are drawn.")
    max_tokens: int = Field(160, ge=1, description="Longest of them, in tokens.")
    own: bool = Field(True, description="The student's own right programs, where they are new, join what is learnt.")
    repair: RepairConfig = Field(default_factory=lambda: RepairConfig())
    stop: StopRule = Field(default_factory=lambda: StopRule())

    @field_validator("temperatures")
    @classmethod
    def _check_temperatures(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if min(temperatures) < 0 or len(set(temperatures)) < len(temperatures):
            raise ValueError("must be different temperatures, 0 or more")
        return temperatures

    @property
    def asks(self) -> bool:
        """Whether the student's own programs are needed at all."""
        return self.own or (self.repair.ratio > 0 and self.repair.mined > 0)

    @property
    def teaches_repair(self) -> bool:
        """Whether prompts have the slot for a broken program."""
        return self.repair.ratio > 0
