"""Samples that held become what the student learns from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from pad_ray.config import ExamplesConfig
from pad_ray.recipes import Recipe
from pad_ray.records import Row


def make_examples(
    samples: Iterable[Row], questions: Mapping[str, str], recipe: Recipe, settings: ExamplesConfig
) -> list[Row]:
    """Training examples from samples whose verdict is `ok`.

    Args:
        samples: sample rows.
        questions: problem id to question.
        recipe: makes prompt and target.
        settings: how many programs of one problem are kept.

    Returns:
        Example rows in an order that depends on the samples only. The same program is kept once for each problem, and
        of more than `settings.per_problem` programs a choice that is seeded by the problem's id.
    """
    kept: dict[str, dict[str, Row]] = {}
    for sample in sorted(samples, key=lambda row: str(row["id"])):
        if sample["verdict"] == "ok" and not sample["forged"]:
            kept.setdefault(sample["problem_id"], {}).setdefault(sample["program"].strip(), sample)
    return [
        _example(sample, questions[problem_id], recipe)
        for problem_id in sorted(kept)
        for sample in _chosen(list(kept[problem_id].values()), problem_id, settings.per_problem)
    ]


def _chosen(samples: list[Row], problem_id: str, limit: int) -> list[Row]:
    if len(samples) <= limit:
        return samples
    return random.Random(problem_id).sample(samples, limit)


def _example(sample: Row, question: str, recipe: Recipe) -> Row:
    return {
        "id": sample["id"],
        "sample_id": sample["id"],
        "problem_id": sample["problem_id"],
        "split": "train",
        "prompt": recipe.prompt(question),
        "target": recipe.target(sample["program"]),
    }
