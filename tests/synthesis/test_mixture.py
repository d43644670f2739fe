"""Reasoning and repair in one set: a ratio, a share of mined lessons, and a reason for every row that is left out."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.config import ExamplesConfig
from pad_ray.programs.error_code import EMPTY, ErrorCode
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, table
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.mixture import BEYOND_RATIO, TOO_LONG, mix
from pad_ray.synthesis.repair_settings import RepairConfig
from pad_ray.synthesis.repairs import Repair

PAD = recipe_named("pad")
QUESTIONS = {f"p{n}": f"Question {n}?" for n in range(30)}
BROKEN = "def solution():\n    return nut"


def _program(n: int) -> str:
    return f"def solution():\n    return {n} + 1"


def _reasoning(count: int = 10) -> list[Row]:
    samples = [
        {"id": f"t{n}-0", "problem_id": f"p{n}", "program": _program(n), "verdict": "ok", "forged": n == 9}
        for n in range(count)
    ]
    return make_examples(samples, QUESTIONS, PAD, ExamplesConfig())


def _repairs(kind: str, count: int, problems: int = 30, message: str | None = "NameError: nut") -> list[Repair]:
    slot = [ErrorCode(f"{BROKEN}_{n}", message) for n in range(count)]
    return [
        Repair(f"p{n % problems}", f"{kind}:x", slot[n], _program(n % problems), f"s{n}-0", f"t{n % problems}-0")
        for n in range(count)
    ]


LESSONS = [*_repairs("injected", 40), *_repairs("mined", 40)]


def _mix(repairs: list[Repair] = LESSONS, count: int = 9, **settings: Any) -> list[Row]:
    return mix(_reasoning(count), QUESTIONS, repairs, PAD, RepairConfig(**settings))


def _used(rows: list[Row]) -> Counter[str]:
    return Counter((row["lesson"] or "reasoning").partition(":")[0] for row in rows if row["used"])


def test_without_repair_the_examples_are_what_they_were() -> None:
    assert mix(_reasoning(), QUESTIONS, LESSONS, PAD, RepairConfig(ratio=0)) == _reasoning()


def test_reasoning_is_asked_with_an_empty_slot_and_is_otherwise_what_it_was() -> None:
    before = _reasoning()
    for row, was in zip(_mix(count=10), before, strict=False):
        assert row["prompt"] == PAD.prompt(QUESTIONS[was["problem_id"]], (), EMPTY)
        assert {**row, "prompt": was["prompt"]} == was


def test_a_repair_is_a_record_that_names_where_it_comes_from() -> None:
    [lesson] = _repairs("mined", 1)
    row = _mix([lesson])[-1]
    assert row == {
        "id": lesson.id,
        "sample_id": "t0-0",
        "problem_id": "p0",
        "split": "train",
        "prompt": PAD.prompt("Question 0?", (), lesson.slot),
        "target": "\n    return 0 + 1\n",
        "task": None,
        "weight": None,
        "marks": "[]",
        "used": True,
        "why_not": None,
        "lesson": "mined:x",
        "broken_id": "s0-0",
        "contrast": None,
    }
    assert [*row] == columns("example")
    assert table("example", [row]).to_pylist() == [row]


def test_by_a_switch_the_message_is_not_told() -> None:
    [lesson] = _repairs("mined", 1)
    assert _mix([lesson], message=False)[-1]["prompt"] == PAD.prompt("Question 0?", (), ErrorCode(f"{BROKEN}_0"))


@given(
    st.integers(0, 10),
    st.integers(0, 30),
    st.integers(0, 30),
    st.floats(0.05, 4),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_the_ratio_and_the_share_hold_where_there_are_enough(
    reasoning: int, injected: int, mined: int, ratio: float, share: float, seed: int
) -> None:
    repairs = [*_repairs("injected", injected), *_repairs("mined", mined)]
    rows = _mix(repairs, count=reasoning, ratio=ratio, mined=share, seed=seed)
    used = _used(rows)
    assert used["reasoning"] == min(reasoning, 9)  # the tenth may have forged its value
    room = round(ratio * used["reasoning"])
    have = (mined if share > 0 else 0) + (injected if share < 1 else 0)
    assert used["mined"] + used["injected"] == min(room, have)
    wanted = round(room * share)
    if mined >= wanted and injected >= room - wanted:
        assert used["mined"] == wanted


def test_one_kind_fills_up_for_the_other_but_not_at_the_ends() -> None:
    injected = _repairs("injected", 20)
    assert _used(_mix(injected, ratio=1, mined=0.9))["injected"] == 9
    assert _used(_mix(injected, ratio=1, mined=1.0))["injected"] == 0


def test_nothing_is_deleted() -> None:
    rows = _mix(count=10)
    assert {row["id"] for row in rows} == {row["id"] for row in _reasoning()} | {one.id for one in LESSONS}
    assert {row["why_not"] for row in rows if not row["used"]} == {"forged", BEYOND_RATIO}
    assert all(row["used"] == (row["why_not"] is None) for row in rows)


def test_repairs_are_spread_over_problems() -> None:
    rows = _mix(_repairs("mined", 40, problems=10), ratio=1, mined=1)
    used = Counter(row["problem_id"] for row in rows if row["used"] and row["lesson"])
    assert set(used.values()) == {1}


@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_lessons_changes_nothing(chance: random.Random, seed: int) -> None:
    assert _mix(chance.sample(LESSONS, len(LESSONS)), seed=seed) == _mix(seed=seed)


def test_the_seed_chooses() -> None:
    chosen = {tuple(row["id"] for row in _mix(seed=seed) if row["used"]) for seed in range(5)}
    assert len(chosen) == 5


def test_what_is_too_long_takes_no_place_of_another() -> None:
    def short(row: Row) -> bool:
        return row["problem_id"] not in ("p1", "p2", "p3")

    rows = mix(_reasoning(9), QUESTIONS, LESSONS, PAD, RepairConfig(ratio=1), short)
    assert {row["problem_id"] for row in rows if row["why_not"] == TOO_LONG} == {"p1", "p2", "p3"}
    assert _used(rows) == {"reasoning": 9, "injected": 5, "mined": 4}
    assert all(row["used"] for row in rows if row["lesson"] is None)


def test_a_program_that_the_recipe_cannot_teach_is_a_row_too() -> None:
    [row] = [
        row for row in _mix([Repair("p0", "mined:x", ErrorCode(BROKEN), "ans = 1", "s-0", "t-0")]) if row["lesson"]
    ]
    assert (row["used"], row["target"], row["why_not"]) == (False, None, "recipe: the program defines no solution()")


@pytest.mark.parametrize("settings", [{"ratio": -1}, {"mined": 1.5}, {"ratio": float("inf")}])
def test_impossible_ratios_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        RepairConfig.model_validate(settings)
