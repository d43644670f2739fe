"""Reasoning and repair as one set of examples (PaD, section 3.3: one objective, two tasks).

Where repair is taught every prompt has the slot, empty for reasoning. Nothing is filtered: a repair that is not learnt
from is a row that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pad_ray.programs.error_code import EMPTY
from pad_ray.recipes import Recipe
from pad_ray.records import Row, content_hash, example_row
from pad_ray.synthesis.repair_settings import RepairConfig
from pad_ray.synthesis.repairs import Repair

BEYOND_RATIO = "repair ratio"
TOO_LONG = "longer than max_tokens"


def mix(
    examples: Sequence[Row],
    questions: Mapping[str, str],
    repairs: Sequence[Repair],
    recipe: Recipe,
    settings: RepairConfig,
    fits: Callable[[Row], bool] = lambda row: True,
) -> list[Row]:
    """The rows that a student learns both tasks from.

    Args:
        examples: rows of `make_examples`, used or not.
        questions: problem id to question.
        repairs: lessons of both kinds.
        recipe: makes prompts and targets.
        settings: ratio, shares, whether messages are told.
        fits: whether question, broken program and right program together are within the student's context. A repair
            that is not is left out, and takes no place of another; reasoning stays as it is.

    Returns:
        Example rows, reasoning first in its order, then repairs by id. With `settings.ratio` 0 there are none of these,
        and reasoning is asked without a slot. Of repairs those are used that the ratio has room for: each problem's
        first before any problem's second, and otherwise by seed.
    """
    if not settings.ratio:
        return list(examples)
    reasoning = [{**row, "prompt": recipe.prompt(questions[row["problem_id"]], (), EMPTY)} for row in examples]
    rows = [_row(one, questions[one.problem_id], recipe, settings) for one in sorted(repairs, key=lambda one: one.id)]
    for row in rows:
        if row["used"] and not fits(row):
            row.update(used=False, why_not=TOO_LONG)
    room = round(settings.ratio * sum(bool(row["used"]) for row in reasoning))
    chosen = _chosen([row for row in rows if row["used"]], room, settings)
    for row in rows:
        if row["used"] and row["id"] not in chosen:
            row.update(used=False, why_not=BEYOND_RATIO)
    return reasoning + rows


def _row(repair: Repair, question: str, recipe: Recipe, settings: RepairConfig) -> Row:
    target = why_not = None
    try:
        target = recipe.target(repair.program)
    except ValueError as error:
        why_not = f"recipe: {error}"
    slot = repair.slot if settings.message else repair.slot.without_message()
    return example_row(
        id=repair.id,
        sample_id=repair.sample_id,
        problem_id=repair.problem_id,
        prompt=recipe.prompt(question, (), slot),
        target=target,
        used=why_not is None,
        why_not=why_not,
        lesson=repair.lesson,
        broken_id=repair.broken_id,
    )


def _chosen(rows: Sequence[Row], room: int, settings: RepairConfig) -> set[str]:
    """Ids of the repairs that are used."""
    kinds: dict[bool, list[Row]] = {True: [], False: []}
    for row in rows:
        kinds[row["lesson"].startswith("mined:")].append(row)
    mined = _in_turn(kinds[True], settings.seed) if settings.mined > 0 else []
    injected = _in_turn(kinds[False], settings.seed) if settings.mined < 1 else []
    share = min(round(room * settings.mined), len(mined))
    others = min(room - share, len(injected))
    return {*mined[: room - others], *injected[:others]}


def _in_turn(rows: Sequence[Row], seed: int) -> list[str]:
    """Ids in the order in which they are taken. A row more changes the places of its problem's rows only."""
    of_problem: dict[str, list[str]] = {}
    for row in rows:
        of_problem.setdefault(row["problem_id"], []).append(row["id"])
    turns = [
        (turn, content_hash(seed, id), id)
        for ids in of_problem.values()
        for turn, id in enumerate(sorted(ids, key=lambda id: content_hash(seed, id)))
    ]
    return [id for _, _, id in sorted(turns)]
