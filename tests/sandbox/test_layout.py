"""The layout of unfinished texts: open blocks, and whether the last statement is whole."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.sandbox.layout import EMPTY, Layout, closing, extend

HEAD = "def f():\n"

CASES = [
    ("", [], True),
    ("a = 1\n", [], True),
    (HEAD, ["def"], True),
    (HEAD + "    a = 1\n", ["def"], True),
    (HEAD + "    if a:\n", ["def", "if"], True),
    (HEAD + "    if a:\n        b = 1\n", ["def", "if"], True),
    (HEAD + "    if a:\n        b = 1\n    c = 1\n", ["def"], True),
    (HEAD + "    if a: b = 1\n", ["def"], True),
    (HEAD + "    if a:  # why\n", ["def", "if"], True),
    (HEAD + "    if a:\n        b\n    else:\n", ["def", "else"], True),
    (HEAD + "    for i in x:\n        while i:\n", ["def", "for", "while"], True),
    (HEAD + "    x = {1: 2}\n", ["def"], True),
    (HEAD + "    x = 'if a:'\n", ["def"], True),
    (HEAD + "    x = (1,\n", ["def"], False),
    (HEAD + "    x = (1,\n  2)\n", ["def"], True),
    (HEAD + "    x = '''a\n", ["def"], False),
    (HEAD + "    x = '''a\n:\n(\n'''\n", ["def"], True),
    (HEAD + "    x = 'a\n", ["def"], True),
    (HEAD + "    x = 1 + \\\n", ["def"], False),
    (HEAD + "    x = 1 + \\\n  2\n", ["def"], True),
    (HEAD + "    # (\n", ["def"], True),
    (HEAD + "    @cached\n", ["def"], False),
    (HEAD + "    @cached\n    def g():\n", ["def", "def"], True),
    (HEAD + "    return lambda x: x\n", ["def"], True),
    (HEAD + "    x = a[1:\n", ["def"], False),
    (HEAD + "\ta = 1\n", ["def"], True),
    ("async def f():\n    async for x in y:\n", ["def", "for"], True),
    ("match x:\n    case 1:\n", ["match", "case"], True),
    ("match = 1\nprint(match)\n", [], True),
    ("a = 1", [], True),
    ("if a:\r\n    b = 1\r\n", ["if"], True),
]


@pytest.mark.parametrize(("text", "keywords", "whole"), CASES)
def test_blocks_and_wholeness(text: str, keywords: list[str], whole: bool) -> None:
    layout = extend(EMPTY, text)
    assert ([block.keyword for block in layout.blocks], layout.whole) == (keywords, whole)


@pytest.mark.parametrize(("text", "keywords", "whole"), CASES)
def test_line_by_line_is_the_same_as_at_once(text: str, keywords: list[str], whole: bool) -> None:
    layout, upto = EMPTY, ""
    for line in text.splitlines(keepends=True):
        upto += line
        layout = extend(layout, upto)
    assert layout == extend(EMPTY, text)


@pytest.mark.parametrize(("text", "keywords", "whole"), [case for case in CASES if case[2] and "'a\n" not in case[0]])
def test_a_closed_text_parses(text: str, keywords: list[str], whole: bool) -> None:
    newline = "" if text.endswith("\n") else "\n"
    ast.parse(text + newline + closing(extend(EMPTY, text).blocks, "return 1"))


def test_a_follower_begins_with_its_compound_statement() -> None:
    text = HEAD + "    if a:\n        b\n    elif c:\n        d\n    else:\n"
    assert text[extend(EMPTY, text).blocks[1].start :].startswith("    if a:")


def test_a_follower_of_one_line_begins_with_it_too() -> None:
    text = HEAD + "    if a: b = 1\n    else:\n"
    assert text[extend(EMPTY, text).blocks[1].start :].startswith("    if a:")


PIECES = [
    "a = 1",
    "if a:",
    "else:",
    "for i in b:",
    "try:",
    "except E:",
    "x = (",
    ")",
    "'''",
    "'",
    '"',
    "\\",
    "#",
    "@d",
    ":",
]
LINES = st.lists(st.tuples(st.sampled_from(["", "    ", "        ", "\t"]), st.sampled_from(PIECES)), max_size=12)


@given(LINES)
def test_no_text_upsets_it(lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{indent}{piece}\n" for indent, piece in lines)
    layout = extend(EMPTY, text)
    assert isinstance(layout, Layout)
    assert layout.scanned <= len(text)
    assert all(0 <= block.start < len(text) for block in layout.blocks)


@given(st.text(alphabet="ab:()[]'\"\\#\n \t@=", max_size=60))
def test_no_characters_upset_it(text: str) -> None:
    assert extend(EMPTY, text).scanned <= len(text)


def test_a_long_text_takes_time_in_proportion() -> None:
    # Quadratic work on this many openings would not end.
    for piece in ("(", "'", '"""', "if a:\n", "\\\n", "#", "'''\n", "x = [\n", "    "):
        extend(EMPTY, piece * 20_000)
