"""Faults in names and in the order of statements: unknown names, early uses, another variable."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterator
from itertools import pairwise

from .fault import Edit, Kind
from .source import COMPREHENSIONS, SIMPLE, Source, binds, nodes, uses

Found = Iterator[tuple[Kind, tuple[Edit, ...]]]

# How many other variables are tried for one use: the nearest, as they are the likeliest to be mixed up.
_OTHERS = 3


def renamed_uses(source: Source) -> Found:
    """A variable read by a name near to its own."""
    for _, node in source.reads():
        for name in _misspelt(node.id):
            free = name not in source.taken and not keyword.iskeyword(name) and not hasattr(builtins, name)
            if name.isidentifier() and free:
                yield Kind.RENAMED_USE, source.replace(node, name)


def _misspelt(name: str) -> list[str]:
    """Slips of the pen: a plural, a letter left out, two letters exchanged, an underscore more or less."""
    middle = len(name) // 2
    found = [
        name.removesuffix("s") if name.endswith("s") else name + "s",
        name[:middle] + name[middle + 1 :],
        name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :] if middle else name,
        name.replace("_", "", 1) if "_" in name else name + "_1",
        "total_" + name,
    ]
    return [other for other in dict.fromkeys(found) if other and other != name]


def early_names(source: Source) -> Found:
    """A variable that is first assigned to by this statement or the next in place of the one to be read."""
    # Inside of a comprehension the exception would be a NameError.
    inner = {
        id(node)
        for statement in source.body
        for outer in nodes(statement)
        if isinstance(outer, COMPREHENSIONS)
        for node in ast.walk(outer)
    }
    for place, node in source.reads():
        for name, bound in source.bound_at.items():
            if id(node) not in inner and bound in (place, place + 1) and isinstance(source.body[bound], ast.Assign):
                yield Kind.EARLY_USE, source.replace(node, name)


def other_names(source: Source) -> Found:
    """A variable assigned to before, in place of the one to be read."""
    equal = {
        frozenset((statement.targets[0].id, statement.value.id))
        for statement in source.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Name)
    }
    for place, node in source.reads():
        earlier = [
            name
            for name, bound in source.bound_at.items()
            if bound < place and name != node.id and frozenset((name, node.id)) not in equal
        ]
        for name in earlier[-_OTHERS:]:
            yield Kind.OPERAND, source.replace(node, name)


def swapped_statements(source: Source) -> Found:
    """Two neighbours exchanged, where one of them depends on the other."""
    for place, (one, other) in enumerate(pairwise(source.body)):
        if not isinstance(one, SIMPLE) or not isinstance(other, SIMPLE):
            continue
        needed = binds(one) & uses(other)
        if any(source.bound_at[name] == place for name in needed):
            yield Kind.EARLY_USE, source.swap(one, other)
        elif needed or binds(other) & (uses(one) | binds(one)):
            yield Kind.ORDER, source.swap(one, other)
