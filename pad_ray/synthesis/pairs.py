"""Pairs of a right and a wrong sample of one problem, as what a student learns (EDIT, arXiv 2405.19737).

Where a right sample that is learnt has a wrong neighbour its tokens that the neighbour lacks count more, and the
neighbour is a row of its own whose tokens that the right one lacks count less than nothing. A problem without a wrong
sample is learnt plainly. The paper learns pairs after the right samples, by a smaller rate; here it is one training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pad_ray.recipes import JudgedBy, Recipe, recipe_named
from pad_ray.recipes.edit import WRONG, Solution, make_pairs
from pad_ray.records import Row
from pad_ray.synthesis.edit_settings import EditConfig
from pad_ray.verification import Verdict

# What was written to the end and is no answer. Trouble of teacher or sandbox says nothing about the text.
_WRONG_VERDICTS = frozenset(
    {
        Verdict.WRONG_ANSWER,
        Verdict.SYNTAX_ERROR,
        Verdict.NAME_ERROR,
        Verdict.UNBOUND_LOCAL,
        Verdict.RUNTIME_ERROR,
        Verdict.NO_ANSWER,
        Verdict.BAD_VALUE,
    }
)


def with_pairs(examples: Sequence[Row], samples: Iterable[Row], recipe: Recipe, settings: EditConfig) -> list[Row]:
    """The rows that a student learns with pairs.

    Args:
        examples: rows of `make_examples`, used or not.
        samples: sample rows with their latest verdicts, right and wrong.
        recipe: makes targets.
        settings: weights, and how many pairs a problem has at most.

    Returns:
        The same rows, those of pairs with their `contrast`, and a row for each wrong sample of a pair, in the order of
        `make_examples`, whatever that of `samples`.
    """
    right = {row["sample_id"]: row for row in examples if row["used"]}
    wrong = {row["id"]: row for row in samples if is_wrong(row)}
    solutions = [Solution(id, row["problem_id"], row["target"], True) for id, row in right.items()]
    solutions += [one for row in wrong.values() if (one := _solution(row, recipe)) is not None]
    told: dict[str, Row] = {}
    shown: list[Row] = []
    for pair in make_pairs(solutions, settings.pairs):
        row = right[pair.right.id]
        told[row["id"]] = _contrast(pair.wrong, "alpha", settings.alpha)
        shown.append(_wrong_row(row, wrong[pair.wrong.id], pair.wrong, _contrast(pair.right, "beta", settings.beta)))
    rows = [{**row, **told.get(row["id"], {})} for row in examples]
    return sorted([*rows, *(shown if settings.beta else ())], key=lambda row: (row["problem_id"], row["id"]))


def is_wrong(sample: Row) -> bool:
    """Whether a sample is a whole text that its verdict calls wrong."""
    return sample["verdict"] in _WRONG_VERDICTS and sample["finish_reason"] != "length" and not sample["forged"]


def _solution(sample: Row, recipe: Recipe) -> Solution | None:
    """A wrong sample in the form that the student writes; None where it is not of that form."""
    if recipe.judged_by is JudgedBy.PROGRAM:
        text = sample["program"] or ""
    else:
        text = recipe_named(recipe.annotator).solution(sample["completion"] or "")
    try:
        return Solution(sample["id"], sample["problem_id"], recipe.target(text), False)
    except ValueError:
        return None


def _contrast(other: Solution, name: str, weight: float) -> Row:
    return {"contrast": json.dumps({"text": other.text, name: weight})}


def _wrong_row(right: Row, sample: Row, wrong: Solution, contrast: Row) -> Row:
    facts = {"id": f"{sample['id']}-edit", "sample_id": sample["id"], "target": wrong.text, "marks": "[]"}
    return {**right, **facts, "lesson": f"{WRONG}{sample['verdict']}", **contrast}
