"""Where the code is in a completion: fenced blocks, and runs of code lines between prose.

    text ──▶ find_blocks ──▶ [Block, Block, …]      in the order of the text

Everything is decided line by line with anchored patterns, in linear time (see outline.py for the reason).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pad_ray.programs.outline import LineScanner

_HEAD = 400

_FENCE = re.compile(r"([ \t]*)(```+|~~~+)[ \t]*([\w+#.-]*)[ \t]*$")
_CODE_TAGS = frozenset({"", "python", "python3", "py", "py3", "ipython", "tool_code", "code"})

# A new task in a model's rambling: what follows it answers another question.
_NEW_TASK = re.compile(
    r"(?:#+\s*)?(?:\*\*)?(?:Question|Q|Problem|Exercise|Human|User|Instruction|Input)\s*\d*\s*(?:\*\*)?\s*:",
    re.IGNORECASE,
)

_CODE = re.compile(
    r"""
      (?:async\s+)?def\s+\w+\s*(?:\(|$)
    | class\s+\w+\s*[:(]
    | import\s+\w[\w.]*(?:\s+as\s+\w+)?(?:,.*)?\s*(?:\#.*)?$
    | from\s+[\w.]+\s+import\b
    | @\w
    | (?:for\s.+\sin\s.+|while\s.+|if\s.+|with\s.+|try\s*):\s*(?:\#.*)?$
    | [A-Za-z_][\w.]*\(.*\)\s*(?:\#.*)?$
    | (?:[A-Za-z_][\w.]*(?:\[[^\]]*\])*\s*,\s*)*
      [A-Za-z_][\w.]*(?:\[[^\]]*\])*\s*
      (?:[-+*/%@&|^]|//|\*\*|<<|>>)?=(?!=)
    | [a-z_]\w*\s*:\s*[A-Za-z_][\w.\[\],|]*\s*=(?!=)
    """,
    re.VERBOSE,
)

_KEYWORDS = "|".join([*keyword.kwlist, *keyword.softkwlist, "print"])
_PROSE = re.compile(
    rf"""
      [A-Z][\w'\u2019-]*,?[ ]+[\w'"($€£-]              # Two words, the first with a capital: "The answer …"
    | [A-Z][\w ]{{0,60}}:(?:\s|$)                  # "Explanation:", "Step 1: …"
    | [A-Z][a-z]*[.!?]?$                           # a word alone: prose that was cut off
    | (?!(?:{_KEYWORDS})\b)[a-z]+,?[ ](?!(?:{_KEYWORDS})\b)[a-z]+[^=]*$
    | \*\*|[-*+•][ ]|\d+[.)][ ]|>[ ]|\||---|===|<   # Markdown and markup
    | \#\#\#+[ ][A-Z]
    """,
    re.VERBOSE,
)


_COMMENT_OR_EQUATION = re.compile(r"#(?!#)|[^\s#].*=")
_MAX_ABOVE = 20


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that may be a program, as they stand in the text but for a common indent."""

    lines: tuple[str, ...]
    fenced: bool


def is_new_task(line: str) -> bool:
    """Whether the line opens another task ("Question: …", "# Q:", "### Instruction:")."""
    return _NEW_TASK.match(line[:_HEAD]) is not None


def looks_like_code(line: str) -> bool:
    """Whether an unindented line can only be meant as Python."""
    return _CODE.match(line[:_HEAD]) is not None


def looks_like_prose(line: str) -> bool:
    """Whether an unindented line is English or Markdown; faulty code is neither prose nor surely code."""
    head = line[:_HEAD]
    return _PROSE.match(head) is not None and _CODE.match(head) is None


def find_blocks(text: str) -> list[Block]:
    """All blocks of `text` that may hold a program, in order. Fenced ones end before another task begins."""
    lines = text.split("\n")
    if "```" not in text and "~~~" not in text:
        return list(_runs(lines))
    blocks: list[Block] = []
    outside: list[str] = []
    code_seen = False
    fence: _OpenFence | None = _fence_opened_by_prompt(lines)
    for line in lines:
        mark = _FENCE.match(line) if len(line) < _HEAD else None
        if fence is None and mark is None:
            if is_new_task(line) and (blocks or code_seen):
                break
            code_seen = code_seen or looks_like_code(line.lstrip())
            outside.append(line)
        elif fence is None:
            assert mark is not None
            blocks.extend(_runs(outside))
            outside = []
            fence = _OpenFence(mark)
        elif fence.ended_by(line, mark):
            blocks.extend(fence.block())
            # An opening fence inside an open one: the first was never closed.
            fence = _OpenFence(mark) if mark and mark[3] else None
    blocks.extend(fence.unclosed_block() if fence else _runs(outside))
    return blocks


class _OpenFence:
    """A fenced block while it is read."""

    def __init__(self, mark: re.Match[str] | None) -> None:
        self._indent = len(mark[1]) if mark else 0
        self._delimiter = mark[2] if mark else "```"
        self._is_code = mark is None or mark[3].lower() in _CODE_TAGS
        self._lines: list[str] = []

    def ended_by(self, line: str, mark: re.Match[str] | None) -> bool:
        """Take the line in and say whether it closes the block; text before a closing fence is taken."""
        if mark and mark[2].startswith(self._delimiter):
            return True
        content = line.rstrip()
        closes = mark is None and len(line) < _HEAD and content.endswith(self._delimiter)
        content = content[: -len(self._delimiter)] if closes else line
        shift = min(self._indent, len(content) - len(content.lstrip()))
        self._lines.append(content[shift:])
        return closes

    def block(self) -> Iterator[Block]:
        """The block, if its language is Python or not named and it is not a listing of output."""
        if self._is_code and any(looks_like_code(line.lstrip()) for line in self._lines):
            yield Block(_shift_left(self._lines), fenced=True)

    def unclosed_block(self) -> Iterator[Block]:
        """The code at the start of a block that nothing closes: prose may follow it."""
        if self._is_code:
            yield from islice((replace(run, fenced=True) for run in _runs(self._lines)), 1)


def _fence_opened_by_prompt(lines: Sequence[str]) -> _OpenFence | None:
    """An open fence if the text begins as code whose fence stood at the end of the prompt."""
    first = next((line for line in lines if line.strip()), "")
    mark = next(filter(None, map(_FENCE.match, (line for line in lines if len(line) < _HEAD))), None)
    return _OpenFence(None) if mark and not mark[3] and looks_like_code(first) else None


def _runs(lines: Sequence[str]) -> Iterator[Block]:
    """Runs of code up to the next task: each begins with what can only be code, and ends before prose."""
    run: list[str] = []
    above: list[str] = []
    seen = False
    margin = 0
    scanner = LineScanner()
    for line in lines:
        if not run:
            if seen and is_new_task(line):
                return
            if not looks_like_code(line.lstrip()):
                above = [*above[-_MAX_ABOVE:], line] if _may_begin_code(line) else []
                continue
            seen = True
            margin = len(line) - len(line.lstrip())
            run = above if not margin else []
            above = []
            scanner = LineScanner()
        elif _ends_run(line, margin, scanner):
            yield Block(_shift_left(run), fenced=False)
            if is_new_task(line.lstrip()):
                return
            run = []
            continue
        run.append(line)
        scanner.feed(line)
    if run:
        yield Block(_shift_left(run), fenced=False)


def _may_begin_code(line: str) -> bool:
    """Whether a line belongs to the code right below it: a comment, or a first statement that is faulty."""
    return _COMMENT_OR_EQUATION.match(line[:_HEAD]) is not None and not looks_like_prose(line)


def _ends_run(line: str, margin: int, scanner: LineScanner) -> bool:
    if scanner.in_string or not line.strip() or line[: margin + 1].isspace():
        return False
    text = line.lstrip()
    if scanner.continues:
        return is_new_task(text) and not text.startswith("#")
    return looks_like_prose(text)


def _shift_left(lines: Sequence[str]) -> tuple[str, ...]:
    """Remove the first line's indent from all lines, if all have it."""
    first = next((line for line in lines if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip())]
    if not margin or not all(line.startswith(margin) for line in lines if line.strip()):
        return tuple(lines)
    return tuple(line[len(margin) :] for line in lines)
