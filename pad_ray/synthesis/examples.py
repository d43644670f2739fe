"""Samples that held become example rows; the student learns from those that are used."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from pad_ray.config import ExamplesConfig
from pad_ray.recipes import Held, Lesson, Recipe, recipe_named
from pad_ray.records import Row, content_hash, example_row
from pad_ray.synthesis.marks import kind_of, mark_samples

OVER_LIMIT = "per_problem limit"
BEYOND_FRACTION = "fraction"


def make_examples(
    samples: Iterable[Row],
    questions: Mapping[str, str],
    recipe: Recipe,
    settings: ExamplesConfig,
    marks: Mapping[str, Sequence[str]] | None = None,
    value: Callable[[Sequence[Row]], Mapping[str, float]] | None = None,
) -> list[Row]:
    """Example rows for every sample whose verdict is `ok`, used or not: one for each lesson that is made of it.

    Args:
        samples: sample rows.
        questions: problem id to question.
        recipe: makes prompts and targets.
        settings: which marks exclude a sample, and how many samples of one problem are used.
        marks: sample id to marks; by default those of `mark_samples` without evaluation sets.
        value: see `within_fraction`.

    Returns:
        As `examples_of`, but that of a fraction below 1 the problems beyond it are left out.
    """
    held = [row for row in samples if row["verdict"] == "ok"]
    examples = examples_of(held, questions, recipe, settings, mark_samples(held, questions) if marks is None else marks)
    if settings.fraction < 1:
        leave_out(examples, within_fraction(examples, settings, value))
    return examples


def examples_of(
    samples: Iterable[Row],
    questions: Mapping[str, str],
    recipe: Recipe,
    settings: ExamplesConfig,
    marks: Mapping[str, Sequence[str]],
) -> list[Row]:
    """The same for some problems of many, with all samples of each; `settings.fraction` is not looked at.

    Returns:
        Example rows, sorted by problem and sample. `used` says whether the student learns from the row, `why_not` why
        it does not: the first mark that excludes it, what the recipe says, or OVER_LIMIT. Of more than
        `settings.per_problem` samples that nothing excludes a choice is used that is seeded by the problem's id. The
        id of a row is its sample's, with the task behind it from a sample's second lesson on.
    """
    held = sorted((row for row in samples if row["verdict"] == "ok"), key=lambda row: str(row["id"]))
    examples = [
        row for one in held for row in _lessons(one, questions[one["problem_id"]], recipe, marks[one["id"]], settings)
    ]
    for problem_id, rows in _used(examples).items():
        for example in _beyond(rows, problem_id, settings.per_problem):
            example.update(used=False, why_not=OVER_LIMIT)
    return sorted(examples, key=lambda row: (row["problem_id"], row["id"]))


def within_fraction(
    examples: Iterable[Row],
    settings: ExamplesConfig,
    value: Callable[[Sequence[Row]], Mapping[str, float]] | None = None,
) -> frozenset[str]:
    """The problems that a fraction of the data is: whole ones, so that less data is fewer kinds of problems too.

    Args:
        examples: rows of `examples_of`, of all problems.
        settings: the fraction and its order.
        value: example rows to values by id; asked where `settings.order` is by value.
    """
    used = _used(examples)
    worth = dict.fromkeys(used, 0.0)
    if settings.order != "random" and value:
        values = value([row for rows in used.values() for row in rows])
        worth = {problem: sum(values[row["id"]] for row in rows) / len(rows) for problem, rows in used.items()}
    order = sorted(used, key=lambda problem: (-worth[problem], content_hash(settings.seed, problem)))
    return frozenset(order[: max(1, round(len(order) * settings.fraction))])


def leave_out(examples: Iterable[Row], within: Container[str]) -> None:
    """Marks the rows of other problems than these as not used."""
    for example in examples:
        if example["used"] and example["problem_id"] not in within:
            example.update(used=False, why_not=BEYOND_FRACTION)


def _used(examples: Iterable[Row]) -> dict[str, list[Row]]:
    of_problem: dict[str, list[Row]] = {}
    for example in examples:
        if example["used"]:
            of_problem.setdefault(example["problem_id"], []).append(example)
    return of_problem


def _beyond(rows: list[Row], problem_id: str, limit: int) -> list[Row]:
    """The rows of the samples that a problem has too many."""
    samples = list(dict.fromkeys(row["sample_id"] for row in rows))
    if len(samples) <= limit:
        return []
    kept = {samples[place] for place in random.Random(problem_id).sample(range(len(samples)), limit)}
    return [row for row in rows if row["sample_id"] not in kept]


def _lessons(sample: Row, question: str, recipe: Recipe, marks: Sequence[str], settings: ExamplesConfig) -> list[Row]:
    why_not = next((mark for mark in marks if kind_of(mark) in settings.exclude), None)
    text = recipe_named(recipe.annotator).solution(sample.get("completion") or "")
    try:
        lessons = recipe.lessons(question, Held(sample["program"] or "", text))
    except ValueError as error:
        why_not = why_not or f"recipe: {error}"
        return [_row(sample, sample["id"], Lesson(recipe.prompt(question), ""), marks, why_not) | {"target": None}]
    return [
        _row(sample, sample["id"] if not place else f"{sample['id']}-{lesson.task}", lesson, marks, why_not)
        for place, lesson in enumerate(lessons)
    ]


def _row(sample: Row, id: str, lesson: Lesson, marks: Sequence[str], why_not: str | None) -> Row:
    return example_row(
        id=id,
        sample_id=sample["id"],
        problem_id=sample["problem_id"],
        prompt=lesson.prompt,
        target=lesson.target,
        task=lesson.task,
        weight=lesson.weight,
        marks=json.dumps(list(marks)),
        used=why_not is None,
        why_not=why_not,
    )
