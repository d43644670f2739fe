"""Faults in arithmetic: another operator, operands in the wrong order, another number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .fault import Edit, Kind
from .source import Source, nodes

Found = Iterator[tuple[Kind, tuple[Edit, ...]]]

_OPERATORS: dict[type[ast.AST], tuple[str, tuple[str, ...]]] = {
    ast.Add: ("+", ("-", "*")),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/", "+")),
    ast.Div: ("/", ("*", "-")),
    ast.FloorDiv: ("//", ("/", "*")),
    ast.Mod: ("%", ("//",)),
    ast.Pow: ("**", ("*",)),
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<",)),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">",)),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
}
_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
# What keeps its meaning next to any operator, without brackets of its own.
_ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Subscript)
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?")


def gaps(source: Source) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
    """Each operator's span, sign, and the signs that may be written for it."""
    for statement in source.body:
        for node in nodes(statement):
            match node:
                case ast.BinOp(left=left, op=op, right=right):
                    pass
                case ast.Compare(left=left, ops=[op], comparators=[right]):
                    pass
                case ast.AugAssign(target=left, op=op, value=right):
                    pass
                case _:
                    continue
            sign, others = _OPERATORS.get(type(op), ("", ()))
            low, high = source.span(left)[1], source.span(right)[0]
            at = source.text.find(sign, low, high) if sign else -1
            if at >= 0:
                yield at, at + len(sign), sign, others


def other_operators(source: Source) -> Found:
    """Another operator of the same rank or near to it."""
    for start, end, _, others in gaps(source):
        for sign in others:
            yield Kind.OPERATOR, (Edit(start, end, sign),)


def swapped_operands(source: Source) -> Found:
    """The operands of -, /, //, % and ** exchanged, where both are atoms."""
    for statement in source.body:
        for node in nodes(statement):
            if isinstance(node, ast.BinOp) and isinstance(node.op, _ORDERED):
                plain = isinstance(node.left, _ATOMS) and isinstance(node.right, _ATOMS)
                if plain and source.of(node.left) != source.of(node.right):
                    yield Kind.OPERANDS, source.swap(node.left, node.right)


def other_numbers(source: Source) -> Found:
    """A number off by one, by a factor of ten, or with two digits exchanged."""
    for statement in source.body:
        for node in nodes(statement):
            if isinstance(node, ast.Constant):
                found = _NUMBER.fullmatch(source.of(node))
                for text in _misread(found[1], found[2] or "") if found else ():
                    yield Kind.CONSTANT, source.replace(node, text)


def _misread(whole: str, decimals: str) -> list[str]:
    point = f".{decimals}" if decimals else ""
    found = [f"{int(whole) + 1}{point}"]
    if int(whole) > 1:
        found.append(f"{int(whole) - 1}{point}")
    if decimals:
        found.append(f"{int(whole + decimals[0])}.{decimals[1:] or '0'}")
    elif int(whole):
        found.append(f"{whole}0")
    if len(whole) > 1 and whole[-1] != whole[-2] and whole[-1] != "0":
        found.append(f"{int(whole[:-2] + whole[-1] + whole[-2])}{point}")
    return [text for text in dict.fromkeys(found) if text != whole + point]
