"""The layout of a program that is still being written: its open blocks, and whether its last statement is
whole.

The text is scanned, not parsed: strings, comments and brackets are told apart, lines joined into statements,
and indents compared. That takes time linear in the length of the text and no recursion, so it is safe on the
trusted side; whether the text is Python is for the jail to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# The run of other characters first makes one match a token, where a search would try each place.
_TOKEN = re.compile(
    r"""[^"'#()\[\]{}\\\n]*(?:(?P<quote>\"\"\"|'''|"|')|(?P<comment>#[^\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<joint>\\\r?\n)|\\|(?P<end>\n))"""
)
_STRING_ENDS = {
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"""', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*'''", re.DOTALL),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*"', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*'", re.DOTALL),
}
_WORD = re.compile(r"(?:async\s+)?(\w+)")
_KEYWORDS = "if elif else for while with try except finally def class match case"
_OPENERS = frozenset(_KEYWORDS.split())
_FOLLOWERS = frozenset({"elif", "else", "except", "finally"})
_CODE_END = re.compile(r":[ \t]*(?:#[^\n]*)?\r?\n?\Z")
_STATEMENT = re.compile(r"[ \t\f]*(?:#[^\n]*)?\r?\n?\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose body is still being written.

    Attributes:
        start: where its compound statement begins, in characters.
        indent: the white space before its header.
        keyword: the first word of its header.
        header: its header's text.
        body_indent: the white space before its first statement; None while it has none.
    """

    start: int
    indent: str
    keyword: str
    header: str
    body_indent: str | None = None

    @property
    def inner_indent(self) -> str:
        """The white space that the next statement of the body needs."""
        return self.indent + "    " if self.body_indent is None else self.body_indent


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a text.

    Attributes:
        blocks: the open blocks, outermost first.
        scanned: how much of the text is whole statements, in characters.
        whole: False while the text ends within brackets, quotes, a joined line or after a decorator.
        last_start: where the latest statement at each width of indent begins.
    """

    blocks: tuple[Block, ...] = ()
    scanned: int = 0
    whole: bool = True
    last_start: tuple[tuple[int, int], ...] = ()


EMPTY = Layout()


def extend(layout: Layout, text: str) -> Layout:
    """The layout of a text of which `layout` is that of a beginning, cut after a line."""
    at = layout.scanned
    while at < len(text):
        end = _statement_end(text, at)
        if end is None:
            return replace(layout, whole=False)
        layout = _add(layout, text, at, end)
        at = end
    return layout


def _statement_end(text: str, at: int) -> int | None:
    """Where the statement that begins at a line's start ends; None when the text ends before it does."""
    depth = 0
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        kind = token.lastgroup
        if kind == "quote":
            closed = _STRING_ENDS[token["quote"]].match(text, at)
            if closed is None:
                if len(token["quote"]) == 3 or depth:
                    return None
                # A quote that its line does not close is a syntax error, and the line ends all the same.
                newline = text.find("\n", at)
                return len(text) if newline < 0 else newline + 1
            at = closed.end()
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "end" and depth == 0:
            return at
        elif kind == "joint" and at == len(text):
            return None
    return len(text) if depth == 0 else None


def _add(layout: Layout, text: str, start: int, end: int) -> Layout:
    """The layout after one more statement, blank line or comment."""
    line = text[start:end]
    if _STATEMENT.match(line):
        return replace(layout, scanned=end)
    stripped = line.lstrip(" \t\f")
    indent = line[: len(line) - len(stripped)]
    width = len(indent.expandtabs(8))
    word = _WORD.match(stripped)
    keyword = word[1] if word else ""
    blocks, closed = list(layout.blocks), None
    while blocks and width <= len(blocks[-1].indent.expandtabs(8)):
        closed = blocks.pop()
    if blocks and blocks[-1].body_indent is None:
        blocks[-1] = replace(blocks[-1], body_indent=indent)
    starts = {at: begun for at, begun in layout.last_start if at <= width}
    begun = start
    if keyword in _FOLLOWERS:
        begun = closed.start if closed and closed.indent == indent else starts.get(width, start)
    starts[width] = begun
    if keyword in _OPENERS and _CODE_END.search(line):
        blocks.append(Block(begun, indent, keyword, stripped.strip()))
    return Layout(tuple(blocks), end, not stripped.startswith("@"), tuple(starts.items()))


def closing(blocks: tuple[Block, ...], capture: str) -> str:
    """Text that ends the open blocks of a program, so that it can run as far as it is written.

    The outermost block, when it is a function, ends with `capture`. A `while` that is still being written
    ends its body with `break`, for what makes it stop may not be there yet: it is run once. A `try` catches
    what its handlers, not yet written, may catch.
    """
    lines = []
    for place, block in reversed(list(enumerate(blocks))):
        inner = block.inner_indent
        if block.body_indent is None:
            lines += [f"{inner}case _:", f"{inner}    pass"] if block.keyword == "match" else [f"{inner}pass"]
        if block.keyword == "while":
            lines.append(f"{inner}break")
        if place == 0 and block.keyword == "def" and capture:
            lines.append(inner + capture)
        if block.keyword == "try":
            lines += [f"{block.indent}except Exception:", f"{block.indent}    pass"]
    return "".join(line + "\n" for line in lines)
