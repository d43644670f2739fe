"""Problems as subquestions: what each data set's form says, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.decompositions import Step, decomposition_of, read_gsm8k, read_strategyqa, strip_notes, with_context
from pad_ray.errors import DataError
from pad_ray.jsonl import read_rows
from pad_ray.programs.answers import Outcome, compare, parse_gold

SOCRATIC = (
    "How many eggs are sold? ** Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.\n"
    "How much is made? ** She makes 9 * 2 = $<<9*2=18>>18.\n#### 18"
)


def test_a_step_has_question_solution_answer_and_notes() -> None:
    first, _ = read_gsm8k(SOCRATIC).steps
    expected = Step("How many eggs are sold?", "Janet sells 16 - 3 - 4 = 9 eggs.", "9", ("16-3-4=9",))
    assert first == expected


def test_the_last_partial_answer_is_the_final_one() -> None:
    assert read_gsm8k("Why? ** Because <<1+1=2>>2.\n#### 3").answer == "3"


def test_a_step_without_a_note_has_no_partial_answer() -> None:
    assert read_gsm8k("Who? ** Ann.\nHow many? ** 3 of them.\n#### 3").steps[0].answer == ""


def test_a_subquestion_may_lack_its_step() -> None:
    found = read_gsm8k("Why? ** \nWhat? ** It is 3.\n#### 3")
    assert (found.steps[0].solution, found.solved) == ("", False)


@pytest.mark.parametrize(
    ("solution", "equation"),
    [
        ("Janet sells 16 - 3 - 4 = 9 eggs.", "16 - 3 - 4"),
        ("She makes 9 * 2 = $18.", "9 * 2"),
        ("It costs $3.50*2=$7.", "3.50*2"),
        ("First 2+2=4, then (4-1)*3 = 9.", "2+2, (4-1)*3"),
        ("There are 12 of them.", ""),
        ("x = 12", ""),
    ],
)
def test_the_equation_of_a_step_is_what_stands_before_its_equals_sign(solution: str, equation: str) -> None:
    assert Step("Why?", solution).equation == equation


@pytest.mark.parametrize("text", ["", "#### 3", "Why? ** So.", "Why?\n#### 3", " ** So.\n#### 3", "Why? ** So.\n####"])
def test_what_is_not_of_the_form_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        read_gsm8k(text)


def test_notes_go_and_the_values_behind_them_stay() -> None:
    assert strip_notes("48/2 = <<48/2=24>>24 clips") == "48/2 = 24 clips"


def test_facts_of_strategyqa_are_solutions_of_its_subquestions_and_context() -> None:
    fields = {"rationale": "Fact of Ann. It is.", "subquestions": [{"question": "Who is Ann?"}, {"question": "Is #1?"}]}
    found = read_strategyqa(fields, "yes")
    assert found.context == "Fact of Ann. It is."
    assert found.steps == (Step("Who is Ann?", "Fact of Ann."), Step("Is #1?", "It is.", "yes"))


@pytest.mark.parametrize("subquestions", [None, [], [{"question": ""}], ["Who?"], [{"question": "Who?"}, {}]])
def test_strategyqa_without_subquestions_is_refused(subquestions: object) -> None:
    with pytest.raises(DataError, match="subquestions"):
        read_strategyqa({"subquestions": subquestions}, "yes")


def test_the_form_is_told_by_the_fields() -> None:
    solved = decomposition_of({"subquestions": [{"question": "Why?", "answer": "So <<1+1=2>>2."}]}, 2)
    asked = decomposition_of({"rationale": "Fact.", "subquestions": [{"question": "Why?"}]}, "no")
    assert solved is not None
    assert asked is not None
    assert (solved.context, solved.answer, asked.context, asked.answer) == ("", "2", "Fact.", "no")


def test_fields_without_subquestions_hold_no_decomposition() -> None:
    assert decomposition_of({"rationale": "So."}, 2) is None


def test_context_stands_before_the_question() -> None:
    assert with_context("Is it?", "One fact.\nTwo.") == "One fact. Two. Is it?"


def test_without_context_a_question_is_as_it_was() -> None:
    assert with_context("Is it?", "") == "Is it?"


def test_the_official_socratic_file_is_read_whole(data_folder: Path) -> None:
    for row in read_rows(data_folder / "gsm8k/test_socratic.jsonl"):
        found = read_gsm8k(row.text("rationale"))
        assert compare(found.answer, parse_gold(row.fields["answer"])) is Outcome.EQUAL
        fields = row.fields["subquestions"]
        assert [step.question for step in found.steps] == [" ".join(one["question"].split()) for one in fields]


def test_strategyqa_is_read_whole(data_folder: Path) -> None:
    for row in read_rows(data_folder / "strategyqa/dev.jsonl"):
        found = read_strategyqa(row.fields, row.fields["answer"])
        assert found.context
        assert found.answer in ("yes", "no")
