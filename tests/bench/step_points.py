"""Places in real programs at which a decoder would ask about the next statement, and candidates for each of them.

The places come from the syntax tree of the finished program, so what is open where is known without the scanner that
the sandbox uses on unfinished text.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_NAME_USED = re.compile(r"(?<==)\s*([A-Za-z_]\w*)")
_Compound: TypeAlias = ast.If | ast.For | ast.While | ast.FunctionDef | ast.Try | ast.With


@dataclass(frozen=True, slots=True)
class Opened:
    """An open block: its kind (`def`, `if`, `for`, `while`, `try` …), its header's indent and its body's.

    `function` is the name of a function that takes no argument.
    """

    kind: str
    indent: str
    body_indent: str
    function: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a program.

    Attributes:
        prefix: the text before the statement, whole lines.
        statement: the real statement, newline included; of a compound one its header.
        opens: the block that the statement opens.
        blocks: the blocks open before it, outermost first.
        names: variables set so far that hold numbers or strings, as far as the text shows.
        indent: the statement's indent.
    """

    prefix: str
    statement: str
    opens: Opened | None
    blocks: tuple[Opened, ...]
    names: tuple[str, ...]
    indent: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text for the next statement. `kind` says how it was made; `opens` is the block that it leaves open."""

    kind: str
    text: str
    opens: Opened | None = None


def points(code: str) -> list[Point]:
    """Every statement of a program; none when it does not parse, or is written in a way that lines do not show."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return []
    if any(isinstance(node, ast.stmt) and getattr(node, "decorator_list", None) for node in ast.walk(tree)):
        return []
    return _Reader(code).read(tree)


class _Reader:
    """Collects the points of one program."""

    def __init__(self, code: str) -> None:
        self._lines = [line + "\n" for line in code.split("\n")]
        self._points: list[Point] = []
        self._names: list[str] = []

    def read(self, tree: ast.Module) -> list[Point]:
        self._body(tree.body, ())
        return self._points

    def _body(self, body: Sequence[ast.stmt], blocks: tuple[Opened, ...]) -> None:
        for node in body:
            self._statement(node, blocks)

    def _statement(self, node: ast.stmt, blocks: tuple[Opened, ...]) -> None:
        line = self._lines[node.lineno - 1]
        indent = line[: len(line) - len(line.lstrip())]
        if len(indent) != node.col_offset or ";" in line:
            return
        opens = _opened(node, indent, self._lines)
        last = node.body[0].lineno - 1 if opens and isinstance(node, _Compound) else node.end_lineno or node.lineno
        prefix, statement = "".join(self._lines[: node.lineno - 1]), "".join(self._lines[node.lineno - 1 : last])
        self._points.append(Point(prefix, statement, opens, blocks, tuple(self._names), indent))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not blocks[1:]:
            self._names.append(node.targets[0].id)
        if opens and isinstance(node, _Compound):
            self._inside(node, blocks, opens)

    def _inside(self, node: _Compound, blocks: tuple[Opened, ...], opens: Opened) -> None:
        outer, self._names = self._names, [] if opens.kind == "def" else self._names
        self._body(node.body, (*blocks, opens))
        self._names = outer
        orelse = getattr(node, "orelse", [])
        if isinstance(node, ast.If) and orelse:
            first = self._lines[orelse[0].lineno - 1].lstrip()
            # An `elif` is an `if` of its own to the tree, at the same indent.
            self._body(orelse, blocks if first.startswith("elif") else (*blocks, opens))


def _opened(node: ast.stmt, indent: str, lines: Sequence[str]) -> Opened | None:
    if not isinstance(node, _Compound) or node.body[0].lineno == node.lineno:
        return None
    first = lines[node.body[0].lineno - 1]
    kind = "def" if isinstance(node, ast.FunctionDef) else type(node).__name__.lower()
    takes_none = isinstance(node, ast.FunctionDef) and ast.unparse(node.args) == ""
    function = node.name if isinstance(node, ast.FunctionDef) and takes_none else ""
    return Opened(kind, indent, first[: len(first) - len(first.lstrip())], function)


class Candidates:
    """A seeded source of candidates for points."""

    def __init__(self, statements: Sequence[str], seed: int) -> None:
        self._statements = statements
        self._random = random.Random(seed)

    def likely(self, point: Point, count: int) -> list[Candidate]:
        """The real statement and what a model may write in its place: other numbers, wrong names, broken text."""
        made = [Candidate("real", point.statement, point.opens)]
        makers = (self._other_number, self._another_program, self._unknown_name, self._broken, self._other_number)
        while len(made) < count:
            made.append(self._random.choice(makers)(point))
        return made

    def searching(self, point: Point, count: int) -> list[Candidate]:
        """The real statement and what is hard to judge: side effects, blocks, brackets, every kind of error."""
        made = [Candidate("real", point.statement, point.opens)]
        pool = [*self._side_effects(point), *self._blocks(point), *self._several_lines(point), *self._errors(point)]
        pool += [self._other_number(point), self._another_program(point), self._broken(point)]
        pool.append(Candidate("no newline at its end", point.statement.rstrip("\n"), point.opens))
        return made + self._random.sample(pool, min(count - 1, len(pool)))

    def _other_number(self, point: Point) -> Candidate:
        number = str(self._random.randint(2, 500))
        changed = _NUMBER.sub(number, point.statement, count=1)
        return Candidate("another number", changed, point.opens)

    def _another_program(self, point: Point) -> Candidate:
        return Candidate("another program's statement", point.indent + self._random.choice(self._statements))

    def _unknown_name(self, point: Point) -> Candidate:
        found = _NAME_USED.search(point.statement)
        if found is None or point.opens:
            return Candidate("unknown name", f"{point.indent}total = amount_left * 2\n")
        text = point.statement[: found.end()] + "_x" + point.statement[found.end() :]
        return Candidate("unknown name", text)

    def _broken(self, point: Point) -> Candidate:
        endings = ("= = 1", "= (3 * 4", "= 3 4", "= 'abc", "= [1, 2", "= )", "return 1", "")
        return Candidate("broken text", f"{point.indent}total {self._random.choice(endings)}\n")

    def _side_effects(self, point: Point) -> Iterator[Candidate]:
        pad = point.indent
        yield Candidate("append", f"{pad}seen.append({self._random.randint(0, 9)})\n")
        yield Candidate("append", f"{pad}seen.append(len(seen))\n")
        yield Candidate("append", f"{pad}seen += [seen[-1], 1.5]\n")
        yield Candidate("append", f"{pad}seen.pop()\n")
        yield Candidate("append", f"{pad}alias = seen\n{pad}alias.append('x')\n")
        for name in point.names[-2:]:
            yield Candidate("x += 1", f"{pad}{name} += 1\n")
            yield Candidate("x += 1", f"{pad}{name} = {name} * 2\n")

    def _blocks(self, point: Point) -> Iterator[Candidate]:
        pad, inner = point.indent, point.indent + "    "
        for kind, header in (("if", "if seen:"), ("for", "for i in range(3):"), ("while", "while len(seen) < 5:")):
            yield Candidate("nested block", f"{pad}{header}\n", Opened(kind, pad, inner))
            block = Opened(kind, pad, inner)
            yield Candidate("nested block", f"{pad}{header}\n{inner}seen.append(1)\n", block)
        outer = Opened("for", pad, inner)
        yield Candidate(
            "nested block", f"{pad}for i in range(4):\n{inner}if i % 2:\n{inner}    seen.append(i)\n", outer
        )
        yield Candidate("nested block", f"{pad}try:\n{inner}seen.append(1 // 0)\n", Opened("try", pad, inner))

    def _several_lines(self, point: Point) -> Iterator[Candidate]:
        pad = point.indent
        yield Candidate("several lines", f"{pad}total = (\n{pad}  len(seen)\n{pad}    + 2  # (\n{pad})\n")
        yield Candidate("several lines", f"{pad}total = [\n1,\n  2, ')'\n]\n")
        yield Candidate("several lines", f"{pad}total = 1 + \\\n{pad}    2\n")
        yield Candidate("several lines", f'{pad}total = """a\n  ( b\n"""\n')
        yield Candidate("several lines", f"{pad}# a comment\n\n{pad}total = {{\n'a': 1}}['a']\n")

    def _errors(self, point: Point) -> Iterator[Candidate]:
        expressions = (
            "1 / 0",
            "[1, 2][5]",
            "'a' + 1",
            "unheard_of + 1",
            "int('x')",
            "{}['k']",
            "seen.nothing",
            "len(3)",
        )
        for expression in expressions:
            yield Candidate("must fail", f"{point.indent}total = {expression}\n")
        yield Candidate("must fail", f" {point.indent}total = 1\n")
        yield Candidate("must fail", f"{point.indent}total = (1,\n")
        yield Candidate("must fail", f"{point.indent}1 = total\n")
