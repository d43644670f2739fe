"""The outline of Python source by its lines: statements, top-level functions, where the answer is set.

Model-written text is not parsed here: no `ast`, no `tokenize`, only anchored regular expressions over the
first characters of each line, so that hostile text (a million brackets, a line of a megabyte) costs linear
time and no stack. What is wrong Python stays in the outline as it stands; the sandbox finds the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RESULT_NAMES = ("ans", "answer", "result")

# Patterns look at this many characters of a line; real lines of code are shorter.
_HEAD = 400

_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?|#.*|[()\[\]{}]')
_STRING_END = {'"""': re.compile(r'\\.|"""', re.DOTALL), "'''": re.compile(r"\\.|'''", re.DOTALL)}
_PLAIN = re.compile(r"[^\"'#\\]*$")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_BRACKET = re.compile(r"[()\[\]{}]")
_DEF = re.compile(r"def\s+([A-Za-z_]\w*)\s*\(", re.ASCII)
_NAMES = "|".join(RESULT_NAMES)
_SETS_ANSWER = re.compile(
    rf"\s*(?:for\s+(?:{_NAMES})\s+in\b"
    rf"|(?:[\w\[\].]+\s*[,=]\s*)*(?:{_NAMES})\s*(?:,[^=]*|:[^=]*|[-+*/%]|//|\*\*)?=(?!=))"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A logical line: physical lines `start` to `stop` (half open), the first one's text and its indent."""

    start: int
    stop: int
    indent: int
    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A statement at the top level with its body, or a comment there: lines `start` to `stop` (half open).

    `function` is the name that a `def` binds; `needs_arguments` says that a call without any must fail.
    """

    start: int
    stop: int
    text: str
    function: str | None = None
    needs_arguments: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """What a source consists of. `answer_line` is the first top-level line that sets one of RESULT_NAMES."""

    units: tuple[Unit, ...]
    answer_line: int | None

    @property
    def callables(self) -> list[Unit]:
        """The functions that can be called without arguments."""
        return [unit for unit in self.units if unit.function and not unit.needs_arguments]


class LineScanner:
    """Follows strings and brackets from line to line, to know whether a line continues the one before."""

    def __init__(self) -> None:
        self._quote: str | None = None
        self._depth = 0
        self._escaped = False

    @property
    def in_string(self) -> bool:
        """Whether a triple-quoted string is open."""
        return self._quote is not None

    @property
    def continues(self) -> bool:
        """Whether the next line belongs to the statement fed so far."""
        return self._quote is not None or self._depth > 0 or self._escaped

    def feed(self, line: str) -> None:
        """Read one physical line without its newline."""
        self._escaped = False
        if self._quote is None and _PLAIN.match(line):
            for bracket in _BRACKET.findall(line):
                self._bracket(bracket)
            return
        position = 0 if self._quote is None else self._leave_string(line, 0)
        comment = False
        while position < len(line) and self._quote is None:
            found = _TOKEN.search(line, position)
            if found is None:
                break
            position = found.end()
            token = found[0]
            comment = token[0] == "#"
            if token in _STRING_END:
                self._quote = token
                position = self._leave_string(line, position)
            elif token in _BRACKETS:
                self._bracket(token)
        self._escaped = self._quote is None and not comment and line.endswith("\\")

    def _bracket(self, bracket: str) -> None:
        self._depth = max(0, self._depth + _BRACKETS[bracket])

    def _leave_string(self, line: str, position: int) -> int:
        """Move past the end of the open string if it is on this line."""
        assert self._quote is not None
        for found in _STRING_END[self._quote].finditer(line, position):
            if found[0] == self._quote:
                self._quote = None
                return found.end()
        return len(line)


def split_statements(lines: Sequence[str]) -> Iterator[Statement]:
    """The logical lines of `lines` in order; comments are statements too, blank lines are left out."""
    scanner = LineScanner()
    start = 0
    for number, line in enumerate(lines):
        if not scanner.continues:
            start = number
            if not line.strip():
                continue
        scanner.feed(line)
        if not scanner.continues or number == len(lines) - 1:
            first = lines[start]
            yield Statement(start, number + 1, len(first) - len(first.lstrip()), first)


def read_outline(lines: Sequence[str]) -> Outline:
    """Outline of a source given as physical lines. Never raises, whatever the text."""
    heads: list[Statement] = []
    stops: list[int] = []
    answer_line: int | None = None
    owner = -1  # the place in `heads` of the statement that indented lines belong to
    for statement in split_statements(lines):
        if statement.indent and owner >= 0:
            # Comments at the margin inside a body are part of it.
            del heads[owner + 1 :], stops[owner + 1 :]
            stops[owner] = statement.stop
        else:
            heads.append(statement)
            stops.append(statement.stop)
            owner = owner if statement.text.startswith("#") else len(heads) - 1
        in_definition = owner >= 0 and heads[owner].text.startswith(("def ", "class ", "async "))
        if answer_line is None and not in_definition and _SETS_ANSWER.match(statement.text[:_HEAD]):
            answer_line = statement.start
    units = (_read_unit(lines, head, stop) for head, stop in zip(heads, stops, strict=True))
    return Outline(tuple(units), answer_line)


def _read_unit(lines: Sequence[str], head: Statement, stop: int) -> Unit:
    found = _DEF.match(head.text)
    if found is None:
        return Unit(head.start, stop, head.text)
    parameters = "\n".join(lines[head.start : head.stop])[found.end() :]
    return Unit(head.start, stop, head.text, found[1], _needs_arguments(parameters[: 10 * _HEAD]))


def _needs_arguments(parameters: str) -> bool:
    """Whether a call without arguments must fail, from the text that follows the opening parenthesis."""
    depth = 0
    piece = ""
    for character in parameters:
        if depth == 0 and character in ",)":
            if _is_required(piece):
                return True
            piece = ""
            if character == ")":
                return False
            continue
        depth += (character in "([{") - (character in ")]}")
        piece += character
    return False


def _is_required(parameter: str) -> bool:
    text = parameter.strip()
    return bool(text) and "=" not in text and not text.startswith(("*", "/"))
