"""EDIT (arXiv 2405.19737): learn where a right and a wrong solution of one problem part.

After ordinary training on what held pairs are learnt from: key reasoning step learning, as the paper calls it. By the
minimum edit distance over tokens, what stands only in the right solution counts alpha, what stands only in the wrong
one −beta, and what both share nothing. The paper takes alpha = 1 and beta = 0.025, and a smaller rate for pairs; here
both are one training: a right solution counts 1, and alpha more where the wrong one differs, see
`pad_ray.synthesis.pairs`.
The functions take any tokens, so chains of thought are paired as programs are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pad_ray.recipes.cot import Cot
from pad_ray.recipes.pad import Pad

ALPHA = 1.0
BETA = 0.025
WRONG = "edit:"  # how the `lesson` of an example begins that shows what is not to be written; its verdict follows

T = TypeVar("T", bound=Hashable)


class Edit(Pad):
    """Asked, judged and taught as `pad`; the pairs come on top, see `make_pairs`."""

    name = annotator = "edit"
    pairs = True


class EditCot(Cot):
    """The same with chains of thought, as in the paper: `cot` and the pairs."""

    name = annotator = "edit_cot"
    pairs = True


def shows_wrong(example: Mapping[str, Any]) -> bool:
    """Whether an example row is there to be made less likely."""
    return bool(example["lesson"] and example["lesson"].startswith(WRONG))


@dataclass(frozen=True, slots=True)
class Solution:
    """A judged solution of a problem.

    Attributes:
        id: of its sample.
        problem_id: of its problem.
        text: program or chain, in the form that the student writes.
        right: whether it held.
    """

    id: str
    problem_id: str
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """A right and a wrong solution of one problem, and the edit distance of their words."""

    right: Solution
    wrong: Solution
    distance: int


@dataclass(frozen=True, slots=True)
class EditWeights:
    """How much each token of a pair counts in the loss.

    Attributes:
        right: alpha where a token was inserted or replaced another, else 0; one for each token of the right solution.
        wrong: −beta where a token was deleted or was replaced, else 0; one for each token of the wrong solution.
    """

    right: tuple[float, ...]
    wrong: tuple[float, ...]


def edit_weights(right: Sequence[T], wrong: Sequence[T], alpha: float = ALPHA, beta: float = BETA) -> EditWeights:
    """The weights of a pair's tokens.

    Args:
        right: tokens of the right solution; ids, words, anything that compares.
        wrong: tokens of the wrong one.
        alpha: weight of what stands only in the right one; not negative.
        beta: weight, taken off, of what stands only in the wrong one; not negative.

    Raises:
        ValueError: a negative weight.
    """
    if alpha < 0 or beta < 0:
        raise ValueError("alpha and beta are not negative; what is deleted is taken off anyway")
    shared = alignment(wrong, right)
    kept_wrong, kept_right = {before for before, _ in shared}, {after for _, after in shared}
    return EditWeights(
        tuple(0.0 if place in kept_right else alpha for place in range(len(right))),
        tuple(0.0 if place in kept_wrong else -beta for place in range(len(wrong))),
    )


def alignment(before: Sequence[T], after: Sequence[T]) -> list[tuple[int, int]]:
    """The places of the tokens that a minimum edit keeps, from left to right.

    Insertion, deletion and replacement cost 1 each. Of equal edits the one is taken that keeps tokens at the end.
    """
    costs = _costs(before, after)
    kept = []
    row, column = len(before), len(after)
    while row and column:
        same = before[row - 1] == after[column - 1]
        if costs[row][column] == costs[row - 1][column - 1] + (not same):
            row, column = row - 1, column - 1
            if same:
                kept.append((row, column))
        elif costs[row][column] == costs[row - 1][column] + 1:
            row -= 1
        else:
            column -= 1
    return kept[::-1]


def edit_distance(before: Sequence[T], after: Sequence[T]) -> int:
    """The fewest insertions, deletions and replacements that make one of the other (Levenshtein)."""
    return _costs(before, after)[-1][-1]


def make_pairs(solutions: Sequence[Solution], per_problem: int = 1) -> list[Pair]:
    """Pairs of a right and a wrong solution of the same problem, the nearest first: they part in fewest words.

    Args:
        solutions: of any problems, in any order.
        per_problem: most pairs of one problem. No solution is in two pairs.

    Returns:
        Pairs by problem, then by distance; ties go by ids, so the order of `solutions` does not matter.

    Raises:
        ValueError: a limit below 1.
    """
    if per_problem < 1:
        raise ValueError("a limit of pairs is 1 or more")
    of_problem: dict[str, list[Solution]] = {}
    for solution in solutions:
        of_problem.setdefault(solution.problem_id, []).append(solution)
    return [pair for problem in sorted(of_problem) for pair in _nearest(of_problem[problem], per_problem)]


def _nearest(solutions: Sequence[Solution], limit: int) -> list[Pair]:
    words = {one.id: one.text.split() for one in solutions}
    pairs = [
        Pair(right, wrong, edit_distance(words[wrong.id], words[right.id]))
        for right in solutions
        for wrong in solutions
        if right.right and not wrong.right and right.text != wrong.text
    ]
    chosen: list[Pair] = []
    used: set[str] = set()
    for pair in sorted(pairs, key=lambda pair: (pair.distance, pair.right.id, pair.wrong.id)):
        if len(chosen) < limit and used.isdisjoint((pair.right.id, pair.wrong.id)):
            chosen.append(pair)
            used |= {pair.right.id, pair.wrong.id}
    return chosen


def _costs(before: Sequence[T], after: Sequence[T]) -> list[list[int]]:
    """The edit distance of every beginning of one to every beginning of the other, as the table of Wagner-Fischer."""
    costs = [list(range(len(after) + 1))]
    for row, token in enumerate(before, start=1):
        above, line = costs[-1], [row]
        for column, other in enumerate(after, start=1):
            line.append(min(above[column - 1] + (token != other), above[column] + 1, line[-1] + 1))
        costs.append(line)
    return costs
