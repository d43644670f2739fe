"""Which characters of a program are its final answer, and which are the steps towards it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from pad_ray.programs.syntax import answer_of, own_nodes, parse

Span = tuple[int, int]

_LINE_END = re.compile(r"\r\n|\r|\n")


def answer_spans(program: str) -> list[Span]:
    """Where the answer is given: the `return` statements, and for a returned name the last statement that binds it.

    Args:
        program: Python source with an entry function.

    Returns:
        Half-open spans of characters in the order of the text; none where the program cannot be parsed.
    """
    tree = parse(program)
    if tree is None:
        return []
    body, answers = answer_of(tree)
    nodes = list(own_nodes(body))
    found: list[ast.stmt] = [node for node in nodes if isinstance(node, ast.Return)]
    for answer in answers:
        if isinstance(answer, ast.Name):
            found += _last_binding(answer.id, nodes)
    starts = line_starts(program)
    return sorted({_span(node, program, starts) for node in found})


def _last_binding(name: str, nodes: Sequence[ast.AST]) -> list[ast.stmt]:
    binding: list[ast.stmt] = [
        node
        for node in nodes
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        and any(isinstance(part, ast.Name) and part.id == name for part in _targets(node))
    ]
    return binding[-1:]


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Sequence[ast.AST]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def line_starts(program: str) -> list[int]:
    """Where each line begins, as Python counts lines; str.splitlines ends them at form feeds and others too."""
    return [0, *(found.end() for found in _LINE_END.finditer(program))]


def _span(node: ast.stmt, program: str, starts: Sequence[int]) -> Span:
    def place(line: int, column: int) -> int:
        # Columns count bytes of UTF-8.
        text = program[starts[line - 1] :].encode("utf-8", "surrogatepass")[:column]
        return starts[line - 1] + len(text.decode("utf-8", "surrogatepass"))

    return place(node.lineno, node.col_offset), place(node.end_lineno or node.lineno, node.end_col_offset or 0)
