"""The program is found in whatever a model writes around it, and is not altered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.extract import MAX_PROGRAM_CHARS, MAX_TEXT_CHARS, Form, extract

SOLUTION = "def solution():\n    eggs = 16 - 3\n    return eggs * 2"
FLAT = "eggs = 16 - 3\nans = eggs * 2"
OTHER = "def count_eggs():\n    return 16 - 3"


def _source(text: str) -> str | None:
    program = extract(text)
    return program.source if program else None


@pytest.mark.parametrize(
    ("program", "form", "entry"),
    [
        (SOLUTION, Form.SOLUTION, "solution"),
        ("def solution(price=2):\n    return price", Form.SOLUTION, "solution"),
        ("def solution(x):\n    return x", Form.SOLUTION, "solution"),
        (OTHER, Form.FUNCTION, "count_eggs"),
        ("def half(x):\n    return x / 2\n\ndef main() -> float:\n    return half(9)", Form.FUNCTION, "main"),
        ("def f(a=1, *rest, b: dict[str, int] = {}):\n    return a", Form.FUNCTION, "f"),
        (FLAT, Form.FLAT, None),
        ("total: int = 5\nanswer: int = total", Form.FLAT, None),
        ("x, result = 1, 2", Form.FLAT, None),
        ("for ans in range(9):\n    if ans * 2 == 6:\n        break", Form.FLAT, None),
        (OTHER + "\nans = count_eggs() + 1", Form.FLAT, None),
        ("def add(a, b):\n    return a + b\nanswer = add(1, 2)", Form.FLAT, None),
        ("def solution(x):\n    return x\n\nans = solution(3)", Form.FLAT, None),
        ("eggs = 16 - 3", Form.FLAT, None),
        ("def f(x):\n    ans = x\n    return ans", Form.FLAT, None),
    ],
)
def test_form_and_entry(program: str, form: Form, entry: str | None) -> None:
    found = extract(program)
    assert found
    assert (found.source, found.form, found.entry) == (program, form, entry)


AROUND = {
    "bare": "{}",
    "blank lines": "\n\n{}\n\n",
    "windows lines": "{}\r\n",
    "fence": "```python\n{}\n```",
    "fence without language": "```\n{}\n```",
    "tildes": "~~~py\n{}\n~~~",
    "prose and fence": "Sure! Let's see (step by step:\n\n```python\n{}\n```\n\nThis returns the answer.",
    "fence closed on the last line": "```python\n{}```\nDone.",
    "fence never closed": "Sure!\n```python\n{}",
    "fence never closed, then prose": "```python\n{}\n\nThis program counts the eggs (in dozens).",
    "fence opened by the prompt": "{}\n```\nIt's that simple.",
    "fence in a fence": "```\n```python\n{}\n```\n```",
    "output after it": "```python\n{}\n```\nOutput:\n```\n26\n```",
    "other languages": "```bash\nx=1\n```\n```python\n{}\n```\n```json\n[1]\n```",
    "prose": "Here is the program:\n{}\n\nExplanation: it's 2 * 13 = 26.",
    "prose that was cut off": "{}\n\nThe",
    "heading": "## Solution\n{}\n\n### Why this works\nfoo",
    "the next question": "{}\n\nQuestion: Tom has 3 apples.\nSolution:\n{}9",
    "the next question with a better program": "{}\n\nQuestion: x\nSolution:\ndef solution():\n    return 9",
    "the next question with a fence": "{}\n\nQuestion: x\n```python\ndef solution():\n    return 9\n```",
    "the next question as a comment": "{}\n\n# Question: Tom has 3 apples.\nx = 1\nans = x",
    "thoughts": "<think>\nMaybe:\ndef solution():\n    return 0\n</think>\n{}",
}


@pytest.mark.parametrize("program", [SOLUTION, FLAT, OTHER], ids=["solution", "flat", "function"])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
def test_what_stands_around_is_left_out(around: str, program: str) -> None:
    assert _source(around.replace("{}", program)) == program


@pytest.mark.parametrize(
    "text",
    [
        "Solution:\n    def solution():\n        return 5\n",
        "1. The code:\n   ```python\n   def solution():\n       return 5\n   ```",
    ],
)
def test_common_indent_is_taken_off(text: str) -> None:
    assert _source(text) == "def solution():\n    return 5"


def test_the_last_of_several_fenced_programs_counts() -> None:
    assert _source("```python\ndef solution():\n    return 5\n```\nNo:\n```python\n" + SOLUTION + "\n```") == SOLUTION


def test_a_definition_goes_before_an_example_of_its_use() -> None:
    assert _source(f"```python\n{OTHER}\n```\nUse it so:\n```python\nresult = count_eggs()\n```") == OTHER


def test_the_first_of_several_definitions_without_fence_counts() -> None:
    assert _source(SOLUTION + "\n\ndef solution():\n    return 99") == SOLUTION


@pytest.mark.parametrize(
    "tail",
    [
        "print(solution())",
        "solution()",
        "ans = solution()",
        'if __name__ == "__main__":\n    print(solution())',
    ],
)
def test_a_call_after_the_function_is_left_out(tail: str) -> None:
    assert _source(f"{SOLUTION}\n\n# Call it\n{tail}\n") == SOLUTION


def test_helpers_and_imports_stay_on_both_sides() -> None:
    program = "import math\n\nRATE = 2\n\ndef solution():\n    return half(RATE)\n\ndef half(x):\n    return x / 2"
    assert _source(program + "\nprint(solution())") == program


FAULTY = [
    "def solution():\n    eggs = 16 - 3\n    total = (eggs +",  # cut off in a bracket
    "def solution():\n    eggs = 16 - 3\n    return eg",
    'def solution():\n    """Count the eggs',
    "def solution():",
    "eggs = 16\nans = eggs *",
    "eggs = 16\nans = eggs\nprint(an",
    "def solution():\n    eggs = 16\nreturn eggs",  # a return that slipped out
    "def solution():\n    eggs = 16\nmilk = 4\n    return eggs + milk",
    "eggs = 16\n2milk = 4\nmilk = ?\nans = eggs",
    "2milk = 4\nans = 5",
    "# Count\nnumber of eggs = 16\nans = 5",
    "def solution():\n        eggs = 16\n    return eggs",
]


@pytest.mark.parametrize("program", FAULTY)
def test_faults_are_not_mended(program: str) -> None:
    assert _source(program) == program


def test_text_at_the_margin_of_a_docstring_is_no_prose() -> None:
    text = "Janet's ducks (16\n\nQuestion: how many?\nThe rest is sold"
    program = f'def solution():\n    """{text}\n    """\n    return 5'
    assert _source(program) == program


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "The answer is 26.",
        "Janet has 16 - 3 = 13 eggs.\nSo she makes 13 * 2 = 26 dollars for them.\n#### 26",
        "```\n26\n```",
        '```json\n{"answer": 26}\n```',
        "<think>\n" + SOLUTION + "\n</think>\nThe answer is 26.",
    ],
)
def test_no_program(text: str) -> None:
    assert extract(text) is None


DOCUMENTED = "def solution():\n    {}\n    # Count\n    return 5"


@pytest.mark.parametrize(
    "docstring",
    [
        '"""How many?"""',
        "'''How\nmany (?\n    '''",
        'r"""How many?"""  # a comment',
        '"How many?"',
        "# x\n    'How?'",
    ],
)
def test_docstring_can_be_stripped(docstring: str) -> None:
    program = extract(DOCUMENTED.replace("{}", docstring), strip_docstring=True)
    assert program
    assert program.source.replace("    # x\n", "") == "def solution():\n    # Count\n    return 5"


@pytest.mark.parametrize(
    "program",
    [
        'def solution():\n    """How many?"""',
        'def solution():\n    "a" + "b"\n    return 5',
        'def solution():\n    """How many?""" + x\n    return 5',
        SOLUTION,
    ],
)
def test_what_is_no_docstring_stays(program: str) -> None:
    found = extract(program, strip_docstring=True)
    assert found
    assert found.source == program


def test_docstring_stays_by_default() -> None:
    program = DOCUMENTED.replace("{}", '"""How many?"""')
    assert _source(program) == program


def test_a_program_beyond_the_bound_is_none() -> None:
    assert extract("ans = 1\n" * (MAX_PROGRAM_CHARS // 8 + 1)) is None


def test_only_what_follows_the_thoughts_is_bounded() -> None:
    assert _source("x" * MAX_TEXT_CHARS + "</think>" + SOLUTION) == SOLUTION


# Text that makes a parser overflow, a regular expression backtrack, or a scanner start over at each line.
HOSTILE = [
    "(" * MAX_TEXT_CHARS,
    "x = " + "(" * 10_000,
    "x = " + "-" * 10_000 + "1",
    "def f(" * 10_000,
    "def solution(" + "a, " * 10_000,
    "".join("\t" * (i % 90) + "if x:\n" for i in range(5_000)),
    "a." * 50_000 + "= 1",
    "a[" * 50_000,
    "x: " + " " * 50_000 + "y",
    "ans" + " " * 50_000 + "x",
    "import a" + " " * 50_000 + "b",
    "print(" + ")" * 50_000 + "x",
    "A " * 50_000,
    '"""' * 30_001,
    "'" * 50_001,
    "\\" * 50_000,
    "```" * 30_000,
    "```python\n" * 5_000,
    "```\n" * 10_001,
    "# \n" * 20_000,
    "Question:\n" * 10_000,
    "x = 1\nQuestion:\n" * 5_000 + "```",
    "Question:\n" * 10_000 + "```",
    "x = 1\x00\nans = '\ud800'\n\x0c\u2028ans = 2",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_ends_at_once(text: str) -> None:
    for variant in (text, SOLUTION + "\n" + text, "```python\n" + text):
        program = extract(variant, strip_docstring=True)
        assert program is None or len(program.source) <= MAX_PROGRAM_CHARS


@given(st.text(alphabet="def solution():\n\t return ans=1#'\"\\[]{}`~Q:,.x", max_size=80))
def test_any_text_is_a_program_or_none(text: str) -> None:
    program = extract(text)
    assert program is None or program.source.strip()


@given(st.text(alphabet="abc 123()#=:\n\t'\"", max_size=60))
def test_a_fenced_function_is_found_whatever_its_body(body: str) -> None:
    lines = "".join(f"\n    {line}" for line in body.split("\n"))
    program = extract(f"```python\ndef solution():{lines}\n```")
    assert program
    assert program.source == f"def solution():{lines}".rstrip()
