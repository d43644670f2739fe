"""How lessons in repair are made and mixed with those in reasoning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pad_ray.programs.faults import Kind, Mix
from pad_ray.section import Section

Failure = Literal["syntax_error", "name_error", "unbound_local", "runtime_error", "wrong_answer", "no_answer"]


class RepairConfig(Section):
    """Lessons in repair: a broken program of a training problem in the prompt, a right one to write."""

    ratio: float = Field(
        0.5, ge=0, description="Repairs for each program that is learnt; 0 teaches none, and prompts have no slot."
    )
    mined: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the student's own failures among repairs; the rest are injected faults. Where one kind "
        "runs short the other fills up, but 0 and 1 take one kind only.",
    )
    message: bool = Field(True, description="The interpreter's message stands below the broken program.")
    faults: int = Field(2, ge=1, description="Faults drawn for each right program.")
    kinds: dict[Kind, float] = Field(
        default_factory=lambda: dict.fromkeys(Kind, 1.0), description="Weights of the kinds of faults."
    )
    places: tuple[float, ...] = Field(
        (1.0, 1.0, 1.0), description="Weights of equal parts of the program, first to last, in which faults are."
    )
    failures: tuple[Failure, ...] = Field(
        ("syntax_error", "name_error", "unbound_local", "runtime_error", "wrong_answer"),
        min_length=1,
        description="Verdicts of the student's programs that become lessons.",
    )
    per_problem: int = Field(2, ge=1, description="At most this many of the student's failures at one problem.")
    seed: int = Field(0, description="Seed of the faults and of the mixture.")

    @property
    def mix(self) -> Mix:
        """The weights of faults."""
        return Mix(self.kinds, self.places)

    @model_validator(mode="after")
    def _check_weights(self) -> RepairConfig:
        _ = self.mix
        return self
