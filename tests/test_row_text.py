"""Rows as text: nothing that a model wrote acts on a terminal, and pipes get no colours."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.programs.values import encode
from pad_ray.row_text import Block, plain_value, print_blocks, render, visible

BLOCKS = [Block("first", [("gold", "48"), ("program", "a = 1\n  b"), ("error", None)]), Block("second", [])]


def test_short_texts_stand_beside_their_label_and_long_ones_below() -> None:
    assert list(render(BLOCKS)) == ["first", "  gold  48", "  program", "    a = 1", "      b", "", "second"]


def test_a_terminal_gets_rules_and_colours() -> None:
    lines = list(render(BLOCKS, width=5, colours=True))
    assert lines[0] == "\x1b[1mfirst\x1b[0m"
    assert "\x1b[2m─────\x1b[0m" in lines


def test_a_pipe_gets_neither(capsys: pytest.CaptureFixture[str]) -> None:
    print_blocks(BLOCKS)
    out = capsys.readouterr().out
    assert out.splitlines() == list(render(BLOCKS))
    assert "\x1b" not in out


@given(st.text())
def test_what_acts_on_a_terminal_is_written_out(text: str) -> None:
    shown = "".join(render([Block(text, [(text[:5], text)])]))
    assert not {"\x1b", "\x07", "\r", "\x9b", "\u202e", "\u200b"} & set(shown.replace(text[:5], ""))
    assert visible(visible(text)) == visible(text)


def test_letters_of_any_language_stay() -> None:
    assert visible("3 × 4 = zwölf, 十二\n") == "3 × 4 = zwölf, 十二\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(48, "48"), (2.5, "2.5"), ("yes", "yes"), (True, "True"), ([1], "list:[int:1]"), (None, "none")],
)
def test_a_value_is_shown_as_a_person_writes_it(value: object, shown: str) -> None:
    assert plain_value(encode(value)) == shown  # type: ignore[arg-type]


def test_a_value_that_is_none_of_ours_is_shown_as_it_stands() -> None:
    assert plain_value("forty-eight") == "forty-eight"
    assert plain_value(None) is None


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = "from pad_ray.row_text import print_lines; print_lines('x' * 999 for _ in range(10_000))"
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait() == 0
    writer.stderr.close()
