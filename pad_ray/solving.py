"""Questions that are answered at once, in this process: what `pad-ray solve` and `pad_ray.solve` share.

The engine is transformers, which starts in seconds; for many questions `pad-ray evaluate` is faster, with vLLM.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pad_ray.asking import Asking, check_stepwise
from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.trace import Branch
from pad_ray.errors import PlacementError, StageError
from pad_ray.generation.scorers import Scorers
from pad_ray.models import resolve_model
from pad_ray.recipes import Recipe
from pad_ray.sandbox import Sandbox, SandboxError, SandboxUnavailable


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
    check_stepwise(decoder)
    resolved = resolve_model(model)
    asking = Asking.of(resolved, recipe)
    with _sandbox() as sandbox:
        solver = _solver(resolved, asking.recipe, sandbox, settings, max_tokens)
        return asyncio.run(_solve(solver, questions, asking, decoder, on_step))


async def _solve(
    solver: Solver,
    questions: Sequence[str],
    asking: Asking,
    decoder: str,
    on_step: Callable[[Sequence[Branch]], None] | None,
) -> list[Outcome]:
    def heard(_attempt: int, branches: Sequence[Branch]) -> None:
        if on_step:
            on_step(branches)

    return [(await asking.ask(solver, decoder, question, heard)).last for question in questions]


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
