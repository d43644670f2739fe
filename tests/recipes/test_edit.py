"""EDIT: pairs, the minimum edit between them, and what each token counts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.recipes import recipe_named
from pad_ray.recipes.edit import Solution, alignment, edit_distance, edit_weights, make_pairs
from pad_ray.recipes.pad import Pad

words = st.lists(st.sampled_from("abc"), max_size=8)


def _solution(id: str, text: str, right: bool, problem: str = "p") -> Solution:
    return Solution(id, problem, text, right)


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("abc", "abc", 0)],
)
def test_the_distance_is_levenshteins(before: str, after: str, distance: int) -> None:
    assert edit_distance(before, after) == distance


@given(words, words)
def test_the_distance_is_the_same_both_ways(before: list[str], after: list[str]) -> None:
    assert edit_distance(before, after) == edit_distance(after, before)


@given(words, words)
def test_kept_tokens_are_equal_and_in_order(before: list[str], after: list[str]) -> None:
    kept = alignment(before, after)
    assert all(before[a] == after[b] for a, b in kept)
    assert kept == sorted(kept)
    assert len({a for a, _ in kept}) == len({b for _, b in kept}) == len(kept)


@given(words, words)
def test_the_edit_that_is_taken_is_a_minimum_one(before: list[str], after: list[str]) -> None:
    kept = [(-1, -1), *alignment(before, after), (len(before), len(after))]
    gaps = [(a2 - a1 - 1, b2 - b1 - 1) for (a1, b1), (a2, b2) in pairwise(kept)]
    assert sum(max(gap) for gap in gaps) == edit_distance(before, after)


def test_inserted_tokens_count_alpha_and_deleted_ones_minus_beta() -> None:
    weights = edit_weights(["3", "+", "4"], ["3", "-", "4"])
    assert weights.right == (0, 1.0, 0)
    assert weights.wrong == (0, -0.025, 0)


def test_an_insertion_has_no_counterpart() -> None:
    weights = edit_weights("abxc", "abc", alpha=2, beta=0.5)
    assert (weights.right, weights.wrong) == ((0, 0, 2, 0), (0, 0, 0))


def test_equal_solutions_teach_nothing() -> None:
    weights = edit_weights([1, 2, 3], [1, 2, 3])
    assert not any((*weights.right, *weights.wrong))


@given(words, words)
def test_there_is_a_weight_for_each_token(right: list[str], wrong: list[str]) -> None:
    weights = edit_weights(right, wrong)
    assert (len(weights.right), len(weights.wrong)) == (len(right), len(wrong))


@pytest.mark.parametrize(("alpha", "beta"), [(-1, 0), (1, -0.1)])
def test_a_negative_weight_is_refused(alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match="negative"):
        edit_weights("a", "b", alpha, beta)


def test_the_nearest_right_and_wrong_are_a_pair() -> None:
    near, far = _solution("w1", "a = 3\nreturn a", False), _solution("w2", "b = 9\nc = b * 2\nreturn c", False)
    [pair] = make_pairs([far, _solution("r", "a = 4\nreturn a", True), near])
    assert (pair.right.id, pair.wrong.id, pair.distance) == ("r", "w1", 1)


def test_solutions_of_different_problems_are_no_pair() -> None:
    assert make_pairs([_solution("r", "a", True, "p"), _solution("w", "b", False, "q")]) == []


def test_two_right_ones_are_no_pair() -> None:
    assert make_pairs([_solution("a", "x", True), _solution("b", "y", True)]) == []


def test_a_text_that_was_judged_both_ways_is_no_pair() -> None:
    assert make_pairs([_solution("a", "x", True), _solution("b", "x", False)]) == []


def test_a_solution_is_in_one_pair_only() -> None:
    solutions = [_solution("r1", "a b", True), _solution("w1", "a c", False), _solution("w2", "a d", False)]
    assert len(make_pairs(solutions, per_problem=5)) == 1


def test_a_problem_has_no_more_pairs_than_the_limit() -> None:
    solutions = [_solution(f"{right}{n}", f"{right} {n}", right) for right in (True, False) for n in range(3)]
    assert [len(make_pairs(solutions, limit)) for limit in (1, 2, 9)] == [1, 2, 3]


def test_pairs_do_not_depend_on_the_order_of_solutions() -> None:
    solutions = [_solution(f"{right}{n}", f"{right} {n}", right) for right in (True, False) for n in range(3)]
    assert make_pairs(solutions, 2) == make_pairs(solutions[::-1], 2)


def test_the_recipe_asks_as_pad_does() -> None:
    assert recipe_named("edit").prompt("Why?") == Pad().prompt("Why?")


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        make_pairs([], 0)
