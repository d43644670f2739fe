"""What a model was taught for, beside what it can besides: evaluation sets, asked as its folder says.

A remedy costs some of what was learnt; this says how much. Each model is asked by the prompts of its own recipe,
without a worked example, and judged as a run's evaluation judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.ability.asking import Answerer, Length
from pad_ray.ability.models import Measured
from pad_ray.ability.settings import Settings
from pad_ray.answers import rules_of
from pad_ray.benchmarks import Benchmark, benchmark_named, load_benchmark
from pad_ray.config import VerificationConfig
from pad_ray.evaluation.metrics import wilson
from pad_ray.problems import Problem
from pad_ray.programs.error_code import EMPTY
from pad_ray.recipes import JudgedBy, recipe_named
from pad_ray.student_file import StudentFile
from pad_ray.text_verification import verifier_by
from pad_ray.verification import Verdict, is_executable

_MAX_TOKENS = 256  # of a solution, as far as the jobs of this repository go


@dataclass(frozen=True)
class TaughtSet:
    """An evaluation set, or the first problems of it."""

    benchmark: Benchmark
    problems: Sequence[Problem]


@dataclass(frozen=True)
class TaughtAccuracy:
    """Figures of a model on a set.

    Attributes:
        task: name of the set.
        n, right: problems, and those answered rightly.
        executable: those whose program ran; None of answers in words.
        accuracy, low, high: right of all, with Wilson's 95 % interval.
    """

    task: str
    n: int
    right: int
    executable: int | None
    accuracy: float
    low: float
    high: float


def load_taught(names: Sequence[str], settings: Settings) -> list[TaughtSet]:
    """The evaluation sets of these names.

    Raises:
        ConfigError: there is no set of a name.
        DataError: its file is not at hand.
    """
    return [
        TaughtSet(benchmark_named(name), list(load_benchmark(name, settings.data))[: settings.limit]) for name in names
    ]


def answer_set(taught: TaughtSet, answerer: Answerer, model: Measured) -> TaughtAccuracy:
    """Asks a model the problems of a set, and judges.

    Raises:
        EngineError: a prompt has more tokens than it takes.
        PlacementError: this machine cannot confine programs.
    """
    told = StudentFile.read(model.adapter or model.folder)
    recipe = recipe_named(told.recipe)
    prompts = [recipe.prompt(one.question, (), EMPTY if told.repairs else None) for one in taught.problems]
    with verifier_by(rules_of(VerificationConfig(), recipe, taught.benchmark)) as verifier:
        texts = answerer(prompts, Length(_MAX_TOKENS, tuple(recipe.stop)))
        judgements = verifier.judge([recipe.solution(text) for text in texts], [one.answer for one in taught.problems])
    n, right = len(judgements), sum(one.verdict is Verdict.OK for one in judgements)
    programs = recipe.judged_by is JudgedBy.PROGRAM
    ran = sum(is_executable(one.verdict) for one in judgements) if programs else None
    return TaughtAccuracy(taught.benchmark.name, n, right, ran, right / n, *wilson(right, n))
