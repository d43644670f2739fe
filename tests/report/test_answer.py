"""The first sentence says whether the student learnt, by how much, and how sure that is."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.evaluation.metrics import wilson
from pad_ray.evaluation.paired import sign_test
from pad_ray.report.answer import Answer, Match, answer, in_short, matches


def result(model: str, correct: int, n: int = 300, split: str = "test") -> dict[str, Any]:
    low, high = wilson(correct, n)
    facts = {"benchmark": "b", "split": split, "model": model, "decoder": "greedy", "shots": 0}
    return {**facts, "n": n, "correct": correct, "accuracy": correct / n, "low": low, "high": high}


def compared(base: int, student: int, gained: int | None = None, lost: int | None = None) -> Answer:
    found = answer([Match("b", "test", result("base", base), result("student", student), gained, lost)])
    return Answer(found.title, found.sentence.replace("\u00a0", " "), found.doubt.replace("\u00a0", " "))


def test_a_clear_gain_is_told_with_its_intervals() -> None:
    assert compared(36, 124).sentence == (
        "On 300 problems that it was not trained on, the student answers 41.3 % (35.9–47.0) right; "
        "the base model at its best prompt 12.0 % (8.8–16.2). Gain 29.3 points, intervals do not touch."
    )


@pytest.mark.parametrize(
    ("base", "student", "changes", "title"),
    [
        (36, 124, (100, 12), "The student learnt."),
        (60, 72, (14, 2), "The student learnt."),  # the intervals touch, the sign test is clear
        (60, 66, (20, 14), "The student is ahead, but that may be chance."),
        (60, 66, (None, None), "The student is ahead, but that may be chance."),
        (60, 60, (10, 10), "The student did not learn."),
        (60, 50, (10, 20), "The student did not get better."),
        (120, 30, (5, 95), "The student got worse."),
        (36, 0, (0, 36), "The student answers nothing right."),
        (0, 0, (0, 0), "The student answers nothing right."),
    ],
)
def test_title_weighs_gain_and_doubt(
    base: int, student: int, changes: tuple[int | None, int | None], title: str
) -> None:
    assert compared(base, student, *changes).title == title


def test_the_last_round_is_told_beside_the_first_student() -> None:
    rows = [result("base", 36), result("student", 124), result("round-1", 140), result("round-2", 150)]
    sentence = answer(matches(rows, [], [])).sentence.replace("\u00a0", " ")
    assert "the student answers 41.3 % (35.9–47.0) right, and 50.0 % (44.4–55.6) after round 2; the base" in sentence


def test_intervals_that_touch_are_admitted() -> None:
    assert compared(60, 66).sentence.endswith("Gain 2.0 points, but the intervals touch.")


def test_a_loss_is_called_a_loss() -> None:
    assert compared(120, 30).sentence.endswith("Loss 30.0 points, intervals do not touch.")


def test_doubt_tells_what_chance_could_do() -> None:
    assert compared(60, 66, 20, 14).doubt == (
        "Problem by problem, the student gained 20 and lost 14: chance alone could do that (sign test, p = 0.392)."
    )


def test_doubt_is_silent_where_nothing_can_be_paired() -> None:
    assert compared(60, 66).doubt == ""


def test_without_a_student_only_base_is_told() -> None:
    found = answer([Match("b", "test", result("base", 36), None)])
    assert found.title == "There is no student yet."
    assert "the base model at its best prompt answers 12.0" in found.sentence


def test_without_base_the_gain_is_not_known() -> None:
    found = answer([Match("b", "test", None, result("student", 36))])
    assert found.title == "The gain is not known."
    assert "the student answers 12.0" in found.sentence


def test_without_results_nothing_was_measured() -> None:
    assert answer(matches([], [], [])).title == "Nothing was measured."


def test_validation_measures_nothing() -> None:
    assert matches([result("base", 5, split="validation")], [], []) == []


def test_the_test_split_comes_first() -> None:
    rows = [result("student", 5, split=split) for split in ("another", "test", "unseen")]
    assert [match.split for match in matches(rows, [], [])] == ["test", "another", "unseen"]


def test_base_competes_with_its_best_prompt() -> None:
    rows = [{**result("base", correct), "shots": shots} for shots, correct in ((0, 20), (4, 36), (8, 30))]
    (match,) = matches(rows, [], [])
    assert match.base is not None
    assert match.base["shots"] == 4


def test_changes_are_counted_by_problem() -> None:
    def predictions(**verdicts: str) -> list[dict[str, Any]]:
        facts = {"benchmark": "b", "split": "test"}
        return [{**facts, "problem_id": problem, "verdict": verdict} for problem, verdict in verdicts.items()]

    base = predictions(a="ok", b="timeout", c="wrong_answer", d="ok", only_here="ok")
    student = predictions(a="ok", b="ok", c="ok", d="name_error")
    (match,) = matches([result("base", 2, 4), result("student", 3, 4)], base, student)
    assert (match.gained, match.lost) == (2, 1)


def test_a_further_split_is_told_in_one_sentence() -> None:
    match = Match("b", "unseen", result("base", 10, 150, "unseen"), result("student", 60, 150, "unseen"))
    assert (
        in_short(match)
        .replace("\u00a0", " ")
        .startswith("On 150 problems of kinds that it was not trained on (unseen), the student answers 40.0 %")
    )


@pytest.mark.parametrize(("gained", "lost", "p_value"), [(0, 0, 1.0), (5, 5, 1.0), (8, 1, 0.0390625), (6, 0, 0.03125)])
def test_sign_test_is_exact(gained: int, lost: int, p_value: float) -> None:
    assert sign_test(gained, lost) == sign_test(lost, gained) == p_value


def test_sign_test_bears_large_numbers() -> None:
    assert 0 <= sign_test(4_000, 1_000) < 1e-9
