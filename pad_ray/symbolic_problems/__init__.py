"""Symbolic reasoning by rule: coin flip and last letter concatenation (arXiv 2201.11903, section 5).

    problems = generate("coin_flip", seed=0)
    problems["train"][0].question   # "A coin is heads up. Ruth flips the coin. Omar does not flip the coin. ..."

Each problem brings a program and a chain of thought that answer it, so no teacher is needed. Problems have four names,
as those of arXiv 2205.11916; problems of the split unseen have five or six, which the student never trains on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pad_ray.errors import ConfigError
from pad_ray.symbolic_problems.names import NAMES
from pad_ray.symbolic_problems.tasks import TASKS, Task

__all__ = ["DEFAULT_SIZES", "LARGEST_SPLIT", "TASKS", "SymbolicProblem", "generate"]

# Train and test are as large as those of arXiv 2212.10071, which later work compares on.
DEFAULT_SIZES = {"train": 350, "validation": 50, "test": 150, "unseen": 100}
LARGEST_SPLIT = 5_000

# Evaluation splits come first: they then stay the same whatever size of training split is asked for.
_ORDER = ("test", "validation", "unseen", "train")
_LENGTHS = {"unseen": (5, 6)}
_LENGTH = (4,)


@dataclass(frozen=True)
class SymbolicProblem:
    """A generated problem.

    Attributes:
        id: `<task>-<split>-<n>`, n from 0.
        question: plain English.
        answer: "yes" or "no" of a coin; lower-case letters, one for each name.
        program: a `solution()` that works the answer out step by step.
        rationale: a chain of thought, one step a line, that ends in a line `#### <answer>`.
        names: how many names the question has.
    """

    id: str
    question: str
    answer: str
    program: str
    rationale: str
    names: int


def generate(task: str, seed: int, sizes: Mapping[str, int] | None = None) -> dict[str, list[SymbolicProblem]]:
    """Make the splits train, validation, test and unseen; no question is asked twice, in one split or in two.

    Args:
        task: `coin_flip` or `last_letters`.
        seed: the same seed gives the same problems in every process and Python version.
        sizes: problems a split, up to 5,000; a split that is not named has its size of `DEFAULT_SIZES`.

    Raises:
        ConfigError: an unknown task or split, or an impossible size.
    """
    if task not in TASKS:
        raise ConfigError(f"there is no symbolic task `{task}`", f"There are: {', '.join(TASKS)}.")
    wanted = {**DEFAULT_SIZES, **(sizes or {})}
    _check_sizes(task, wanted)
    asked: set[str] = set()
    splits = {split: _make_split(task, split, wanted[split], seed, asked) for split in _ORDER}
    return {split: splits[split] for split in DEFAULT_SIZES}


def _check_sizes(task: str, sizes: Mapping[str, int]) -> None:
    for split, size in sizes.items():
        if split not in DEFAULT_SIZES:
            raise ConfigError(f"{task} has no split `{split}`", f"Its splits are {', '.join(DEFAULT_SIZES)}.")
        if not 0 <= size <= LARGEST_SPLIT:
            raise ConfigError(f"{task} cannot make {size} problems for `{split}`", f"Ask for 0 to {LARGEST_SPLIT}.")


def _make_split(task: str, split: str, size: int, seed: int, asked: set[str]) -> list[SymbolicProblem]:
    """Problems that are not among the questions `asked`, to which theirs are added."""
    # `Random.random()` is the one method whose sequence Python promises to keep.
    chance = random.Random(f"{seed}/{task}/{split}").random
    lengths = _LENGTHS.get(split, _LENGTH)
    problems: list[SymbolicProblem] = []
    # Four of some hundred names can be drawn in billions of ways, so this ends soon.
    while len(problems) < size:
        count = lengths[len(problems) % len(lengths)]
        problem = _make(f"{task}-{split}-{len(problems)}", TASKS[task], count, chance)
        if problem.question not in asked:
            asked.add(problem.question)
            problems.append(problem)
    return problems


def _make(id: str, task: Task, count: int, chance: Callable[[], float]) -> SymbolicProblem:
    left = list(NAMES)
    names = [left.pop(int(chance() * len(left))) for _ in range(count)]
    made = task(names, chance)
    return SymbolicProblem(id, made.question, made.answer, made.program, made.rationale, count)
