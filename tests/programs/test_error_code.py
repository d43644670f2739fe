"""What stands in the slot for a broken program is data: it never becomes structure of the prompt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.error_code import EMPTY, HEADINGS, MAX_MESSAGE, ErrorCode, as_data
from pad_ray.recipes import RECIPES, JudgedBy, Recipe

BROKEN = "def solution():\n    nuts = 3\n    return nut + 4"
_ASKED = [f"{heading}:" for heading in HEADINGS]
# Text made of what could steer: headings, stop strings, special tokens, every line break that there is.
_BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]
_STOPS = ["```", "\n\n\n", "def solution():"]
_SPECIAL = ["<|im_end|>", "<|endoftext|>", "</s>", "<extra_id_0>"]
_PIECES = ["solution :", "> ", " ", "\t", "x", "\ud800", "<"]
HOSTILE = st.lists(st.sampled_from([*_ASKED, *_BREAKS, *_STOPS, *_SPECIAL, *_PIECES])).map("".join)
TEXTS = HOSTILE | st.text()
PROGRAMS = {name: recipe for name, recipe in RECIPES.items() if recipe.judged_by is JudgedBy.PROGRAM}
RECIPE = pytest.mark.parametrize("recipe", PROGRAMS.values(), ids=PROGRAMS)


def _headings(prompt: str) -> list[str]:
    """The headings that a reader sees who takes every line break for one, and forgives three spaces before."""
    found = (re.match(r"[ \t]{0,3}(\w+)[ \t]*:", line) for line in prompt.splitlines())
    return [one[1].lower() for one in found if one and one[1].lower() in map(str.lower, HEADINGS)]


@RECIPE
@given(question=TEXTS, program=TEXTS, message=TEXTS)
def test_a_repair_has_the_headings_that_the_recipe_wrote_and_no_others(
    recipe: Recipe, question: str, program: str, message: str
) -> None:
    code = ErrorCode(f"x{program}", message)
    ordinary = _headings(recipe.prompt("Why?", error_code=ErrorCode("x", "y")))
    assert _headings(recipe.prompt(question, error_code=code)) == ordinary


@RECIPE
@given(question=TEXTS)
def test_a_first_question_has_the_headings_that_the_recipe_wrote_and_no_others(recipe: Recipe, question: str) -> None:
    ordinary = _headings(recipe.prompt("Why?", error_code=EMPTY))
    assert _headings(recipe.prompt(question, error_code=EMPTY)) == ordinary


@given(program=TEXTS, message=TEXTS)
def test_no_special_token_can_be_read_from_the_slot(program: str, message: str) -> None:
    text = ErrorCode(f"x{program}", message).text
    assert not re.search(r"<\|\w+\|>|</?s>|<extra_id_\d+>", text)
    text.encode()


@RECIPE
@given(message=TEXTS)
def test_a_message_takes_one_line(recipe: Recipe, message: str) -> None:
    told = recipe.prompt("Why?", error_code=ErrorCode(BROKEN, message))
    untold = recipe.prompt("Why?", error_code=ErrorCode(BROKEN))
    assert len(told.splitlines()) == len(untold.splitlines()) + 1
    assert len(told) <= len(untold) + len("Error: \n") + MAX_MESSAGE


def test_the_prompts_of_pad() -> None:
    prompt = RECIPES["pad"].prompt
    end = "Solution:\ndef solution():"
    assert prompt("Why?") == f"Question: Why?\n{end}"
    assert prompt("Why?", error_code=EMPTY) == f"Question: Why?\nErrorCode:\n{end}"
    assert prompt("Why?", error_code=ErrorCode(BROKEN)) == f"Question: Why?\nErrorCode:\n{BROKEN}\n{end}"
    told = ErrorCode.of(BROKEN, "NameError", "name 'nut' is not defined", 3)
    said = "Error: NameError: name 'nut' is not defined (line 3)"
    assert prompt("Why?", error_code=told) == f"Question: Why?\nErrorCode:\n{BROKEN}\n{said}\n{end}"


@RECIPE
@given(question=TEXTS)
def test_without_a_slot_a_question_stands_as_it_is(recipe: Recipe, question: str) -> None:
    assert recipe.prompt(question) == recipe.prompt("@").replace("@", question)


@pytest.mark.parametrize(
    "text",
    [
        BROKEN,
        "def solution():\n    # Solution: add\n    '''\n    Question: why?\n    '''\n    return 2 < 3 > 1 or a<b",
        "How much is 3 < 4? Question: is it true?",
        "größer als 5 €",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert as_data(text) == text


@given(st.lists(st.sampled_from(["Solution:", "> ", "Error:", "\n", "a"]), max_size=8).map("".join))
def test_what_was_quoted_can_be_read_back(text: str) -> None:
    lines = as_data(text).split("\n")
    quoted = re.compile(r"> (?=(?:> )*(?:Solution|Error):)")
    assert "\n".join(quoted.sub("", line, count=1) if quoted.match(line) else line for line in lines) == text


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (("NameError", "name 'a' is not defined", 3), "NameError: name 'a' is not defined (line 3)"),
        (("ZeroDivisionError", None, None), "ZeroDivisionError"),
        ((None, "invalid\nsyntax", 2), "invalid syntax (line 2)"),
        ((None, None, 2), None),
        ((None, " ", None), None),
    ],
)
def test_a_message_says_what_is_known(facts: tuple[str | None, str | None, int | None], message: str | None) -> None:
    assert ErrorCode.of(BROKEN, *facts).message == message


def test_a_long_message_keeps_its_line() -> None:
    message = ErrorCode.of(BROKEN, "ValueError", "x" * 999, 3).message
    assert message is not None
    assert len(message) == MAX_MESSAGE
    assert message.endswith("x (line 3)")


@pytest.mark.parametrize("program", ["", " \n"])
def test_a_message_needs_its_program(program: str) -> None:
    with pytest.raises(ValueError, match="message"):
        ErrorCode(program, "NameError")
