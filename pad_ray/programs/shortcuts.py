"""Right answers by suspicious ways: programs that give an answer without having worked it out.

    constant_program    the answer is one literal: `return 42`, `x = 42; return int(x)`
    unused_steps        a step is computed and the answer does not depend on it; a number of the question that is
                        written down and not used is no step (SVAMP's questions hold such numbers on purpose)
    ignores_question    the program uses numbers, and none of them is in the question

What depends on what is judged by names, without order: a variable counts as used where any of its values might be. So a
mark may be missing, and seldom is one wrong. A program that looks its variables up by text (`eval`) is not judged.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import isclose

from pad_ray.programs.syntax import answer_of, is_bound_by, own_nodes, parse

# Wrappers that leave a number what it is; of their arguments the first counts.
_CASTS = frozenset({"abs", "bool", "Decimal", "float", "Fraction", "int", "round", "str"})
_BY_TEXT = frozenset({"eval", "exec", "globals", "locals", "vars"})
_MAY_LEAVE = (ast.Return, ast.Break, ast.Continue, ast.Raise, ast.Yield, ast.YieldFrom)
_BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.With)

_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+")
_JOINED = re.compile(r"\b([a-z]{3,5}ty)[- ]([a-z]+)")
_HUGE = 1e15  # beyond it no word problem goes, and a float cannot tell neighbours apart
_TELL_NOTHING = frozenset({0.0, 1.0, 100.0})
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_WORDS = {
    **{word: float(value) for value, word in enumerate(f"{_ONES} eighteen nineteen twenty".split())},
    **{word: 10.0 * tens for tens, word in enumerate(_TENS.split(), 3)},
    **dict.fromkeys(("once", "single", "a", "an"), 1.0),
    **dict.fromkeys(("half", "halves", "twice", "double", "doubled", "doubles", "couple", "pair", "both"), 2.0),
    **dict.fromkeys(("third", "thirds", "triple", "thrice", "tripled"), 3.0),
    **dict.fromkeys(("quarter", "quarters", "fourth", "fourths", "quadruple"), 4.0),
    **dict.fromkeys(("fifth", "fifths"), 5.0),
    **dict.fromkeys(("dozen", "dozens"), 12.0),
    **dict.fromkeys(("hundred", "hundreds"), 100.0),
    **dict.fromkeys(("thousand", "thousands"), 1000.0),
    **dict.fromkeys(("million", "millions"), 1e6),
}


def shortcuts(program: str, question: str) -> tuple[str, ...]:
    """The suspicious ways of a program, as named above; none for one that cannot be parsed within bounds."""
    tree = parse(program)
    if tree is None:
        return ()
    try:
        body, answers = answer_of(tree)
        found = {
            "constant_program": _is_constant(tree, body, answers),
            "unused_steps": bool(_unused(tree, body, answers)),
            "ignores_question": _ignores(tree, question),
        }
    except RecursionError:
        return ()
    return tuple(name for name, applies in found.items() if applies)


def _is_constant(tree: ast.Module, body: list[ast.stmt], answers: list[ast.expr]) -> bool:
    """Whether there is one answer, and it is one literal under whatever names."""
    stored = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and is_bound_by(node))
    plain: dict[str, list[ast.expr]] = {}
    for node in tree.body if body is tree.body else (*tree.body, *body):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    plain.setdefault(target.id, []).append(node.value)
    # Of a variable that nothing else changes (a loop, `+=`, a branch) the last assignment counts.
    values = {name: given[-1] for name, given in plain.items() if len(given) == stored[name]}
    return len(answers) == 1 and _is_literal(answers[0], values)


def _is_literal(node: ast.expr, values: Mapping[str, ast.expr]) -> bool:
    """Whether an expression is a constant, or a name, sign or cast of one."""
    for _ in range(100):  # names may go in a circle
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CASTS and node.args:
            node = node.args[0]
        elif isinstance(node, ast.Name) and node.id in values:
            node = values[node.id]
        else:
            break
    return isinstance(node, ast.Constant) and node.value is not None


def _unused(tree: ast.Module, body: list[ast.stmt], answers: list[ast.expr]) -> set[str]:
    """Variables that a plain statement of the body assigns and no answer depends on."""
    if not answers or any(isinstance(node, ast.Name) and node.id in _BY_TEXT for node in ast.walk(tree)):
        return set()
    needs: dict[str, set[str]] = {}
    wanted = {name for answer in answers for name in _names(answer)}
    _flow(tree.body, set(), needs, wanted)
    todo = list(wanted)
    while todo:
        more = needs.get(todo.pop(), set()) - wanted
        wanted |= more
        todo += more
    steps = {name for node in own_nodes(body) for name in _steps(node) if not name.startswith("_")}
    return steps - wanted


def _steps(node: ast.AST) -> Iterator[str]:
    """The variables for which a computation was written; of a tuple that is taken apart, none."""
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) or node.value is None:
        return
    if _is_literal(node.value, {}):
        return
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name):
            yield target.id


def _flow(statements: Iterable[ast.AST], under: set[str], needs: dict[str, set[str]], wanted: set[str]) -> None:
    """Adds what each name depends on, and to `wanted` what decides whether an answer is reached.

    Args:
        under: names that decide whether these statements run.
    """
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            needs.setdefault(node.name, set()).update(_names(node))
            _flow(node.body, set(), needs, wanted)
        elif isinstance(node, _BRANCHES):
            header = under | {name for part in _header(node) for name in _names(part)}
            if any(isinstance(inner, _MAY_LEAVE) for inner in own_nodes([node])):
                wanted |= header
            inner = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]
            _tie(node, header, needs)
            _flow(inner, header, needs, wanted)
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            _flow(node.body, under, needs, wanted)
        elif isinstance(node, ast.Match):
            wanted |= _names(node)
        elif isinstance(node, ast.Return | ast.Assert | ast.Raise):
            wanted |= under | (_names(node) if not isinstance(node, ast.Return) else set())
        elif not _is_print(node):
            _tie(node, under, needs)


def _header(node: ast.AST) -> list[ast.AST]:
    """The condition, the iterable with its variable, or the contexts of a branch."""
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr | ast.withitem)]


def _tie(node: ast.AST, under: set[str], needs: dict[str, set[str]]) -> None:
    """What a statement binds depends on all that it reads; what a bare call is given may be changed by it."""
    parts = _header(node) if isinstance(node, _BRANCHES) else [node]
    names = {name for part in parts for name in _names(part)}
    is_alias = isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)  # a list under another name
    bound = {name for part in parts for name in _changed(part)}
    changed = names if isinstance(node, ast.Expr) or is_alias else bound
    for name in changed:
        needs.setdefault(name, set()).update(names | under)


def _changed(node: ast.AST) -> Iterator[str]:
    """Names bound in a node, and those of what it changes: `d` in `d[k] = 1`, `rows` in `rows.pop()`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and is_bound_by(inner):
            yield inner.id
        elif isinstance(inner, ast.Subscript | ast.Attribute):
            called = isinstance(inner, ast.Attribute)  # a method may change its object
            if called or isinstance(inner.ctx, ast.Store):
                yield from _names(inner)
        elif isinstance(inner, ast.alias):
            yield inner.asname or inner.name.partition(".")[0]


def _is_print(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _ignores(tree: ast.Module, question: str) -> bool:
    """Whether both have numbers that tell something (0, 1 and 100 do not), and none of the program's is the question's.

    A number of the question counts as a percentage too, of what is taken, added or left (20: also 0.2, 1.2, 0.8).
    """
    given = _numbers_in(question)
    used = _numbers_of(tree) - _TELL_NOTHING
    told = [form for number in given for form in _forms(number)]
    return bool(given - _TELL_NOTHING) and bool(used) and not any(isclose(a, b) for a in used for b in told)


def _forms(number: float) -> tuple[float, ...]:
    part = number / 100
    return number, part, 1 + part, abs(1 - part), *([1 / number] if number else [])


def _numbers_of(tree: ast.Module) -> set[float]:
    """The numbers that a program writes out, those in strings included, but for docstrings; without their signs."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found: set[float] = set()
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) and id(node) not in docstrings else None
        if isinstance(value, str):
            found |= _numbers_in(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _HUGE:
            found.add(float(value))
    return found


@lru_cache(maxsize=4096)
def _numbers_in(text: str) -> frozenset[float]:
    """Numbers in digits and in words; the dash within `twenty-five` joins two that are added."""
    digits = [float(found.replace(",", "")) for found in _NUMBER.findall(text)]
    words = [_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    tens = [_WORDS[ten] + _WORDS[one] for ten, one in _JOINED.findall(text.lower()) if ten in _WORDS and one in _WORDS]
    return frozenset(number for number in (*digits, *words, *tens) if number < _HUGE)
