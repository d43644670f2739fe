"""Where Monty answers, its answer is CPython's: the same value, the same type, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from pad_ray.sandbox import Execution, Program, Sandbox, Tier  # noqa: E402
from tests.sandbox.expressions import Expressions  # noqa: E402
from tests.sandbox.idioms import EXPRESSIONS, HASHES, IMPORTS, PROGRAMS  # noqa: E402

DATA = Path(os.environ.get("PAD_RAY_DATA", HERE.parents[2] / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "pot_codex").is_dir(), reason="needs PAD_RAY_DATA")


def _truth(programs: Sequence[Program]) -> list[list[str]]:
    """What this CPython gives for programs of our own making."""
    texts = json.dumps([[program.code, program.entry] for program in programs])
    command = [sys.executable, str(HERE / "truth.py")]
    done = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _mismatches(monty: Sandbox, programs: Sequence[Program]) -> tuple[list[str], int]:
    """Where Monty answers otherwise than CPython, and how many programs it answered with a value."""
    found, answered = [], 0
    for program, execution, truth in zip(programs, monty.run(programs), _truth(programs), strict=True):
        if execution.ok:
            answered += 1
            got = ["ok", type(execution.value).__name__, repr(execution.value)]
            if got != truth:
                found.append(f"{program.code.splitlines()[-1].strip()}: {got} but {truth}")
    return found, answered


def _fuzz(monty: Sandbox, seed: int, count: int) -> None:
    expressions = Expressions(seed)
    found, answered = _mismatches(monty, [Program(expressions.program()) for _ in range(count)])
    assert found == []
    assert answered > 0.7 * count


def test_expressions_have_the_same_value(monty: Sandbox) -> None:
    _fuzz(monty, seed=0, count=3000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 16))
def test_sixty_thousand_expressions_have_the_same_value(monty: Sandbox, seed: int) -> None:
    _fuzz(monty, seed=seed, count=4000)


ROUNDED = [n / 1000 + 0.005 for n in range(0, 3000, 7)] + [n / 7 for n in range(1, 200)] + [2.675, 97.45, 0.5, 1e300]


def test_round_is_right_however_the_program_shadows_its_names(monty: Sandbox) -> None:
    shadows = "float = int = type = len = isinstance = 'shadow'\n"
    numbers = [repr(number) for number in ROUNDED]
    chunks = [numbers[at : at + 60] for at in range(0, len(numbers), 60)]
    for before in ("", shadows):
        programs = [
            Program(f"{before}def solution():\n    return (" + ", ".join(f"round({n}, 2)" for n in chunk) + ",)\n")
            for chunk in chunks
        ]
        assert _mismatches(monty, programs) == ([], len(chunks))


def test_a_round_of_the_programs_own_is_its_own(monty: Sandbox) -> None:
    (execution,) = monty.run(["def round(x, n):\n    return 5\ndef solution():\n    return round(2.675, 2)\n"])
    assert execution.value == 5


@pytest.mark.parametrize("call", ["eval('round(2.675, 2)')", "(lambda r=round: r(2.675, 2))()", "\uff52ound(2.675, 2)"])
def test_round_is_right_by_any_name(sandbox: Sandbox, call: str) -> None:
    (execution,) = sandbox.run([f"def solution():\n    return {call}\n"])
    assert execution.value == 2.67


def test_a_batch_is_not_shifted_by_one(sandbox: Sandbox) -> None:
    programs = [f"def solution():\n    return {n} * 3 + {n % 7}\n" for n in range(3000)]
    assert [execution.value for execution in sandbox.run(programs)] == [n * 3 + n % 7 for n in range(3000)]


def _recorded(*names: str) -> list[Program]:
    programs = []
    for name in names:
        for path in sorted(DATA.glob(name)):
            for line in path.read_text().split("\n")[:-1]:
                code = json.loads(line)["program"]
                programs.append(Program(code, "solution" if "def solution(" in code else None))
    return programs


def _agree(monty: Execution, cpython: Execution) -> bool:
    return cpython.ok and repr(monty.value) == repr(cpython.value) and type(monty.value) is type(cpython.value)


def _recorded_disagreements(monty: Sandbox, cpython: Sandbox, programs: list[Program]) -> list[str]:
    fast = [(p, e) for p, e in zip(programs, monty.run(programs), strict=True) if e.ok]
    slow = cpython.run([program for program, _ in fast])
    return [f"{p.code}\n{m.value} {c}" for (p, m), c in zip(fast, slow, strict=True) if not _agree(m, c)]


@needs_data
def test_a_sample_of_recorded_programs_has_the_same_value(monty: Sandbox, cpython: Sandbox) -> None:
    programs = _recorded("derived/*.jsonl", "pot_codex/*.jsonl")[::40]
    assert len(programs) > 250
    assert _recorded_disagreements(monty, cpython, programs) == []


@needs_data
@pytest.mark.slow
def test_every_recorded_program_has_the_same_value(monty: Sandbox, cpython: Sandbox) -> None:
    programs = _recorded("derived/*.jsonl", "pot_codex/*.jsonl")
    assert len(programs) > 10_000
    assert _recorded_disagreements(monty, cpython, programs) == []


def _differences(sandbox: Sandbox, cpython: Sandbox, programs: Sequence[str]) -> list[str]:
    """Where the routed sandbox does not say what CPython says."""
    pairs = zip(programs, sandbox.run(programs), cpython.run(programs), strict=True)
    return [
        f"{code}\n{one.status} {one.value!r} {one.error_class}, but {other.status} {other.value!r} {other.error_class}"
        for code, one, other in pairs
        if (one.status, repr(one.value), one.error_class) != (other.status, repr(other.value), other.error_class)
    ]


@pytest.mark.parametrize("lines", [EXPRESSIONS, HASHES], ids=["expressions", "hashes"])
def test_idioms_have_the_same_outcome(sandbox: Sandbox, cpython: Sandbox, lines: str) -> None:
    programs = [f"{IMPORTS}def solution():\n    return {line}\n" for line in lines.strip().split("\n")]
    assert _differences(sandbox, cpython, programs) == []


def test_short_programs_have_the_same_outcome(sandbox: Sandbox, cpython: Sandbox) -> None:
    assert _differences(sandbox, cpython, PROGRAMS.strip().split("\n---\n")) == []


def test_most_idioms_stay_in_the_fast_tier(sandbox: Sandbox) -> None:
    lines = EXPRESSIONS.strip().split("\n")
    executions = sandbox.run([f"{IMPORTS}def solution():\n    return {line}\n" for line in lines])
    assert sum(execution.tier is Tier.MONTY for execution in executions) > 0.7 * len(lines)


def test_an_audit_finds_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without its correction Monty rounds 2.675 to 2.68.
    monkeypatch.setattr("pad_ray.sandbox.routing._ROUND", b"1")
    with Sandbox(audit=1.0) as audited:
        (execution,) = audited.run(["def solution():\n    return round(2.675, 2)\n"])
        statistics = audited.statistics
    assert (execution.value, execution.tier) == (2.67, Tier.CPYTHON)
    assert [(d.monty.value, d.cpython.value) for d in statistics.disagreements] == [(2.68, 2.67)]


def test_an_audit_without_a_finding_changes_nothing() -> None:
    with Sandbox(audit=1.0) as audited:
        (execution,) = audited.run(["def solution():\n    return 2.5\n"])
        statistics = audited.statistics
    assert (execution.tier, statistics.audited, statistics.disagreements) == (Tier.MONTY, 1, [])
