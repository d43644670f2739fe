"""Tier 1 against CPython 3.11: the same value of the same type wherever tier 1 answers, to the last bit.

    python -m tests.bench.fidelity [--programs N] [--expressions N] [--seed N]

First every real program of the data folder, then a seeded fuzz of expressions. The truth is what CPython gives, in the
sandbox's own CPython tier. An error must be the same error. Every mismatch is printed; exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias, TypeVar

from pad_ray.sandbox import Execution, Program, Sandbox, Status, Tier
from tests.bench.corpus import real_programs
from tests.bench.expressions import Expressions

_CHUNK = 1000
# Expressions that CPython evaluates in one process. Their values must fit into one result.
_GROUP = 20
_ERROR = "the error"
# What says nothing of the program: it is asked again, and then there is no truth.
_NO_TRUTH = frozenset({Status.CRASH, Status.OVERLOAD, Status.UNSUPPORTED})
_HEAD = "import math\n"

Outcome: TypeAlias = tuple[str, str, str]
T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """The comparison of one set of programs.

    Attributes:
        compared: programs that tier 1 answered and CPython too.
        left: programs that tier 1 left to CPython.
        unknown: programs on which CPython gave nothing to compare with.
        types: of the values compared; errors by their class.
        mismatches: what differs, in a line each.
    """

    name: str
    compared: int = 0
    left: int = 0
    unknown: int = 0
    types: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def add(self, what: str, monty: Execution, truth: Outcome | None) -> None:
        """Counts one program."""
        if monty.status is Status.UNSUPPORTED:
            self.left += 1
        elif truth is None:
            self.unknown += 1
        else:
            found = outcome(monty)
            self.compared += 1
            self.types[truth[1]] += 1
            if found != truth:
                self.mismatches.append(f"{what}\n    tier 1:  {' '.join(found)}\n    CPython: {' '.join(truth)}")

    def row(self) -> str:
        """A line of the table."""
        types = ", ".join(f"{kind} {count:,}" for kind, count in self.types.most_common(8))
        total = self.compared + self.left + self.unknown
        share = self.compared / total if total else 0.0
        return (
            f"| {self.name} | {total:,} | {self.compared:,} ({share:.1%}) | {self.left:,} | {self.unknown:,} "
            f"| {len(self.mismatches)} | {types} |"
        )


def outcome(execution: Execution) -> Outcome:
    """What a program came to: `repr` tells values of one type apart to the last bit, and the types within lists."""
    if execution.ok:
        return "ok", type(execution.value).__name__, repr(execution.value)
    # Syntax errors have one class in tier 1 and several in CPython; a judge reads the status.
    syntax = execution.status is Status.SYNTAX_ERROR
    return str(execution.status), "" if syntax else execution.error_class or "", ""


def truths(cpython: Sandbox, programs: Sequence[Program]) -> list[Outcome | None]:
    """What CPython makes of programs, asked once more where the machine stood in the way."""
    executions = cpython.run(programs)
    again = [place for place, execution in enumerate(executions) if execution.status in _NO_TRUTH]
    for place, execution in zip(again, cpython.run([programs[place] for place in again]), strict=True):
        executions[place] = execution
    return [None if execution.status in _NO_TRUTH else outcome(execution) for execution in executions]


def compare_programs(monty: Sandbox, cpython: Sandbox, count: int) -> Tally:
    """The real programs, or the first `count` of them."""
    tally = Tally("real programs")
    for chunk in _chunks(islice(real_programs(), count), _CHUNK):
        programs = [real.program for real in chunk]
        found = monty.run(programs)
        for real, execution, truth in zip(chunk, found, truths(cpython, programs), strict=True):
            tally.add(f"{real.id}: {real.program.code!r}", execution, truth)
    return tally


def compare_expressions(monty: Sandbox, cpython: Sandbox, count: int, seed: int) -> Tally:
    """Random expressions: each a program of its own in tier 1, many in one process of CPython."""
    tally, source = Tally("random expressions"), Expressions(seed)
    for chunk in _chunks((source.next() for _ in range(count)), _CHUNK):
        found = monty.run([_single(expression) for expression in chunk])
        for expression, execution, truth in zip(chunk, found, _truths_of(cpython, chunk), strict=True):
            tally.add(expression, execution, truth)
    return tally


def _truths_of(cpython: Sandbox, expressions: Sequence[str]) -> list[Outcome | None]:
    """A group at a time; one at a time where a group's values are too large together or one takes too long."""
    groups = list(_chunks(expressions, _GROUP))
    found: list[Outcome | None] = []
    for group, execution in zip(groups, cpython.run([_together(group) for group in groups]), strict=True):
        if execution.ok and isinstance(execution.value, list) and len(execution.value) == len(group):
            found += [_unpacked(value) for value in execution.value]
        else:
            found += truths(cpython, [_single(expression) for expression in group])
    return found


def _single(expression: str) -> Program:
    return Program(f"{_HEAD}def solution():\n    return {expression}\n")


def _together(expressions: Sequence[str]) -> Program:
    """One program that returns the list of all values, or of what tells an error."""
    functions = "".join(f"def f{n}():\n    return {expression}\n" for n, expression in enumerate(expressions))
    return Program(
        f"{_HEAD}{functions}"
        "def attempt(function):\n"
        "    try:\n        return function()\n"
        f"    except Exception as error:\n        return ({_ERROR!r}, type(error).__name__)\n"
        f"def solution():\n    return [attempt(f) for f in [{', '.join(f'f{n}' for n in range(len(expressions)))}]]\n"
    )


def _unpacked(value: object) -> Outcome:
    if isinstance(value, tuple) and len(value) == 2 and value[0] == _ERROR:
        return str(Status.ERROR), str(value[1]), ""
    return "ok", type(value).__name__, repr(value)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1_000_000, help="at most so many real programs")
    parser.add_argument("--expressions", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    with Sandbox(tiers=[Tier.MONTY]) as monty, Sandbox(tiers=[Tier.CPYTHON], warm=True) as cpython:
        truth = cpython.run(["def solution():\n    return 1\n"])[0].interpreter
        real = compare_programs(monty, cpython, args.programs)
        fuzz = compare_expressions(monty, cpython, args.expressions, args.seed)
    print(f"Truth: {truth}; bench: Python {platform.python_version()}; seed {args.seed}\n")
    print("| set | programs | compared | left to CPython | no truth | mismatches | types and errors compared |")
    print("|---|---:|---:|---:|---:|---:|---|")
    print(f"{real.row()}\n{fuzz.row()}")
    mismatches = [*real.mismatches, *fuzz.mismatches]
    for mismatch in mismatches:
        print(f"\nMISMATCH {mismatch}")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
