"""Socratic programs: subquestions as comments, and still programs that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pad_ray.decompositions import read_gsm8k
from pad_ray.jsonl import read_rows
from pad_ray.programs.extract import Form, extract
from pad_ray.prompts import WorkedExample, load_examples
from pad_ray.recipes.pad import Pad
from pad_ray.recipes.socratic_program import SocraticProgram, subquestions_of

RECIPE = SocraticProgram()
EXAMPLES = load_examples("socratic")
FIELDS = {
    "subquestions": [
        {"question": "How many eggs are sold?", "answer": "It is 16 - 3 - 4 = <<16-3-4=9>>9."},
        {"question": "How much is made?", "answer": "She makes 9 * 2 = $<<9*2=18>>18."},
    ]
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.question[:20])
def test_a_worked_example_asks_its_steps_in_comments(example: WorkedExample) -> None:
    assert subquestions_of(example.program) == [step.question for step in example.steps]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.question[:20])
def test_a_worked_example_gives_its_answer_both_ways(example: WorkedExample) -> None:
    namespace: dict[str, object] = {}
    exec(example.program + "\nvalue = solution()", namespace)
    assert namespace["value"] == example.answer
    assert example.steps[-1].answer == str(example.answer)


def test_what_is_taught_continues_the_prompt_to_the_program() -> None:
    program = EXAMPLES[0].program
    assert (RECIPE.prompt("Why?") + RECIPE.target(program)).endswith(f"Solution:\n{program}\n")


def test_a_student_is_asked_as_one_of_pad_is() -> None:
    assert RECIPE.prompt("Why?") == Pad().prompt("Why?")


@pytest.mark.parametrize(
    "program",
    [
        "def solution():\n    return 3",
        "def solution():\n    # add them\n    return 3",
        "def solution():\n    text = '# Why?'\n    return 3",
        "def solution():\n    a = 3  # Why?\n    return a",
    ],
)
def test_a_program_without_subquestions_is_no_target(program: str) -> None:
    with pytest.raises(ValueError, match="subquestion"):
        RECIPE.target(program)


def test_a_chat_is_asked_for_subquestions_as_comments() -> None:
    assert "comment" in RECIPE.messages("Why?")[-1]["content"]


def test_a_decomposition_with_notes_gives_the_program() -> None:
    assert RECIPE.solution(RECIPE.given(FIELDS, 18) or "") == (
        "def solution():\n    # How many eggs are sold?\n    step_1 = 16 - 3 - 4\n"
        "    # How much is made?\n    step_2 = step_1 * 2\n    result = step_2\n    return result\n"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"subquestions": [{"question": "Who?"}]},
        {"subquestions": [{"question": "Why?", "answer": "So 3."}]},
        {"subquestions": [*FIELDS["subquestions"], {"question": "So?", "answer": "So 18."}]},
    ],
)
def test_without_notes_to_the_end_there_is_no_program(fields: dict[str, object]) -> None:
    assert RECIPE.given(fields, 18) is None


def test_given_programs_are_read_back_with_every_subquestion(data_folder: Path) -> None:
    made = 0
    for row in read_rows(data_folder / "gsm8k/test_socratic.jsonl"):
        given = RECIPE.given(row.fields, row.fields["answer"])
        if given is None:
            continue
        made += 1
        found = extract(RECIPE.solution(given))
        assert found is not None
        assert found.form is Form.SOLUTION
        steps = read_gsm8k(row.text("rationale")).steps
        asked = [step.question for step in steps if step.question.endswith("?")]
        assert subquestions_of(found.source) == asked
        if asked:  # a few official steps ask nothing: "Define a variable"
            RECIPE.target(found.source)
    assert made == 1_191
