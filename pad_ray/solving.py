"""Questions that are answered at once, in this process: what `pad-ray solve` and `pad_ray.solve` share.

The engine is transformers, which starts in seconds; for many questions `pad-ray evaluate` is faster, with vLLM.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.repair import Ask, by_decoder, with_repair
from pad_ray.decoding.settings import NAMES, REPAIR, STEPWISE, DecodingConfig, decoder_of, repairs
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.trace import Branch
from pad_ray.errors import ConfigError, PlacementError, StageError
from pad_ray.generation.scorers import Scorers
from pad_ray.models import resolve_model
from pad_ray.programs.error_code import EMPTY, ErrorCode
from pad_ray.recipes import Recipe, opening_of, recipe_named
from pad_ray.sandbox import Sandbox, SandboxError, SandboxUnavailable
from pad_ray.student_file import StudentFile


def solve_questions(
    questions: Sequence[str],
    model: str,
    recipe: str | None,
    decoder: str,
    settings: DecodingConfig,
    max_tokens: int,
    on_step: Callable[[Sequence[Branch]], None] | None = None,
) -> list[Outcome]:
    """The program and the answer that a decoder finds for each question, one after the other.

    Args:
        questions: as problems have them.
        model: a student's folder, a Hugging Face name, or `embedded`.
        recipe: how the student was taught to be asked; None for what its folder says.
        decoder: one of `STEPWISE`, or one of them with `+repair` behind it.
        settings: widths, weights, budgets.
        max_tokens: longest program of those that are drawn at once, in tokens.
        on_step: hears of the branches of every step of the step beam.

    Raises:
        ConfigError, ModelError: no such decoder, recipe or model.
        PlacementError: this machine cannot confine programs.
    """
    if decoder.removesuffix(REPAIR) not in STEPWISE:
        known = "pad-ray evaluate has it" if decoder in NAMES else f"There are: {', '.join(STEPWISE)}"
        raise ConfigError(f"decoder `{decoder}` is none of a single question's", known)
    resolved = resolve_model(model)
    taught = StudentFile.read(resolved)
    method = recipe_named(recipe or taught.recipe)
    with _sandbox() as sandbox:
        solver = _solver(resolved, method, sandbox, settings, max_tokens)
        asking = Asking(method, taught.repairs, decoder, on_step)
        return asyncio.run(_solve(solver, questions, asking))


@dataclass(frozen=True)
class Asking:
    """How questions are put to a student.

    Attributes:
        recipe: makes its prompts.
        slot: they have the slot for a broken program.
        decoder: the name of one, with `+repair` or without.
        on_step: hears of the branches of every step of the step beam.
    """

    recipe: Recipe
    slot: bool
    decoder: str
    on_step: Callable[[Sequence[Branch]], None] | None

    def prompt(self, question: str, code: ErrorCode) -> str:
        """What the student goes on from; without a slot where it was not taught one and there is nothing in it."""
        return self.recipe.prompt(question, (), code if self.slot or code != EMPTY else None)


async def _solve(solver: Solver, questions: Sequence[str], asking: Asking) -> list[Outcome]:
    return [await _solve_one(solver, question, asking) for question in questions]


async def _solve_one(solver: Solver, question: str, asking: Asking) -> Outcome:
    """The last program; those before it ended in exceptions."""
    outcomes: list[Outcome] = []

    async def solve(ask: Ask) -> Outcome:
        decoder = decoder_of(asking.decoder)
        found = await solver.solve(decoder, ask.question, ask.prompt, opening_of(asking.recipe), asking.on_step)
        outcomes.append(found)
        return found

    settings = solver.settings
    most = settings.repairs if repairs(asking.decoder) else 0
    run = solver.sandbox.run_async
    await with_repair([question], by_decoder(solve), run, asking.prompt, most, settings.repair_message)
    return outcomes[-1]


def _solver(model: str, recipe: Recipe, sandbox: Sandbox, settings: DecodingConfig, max_tokens: int) -> Solver:
    from pad_ray.generation.step_transformers import TransformersStepEngine

    return Solver(TransformersStepEngine(model), sandbox, Scorers().of(settings), settings, max_tokens, recipe.stop)


@contextmanager
def _sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    try:
        sandbox.__enter__()
    except SandboxUnavailable as error:
        raise PlacementError(error.problem, error.mend) from error
    except SandboxError as error:
        raise StageError(error.problem, error.mend) from error
    try:
        yield sandbox
    finally:
        sandbox.__exit__(None, None, None)
