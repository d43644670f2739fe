"""The program in a completion.

A completion may fence its program or not, put prose around it, and ramble on with other questions after it.
The program itself comes in one of three forms:

    solution    def solution(): …               called with no arguments (PaD, arXiv 2305.13888)
    function    another function of any name     called with no arguments
    flat        statements that set `ans`, `answer` or `result`

Nothing is parsed on the way (see outline.py), and nothing is mended: a last line that was cut off stays, and
the sandbox reports the syntax error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pad_ray.programs.blocks import Block, find_blocks, is_new_task
from pad_ray.programs.outline import Outline, Unit, read_outline, split_statements

MAX_TEXT_CHARS = 200_000
# At most 64 KiB in UTF-8: what the sandbox takes.
MAX_PROGRAM_CHARS = 16_000

_ENTRY = "solution"
_END_OF_THOUGHT = "</think>"
_DOCSTRING = re.compile(
    r"""
    \s*[rRuU]?
    (?: \"{3} (?:(?!\"{3})[^\\]|\\.)* \"{3} | '{3} (?:(?!'{3})[^\\]|\\.)* '{3} | "[^"\\\n]*" | '[^'\\\n]*' )
    \s*(?:\#.*)?
    """,
    re.VERBOSE | re.DOTALL,
)


class Form(StrEnum):
    """How a program gives its answer."""

    SOLUTION = "solution"
    FUNCTION = "function"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class ProgramText:
    """A program as text. `entry` is the function to call, None for flat code."""

    source: str
    form: Form
    entry: str | None


def extract(text: str, *, strip_docstring: bool = False) -> ProgramText | None:
    """Find the program in a completion.

    Args:
        text: what the model wrote; only what follows the last `</think>` counts.
        strip_docstring: drop the entry function's docstring (the question repeated, in the paper's data).

    Returns:
        The program without blank lines around it, or None when there is none, when the text that counts is
        over MAX_TEXT_CHARS or the program over MAX_PROGRAM_CHARS characters.

    With several blocks the best form wins: `solution`, then any callable function, then flat code. Among
    equals a fenced block goes first, the last one of them (a correction follows what it corrects); of blocks
    without fence the first one counts (what follows is rambling).
    """
    answer = text.rpartition(_END_OF_THOUGHT)[2]
    if len(answer) > MAX_TEXT_CHARS:
        return None
    blocks = find_blocks(answer.replace("\r\n", "\n").replace("\r", "\n"))
    ordered = [block for block in reversed(blocks) if block.fenced] + [b for b in blocks if not b.fenced]
    candidates = [_Candidate(block) for block in ordered]
    if not candidates:
        return None
    program = max(candidates, key=lambda candidate: candidate.rank).program(strip_docstring)
    return program if 0 < len(program.source) <= MAX_PROGRAM_CHARS else None


class _Candidate:
    """A block, its outline, and the form in which it would run."""

    def __init__(self, block: Block) -> None:
        self._lines = block.lines
        self._outline = read_outline(self._lines)
        if (end := _next_task(self._outline)) is not None:
            self._lines = block.lines[:end]
            self._outline = read_outline(self._lines)
        self._entry = _find_entry(self._outline)
        self.rank = self._rank()

    def _rank(self) -> int:
        if self._entry and self._entry.function == _ENTRY:
            return 3
        if self._outline.callables:
            return 2
        # Flat code that sets no answer comes last: it may be a listing of something else.
        return 0 if self._outline.answer_line is None else 1

    def program(self, strip_docstring: bool) -> ProgramText:
        if self._entry is None or self._entry.function is None:
            return ProgramText(_join(self._lines), Form.FLAT, None)
        form = Form.SOLUTION if self._entry.function == _ENTRY else Form.FUNCTION
        lines = list(self._lines[: _function_end(self._outline, self._entry)])
        if strip_docstring:
            _drop_docstring(lines, self._entry)
        return ProgramText(_join(lines), form, self._entry.function)


def _next_task(outline: Outline) -> int | None:
    """The line where a model that has written its program turns to another question."""
    program_seen = False
    for unit in outline.units:
        if program_seen and is_new_task(unit.text):
            return unit.start
        sets_answer = outline.answer_line is not None and unit.stop > outline.answer_line
        program_seen = program_seen or sets_answer or (unit.function is not None and not unit.needs_arguments)
    return None


def _find_entry(outline: Outline) -> Unit | None:
    """The function to call, or None for flat code."""
    solutions = [unit for unit in outline.units if unit.function == _ENTRY]
    if solutions and not solutions[0].needs_arguments:
        return solutions[0]
    if outline.answer_line is not None:
        return None
    return outline.callables[-1] if outline.callables else next(iter(solutions), None)


def _function_end(outline: Outline, entry: Unit) -> int:
    """The line where a program that is called by its entry ends.

    A second definition of the entry is rambling: it and what follows it are left out. Of what remains,
    comments and statements that only call the entry or print are left out at the end. Other statements stay,
    a `return` that slipped out of its function too: Python shall refuse that one.
    """
    kept: list[Unit] = []
    for unit in outline.units:
        if unit.start > entry.start and unit.function == entry.function:
            break
        kept.append(unit)
    calls_entry = re.compile(rf"(?:\w+\s*=\s*)?{entry.function}\(\)\s*$|print\(.*\)\s*$|if __name__\b|[#@]")
    while calls_entry.match(kept[-1].text):
        kept.pop()
    return kept[-1].stop


def _drop_docstring(lines: list[str], entry: Unit) -> None:
    """Remove the entry's docstring in place, unless nothing else is in the body."""
    statements = split_statements(lines[entry.start : entry.stop])
    body = [statement for statement in statements if not statement.text.lstrip().startswith("#")][1:]
    if len(body) < 2:
        return
    place = slice(entry.start + body[0].start, entry.start + body[0].stop)
    if _DOCSTRING.fullmatch("\n".join(lines[place])):
        del lines[place]


def _join(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()
