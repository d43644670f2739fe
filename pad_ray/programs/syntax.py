"""Model-written programs as syntax trees, read within bounds.

A deep enough text overflows the stack of a parser. So its length and the depth of its brackets are checked before it is
parsed; what else can nest (signs, branches, attributes) nests no deeper than that length, which CPython 3.11 refuses
with an exception. Whatever walks a tree by recursion has to expect a RecursionError.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator

from pad_ray.programs.extract import MAX_PROGRAM_CHARS
from pad_ray.programs.outline import RESULT_NAMES

MAX_BRACKETS = 40

_ENTRY = "solution"

_STEP = {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def parse(program: str) -> ast.Module | None:
    """The tree of a program; None for wrong Python and for a text beyond the bounds."""
    if len(program) > MAX_PROGRAM_CHARS or _bracket_depth(program) > MAX_BRACKETS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stray backslash in a string
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # ValueError: a null byte, half a surrogate pair
        return None


def _bracket_depth(program: str) -> int:
    """The deepest nesting, brackets in strings and comments included: too many rather than too few."""
    depth = deepest = 0
    for character in program:
        if character in _STEP:
            depth = max(0, depth + _STEP[character])
            deepest = max(deepest, depth)
    return deepest


def answer_of(tree: ast.Module) -> tuple[list[ast.stmt], list[ast.expr]]:
    """What a program runs for its answer, and the expressions that give it.

    Returns:
        The statements of the entry function and what it returns, or those of flat code and the variable that holds its
        answer. Both are empty where there is no such thing. The order of precedence is that of `extract`.
    """
    callables = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef) and not _needs_arguments(node.args)
    }
    result = result_name(tree)
    entry = callables.get(_ENTRY)
    if entry is None and result:
        called = _called_for(result, tree)
        if called not in callables:
            return tree.body, [ast.Name(result, ast.Load())]
        entry = callables[called]
    if entry is None and callables:
        entry = list(callables.values())[-1]
    if entry is None:
        return [], []
    returns = (node.value for node in own_nodes(entry.body) if isinstance(node, ast.Return))
    return entry.body, [value for value in returns if value is not None]


def _needs_arguments(arguments: ast.arguments) -> bool:
    given = len(arguments.posonlyargs) + len(arguments.args)
    return given > len(arguments.defaults) or None in arguments.kw_defaults


def _called_for(result: str, tree: ast.Module) -> str | None:
    """The function f of flat code whose answer is no more than f(): `ans = f()`."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == result for t in node.targets)
    ]
    call = values[0] if len(values) == 1 else None
    is_call = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args and not call.keywords
    return call.func.id if is_call else None  # type: ignore[union-attr]


def result_name(tree: ast.Module) -> str | None:
    """The variable that holds the answer of flat code: of those that are bound, the first that the sandbox reads."""
    bound = {node.id for node in own_nodes(tree.body) if isinstance(node, ast.Name) and is_bound_by(node)}
    return next((name for name in RESULT_NAMES if name in bound), None)


def is_bound_by(node: ast.Name) -> bool:
    """Whether the name is assigned to here rather than read."""
    return isinstance(node.ctx, ast.Store)


def own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes in the order of the text, but for those within other functions and classes."""
    todo = list(nodes)[::-1]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo.extend(list(ast.iter_child_nodes(node))[::-1])
