"""How a student is asked a question by any stepwise decoder, with repair where the decoder's name says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.repair import Ask, Repaired, by_decoder, with_repair
from pad_ray.decoding.settings import NAMES, REPAIR, STEPWISE, DecodingConfig, decoder_of, repairs
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.trace import Branch
from pad_ray.errors import ConfigError
from pad_ray.programs.error_code import EMPTY, ErrorCode
from pad_ray.recipes import JudgedBy, Recipe, opening_of, recipe_named
from pad_ray.student_file import StudentFile

OnStep = Callable[[int, Sequence[Branch]], None]
_MOMENT = 1e-3  # seconds; what a budget that is spent leaves


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are put to a student.

    Attributes:
        recipe: makes its prompts.
        slot: they have the slot for a broken program.
    """

    recipe: Recipe
    slot: bool = False

    @classmethod
    def of(cls, model: str, recipe: str | None = None) -> Asking:
        """As a resolved model was taught.

        Args:
            model: a folder, or a hub name.
            recipe: name of a recipe; None for what the folder says.

        Raises:
            ConfigError: there is no recipe of that name.
            ModelError: the folder does not say how its student is asked.
        """
        taught = StudentFile.read(model)
        return cls(recipe_named(recipe or taught.recipe), taught.repairs)

    @property
    def writes_programs(self) -> bool:
        """Whether what the student writes can be run."""
        return self.recipe.judged_by is JudgedBy.PROGRAM

    def prompt(self, question: str, code: ErrorCode) -> str:
        """What the student goes on from; without a slot where it was not taught one and there is nothing in it."""
        return self.recipe.prompt(question, (), code if self.slot or code != EMPTY else None)

    async def ask(self, solver: Solver, decoder: str, question: str, on_step: OnStep | None = None) -> Asked:
        """A question's programs, each run whole; those before the last ended in exceptions.

        Args:
            solver: the engine, the sandbox, settings.
            decoder: one of `STEPWISE`, or one of them with `+repair` behind it.
            question: as problems have it.
            on_step: hears of every step of the step beam, with the number of its attempt.

        Raises:
            EngineError: the model cannot answer.
            SandboxError: programs cannot be run.
        """
        outcomes: list[Outcome] = []
        begun = time.monotonic()

        async def solve(ask: Ask) -> Outcome:
            left = replace(solver, settings=_left(solver.settings, time.monotonic() - begun))
            heard = partial(on_step, ask.attempt) if on_step else None
            found = await left.answer(decoder_of(decoder), ask, opening_of(self.recipe), heard)
            outcomes.append(found)
            return found

        settings = solver.settings
        most = settings.repairs if repairs(decoder) else 0
        run = solver.sandbox.run_async
        [found] = await with_repair([question], by_decoder(solve), run, self.prompt, most, settings.repair_message)
        return Asked(found, outcomes)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question.

    Attributes:
        repaired: the programs as they were run whole.
        outcomes: what the decoder found, of each of them.
    """

    repaired: Repaired
    outcomes: list[Outcome]

    @property
    def last(self) -> Outcome:
        """The one that counts."""
        return self.outcomes[-1]


def check_stepwise(decoder: str) -> None:
    """Refuses a decoder that does not answer single questions.

    Raises:
        ConfigError: it is none; those that there are are named.
    """
    if decoder.removesuffix(REPAIR) not in STEPWISE:
        known = "pad-ray evaluate has it" if decoder in NAMES else f"There are: {', '.join(STEPWISE)}"
        raise ConfigError(f"decoder `{decoder}` is none of a single question's", known)


def _left(settings: DecodingConfig, spent: float) -> DecodingConfig:
    """The settings with the time that is left of their budget."""
    if settings.budget.seconds is None:
        return settings
    budget = settings.budget.model_copy(update={"seconds": max(_MOMENT, settings.budget.seconds - spent)})
    return settings.model_copy(update={"budget": budget})
