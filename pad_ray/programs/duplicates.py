"""Whether two programs are the same but for names and layout.

Names that a program gives itself are numbered in order of their first appearance. Comments, docstrings, annotations and
layout do not count. Constants (1 is not 1.0), operators, calls and the order of statements do.
"""

from __future__ import annotations

import ast
import builtins
import hashlib

from pad_ray.programs.syntax import is_bound_by, parse, result_name

_BUILTIN = frozenset(dir(builtins))


def fingerprint(program: str) -> str | None:
    """Equal for two programs that are the same but for names and layout.

    Returns:
        A hash of 16 hexadecimal digits; None for a text that is no Python or beyond the bounds of `syntax.parse`.
    """
    tree = parse(program)
    if tree is None:
        return None
    result = result_name(tree) or ""
    names = _Names(tree)
    try:
        text = ast.dump(names.visit(tree), annotate_fields=False)
    except RecursionError:
        return None
    # Flat code may set several of the names that the sandbox reads: the one that it takes is part of the program.
    return hashlib.sha256(f"{names.new(result)} {text}".encode(errors="backslashreplace")).hexdigest()[:16]


def identity(text: str) -> str:
    """The fingerprint; of a text that cannot be parsed, the text as it stands."""
    return fingerprint(text) or text.strip()


class _Names(ast.NodeTransformer):
    """Numbers the names that a program gives itself, and drops what computes nothing."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self._functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        # A builtin keeps its name, even one that is bound: `sum = sum(x)` is not `max = max(x)`.
        self._local = {name for node in nodes for name in _bound(node)} - _BUILTIN
        self._numbers: dict[str, str] = {}

    def new(self, name: str) -> str:
        """The number of a local name; others stay."""
        return self._numbers.setdefault(name, f"%{len(self._numbers)}") if name in self._local else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.new(node.arg))

    def visit_alias(self, node: ast.alias) -> ast.alias:
        return ast.alias(node.name, self.new(_alias(node)))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self.new(node.name)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.Global:
        return ast.Global([self.new(name) for name in node.names])

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.Nonlocal:
        return ast.Nonlocal([self.new(name) for name in node.names])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in self._functions:
            for keyword in node.keywords:
                keyword.arg = keyword.arg and self.new(keyword.arg)
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(node.value)  # without the mark of u""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A bare constant is a docstring or a comment."""
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.new(node.name)
        node.returns = None
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.new(node.name)
        return self.generic_visit(node)


def _bound(node: ast.AST) -> list[str]:
    """The names that a node binds."""
    if isinstance(node, ast.Name):
        return [node.id] if is_bound_by(node) else []
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [_alias(node)]
    return [node.name] if isinstance(node, ast.ExceptHandler) and node.name else []


def _alias(node: ast.alias) -> str:
    """The name that an import binds."""
    return node.asname or node.name.partition(".")[0]
