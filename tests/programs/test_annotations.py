"""Programs from calculator notes: what is read as arithmetic, which operands become names, what is refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pad_ray.problems import read_problems
from pad_ray.programs.annotations import has_notes, program_of
from pad_ray.verification import Verdict, Verifier


def _lines(*notes: str) -> list[str]:
    """The right-hand sides of the steps made from notes."""
    program = program_of(" then ".join(f"<<{note}>>" for note in notes))
    assert program is not None
    return [line.partition(" = ")[2] for line in program.splitlines()[1 : len(notes) + 1]]


def test_each_note_is_a_line_and_the_last_is_returned() -> None:
    assert program_of("Half is 48/2 = <<48/2=24>>24.\nTogether 48+24 = <<48+24=72>>72.\n#### 72") == (
        "def solution():\n    step_1 = 48 / 2\n    step_2 = 48 + step_1\n    result = step_2\n    return result\n"
    )


def test_an_operand_is_the_latest_step_of_that_value() -> None:
    assert _lines("3+4=7", "14/2=7", "7*5=35") == ["3 + 4", "14 / 2", "step_2 * 5"]


@pytest.mark.parametrize("value", ["0", "1", "2", "100"])
def test_numbers_that_are_equal_by_chance_stay(value: str) -> None:
    assert _lines(f"7-6={value}", f"5*{value}=9")[1] == f"5 * {value}"


def test_equal_means_equal_in_value() -> None:
    assert _lines("9*2=18.00", "18*3=54", "1000+1=1,001", "1001*$54.0=5") == [
        "9 * 2",
        "step_1 * 3",
        "1000 + 1",
        "step_3 * step_2",
    ]


def test_a_negative_operand_is_a_step_too() -> None:
    assert _lines("3-8=-5", "-5*4=-20", "9-5=4") == ["3 - 8", "step_1 * 4", "9 - 5"]


def test_a_percentage_as_a_value_is_not_taken_for_its_number() -> None:
    assert _lines("5/10=50%", "50*3=150") == ["5 / 10", "50 * 3"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,200*3", 3600),
        ("007+1", 8),
        ("18*.5", 9),
        ("5.+1", 6),
        ("20%*50", 10),
        ("50/20%", 250),
        ("25% of 80", 20),
        ("25 percent of 80", 20),
        ("1/2*10", 5),
        ("10-2 1/2", 7.5),
        ("10/2½", 4),
        ("½*10", 5),
        ("3x4", 12),
        ("3 X 4", 12),
        ("3 times 4", 12),
        ("3×4÷2", 6),
        ("9−4", 5),
        ("2(3+4)", 14),
        ("(1+2)(3+4)", 21),
        ("[1+2]*{3+4}", 21),
        ("2^5", 32),
        ("2**5", 32),
        ("560//100", 5),
        ("$5*4", 20),
        ("5 apples*4", 20),
        ("60 miles/hour * 2 hours", 120),
        ("3 miles x 2", 6),
        ("-14+-8", -22),
    ],
)
def test_arithmetic_is_read_as_people_write_it(written: str, value: float) -> None:
    program = program_of(f"<<{written}=1>>")
    assert program is not None
    with_result: dict[str, object] = {}
    exec(program + "value = solution()", with_result)  # only arithmetic passes `program_of`
    assert with_result["value"] == value


@pytest.mark.parametrize(
    "written",
    [
        "",
        "x",
        "3x+5",
        "5y+3",
        "5 dozen*2",
        "2 million+1",
        "half 10",
        "sqrt(16)",
        "10%3",
        "1,00+1",
        "5*()",
        "5 6",
        "5 minus 3/4",
        "10/2 1/2",
        "(5",
        "__import__('os')",
        "5,6",
        "1" * 400,
        "(" * 280,
        "-" * 299,
    ],
)
def test_what_is_no_sure_arithmetic_gives_no_program(written: str) -> None:
    assert program_of(f"<<{written}=1>> <<1+1=2>>") is None


@pytest.mark.parametrize("rationale", ["", "It is 5.\n#### 5", "a << b"])
def test_without_notes_there_is_no_program(rationale: str) -> None:
    assert program_of(rationale) is None
    assert not has_notes(rationale)


def test_neither_a_step_nor_the_final_answer_is_copied() -> None:
    program = program_of("<<3+4=777>>\n#### 999")
    assert program is not None
    assert "777" not in program
    assert "999" not in program


def test_the_programs_of_gsm8k_hold_wherever_its_notes_reach_the_answer(data_folder: Path) -> None:
    problems = read_problems(data_folder / "gsm8k/train.jsonl")
    programs = [program_of(problem.meta["rationale"]) for problem in problems]
    with Verifier() as verifier:
        judged = verifier.judge(programs, [problem.answer for problem in problems])
    assert programs.count(None) == 95
    assert sum(judgement.verdict is Verdict.OK for judgement in judged) == 7_001


def test_the_programs_of_gsm8k_are_python(data_folder: Path) -> None:
    problems = read_problems(data_folder / "gsm8k/test.jsonl")
    made = [program for problem in problems if (program := program_of(problem.meta["rationale"]))]
    assert len(made) == 1_301
    assert all(isinstance(ast.parse(program).body[0], ast.FunctionDef) for program in made)
