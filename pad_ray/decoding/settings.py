"""How a question is decoded."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from pad_ray.section import Section

Decoder = Literal["greedy", "beam", "self-consistency", "step-beam", "paper"]
DECODERS: tuple[Decoder, ...] = get_args(Decoder)
TOKEN_BEAMS: tuple[Decoder, ...] = ("beam", "paper")  # on transformers alone
STEPWISE: tuple[Decoder, ...] = ("step-beam", "self-consistency", "greedy")  # on any engine
OF_TEXTS: tuple[Decoder, ...] = ("greedy", "self-consistency")  # need no program to be run
REPAIR = "+repair"  # behind a decoder's name: what ends in an exception is asked for again
TURNS = "turns"  # of two students: one asks, the other answers
GIVEN = "turns+given"  # the other answers subquestions that the data set gives
NAMES: tuple[str, ...] = (*DECODERS, *(name + REPAIR for name in DECODERS), TURNS, GIVEN)


def decoder_of(name: str) -> Decoder:
    """The decoder itself, of a name that may end in `+repair`.

    Raises:
        ValueError: there is none of that name.
    """
    base: Any = name.removesuffix(REPAIR)
    if base not in DECODERS:
        raise ValueError(f"{name!r} is no decoder; there are {', '.join(DECODERS)}, each with `{REPAIR}` behind it too")
    decoder: Decoder = base
    return decoder


def takes_turns(name: str) -> bool:
    """Whether a decoder of that name is one of two students."""
    return name in (TURNS, GIVEN)


def check_decoder(name: str) -> None:
    """Refuses what is no decoder's name.

    Raises:
        ValueError: it is none; those that there are are named.
    """
    if not takes_turns(name):
        decoder_of(name)


def repairs(name: str) -> bool:
    """Whether a decoder of that name asks again for what ended in an exception."""
    return name.endswith(REPAIR)


class TurnsConfig(Section):
    """When a dialogue of two students (recipe `socratic_iterative`) ends, besides the end that the asker sets."""

    max_turns: int = Field(10, ge=1, description="Most subquestions of one problem.")
    repeated: bool = Field(True, description="Whether a subquestion that is asked again ends it.")


class BudgetConfig(Section):
    """What one question may cost; the best program so far is the answer when something runs out."""

    steps: int = Field(24, ge=1, description="Statements of one program.")
    tokens: int = Field(
        4096,
        ge=1,
        description="Tokens for one question: generated, dropped candidates included, and read that no cache held.",
    )
    finish: int = Field(
        96,
        ge=0,
        description="Of these, kept for writing the best beam to its end where no program is finished; a quarter of "
        "them at most.",
    )
    seconds: float | None = Field(None, gt=0, description="Time for one question; by default none is set.")


class ScorerWeights(Section):
    """How much each scorer's ln ψ of a step counts; 0 switches it off."""

    likelihood: float = Field(1.0, ge=0, description="The model's own log-probability of the step.")
    execution: float = Field(1.0, ge=0, description="What running it showed: kinds and sizes of values, agreement.")
    faithfulness: float = Field(
        0.0, ge=0, description="Likeness to a sentence of the question (PaD, section 3.4: weight 1)."
    )


class DecodingConfig(Section):
    """How the decoders look for an answer; each reads what it knows."""

    beams: int = Field(4, ge=1, description="Beams kept after each step, and width of the token beams.")
    candidates: int = Field(4, ge=1, description="Candidate steps asked for each beam.")
    certain: float = Field(
        0.9,
        gt=0,
        le=1,
        description="A beam whose likeliest step has at least this probability gets no other candidates.",
    )
    samples: int = Field(8, ge=1, description="Programs or texts of one question that self-consistency votes over.")
    temperature: float = Field(0.7, gt=0, description="Temperature at which candidates and samples are drawn.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus from which they are drawn.")
    choose: Literal["score", "vote"] = Field(
        "vote", description="The answer of the best program, or the one that most probability stands behind."
    )
    step_tokens: int = Field(96, ge=4, description="Longest statement, in tokens.")
    weights: ScorerWeights = Field(default_factory=lambda: ScorerWeights())
    embedder: str = Field("embedded", description="Sentence embedder of the faithfulness score, a folder or a name.")
    budget: BudgetConfig = Field(default_factory=lambda: BudgetConfig())
    seed: int = Field(0, ge=0, description="Seed of the candidates.")
    repairs: int = Field(
        2,
        ge=1,
        description="How often `…+repair` asks again after an exception; where the student wrote the same program "
        "again, one is drawn at `temperature`.",
    )
    repair_message: bool = Field(True, description="It is then told what the interpreter said.")

    @model_validator(mode="after")
    def _check_weights(self) -> DecodingConfig:
        if not any(self.weights.model_dump().values()):
            raise ValueError("at least one of `weights` must be above 0")
        return self
