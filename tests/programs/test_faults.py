"""Faults change a few characters of a right program, in the way that their kind says. Nothing is run."""

from __future__ import annotations

import ast
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.faults import Effect, Fault, Kind, Mix, all_faults, draw

PLAIN = """def solution():
    # é: a comment (with a bracket, and a colon:
    apples = 12
    eaten = apples / 4   # a quarter
    rest = apples - eaten
    result = rest
    return result
"""
SUM = """def solution():
    total = 1
    total += 2
    total *= 3
    return total
"""
BLOCKS = """def solution():
    prices = [3, 5]
    total = 0
    for price in prices:
        if price > 3:
            total += price * 2
    squares = sum([p ** 2 for p in prices])
    text = f"{total}"
    result = (total + squares) * len(text)
    return result
"""


@st.composite
def programs(draw_from: st.DrawFn) -> str:
    """Steps, each of which may use the ones before, with comments and letters beyond ASCII."""
    names: list[str] = []
    lines = ["def solution():"]
    for name in draw_from(st.lists(st.sampled_from(["a", "bb", "step_1", "größe", "preise"]), min_size=1, max_size=6)):
        operand = st.sampled_from([*names, "7", "2.5", "40"])
        sign = draw_from(st.sampled_from(["+", "-", "*", "/", "//", "**"]))
        comment = draw_from(st.sampled_from(["", "  # ü: (", "  # \x0c\u2028 -", ' ; "é"']))
        lines.append(f"    {name} = {draw_from(operand)} {sign} ({draw_from(operand)}){comment}")
        names.append(name)
    return "\n".join([*lines, f"    return {names[-1]}"]) + draw_from(st.sampled_from(["", "\n", "\n\n# end\n"]))


def _compiles(program: str) -> bool:
    try:
        compile(program, "<program>", "exec")
    except SyntaxError:
        return False
    return True


def _by_kind(program: str, kind: Kind) -> list[str]:
    return [fault.faulty for fault in all_faults(program, [kind])]


@given(programs())
def test_text_outside_of_the_edits_is_kept(program: str) -> None:
    for fault in all_faults(program):
        ends = [0, *(edit.end for edit in fault.edits)]
        starts = [*(edit.start for edit in fault.edits), len(program)]
        kept = [program[end:start] for end, start in zip(ends, starts, strict=True)]
        written = [edit.text for edit in fault.edits]
        assert fault.faulty == "".join(a + b for a, b in zip(kept, [*written, ""], strict=True))


@given(programs())
def test_edits_are_in_order_and_do_not_overlap(program: str) -> None:
    for fault in all_faults(program):
        assert all(one.end <= other.start for one, other in pairwise(fault.edits))


@given(programs())
def test_python_refuses_the_faults_of_structure_and_no_others(program: str) -> None:
    for fault in all_faults(program):
        assert _compiles(fault.faulty) is (fault.effect is not Effect.SYNTAX_ERROR)


@given(programs())
def test_every_faulty_program_is_another_program(program: str) -> None:
    faults = all_faults(program)
    assert len({fault.faulty for fault in faults} | {program}) == len(faults) + 1
    right = ast.dump(ast.parse(program))
    assert all(ast.dump(ast.parse(f.faulty)) != right for f in faults if f.effect is not Effect.SYNTAX_ERROR)


@given(programs(), st.integers(0, 9))
def test_one_seed_gives_one_draw(program: str, seed: int) -> None:
    assert draw(program, 3, seed) == draw(program, 3, seed)


@given(programs(), st.integers(0, 9))
def test_a_draw_is_of_different_faults_of_the_program(program: str, seed: int) -> None:
    drawn = draw(program, 5, seed)
    assert len(set(drawn)) == len(drawn) == min(5, len(all_faults(program)))
    assert set(drawn) <= set(all_faults(program))


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert all(isinstance(fault, Fault) for fault in all_faults(text))


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Kind.RENAMED_USE, "eaten = apples / 4", "eaten = apple / 4"),
        (Kind.EARLY_USE, "rest = apples - eaten", "rest = rest - eaten"),
        (Kind.STRUCTURE, "    return result", "return result"),
        (Kind.STRUCTURE, "def solution():", "def solution()"),
        (Kind.STRUCTURE, "eaten = apples / 4", "eaten = (apples / 4"),
        (Kind.STRUCTURE, "eaten = apples / 4", "eaten = apples  4"),
        (Kind.OPERATOR, "eaten = apples / 4", "eaten = apples * 4"),
        (Kind.OPERANDS, "rest = apples - eaten", "rest = eaten - apples"),
        (Kind.OPERAND, "result = rest", "result = eaten"),
        (Kind.CONSTANT, "apples = 12", "apples = 21"),
    ],
)
def test_each_kind_makes_the_fault_it_is_named_for(kind: Kind, right: str, wrong: str) -> None:
    assert PLAIN.replace(right, wrong, 1) in _by_kind(PLAIN, kind)


def test_a_statement_before_the_one_it_needs_is_an_early_use() -> None:
    swapped = PLAIN.replace("eaten = apples / 4", "?").replace("rest = apples - eaten", "eaten = apples / 4")
    assert swapped.replace("?", "rest = apples - eaten") in _by_kind(PLAIN, Kind.EARLY_USE)


def test_order_exchanges_statements_that_both_can_run() -> None:
    assert "def solution():\n    total = 1\n    total *= 3\n    total += 2\n    return total\n" in _by_kind(
        SUM, Kind.ORDER
    )
    assert _by_kind(PLAIN, Kind.ORDER) == []


def test_faults_are_found_within_blocks() -> None:
    assert BLOCKS.replace("price > 3", "price >= 3") in _by_kind(BLOCKS, Kind.OPERATOR)


def test_fstrings_and_docstrings_stay() -> None:
    program = BLOCKS.replace("():\n", '():\n    """1 + 1"""\n', 1)
    assert all('f"{total}"' in fault.faulty and '"""1 + 1"""' in fault.faulty for fault in all_faults(program))


@pytest.mark.parametrize("program", ["", "x = 1\n", "def solution(:\n", "def solution(a):\n    return a\n", "(" * 9999])
def test_what_is_no_right_program_has_no_faults(program: str) -> None:
    assert all_faults(program) == []


def test_a_kind_without_weight_is_never_drawn() -> None:
    drawn = draw(PLAIN, 99, mix=Mix(kinds={Kind.CONSTANT: 1.0, Kind.OPERATOR: 0.0}))
    assert {fault.kind for fault in drawn} == {Kind.CONSTANT}


@pytest.mark.parametrize("part", [0, 1, 2])
def test_places_say_where_faults_are(part: int) -> None:
    mix = Mix(places=tuple(float(place == part) for place in range(3)))
    drawn = draw(PLAIN, 99, mix=mix)
    assert drawn
    assert all(part / 3 <= fault.place <= (part + 1) / 3 for fault in drawn)


def test_by_default_faults_are_in_all_parts() -> None:
    parts = {Mix().part(draw(PLAIN, seed=seed)[0]) for seed in range(50)}
    assert parts == {0, 1, 2}


@pytest.mark.parametrize("weights", [(), (0.0, 0.0), (1.0, -1.0)])
def test_weights_that_cannot_be_drawn_by_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Mix(places=weights)


def test_the_line_is_that_of_the_first_change() -> None:
    lines = {fault.line for fault in all_faults(PLAIN, [Kind.OPERATOR])}
    assert lines == {4, 5}
