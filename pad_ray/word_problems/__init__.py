"""Arithmetic word problems from a seeded generator: what the quickstart trains and evaluates on.

    problems = generate(seed=0, sizes={"train": 600})
    problems["train"][0].question   # "Mia has 12 marbles. She buys 7 more marbles at the fair. How many ..."

Any prefix of a split is balanced: the number of operations goes 1, 2, 3, 1, 2, 3, ... and templates
take turns.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pad_ray.errors import ConfigError
from pad_ray.word_problems.templates import HELD_OUT, TRAINED, Template
from pad_ray.word_problems.words import NOUNS, PEOPLE, PERSON_SLOTS, PLAIN

__all__ = ["DEFAULT_SIZES", "LARGEST_SPLIT", "WordProblem", "generate"]

DEFAULT_SIZES = {"train": 600, "validation": 120, "test": 300, "unseen": 150}
LARGEST_SPLIT = 5_000

# Evaluation splits come first: they then stay the same whatever size of training split is asked for.
_ORDER = ("test", "validation", "unseen", "train")
_MAX_DRAWS = 10_000

T = TypeVar("T")
_Kind = tuple[str, tuple[int, ...]]  # a template with its numbers


@dataclass(frozen=True)
class WordProblem:
    """A generated problem.

    Attributes:
        id: `quickstart-<split>-<n>`, n from 0.
        question: plain English of 17 to 40 words.
        answer: a positive whole number.
        template: name of the template.
        operations: arithmetic operations needed, 1 to 3.
        numbers: the numbers of the text, as the template names them.
        program: a `solution()` that returns the answer. For tests and documentation; nothing trains on it.
    """

    id: str
    question: str
    answer: int
    template: str
    operations: int
    numbers: tuple[int, ...]
    program: str


def generate(seed: int, sizes: Mapping[str, int] | None = None) -> dict[str, list[WordProblem]]:
    """Make the splits train, validation, test and unseen; the last comes from the held-out templates alone.

    No question is in two splits, nor asked twice in one; nor do train, validation and test share a template
    with the same numbers, so that a test problem is never a training problem with another name in it.

    Args:
        seed: the same seed gives the same problems in every process and Python version.
        sizes: problems a split, up to 5,000; a split that is not named has its size of `DEFAULT_SIZES`.

    Raises:
        ConfigError: an unknown split, an impossible size, or more problems than the templates can tell apart.
    """
    wanted = {**DEFAULT_SIZES, **(sizes or {})}
    _check_sizes(wanted)
    splits: dict[str, list[WordProblem]] = {}
    used: set[_Kind] = set()
    for split in _ORDER:
        made = _make_split(split, wanted[split], seed, used)
        used |= {(problem.template, problem.numbers) for problem in made}
        splits[split] = made
    return {split: splits[split] for split in DEFAULT_SIZES}


def _check_sizes(sizes: Mapping[str, int]) -> None:
    for split, size in sizes.items():
        if split not in DEFAULT_SIZES:
            raise ConfigError(f"quickstart has no split `{split}`", f"Its splits are {', '.join(DEFAULT_SIZES)}.")
        if not 0 <= size <= LARGEST_SPLIT:
            raise ConfigError(f"quickstart cannot make {size} problems for `{split}`", f"Ask for 0 to {LARGEST_SPLIT}.")


def _make_split(split: str, size: int, seed: int, used: set[_Kind]) -> list[WordProblem]:
    templates = HELD_OUT if split == "unseen" else TRAINED
    by_operations = [[t for t in templates if t.operations == operations] for operations in (1, 2, 3)]
    draw = _Draw(f"{seed}/{split}")
    questions: set[str] = set()
    problems = []
    for n in range(size):
        group = by_operations[n % 3]
        template = group[n // 3 % len(group)]
        problem = _new_problem(f"quickstart-{split}-{n}", template, draw, used, questions)
        questions.add(problem.question)
        problems.append(problem)
    return problems


def _new_problem(id: str, template: Template, draw: _Draw, used: set[_Kind], questions: set[str]) -> WordProblem:
    """Draw until the numbers are in no earlier split and the question is new in this one."""
    for _ in range(_MAX_DRAWS):
        problem = _fill(id, template, draw)
        if (template.name, problem.numbers) not in used and problem.question not in questions:
            return problem
    raise ConfigError(f"quickstart runs out of problems at {id} ({template.name})", "Ask for fewer.")


def _fill(id: str, template: Template, draw: _Draw) -> WordProblem:
    numbers = draw.numbers(template)
    values: dict[str, object] = {**numbers, **draw.words(template)}
    lines = template.program.format(**values).split("; ")
    return WordProblem(
        id=id,
        question=template.text.format(**values),
        answer=template.formula(**numbers),
        template=template.name,
        operations=template.operations,
        numbers=tuple(numbers.values()),
        program="\n    ".join(["def solution():", *lines, "return result"]) + "\n",
    )


class _Draw:
    """Random choices by `Random.random()` alone, the one method whose sequence Python promises to keep."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random

    def between(self, low: int, high: int) -> int:
        return low + int(self._random() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        return items[self.between(0, len(items) - 1)]

    def numbers(self, template: Template) -> dict[str, int]:
        while True:
            numbers = {name: self.between(*bounds) for name, bounds in template.ranges.items()}
            if template.where(**numbers):
                return numbers

    def words(self, template: Template) -> dict[str, object]:
        """A word for each placeholder of the text that is no number; people are different people."""
        people = list(PEOPLE)
        words: dict[str, object] = {}
        for slot in _slots(template.text):
            if slot in PERSON_SLOTS:
                words[slot] = people.pop(self.between(0, len(people) - 1))
            elif slot not in template.ranges:
                words[slot] = self.pick(NOUNS[slot] if slot in NOUNS else PLAIN[slot])
        return words


def _slots(text: str) -> list[str]:
    """Placeholders in the order of the text, each once; `who.She` counts as `who`."""
    fields = (field for _, field, _, _ in string.Formatter().parse(text) if field)
    return list(dict.fromkeys(field.partition(".")[0] for field in fields))
