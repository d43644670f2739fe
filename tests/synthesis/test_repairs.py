"""Lessons in repair name where they come from, and gold stands in none of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.confirmation import confirmed_runs
from pad_ray.programs.error_code import ErrorCode
from pad_ray.programs.faults import Kind
from pad_ray.records import Row
from pad_ray.sandbox import Sandbox
from pad_ray.synthesis.repair_settings import RepairConfig
from pad_ray.synthesis.repairs import Repair, draw_faults, injected_repairs, mined_repairs, nearest
from pad_ray.verification import Verdict, Verifier

HEAD = "def solution():\n    "
RIGHT = f"{HEAD}nuts = 3\n    more = nuts + 4\n    return more * 2"
MANY = RepairConfig(faults=99)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def _sample(id: str, program: str | None = RIGHT, problem: str = "p1", verdict: str = "ok", **facts: Any) -> Row:
    row = {"id": id, "problem_id": problem, "program": program, "verdict": verdict, "forged": False}
    return {**row, "error_class": None, "error": None, "line": None, **facts}


def _name_error(id: str, name: str = "nut", problem: str = "p1") -> Row:
    said = {"error_class": "NameError", "error": f"name '{name}' is not defined", "line": 3}
    return _sample(id, RIGHT.replace("nuts + 4", f"{name} + 4"), problem, "name_error", **said)


def _injected(sandbox: Sandbox, samples: list[Row], settings: RepairConfig = MANY) -> list[Repair]:
    return injected_repairs(samples, confirmed_runs(draw_faults(samples, settings), sandbox))


def test_an_injected_lesson_goes_back_to_the_program_that_it_was_made_from(sandbox: Sandbox) -> None:
    for lesson in _injected(sandbox, [_sample("a-0")]):
        assert (lesson.problem_id, lesson.broken_id, lesson.sample_id, lesson.program) == ("p1", "a-0", "a-0", RIGHT)
        assert lesson.slot.program != RIGHT
        assert lesson.id.startswith("a-0-")


def test_injected_lessons_say_what_was_done(sandbox: Sandbox) -> None:
    kinds = {lesson.lesson for lesson in _injected(sandbox, [_sample("a-0")])}
    assert kinds >= {f"injected:{kind}" for kind in (Kind.RENAMED_USE, Kind.EARLY_USE, Kind.STRUCTURE, Kind.CONSTANT)}


def test_exceptions_have_the_message_that_the_run_gave_and_wrong_answers_have_none(sandbox: Sandbox) -> None:
    with Verifier() as verifier:
        for lesson in _injected(sandbox, [_sample("a-0")]):
            [judgement] = verifier.judge([lesson.slot.program], [14])
            if judgement.verdict is Verdict.WRONG_ANSWER:
                assert lesson.slot.message is None
            else:
                assert lesson.slot == ErrorCode.of(
                    lesson.slot.program, judgement.error_class, judgement.error, judgement.line
                )
                assert lesson.slot.message is not None


def test_problems_that_share_a_program_both_have_its_lessons(sandbox: Sandbox) -> None:
    lessons = _injected(sandbox, [_sample("a-0"), _sample("b-0", problem="p2")])
    of = {problem: {one.slot for one in lessons if one.problem_id == problem} for problem in ("p1", "p2")}
    assert of["p1"] == of["p2"] != set()


def test_lessons_have_ids_of_their_own(sandbox: Sandbox) -> None:
    lessons = _injected(sandbox, [_sample("a-0"), _sample("b-0", problem="p2")])
    assert len({one.id for one in lessons}) == len(lessons)


def test_a_failure_becomes_a_right_program_of_its_problem() -> None:
    [lesson] = mined_repairs([_name_error("s-0")], [_sample("t-0"), _sample("u-0", problem="p2")], RepairConfig())
    slot = ErrorCode(_name_error("")["program"], "NameError: name 'nut' is not defined (line 3)")
    assert lesson == Repair("p1", "mined:name_error", slot, RIGHT, "s-0", "t-0")


def test_a_problem_without_a_right_program_gives_no_lesson() -> None:
    assert mined_repairs([_name_error("s-0")], [_sample("t-0", problem="p2")], RepairConfig()) == []


@pytest.mark.parametrize("verdict", list(Verdict))
def test_failures_become_lessons_by_setting(verdict: Verdict) -> None:
    settings = RepairConfig()
    lessons = mined_repairs([_sample("s-0", verdict=str(verdict))], [_sample("t-0")], settings)
    assert bool(lessons) == (str(verdict) in settings.failures)


def test_a_wrong_answer_has_no_message_whatever_the_record_says() -> None:
    row = _sample("s-0", f"{HEAD}return 1", verdict="wrong_answer", error="1 is not 14")
    [lesson] = mined_repairs([row], [_sample("t-0")], RepairConfig())
    assert lesson.slot == ErrorCode(f"{HEAD}return 1")


def test_the_nearest_right_program_is_the_lesson() -> None:
    other = _sample("a-0", f"{HEAD}x = 7\n    y = x + x\n    return y")
    assert nearest(_name_error("")["program"], [other, _sample("t-0")])["id"] == "t-0"
    assert nearest(f"{HEAD}x = 7\n    y = x + z\n    return y", [other, _sample("t-0")])["id"] == "a-0"


def test_of_equally_near_programs_the_first_is_taken() -> None:
    [lesson] = mined_repairs([_name_error("s-0")], [_sample("u-0"), _sample("t-0")], RepairConfig())
    assert lesson.sample_id == "t-0"


def test_the_same_failure_is_one_lesson() -> None:
    renamed = _name_error("s-1")
    renamed["program"] = renamed["program"].replace("more", "total")
    assert len(mined_repairs([_name_error("s-0"), renamed], [_sample("t-0")], RepairConfig())) == 1


@given(st.integers(1, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_a_problem_has_no_more_lessons_than_the_limit_in_any_order(
    limit: int, seed: int, chance: random.Random
) -> None:
    failures = [_name_error(f"s-{n}", f"nut_{n}", f"p{n % 2}") for n in range(8)]
    right = [_sample("t-0", problem="p0"), _sample("t-1", problem="p1")]
    settings = RepairConfig(per_problem=limit, seed=seed)
    lessons = mined_repairs(failures, right, settings)
    assert [sum(one.problem_id == p for one in lessons) for p in ("p0", "p1")] == [min(limit, 4)] * 2
    assert mined_repairs(chance.sample(failures, 8), right, settings) == lessons


def test_the_seed_chooses_among_many() -> None:
    failures = [_name_error(f"s-{n}", f"nut_{n}") for n in range(40)]
    chosen = {
        tuple(one.broken_id for one in mined_repairs(failures, [_sample("t-0")], RepairConfig(seed=seed)))
        for seed in range(5)
    }
    assert len(chosen) > 1


@pytest.mark.parametrize("settings", [{"places": ()}, {"places": (0.0,)}, {"kinds": {Kind.ORDER: -1.0}}, {"kinds": {}}])
def test_weights_that_draw_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="weights"):
        RepairConfig.model_validate(settings)


def test_settings_name_kinds_as_yaml_does() -> None:
    assert RepairConfig.model_validate({"kinds": {"constant": 1}}).mix.kinds == {Kind.CONSTANT: 1.0}
