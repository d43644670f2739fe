"""Every completion gets one verdict of the closed list, and the list is reached from real executions."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from pad_ray.errors import DataError, PlacementError, StageError
from pad_ray.programs.values import Value, decode
from pad_ray.verification import (
    VERIFIER_VERSION,
    Comparison,
    Judgement,
    Limits,
    Mode,
    Verdict,
    Verifier,
    is_executable,
)


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    with Verifier(limits=Limits(cpu_seconds=1.0)) as opened:
        yield opened


def _solution(*lines: str) -> str:
    return "\n    ".join(["def solution():", *lines])


# What a model wrote, gold, and the verdict.
CASES: list[tuple[str | None, Value, Verdict]] = [
    (_solution("return 6 * 7"), 42, Verdict.OK),
    (_solution("return 6 * 7"), "$42.00", Verdict.OK),
    (_solution("return 84 / 2"), 42, Verdict.OK),
    (_solution("return '42'"), 42, Verdict.OK),
    (_solution("return 0.5"), "50%", Verdict.OK),
    (_solution("return 3 > 2"), "yes", Verdict.OK),
    (_solution("return 'Yes'"), "yes", Verdict.OK),
    (_solution("return 'B'"), "(B)", Verdict.OK),
    (_solution("return sorted(['b', 'a'])"), "a b", Verdict.OK),
    ("from fractions import Fraction\nans = Fraction(1, 3)", "1/3", Verdict.OK),
    ("import numpy as np\nans = np.array([20, 22]).sum()", 42, Verdict.OK),
    ("from sympy import symbols, solve\nx = symbols('x')\nans = solve(2 * x - 84, x)[0]", 42, Verdict.OK),
    ("x = 6\nanswer = x * 7", 42, Verdict.OK),
    ("```python\ndef main():\n    return 42\n```\nThe answer is 41.", 42, Verdict.OK),
    (_solution("return 41"), 42, Verdict.WRONG_ANSWER),
    (_solution("return 'blue'"), "red", Verdict.WRONG_ANSWER),
    (_solution("return (6 * 7"), 42, Verdict.SYNTAX_ERROR),
    (_solution("x = 1", "  return x"), 42, Verdict.SYNTAX_ERROR),
    ("def solution():\n    result = 42\nreturn result", 42, Verdict.SYNTAX_ERROR),
    ("x = ?\nans = x", 42, Verdict.SYNTAX_ERROR),
    (_solution("return eggs"), 42, Verdict.NAME_ERROR),
    (_solution("eggs = eggs + 1", "return eggs"), 42, Verdict.UNBOUND_LOCAL),
    (_solution("return 1 / 0"), 42, Verdict.RUNTIME_ERROR),
    (_solution("return [1][2]"), 42, Verdict.RUNTIME_ERROR),
    ("def solution(eggs):\n    return eggs", 42, Verdict.RUNTIME_ERROR),
    (_solution("while True:", "    pass"), 42, Verdict.TIMEOUT),
    (_solution("return len([0] * 10**10)"), 42, Verdict.OUT_OF_MEMORY),
    (_solution("return open('/etc/passwd').read()"), 42, Verdict.FORBIDDEN),
    ("The answer is 42.", 42, Verdict.NO_PROGRAM),
    ("", 42, Verdict.NO_PROGRAM),
    (_solution("eggs = 42"), 42, Verdict.NO_ANSWER),
    ("eggs = 42", 42, Verdict.NO_ANSWER),
    (_solution("return 42, 42"), 42, Verdict.BAD_VALUE),
    (_solution("return True"), 1, Verdict.BAD_VALUE),
    (_solution("return float('nan')"), 42, Verdict.BAD_VALUE),
    (_solution("return 'forty-two'"), 42, Verdict.BAD_VALUE),
    (_solution("return solution"), 42, Verdict.BAD_VALUE),
    (_solution("return object()"), 42, Verdict.BAD_VALUE),
    (None, 42, Verdict.TEACHER_ERROR),
    (_solution("return 41"), None, Verdict.OK),
    (_solution("pass"), None, Verdict.NO_ANSWER),
]


@pytest.fixture(scope="module")
def judgements(verifier: Verifier) -> list[Judgement]:
    return verifier.judge([text for text, _, _ in CASES], [gold for _, gold, _ in CASES])


@pytest.mark.parametrize("place", range(len(CASES)), ids=lambda place: f"{CASES[place][2]}-{place}")
def test_verdict(judgements: list[Judgement], place: int) -> None:
    assert judgements[place].verdict == CASES[place][2], judgements[place]


def test_every_verdict_but_trouble_of_the_sandbox_has_a_case() -> None:
    assert {verdict for _, _, verdict in CASES} == set(Verdict) - {Verdict.SANDBOX_ERROR}


def test_version_is_raised_with_the_logic() -> None:
    """If this fails because a case gets another verdict: raise VERIFIER_VERSION, then this."""
    table = json.dumps([[text, repr(gold), verdict] for text, gold, verdict in CASES])
    assert (VERIFIER_VERSION, hashlib.sha256(table.encode()).hexdigest()[:8]) == ("1", "9b16a1d5")


def test_judgement_says_what_ran_and_what_came_out(verifier: Verifier) -> None:
    [judgement] = verifier.judge([f"Sure:\n```python\n{_solution('return 6 * 7')}\n```"], [42])
    assert judgement.program == _solution("return 6 * 7")
    assert judgement.value == "int:42"
    assert decode(judgement.value) == 42
    assert judgement.tier
    assert (judgement.error, judgement.error_class, judgement.forged) == (None, None, False)


def test_judgement_says_what_went_wrong_and_where(verifier: Verifier) -> None:
    [judgement] = verifier.judge([_solution("eggs = 16", "return egg")], [42])
    assert (judgement.error_class, judgement.line, judgement.value) == ("NameError", 3, None)
    assert judgement.error
    assert "egg" in judgement.error


def test_long_messages_are_cut(verifier: Verifier) -> None:
    [judgement] = verifier.judge([_solution("raise ValueError('x' * 10_000)")], [42])
    assert judgement.error
    assert len(judgement.error) <= 500


def test_gold_is_told_to_nobody(verifier: Verifier) -> None:
    programs = [_solution("return 41"), _solution("return 1, 2"), _solution("return 'x'"), "eggs = 1", ""]
    told = repr(verifier.judge(programs, [731_842] * 5))
    assert "731842" not in told


def test_gold_never_enters_the_sandbox(verifier: Verifier) -> None:
    """A program that searches all that it can reach for gold finds nothing."""
    search = _solution("return [name for name, value in list(globals().items()) if '731842' in str(value)]")
    [judgement] = verifier.judge([search], [731_842])
    assert judgement.value in (None, "list:[]")


@pytest.mark.parametrize(
    "forging",
    [
        "import builtins\nbuiltins.repr = lambda value: '42'\n" + _solution("return 41"),
        _solution("return 41") + "\nglobals()['solution'] = lambda: 42",
    ],
)
def test_a_program_that_forges_its_value_is_marked(verifier: Verifier, forging: str) -> None:
    [judgement] = verifier.judge([forging], [42])
    assert judgement.forged


def test_what_no_tier_can_run_is_to_be_judged_again() -> None:
    long = _solution("# " + "x" * 2_000, "return 42")
    with Verifier(limits=Limits(code_kb=1)) as small:
        verdicts = [judgement.verdict for judgement in small.judge([long, "ans = 42"], [42, 42])]
    assert verdicts == [Verdict.SANDBOX_ERROR, Verdict.OK]


def test_a_machine_that_cannot_confine_programs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(PlacementError), Verifier():
        pass


def test_lost_workers_cost_no_row() -> None:
    """The processes of an open sandbox are killed: verdicts may be lost, rows and the run are not."""
    others = set(psutil.Process().children(recursive=True))
    with Verifier() as fragile:
        fragile.judge(["ans = 1"], [1])
        for process in set(psutil.Process().children(recursive=True)) - others:
            process.kill()
        judgements = fragile.judge(["ans = 1"] * 9, [1] * 9)
    assert {judgement.verdict for judgement in judgements} <= {Verdict.OK, Verdict.SANDBOX_ERROR}
    assert len(judgements) == 9


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, pad_ray.verification, pad_ray.verify_file; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"ray", "torch", "vllm", "transformers", "numpy", "sympy", "pyarrow"} & set(loaded.split())


def test_order_is_kept_over_many_rows(verifier: Verifier) -> None:
    completions = [_solution(f"return {n}") if n % 3 else None for n in range(300)]
    judgements = verifier.judge(completions, list(range(300)))
    assert [judgement.verdict for judgement in judgements] == [
        Verdict.OK if n % 3 else Verdict.TEACHER_ERROR for n in range(300)
    ]


def test_one_hostile_row_does_not_touch_the_others(verifier: Verifier) -> None:
    hostile = [
        _solution("return " + "(" * 5_000),
        _solution("return " + "-" * 20_000 + "1"),
        _solution("return 9**9**9**9"),
        _solution("return [[]] * 10**9"),
        _solution("return 'x' * 10**7"),
        _solution("x = []", "for i in range(9999):", "    x = [x]", "return x"),
        _solution("import os", "os._exit(0)"),
        _solution("raise SystemExit"),
        _solution("return 1  # \x00"),
        _solution("return 1  # \ud800"),
        "x = 1\n" * 2_000 + "ans = x" + " " * 60_000,
        "def solución():\n    return 42",
    ]
    good = _solution("return 42")
    completions = [text for pair in zip(hostile, [good] * len(hostile), strict=True) for text in pair]
    verdicts = [judgement.verdict for judgement in verifier.judge(completions, [42] * len(completions))]
    assert verdicts[1::2] == [Verdict.OK] * len(hostile)
    assert Verdict.OK not in verdicts[::2]


def test_nothing_to_judge(verifier: Verifier) -> None:
    assert verifier.judge([], []) == []


@pytest.mark.parametrize("gold", [float("nan"), float("inf"), "", [42]])
def test_gold_that_nothing_can_equal_is_the_callers_error(verifier: Verifier, gold: Value) -> None:
    with pytest.raises(DataError, match="gold answer 1"):
        verifier.judge(["ans = 1", "ans = 1"], [1, gold])


def test_as_many_golds_as_completions(verifier: Verifier) -> None:
    with pytest.raises(ValueError, match="2 completions, 1 gold"):
        verifier.judge(["ans = 1", "ans = 1"], [1])


def test_closed_verifier_says_so() -> None:
    with pytest.raises(StageError):
        Verifier().judge(["ans = 1"], [1])


def test_executable_means_that_it_ran_to_its_end() -> None:
    executed = {verdict for verdict in Verdict if is_executable(verdict)}
    assert executed == {Verdict.OK, Verdict.WRONG_ANSWER, Verdict.NO_ANSWER, Verdict.BAD_VALUE}


def test_version_names_the_settings() -> None:
    versions = {
        Verifier().version,
        Verifier(Comparison(Mode.EXACT)).version,
        Verifier(Comparison(absolute=1e-2)).version,
        Verifier(limits=Limits(cpu_seconds=1.0)).version,
    }
    assert len(versions) == 4
    assert Verifier(Comparison(), Limits(), workers=2).version in versions
    assert all(version.startswith(f"{VERIFIER_VERSION}-") for version in versions)
