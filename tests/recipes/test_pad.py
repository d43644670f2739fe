"""PaD: programs asked for, read back and taught as one text."""

from __future__ import annotations

import pytest

from pad_ray.programs.extract import Form, extract
from pad_ray.prompts import WorkedExample, load_examples
from pad_ray.recipes.pad import Pad

EXAMPLES = load_examples("arithmetic")
PAD = Pad()

PROGRAMS = [
    *(example.program for example in EXAMPLES[:4]),
    'def solution():\n    """Why?"""\n    a = 1\n\n    return a',
    "def solution():\n    import math\n    return math.floor(2.5)",
    "def solution(): return 3",
    "def solution():\n\treturn helper()\ndef helper():\n\treturn 2",
]


def test_a_prompt_shows_the_examples_and_then_asks() -> None:
    shown = WorkedExample(1, "One and one?", "def solution():\n    return 2\n")
    assert PAD.prompt("Two and two?", [shown]) == (
        "Question: One and one?\nSolution:\ndef solution():\n    return 2\n\n"
        "Question: Two and two?\nSolution:\ndef solution():"
    )


def test_a_prompt_does_not_end_between_newline_and_indentation() -> None:
    assert PAD.prompt("Why?") == PAD.prompt("Why?").rstrip()


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_taught_continues_the_prompt_to_the_program(program: str) -> None:
    assert (PAD.prompt("Why?") + PAD.target(program)).endswith(f"Solution:\n{program}\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_taught_is_read_back_as_the_same_program(program: str) -> None:
    found = extract(PAD.solution(PAD.target(program)))
    assert found is not None
    assert (found.source, found.form) == (program, Form.SOLUTION)


@pytest.mark.parametrize("program", [example.program for example in EXAMPLES])
def test_no_worked_example_would_be_cut_where_a_completion_stops(program: str) -> None:
    assert not any(stop in PAD.target(program) for stop in PAD.stop)


def test_a_completion_stops_where_a_next_question_begins() -> None:
    following = PAD.prompt("Why?", EXAMPLES[:2]).partition("Solution:\ndef solution():")[2]
    cut = min(following.index(stop) for stop in PAD.stop if stop in following)
    assert extract(PAD.solution(following[:cut])) == extract(EXAMPLES[0].program)


def test_what_stands_above_the_function_is_taught_inside_it() -> None:
    target = Pad().target("import math\n\ndef solution() -> float:\n    return math.sqrt(9)\n")
    assert target == "\n    import math\n    return math.sqrt(9)\n"


def test_a_program_without_solution_is_no_target() -> None:
    with pytest.raises(ValueError, match="solution"):
        Pad().target("answer = 3\n")


@pytest.mark.parametrize("program", PROGRAMS[:4])
def test_the_answer_of_a_target_ends_in_its_return_statement(program: str) -> None:
    target = PAD.target(program)
    start, end = PAD.answer_spans(target)[-1]
    assert target[start:end].startswith("return ")
