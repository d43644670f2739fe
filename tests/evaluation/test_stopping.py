"""Rounds end when nothing is gained beyond chance, or a budget is used up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.evaluation.stopping import Standing, StopRule, best_round, stop_reason

N = 200


def _standing(right: int, tokens: int = 10) -> Standing:
    """The first so many of 200 problems are right."""
    return Standing({f"{n}": n < right for n in range(N)}, tokens)


def _history(*right: int) -> list[Standing]:
    return [_standing(count) for count in right]


def test_rounds_go_on_while_they_gain() -> None:
    assert stop_reason(_history(20, 40, 60, 80), StopRule(rounds=9)) is None


def test_no_gain_for_so_many_rounds_is_the_end() -> None:
    reasons = [stop_reason(_history(20, 40, *[41] * flat), StopRule(patience=2, rounds=9)) for flat in range(3)]
    assert reasons == [None, None, "no_gain"]


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_patience_is_how_many(patience: int) -> None:
    flat = [20] * (patience + 1)
    rule = StopRule(patience=patience, rounds=99)
    assert stop_reason(_history(*flat), rule) == "no_gain"
    assert stop_reason(_history(*flat[:-1]), rule) is None


def test_a_loss_is_no_gain() -> None:
    assert stop_reason(_history(60, 40, 20), StopRule(patience=2, rounds=9)) == "no_gain"


def test_a_gain_within_chance_is_none() -> None:
    # The same rise, once as luck among many changes and once without a loss.
    before = Standing({f"{n}": n < 100 for n in range(N)})
    lucky = Standing({f"{n}": not n < 100 if n % 2 else n < 110 for n in range(N)})
    assert sum(lucky.right.values()) > sum(before.right.values())
    assert best_round([before, lucky]) == 0
    assert best_round(_history(100, sum(lucky.right.values()))) == 1


def test_small_steps_add_up() -> None:
    history = _history(20, 23, 26, 29, 32)
    assert best_round(history[:2]) == 0
    assert best_round(history) > 0


def test_after_a_gain_patience_begins_again() -> None:
    rule = StopRule(patience=2, rounds=9)
    assert stop_reason(_history(20, 21, 60, 61), rule) is None
    assert stop_reason(_history(20, 21, 60, 61, 62), rule) == "no_gain"


@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_are_a_budget(rounds: int) -> None:
    history = _history(*range(10, 200, 40))
    rule = StopRule(rounds=rounds)
    assert [stop_reason(history[: done + 1], rule) for done in range(rounds + 1)] == [None] * rounds + ["rounds"]


def test_tokens_are_a_budget_of_all_rounds_together() -> None:
    history = _history(10, 50, 90)
    assert stop_reason(history, StopRule(tokens=31)) is None
    assert stop_reason(history, StopRule(tokens=30)) == "tokens"


@given(st.lists(st.integers(0, N), min_size=1, max_size=7))
def test_the_round_to_keep_is_never_worse_than_the_first(counts: list[int]) -> None:
    history = _history(*counts)
    assert counts[best_round(history)] >= counts[0]


@given(st.lists(st.integers(0, N), min_size=1, max_size=7), st.integers(1, 3), st.integers(1, 6))
def test_every_run_of_rounds_ends(counts: list[int], patience: int, rounds: int) -> None:
    rule = StopRule(patience=patience, rounds=rounds)
    history = _history(*counts)
    while stop_reason(history, rule) is None:
        history.append(history[-1])
        assert len(history) <= max(len(counts), rounds + 1)
