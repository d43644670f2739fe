"""Prefix checks: candidates a second, and the same verdict as running the whole text in a fresh CPython process.

    python -m tests.bench.steps [--candidates N] [--cases N] [--seed N]

Speed: every statement of real programs is the next step after what stands before it, with 8 candidates: the real one
and what a model may write in its place. Agreement: cases that are hard to judge, each of them closed by the bench's own
means (from the syntax tree of the finished program) and run from scratch. Every disagreement is printed; exit code 1 if
there is one.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

from pad_ray.sandbox import Execution, Program, Sandbox, Status, StepVerdict, Tier
from tests.bench.corpus import RealProgram, real_programs, sample
from tests.bench.cpu import Meter, open_meter
from tests.bench.step_points import Candidate, Candidates, Opened, Point, points

CANDIDATES = 8
AIM = 5000
_PROGRAMS = 2000
_OF_THE_REAL = frozenset({"real", "another number", "no newline at its end"})
_MARK = "the variables"
_STATE = "show_variables"
# Names, types and `repr` of what is plain; a function of another name would be a variable more.
_SHOWN_KINDS = frozenset({"int", "float", "str", "bool", "NoneType", "list", "tuple"})
_SHOWN = (
    f"[{_MARK!r}, [[n, type(v).__name__, repr(v)] for n, v in sorted(SPACE.items())"
    " if isinstance(v, (int, float, str, type(None), list, tuple))]]"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate at a point, its verdict, and the text that says from scratch what the verdict should be."""

    point: Point
    candidate: Candidate
    verdict: StepVerdict
    whole: Program


def real_points(programs: list[RealProgram], seed: int) -> list[Point]:
    """The points of a sample of real programs, in the order of the programs."""
    return [point for real in sample(programs, _PROGRAMS, seed) for point in points(real.program.code)]


def measure(sandbox: Sandbox, meter: Meter, found: list[Point], count: int, source: Candidates) -> str:
    """Candidates a second of one worker, by the wall clock and by CPU time, as lines of Markdown."""
    asked = [
        (point.prefix, [one.text for one in source.likely(point, CANDIDATES)])
        for point in found[: -(-count // CANDIDATES)]
    ]
    verdicts: list[StepVerdict] = []
    times: list[float] = []
    cpu, start = meter.seconds(), time.perf_counter()
    for prefix, candidates in asked:
        begun = time.perf_counter()
        verdicts += sandbox.check_steps(prefix, candidates)
        times.append(time.perf_counter() - begun)
    wall, cpu = time.perf_counter() - start, meter.seconds() - cpu
    times.sort()
    tiers = Counter(str(verdict.tier or "text alone") for verdict in verdicts)
    rate = len(verdicts) / wall
    return (
        f"Speed: {len(verdicts):,} candidates after {len(asked):,} prefixes, one worker: **{rate:,.0f} a second** "
        f"(aim {AIM:,}: {'holds' if rate >= AIM else 'does not hold'}), {len(verdicts) / cpu:,.0f} a CPU second of the "
        f"process tree; a check of {CANDIDATES} takes {times[len(times) // 2] * 1e3:.2f} ms (p50), "
        f"{times[len(times) * 99 // 100] * 1e3:.2f} ms (p99). "
        f"Ok: {sum(verdict.ok for verdict in verdicts) / len(verdicts):.1%}. "
        f"Judged by: {', '.join(f'{tier} {number:,}' for tier, number in tiers.most_common())}."
    )


def cases(sandbox: Sandbox, found: list[Point], count: int, source: Candidates, seed: int) -> list[Case]:
    """Cases that are hard to judge, from points drawn at random, with the sandbox's verdicts."""
    drawn = found.copy()
    random.Random(seed).shuffle(drawn)
    return list(islice(_cases(sandbox, drawn, source), count))


def _cases(sandbox: Sandbox, found: list[Point], source: Candidates) -> Iterator[Case]:
    for plain in found:
        # A list for the candidates to change: one that saw another's change would differ from a run of its own.
        point = replace(plain, prefix=f"{plain.prefix}{plain.indent}seen = [1, 2]\n")
        if plain.statement.lstrip().startswith(("elif", "else", "except", "finally")):
            point = plain
        candidates = source.searching(point, CANDIDATES)
        verdicts = sandbox.check_steps(point.prefix, [candidate.text for candidate in candidates])
        for candidate, verdict in zip(candidates, verdicts, strict=True):
            yield Case(point, candidate, verdict, from_scratch(point, candidate))


def from_scratch(point: Point, candidate: Candidate) -> Program:
    """A program that ends where the candidate does and returns the variables there."""
    blocks = point.blocks if candidate.opens is None else (*point.blocks, candidate.opens)
    own = candidate.text.removesuffix("\n") + "\n"
    text = point.prefix + own
    function = blocks[0].function if blocks else ""
    if candidate.opens and own.count("\n") == _header_lines(candidate, point):
        text += f"{candidate.opens.body_indent}pass\n"
    for place, block in reversed(list(enumerate(blocks))):
        text += _end(block, f"return {_SHOWN.replace('SPACE', 'locals()')}" if function and place == 0 else "")
    if function:
        return Program(text, function, ())
    shown = _SHOWN.replace("SPACE", "globals()").replace("if isinstance", "if n[:2] != '__' and isinstance")
    return Program(f"{text}def {_STATE}():\n    return {shown}\n", _STATE, ())


def _header_lines(candidate: Candidate, point: Point) -> int:
    """Lines of a header that has no body yet; a real one may go over several, comments included."""
    return point.statement.count("\n") if candidate.kind in _OF_THE_REAL else 1


def _end(block: Opened, shown: str) -> str:
    """What closes a block: a `while` still being written runs once, a `try` has no handlers yet."""
    if shown:
        return f"{block.body_indent}{shown}\n"
    if block.kind == "while":
        return f"{block.body_indent}break\n"
    return f"{block.indent}except Exception:\n{block.indent}    pass\n" if block.kind == "try" else ""


def disagreement(case: Case, truth: Execution) -> str:
    """What the verdict says otherwise than the run from scratch; empty when the two agree."""
    verdict = case.verdict
    if verdict.status is not truth.status:
        return f"{verdict.status} {verdict.message!r}, from scratch {truth.status} {truth.message!r}"
    if verdict.status is Status.ERROR and verdict.error_class != truth.error_class:
        return f"{verdict.error_class}, from scratch {truth.error_class}"
    if not verdict.ok:
        return ""
    value = truth.value
    if not (isinstance(value, list) and value[:1] == [_MARK]):
        same = verdict.finished and repr(verdict.value) == repr(value)
        return "" if same else f"finished={verdict.finished} {verdict.value!r}, from scratch the result {value!r}"
    return _differing(verdict, cast(list[list[str]], value[1]))


def _differing(verdict: StepVerdict, rows: list[list[str]]) -> str:
    """The variables that the two do not have alike."""
    shown = {name: (kind, text) for name, kind, text in rows}
    found = {name: (type(held).__name__, repr(held)) for name, held in verdict.values.items()}
    # A list of what does not cross is no value to the sandbox; numbers and strings always are.
    missing = {name for name, (kind, _) in shown.items() if kind not in ("list", "tuple")} - found.keys()
    other = {name for name, held in found.items() if held[0] in _SHOWN_KINDS and held != shown.get(name)}
    return "; ".join(f"{name}: {found.get(name)}, from scratch {shown.get(name)}" for name in sorted(missing | other))


def compare(cpython: Sandbox, made: list[Case]) -> tuple[str, list[str]]:
    """The tables of agreement, and every disagreement."""
    truths = cpython.run([case.whole for case in made])
    kinds, failed, wrong, unknown = Counter[str](), Counter[str](), Counter[str](), 0
    told = []
    for case, truth in zip(made, truths, strict=True):
        # Too many variables for one result: nothing to hold the verdict against.
        if truth.status in (Status.BAD_VALUE, Status.CRASH, Status.OVERLOAD, Status.UNSUPPORTED):
            unknown += 1
            continue
        kinds[case.candidate.kind] += 1
        failed[case.candidate.kind] += not truth.ok
        if difference := disagreement(case, truth):
            wrong[case.candidate.kind] += 1
            told.append(
                f"DISAGREEMENT ({case.candidate.kind}) {difference}\n{case.point.prefix}>>>\n{case.candidate.text}"
            )
    lines = ["| kind of candidate | cases | must fail | disagree |", "|---|---:|---:|---:|"]
    lines += [f"| {kind} | {number:,} | {failed[kind]:,} | {wrong[kind]} |" for kind, number in kinds.most_common()]
    lines.append(f"| all | {kinds.total():,} | {failed.total():,} | {wrong.total()} |")
    return "\n".join([*lines, "", f"Left out, for want of a truth: {unknown}."]), told


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=40_000, help="how many to time")
    parser.add_argument("--cases", type=int, default=4000, help="how many to hold against a run from scratch")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    found = real_points(real_programs(endless=False), args.seed)
    statements = [
        point.statement.lstrip() for point in found if point.opens is None and "\n" not in point.statement[:-1]
    ]
    source, meter = Candidates(statements, args.seed), open_meter()
    try:
        with Sandbox(warm=True) as sandbox, Sandbox(tiers=[Tier.CPYTHON], warm=True) as cpython:
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, seed {args.seed}, {len(found):,} points\n")
            print(measure(sandbox, meter, found, args.candidates, source), end="\n\n")
            table, told = compare(cpython, cases(sandbox, found, args.cases, source, args.seed))
    finally:
        meter.close()
    print("\n\n".join([table, *told]))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
