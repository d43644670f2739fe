"""Faults of structure: what Python refuses to read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .arithmetic import gaps
from .fault import Edit, Kind
from .source import SIMPLE, Source, nodes

Found = Iterator[tuple[Kind, tuple[Edit, ...]]]

_COLON = re.compile(r":(?=[ \t]*(?:#[^\n]*)?\r?\n)")
_BLOCKS = (ast.If, ast.For, ast.While)


def wrong_indents(source: Source) -> Found:
    """A `return` at the margin or too deep, and any statement indented by one space too many or too few."""
    for statement in source.body:
        for node in nodes(statement):
            indent = source.indent(node) if isinstance(node, SIMPLE) else None
            if indent is None:
                continue
            start, end = indent
            space = source.text[start:end]
            texts = [space + " ", space[:-1]]
            if isinstance(node, ast.Return):
                texts += ["", space * 2]
            for text in dict.fromkeys(texts):
                yield Kind.STRUCTURE, (Edit(start, end, text),)


def missing_colons(source: Source) -> Found:
    """The head of the function or of a block without its colon."""
    blocks = [node for statement in source.body for node in nodes(statement) if isinstance(node, _BLOCKS)]
    for block in (source.entry, *blocks):
        found = _COLON.search(source.text, source.span(block)[0], source.span(block.body[0])[0])
        if found:
            yield Kind.STRUCTURE, (Edit(found.start(), found.end(), ""),)


def missing_brackets(source: Source) -> Found:
    """A bracket too many before a value, or the last one of a statement left out."""
    for statement in source.body:
        for node in nodes(statement):
            if not isinstance(node, SIMPLE) or node.value is None:
                continue
            start, end = source.span(node.value)[0], source.span(node)[1]
            yield Kind.STRUCTURE, (Edit(start, start, "("),)
            if source.text[end - 1] in ")]}":
                yield Kind.STRUCTURE, (Edit(end - 1, end, ""),)


def missing_parts(source: Source) -> Found:
    """An operator left out, or its right operand where that is a name or a number."""
    for start, end, _, _ in gaps(source):
        yield Kind.STRUCTURE, (Edit(start, end, ""),)
    for statement in source.body:
        for node in nodes(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Name | ast.Constant):
                yield Kind.STRUCTURE, source.replace(node.right, "")
