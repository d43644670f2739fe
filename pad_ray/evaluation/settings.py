"""How base and student are measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pad_ray.decoding.settings import DECODERS, GIVEN, REPAIR, TURNS, DecodingConfig, TurnsConfig, check_decoder
from pad_ray.section import Section


class EvaluationConfig(Section):
    """How base and student are measured."""

    base: bool = Field(True, description="Whether the base model is measured too.")
    shots: tuple[int, ...] = Field((0, 4, 8), min_length=1, description="Prompts tried for the base model.")
    context: Literal["sets", "nearest"] = Field("sets", description="Which worked examples the base model is shown.")
    max_tokens: int = Field(160, ge=1, description="Longest completion, in tokens.")
    decoders: tuple[str, ...] = Field(
        ("greedy",),
        min_length=1,
        description=f"How the student is decoded, each measured by itself: {', '.join(DECODERS)}; with `{REPAIR}` "
        f"behind the name a program that ends in an exception is asked for again. Of two students: `{TURNS}`, and "
        f"`{GIVEN}`, where the subquestions are those of the data set.",
    )
    limits: dict[str, int] = Field(
        default_factory=dict,
        description="Decoder to the number of problems of each test split that it answers, the first ones; by default "
        "it answers all.",
    )
    decoding: DecodingConfig = Field(default_factory=lambda: DecodingConfig())
    turns: TurnsConfig = Field(default_factory=lambda: TurnsConfig())

    @field_validator("limits")
    @classmethod
    def _check_limits(cls, limits: dict[str, int]) -> dict[str, int]:
        for name, limit in limits.items():
            check_decoder(name)
            if limit < 1:
                raise ValueError(f"must be 1 problem or more for `{name}`")
        return limits

    @field_validator("decoders")
    @classmethod
    def _check_decoders(cls, decoders: tuple[str, ...]) -> tuple[str, ...]:
        for name in decoders:
            check_decoder(name)
        if len(set(decoders)) < len(decoders):
            raise ValueError("must be different decoders")
        return decoders

    @field_validator("shots")
    @classmethod
    def _check_shots(cls, shots: tuple[int, ...]) -> tuple[int, ...]:
        if min(shots) < 0 or len(set(shots)) < len(shots):
            raise ValueError("must be different numbers of worked examples, 0 or more")
        return shots
