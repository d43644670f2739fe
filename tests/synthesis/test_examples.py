"""Every sample that held becomes an example row, and the row says whether it is used and why not."""

from __future__ import annotations

import json
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.config import ExamplesConfig, Mark, parse_config
from pad_ray.errors import ConfigError
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, table
from pad_ray.synthesis.examples import BEYOND_FRACTION, OVER_LIMIT, make_examples
from pad_ray.verification import Verdict

PAD = recipe_named("pad")
QUESTIONS = {"p1": "One?", "p2": "Two?"}


def _sample(id: str, value: int = 1, problem: str = "p1", **facts: Any) -> Row:
    program = f"def solution():\n    return {value} + 1"
    return {"id": id, "problem_id": problem, "program": program, "verdict": "ok", "forged": False, **facts}


def _make(*samples: Row, limit: int = 4, **settings: Any) -> list[Row]:
    return make_examples(samples, QUESTIONS, PAD, ExamplesConfig(per_problem=limit, **settings))


def _used(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows if row["used"]]


def test_an_example_is_a_record_that_names_its_sample() -> None:
    [example] = _make(_sample("a-0"))
    assert example == {
        "id": "a-0",
        "sample_id": "a-0",
        "problem_id": "p1",
        "split": "train",
        "prompt": PAD.prompt("One?"),
        "target": "\n    return 1 + 1\n",
        "task": None,
        "weight": None,
        "marks": "[]",
        "used": True,
        "why_not": None,
        "lesson": None,
        "broken_id": None,
        "contrast": None,
    }
    assert [*example] == columns("example")
    assert table("example", [example]).to_pylist() == [example]


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.OK])
def test_what_did_not_hold_is_no_example(verdict: Verdict) -> None:
    assert _make(_sample("a", verdict=str(verdict))) == []


def test_nothing_that_held_is_deleted() -> None:
    samples = [_sample(f"{n}", value=n % 3, forged=n % 2 == 0) for n in range(12)]
    rows = _make(*samples, limit=1)
    assert [row["id"] for row in rows] == sorted(sample["id"] for sample in samples)
    assert all(row["used"] == (row["why_not"] is None) for row in rows)


def test_what_may_have_forged_its_value_is_not_learnt_from() -> None:
    [example] = _make(_sample("a", forged=True))
    assert (example["used"], example["why_not"], json.loads(example["marks"])) == (False, "forged", ["forged"])


def test_a_sample_without_a_program_is_passed_over() -> None:
    assert _make(_sample("a", verdict="teacher_error", program=None, forged=None), _sample("b"))[0]["id"] == "b"


def test_the_same_program_is_used_once_for_each_problem() -> None:
    rows = _make(_sample("b"), _sample("a"), _sample("c", problem="p2"), _sample("d", value=2))
    assert _used(rows) == ["a", "d", "c"]
    assert {row["id"]: row["why_not"] for row in rows if not row["used"]} == {"b": "duplicate"}


def test_marks_that_are_given_count_instead_of_found_ones() -> None:
    samples = [_sample("a"), _sample("b")]
    rows = make_examples(samples, QUESTIONS, PAD, ExamplesConfig(), {"a": ("contaminated:gsm8k",), "b": ()})
    assert {row["id"]: row["why_not"] for row in rows} == {"a": "contaminated:gsm8k", "b": None}


@pytest.mark.parametrize("mark", get_args(Mark))
def test_every_mark_excludes_where_the_settings_say_so(mark: str) -> None:
    for exclude, used in (((mark,), False), ((), True)):
        [row] = make_examples([_sample("a")], QUESTIONS, PAD, ExamplesConfig(exclude=exclude), {"a": (mark,)})
        assert row["used"] is used
        assert json.loads(row["marks"]) == [mark]


def test_by_default_idle_steps_are_only_marked() -> None:
    [row] = make_examples([_sample("a")], QUESTIONS, PAD, ExamplesConfig(), {"a": ("unused_steps", "ignores_question")})
    assert row["used"]


def test_an_unknown_mark_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"`examples\.exclude\.1`: input should be 'forged', 'duplicate', "):
        parse_config({"examples": {"exclude": ["forged", "copied"]}})


def test_a_program_that_the_recipe_cannot_teach_is_a_row_too() -> None:
    [row] = _make(_sample("a", program="ans = 1 + 1"))
    assert (row["used"], row["target"], row["why_not"]) == (
        False,
        None,
        "recipe: the program defines no solution()",
    )


def test_of_many_programs_of_a_problem_some_are_chosen() -> None:
    samples = [_sample(f"a{n}", value=n) for n in range(9)] + [_sample("b", problem="p2")]
    rows = _make(*samples, limit=3)
    used = [row for row in rows if row["used"]]
    assert [row["problem_id"] for row in used] == ["p1", "p1", "p1", "p2"]
    assert {row["why_not"] for row in rows if not row["used"]} == {OVER_LIMIT}


def test_what_is_excluded_takes_no_place_of_a_problem() -> None:
    samples = [_sample(f"a{n}", value=n, forged=n < 6) for n in range(9)]
    assert _used(_make(*samples, limit=3)) == ["a6", "a7", "a8"]


def test_the_choice_differs_from_problem_to_problem() -> None:
    samples = [_sample(f"{n}", value=n, problem=problem) for n in range(50) for problem in ("p1", "p2")]
    rows = [row for row in _make(*samples, limit=5) if row["used"]]
    chosen = [[row["target"] for row in rows if row["problem_id"] == problem] for problem in ("p1", "p2")]
    assert chosen[0] != chosen[1]


@given(st.randoms(use_true_random=False))
def test_the_order_of_samples_changes_nothing(shuffler: random.Random) -> None:
    samples = [_sample(f"{n}", value=n % 7, problem=f"p{1 + n % 2}") for n in range(30)]
    shuffled = shuffler.sample(samples, len(samples))
    assert _make(*shuffled, limit=3) == _make(*samples, limit=3)


def _of_share(fraction: float, seed: int = 0) -> set[str]:
    """Problems learnt from, of forty with two programs each."""
    questions = {f"p{n}": f"{n}?" for n in range(40)}
    samples = [_sample(f"{problem}-{k}", value=k, problem=problem) for problem in questions for k in range(2)]
    settings = ExamplesConfig(fraction=fraction, seed=seed)
    rows = make_examples(samples, questions, PAD, settings)
    assert {row["why_not"] for row in rows if not row["used"]} <= {BEYOND_FRACTION}
    return {row["problem_id"] for row in rows if row["used"]}


def test_a_share_of_the_problems_is_learnt_from_with_all_their_programs() -> None:
    assert len(_of_share(0.1)) == 4
    assert len(_of_share(1.0)) == 40


def test_a_larger_share_holds_a_smaller_one_of_the_same_seed() -> None:
    assert _of_share(0.2) < _of_share(0.5)
    assert _of_share(0.5, seed=1) != _of_share(0.5)


def test_a_share_of_all_is_no_other_set_of_examples() -> None:
    assert ExamplesConfig(fraction=1.0, seed=3).identity == ExamplesConfig().identity
    assert ExamplesConfig(fraction=0.5, seed=3).identity != ExamplesConfig(fraction=0.5).identity


def test_by_value_the_problems_of_the_most_come_first() -> None:
    questions = {f"p{n}": f"{n}?" for n in range(10)}
    samples = [_sample(f"s{n}", problem=f"p{n}") for n in range(10)]
    worth = {f"s{n}": float(n) for n in range(10)}
    settings = ExamplesConfig(fraction=0.3, order="entropy")
    rows = make_examples(samples, questions, PAD, settings, value=lambda rows: worth)
    assert _used(rows) == ["s7", "s8", "s9"]
