"""Two programs are the same when only names and layout differ."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from pad_ray.programs.duplicates import fingerprint

PROGRAM = """
def solution():
    apples = 3
    price = 1.5
    cost = apples * price
    return cost
"""

SAME = {
    "other names": PROGRAM.replace("apples", "n").replace("price", "per_one").replace("cost", "result"),
    "another function's name": PROGRAM.replace("solution", "answer"),
    "comments": PROGRAM.replace("= 3", "= 3  # three apples\n    # and so on"),
    "a docstring": PROGRAM.replace("():", '():\n    """Three apples at 1.5."""'),
    "layout": "def solution( ) :\n\n  apples=3 ; price = 1.50\n  cost=(apples*price)\n  return( cost )",
    "annotations": PROGRAM.replace("():", "() -> float:").replace("apples = ", "apples: int = "),
}
OTHER = {
    "a constant": PROGRAM.replace("3", "4"),
    "an operator": PROGRAM.replace("*", "+"),
    "a constant's type": PROGRAM.replace("3", "3.0"),
    "the order of operands": PROGRAM.replace("apples * price", "price * apples"),
    "the order of statements": PROGRAM.replace("    apples = 3\n", "").replace("    cost", "    apples = 3\n    cost"),
    "two names for one": PROGRAM.replace("return cost", "return price"),
    "a call": PROGRAM.replace("return cost", "return round(cost)"),
}


@pytest.mark.parametrize("program", SAME.values(), ids=SAME)
def test_names_and_layout_do_not_count(program: str) -> None:
    assert fingerprint(program) == fingerprint(PROGRAM) is not None


@pytest.mark.parametrize("program", OTHER.values(), ids=OTHER)
def test_what_is_computed_counts(program: str) -> None:
    assert None is not fingerprint(program) != fingerprint(PROGRAM)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("import math\nans = math.sqrt(9)", "import math as m\nx = 1\nans = m.sqrt(9)"),
        ("ans = sum([1, 2])", "ans = max([1, 2])"),
        ("sum = sum([1, 2])\nans = sum", "max = max([1, 2])\nans = max"),
        ("ans = 1\nresult = 2", "result = 1\nans = 2"),
        ("def f(a, b):\n    return a - b\nans = f(a=1, b=2)", "def f(a, b):\n    return a - b\nans = f(b=1, a=2)"),
        ("import math\nans = math.floor(2.5)", "import math\nans = math.ceil(2.5)"),
    ],
)
def test_what_a_name_stands_for_counts(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("import math\nans = math.sqrt(9)", "import math as m\nresult = m.sqrt(9)"),
        ("def f(a, b=2):\n    return a - b\nans = f(a=1)", "def g(x, y=2):\n    return x - y\nans = g(x=1)"),
        ("ans = [n for n in range(3)]", "result = [i for i in range(3)]"),
        ("try:\n    ans = 1\nexcept Exception as e:\n    e", "try:\n    ans = 1\nexcept Exception as f:\n    f"),
        ("def f():\n    global a\n    a = 1\nf()\nans = a", "def f():\n    global b\n    b = 1\nf()\nans = b"),
        (
            "class A:\n    'Doc.'\n    def f(self): return 1\nans = A().f()",
            "class B:\n  def f(me): return 1\nans = B().f()",
        ),
    ],
)
def test_every_kind_of_own_name_is_a_name(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other) is not None


def test_what_is_no_python_has_no_fingerprint() -> None:
    assert fingerprint("def solution(:") is None


def test_of_many_real_programs_those_with_one_fingerprint_have_one_value(data_folder: Path) -> None:
    lines = (data_folder / "derived/gsm8k_train_programs.jsonl").read_text(encoding="utf-8").splitlines()[:1500]
    values: dict[str | None, set[float]] = {}
    for row in map(json.loads, lines):
        values.setdefault(fingerprint(row["program"]), set()).add(float(row["answer"]))
    assert None not in values
    assert all(len(found) == 1 for found in values.values())
    assert len(values) > 1000


def test_the_fingerprints_of_different_programs_differ() -> None:
    programs = [PROGRAM, *OTHER.values()]
    assert all(fingerprint(one) != fingerprint(other) for one, other in combinations(programs, 2))
