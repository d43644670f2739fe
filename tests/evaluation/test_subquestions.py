"""Questions of a student that asks, measured against a reference."""

from __future__ import annotations

import pytest

from pad_ray.evaluation.subquestions import measure_questions

ASKED = ["How many eggs does she sell?", "How much does she earn?"]


def test_the_references_own_questions_are_perfect() -> None:
    measured = measure_questions([ASKED, ASKED[:1]], [ASKED, ASKED[:1]])
    assert measured.same_number == 1
    assert measured.bleu == pytest.approx(100)


def test_the_number_of_questions_is_compared_problem_by_problem() -> None:
    measured = measure_questions([ASKED, ASKED[:1]], [ASKED[:1], ASKED])
    assert (measured.mean_written, measured.mean_reference, measured.same_number) == (1.5, 1.5, 0)


def test_a_question_too_many_lowers_bleu() -> None:
    assert measure_questions([[*ASKED, "Why so?"]], [ASKED]).bleu < 100


def test_a_problem_without_questions_counts() -> None:
    assert measure_questions([ASKED, []], [ASKED, ASKED]).problems == 2


@pytest.mark.parametrize(("written", "references"), [([], []), ([ASKED], [])])
def test_problems_are_needed_on_both_sides(written: list[list[str]], references: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="references for 0"):
        measure_questions(written, references)
