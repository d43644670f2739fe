"""Ways to run a list of programs, each behind the same two methods: all of them at once, or one at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pad_ray.sandbox import Program, Sandbox, Tier
from pad_ray.verification import Verifier
from tests.bench import rivals
from tests.bench.corpus import RealProgram


class Arm(Protocol):
    """A way to run programs, open while the bench lasts."""

    name: str

    def run(self, programs: Sequence[RealProgram]) -> int:
        """Runs programs as fast as this way can; how many gave a value."""

    def latencies(self, programs: Sequence[RealProgram]) -> list[float]:
        """Seconds of each program, one at a time."""


class RivalArm:
    """A way of `rivals.py`, in the small process that serves it."""

    def __init__(self, name: str, way: str, stack: ExitStack) -> None:
        self.name = name
        command = [sys.executable, "-I", str(Path(rivals.__file__)), way]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._process = stack.enter_context(process)

    def run(self, programs: Sequence[RealProgram]) -> int:
        return sum(result is not None for _, result in self._ask(programs))

    def latencies(self, programs: Sequence[RealProgram]) -> list[float]:
        return [seconds for seconds, _ in self._ask(programs)]

    def _ask(self, programs: Sequence[RealProgram]) -> list[tuple[float, str | None]]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([_with_result(real.lean) for real in programs]) + "\n")
        self._process.stdin.flush()
        results: list[tuple[float, str | None]] = json.loads(self._process.stdout.readline())
        return results


def _with_result(program: Program) -> str:
    """The text of a program that binds its result to the name that the rivals read."""
    if program.entry:
        return f"{program.code}\n{rivals.RESULT} = {program.entry}()"
    return f"{program.code}\n{rivals.RESULT} = next(globals()[n] for n in {program.result_names!r} if n in globals())"


@dataclass(slots=True)
class SandboxArm:
    """The sandbox with some of its tiers."""

    name: str
    sandbox: Sandbox
    program: Callable[[RealProgram], Program]

    def run(self, programs: Sequence[RealProgram]) -> int:
        return sum(execution.ok for execution in self.sandbox.run([self.program(real) for real in programs]))

    def latencies(self, programs: Sequence[RealProgram]) -> list[float]:
        return [_timed(self.sandbox, self.program(real)) for real in programs]


def _timed(sandbox: Sandbox, program: Program) -> float:
    start = time.perf_counter()
    sandbox.run([program])
    return time.perf_counter() - start


@dataclass(slots=True)
class VerifierArm:
    """The routed pair with what surrounds it in a pipeline: the program found, its value compared with gold."""

    name: str
    verifier: Verifier

    def run(self, programs: Sequence[RealProgram]) -> int:
        judged = self.verifier.judge([real.text for real in programs], [real.gold for real in programs])
        return sum(judgement.value is not None for judgement in judged)

    def latencies(self, programs: Sequence[RealProgram]) -> list[float]:
        found = []
        for real in programs:
            start = time.perf_counter()
            self.verifier.judge([real.text], [real.gold])
            found.append(time.perf_counter() - start)
        return found


SUBPROCESS = "subprocess per program"
HUMANEVAL = "HumanEval-style forked process"
TIER_1 = "tier 1 (Monty)"
TIER_2 = "tier 2 (CPython)"
PAIR = "routed pair"
VERIFIER = "routed pair in `Verifier`"


def open_arms(stack: ExitStack) -> tuple[list[Arm], list[Arm]]:
    """The slow ways and the fast ones, warm. The rivals and tier 2 get programs without useless imports of numpy."""

    def opened(sandbox: AbstractContextManager[Sandbox]) -> Sandbox:
        return stack.enter_context(sandbox)

    slow: list[Arm] = [
        RivalArm(SUBPROCESS, "subprocess", stack),
        RivalArm(HUMANEVAL, "humaneval", stack),
        SandboxArm(TIER_2, opened(Sandbox(tiers=[Tier.CPYTHON], warm=True)), lambda real: real.lean),
    ]
    verifier = stack.enter_context(Verifier())
    fast: list[Arm] = [
        SandboxArm(TIER_1, opened(Sandbox(tiers=[Tier.MONTY])), lambda real: real.program),
        SandboxArm(PAIR, opened(Sandbox(warm=True)), lambda real: real.program),
        VerifierArm(VERIFIER, verifier),
    ]
    return slow, fast
