"""A right program prepared for editing: its statements, their names, and where each node stands in the text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pad_ray.programs.spans import line_starts
from pad_ray.programs.syntax import answer_of, parse

from .fault import Edit

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)


class Source:
    """The text of a program with an entry function `solution`, and what the finders of faults ask of it.

    Attributes:
        text: the program.
        entry: the function.
        body: its statements, without a docstring.
        bound_at: for each variable the place in `body` of the first statement that assigns to it; -1 for parameters.
        taken: every name in the program.
    """

    def __init__(self, text: str, entry: ast.FunctionDef, tree: ast.Module) -> None:
        self.text = text
        self.entry = entry
        self.body = entry.body[1:] if ast.get_docstring(entry, clean=False) is not None else entry.body
        self._starts = line_starts(text)
        self.bound_at = {argument.arg: -1 for argument in ast.walk(entry.args) if isinstance(argument, ast.arg)}
        for place, statement in enumerate(self.body):
            for name in binds(statement):
                self.bound_at.setdefault(name, place)
        self.taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(self.bound_at)

    @classmethod
    def read(cls, text: str) -> Source | None:
        """None where there is no function `solution`, or the program is beyond the bounds of `parse`."""
        tree = parse(text)
        if tree is None:
            return None
        body, _ = answer_of(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == "solution" and node.body is body:
                source = cls(text, node, tree)
                return source if source.body else None
        return None

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """The node's half-open span of characters."""
        return (
            self._at(node.lineno, node.col_offset),
            self._at(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _at(self, line: int, column: int) -> int:
        """Columns count bytes of UTF-8."""
        start = self._starts[line - 1]
        return start + len(self.text[start : start + column].encode()[:column].decode())

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The node's text."""
        start, end = self.span(node)
        return self.text[start:end]

    def indent(self, statement: ast.stmt) -> tuple[int, int] | None:
        """The span of the white space before a statement; None where something else is before it on its line."""
        line, start = self._starts[statement.lineno - 1], self.span(statement)[0]
        return (line, start) if not self.text[line:start].strip() else None

    def replace(self, node: ast.expr | ast.stmt, text: str) -> tuple[Edit]:
        """The edit that writes `text` for the node."""
        return (Edit(*self.span(node), text),)

    def swap(self, one: ast.expr | ast.stmt, other: ast.expr | ast.stmt) -> tuple[Edit, Edit]:
        """The edits that exchange two nodes."""
        return Edit(*self.span(one), self.of(other)), Edit(*self.span(other), self.of(one))

    def reads(self) -> Iterator[tuple[int, ast.Name]]:
        """Each use of a variable of the function, with the place in `body` of its statement."""
        for place, statement in enumerate(self.body):
            for node in nodes(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in self.bound_at:
                    yield place, node

    def relative_place(self, position: int) -> float:
        """How far into the body a position is, from 0 to 1."""
        start, end = self.span(self.body[0])[0], self.span(self.body[-1])[1]
        return min(1.0, max(0.0, (position - start) / max(1, end - start)))


def nodes(root: ast.AST, skip: Sequence[type[ast.AST]] = ()) -> Iterator[ast.AST]:
    """The nodes under `root` in the order of the text, but for other scopes and f-strings.

    CPython 3.11 gives the parts of f-strings wrong positions.
    """
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, (*_SCOPES, ast.JoinedStr, *skip)):
            continue
        yield node
        todo.extend(list(ast.iter_child_nodes(node))[::-1])


def binds(statement: ast.stmt) -> set[str]:
    """The variables that a statement, or one inside of it, assigns to; not those of comprehensions."""
    return {
        node.id
        for node in nodes(statement, skip=COMPREHENSIONS)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def uses(statement: ast.stmt) -> set[str]:
    """The names that a statement reads, the target of `+=` among them."""
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return found | (binds(statement) if isinstance(statement, ast.AugAssign) else set())
