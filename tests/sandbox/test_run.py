"""What `Sandbox.run` gives back: values, statuses, places of errors, order."""

from __future__ import annotations

import asyncio
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from pad_ray.sandbox import Execution, Limits, Program, Sandbox, SandboxClosed, SandboxUnavailable, Status, Tier


def _one(sandbox: Sandbox, code: str, entry: str | None = "solution") -> Execution:
    (execution,) = sandbox.run([Program(code, entry)])
    return execution


VALUES = [
    ("7", 7),
    ("-(2 ** 200)", -(2**200)),
    ("2.5", 2.5),
    ("'naïve'", "naïve"),
    ("True", True),
    ("None", None),
    ("(1, 'a', (2.0,))", (1, "a", (2.0,))),
    ("[1, [2]]", [1, [2]]),
    ("(None, {}) and (None, 1)", (None, 1)),
    ("[x * x for x in range(3)]", [0, 1, 4]),
    ("__import__('decimal').Decimal('1.10')", Decimal("1.10")),
    ("__import__('fractions').Fraction(1, 3)", Fraction(1, 3)),
    ("__import__('numpy').float32(1.5)", 1.5),
    ("__import__('numpy').int64(3)", 3),
    ("__import__('numpy').array([1, 2])", [1, 2]),
    ("__import__('sympy').Integer(3)", 3),
    ("__import__('sympy').Rational(1, 3)", Fraction(1, 3)),
    ("__import__('sympy').Float(0.5)", 0.5),
    ("__import__('sympy').sqrt(2)", math.sqrt(2)),
    ("__import__('sympy').true", True),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_a_value_arrives_with_its_type(sandbox: Sandbox, expression: str, expected: Any) -> None:
    execution = _one(sandbox, f"def solution():\n    return {expression}\n")
    assert (execution.status, execution.value) == (Status.OK, expected)
    assert type(execution.value) is type(expected)


@pytest.mark.parametrize("expression", ["float('nan')", "float('inf')", "-0.0", "5e-324", "0.1 + 0.2"])
def test_a_float_arrives_bit_for_bit(sandbox: Sandbox, cpython: Sandbox, expression: str) -> None:
    code = f"def solution():\n    return {expression}\n"
    assert repr(_one(sandbox, code).value) == repr(_one(cpython, code).value) == repr(eval(expression))


UNSUPPORTED = ["lambda: 1", "{1: 2}", "{1}", "b'x'", "1j", "range(3)", "map(int, [1])", "int", "object", "iter([1])"]


@pytest.mark.parametrize("expression", [*UNSUPPORTED, "10 ** 5000", "'x' * 5000", "[[[[[[[1]]]]]]]", "'\\ud800'"])
def test_what_is_no_value_is_a_bad_value(sandbox: Sandbox, expression: str) -> None:
    assert _one(sandbox, f"def solution():\n    return {expression}\n").status is Status.BAD_VALUE


@pytest.mark.parametrize("expression", ["zip([1], [2])", "enumerate([1])", "(x for x in [1])", "filter(None, [1])"])
def test_an_iterator_is_not_taken_for_the_list_that_monty_makes_of_it(sandbox: Sandbox, expression: str) -> None:
    assert _one(sandbox, f"def solution():\n    return {expression}\n").status is Status.BAD_VALUE


ERRORS = [
    ("def solution():\n    return 1 / 0\n", Status.ERROR, "ZeroDivisionError", 2),
    ("def solution():\n    return 10**309 / 0.0\n", Status.ERROR, "OverflowError", 2),
    ("def solution():\n    a = 1\n\n    return b\n", Status.ERROR, "NameError", 4),
    ("def solution():\n    return f(1)\n", Status.ERROR, "NameError", 2),
    ("x = 1\nint('x')\n", Status.ERROR, "ValueError", 2),
    ("def solution():\n    x += 1\n", Status.ERROR, "UnboundLocalError", 2),
    ("def solution(:\n    pass\n", Status.SYNTAX_ERROR, "SyntaxError", 1),
    ("def solution():\nreturn 1\n", Status.SYNTAX_ERROR, "IndentationError", 2),
    ("def solution():\n    'a'.nothing()\n", Status.ERROR, "AttributeError", 2),
    ("def solution():\n    return 'a' + 1\n", Status.ERROR, "TypeError", 2),
    ("def solution():\n    import nothing_of_the_kind\n", Status.ERROR, "ModuleNotFoundError", 2),
    ("def solution():\n    raise SystemExit\n", Status.ERROR, "SystemExit", 2),
    ("import socket\n", Status.FORBIDDEN, "Forbidden", 1),
    ("def solution():\n    return open('/etc/passwd')\n", Status.FORBIDDEN, "PermissionError", 2),
    ("def solution():\n    raise PermissionError('no')\n", Status.FORBIDDEN, "PermissionError", 2),
    ("def solution():\n    return 'x' * 10 ** 11\n", Status.OUT_OF_MEMORY, "MemoryError", 2),
]


@pytest.mark.parametrize(("code", "status", "error_class", "line"), ERRORS)
def test_an_error_has_its_class_and_line(
    sandbox: Sandbox, code: str, status: Status, error_class: str, line: int
) -> None:
    execution = _one(sandbox, code)
    assert (execution.status, execution.error_class, execution.line) == (status, error_class, line)


@pytest.mark.parametrize(("code", "status", "error_class", "line"), ERRORS)
def test_cpython_gives_the_same_verdict(
    cpython: Sandbox, code: str, status: Status, error_class: str, line: int
) -> None:
    execution = _one(cpython, code)
    assert (execution.status, execution.error_class, execution.line) == (status, error_class, line)


def test_an_endless_loop_is_a_timeout(sandbox: Sandbox, cpython: Sandbox) -> None:
    code = "def solution():\n    while True: pass\n"
    assert _one(sandbox, code).status is _one(cpython, code).status is Status.TIMEOUT


def test_a_timeout_is_not_tried_in_the_other_tier(sandbox: Sandbox) -> None:
    assert _one(sandbox, "def solution():\n    while True: pass\n").tier is Tier.MONTY


@pytest.mark.parametrize("tier", Tier)
def test_a_growing_program_runs_out_of_memory(tier: Tier) -> None:
    code = "def solution():\n    a = []\n    while True:\n        a.append([0] * 1000)\n"
    with Sandbox(Limits(memory_mb=16, monty_memory_mb=16), tiers=[tier]) as small:
        execution = _one(small, code)
    assert (execution.status, execution.error_class, execution.line) == (Status.OUT_OF_MEMORY, "MemoryError", 4)


@pytest.mark.parametrize("code", ["", "x = 1\n", "def other():\n    return 1\n", "# solution\n"])
def test_a_missing_entry_is_no_result(sandbox: Sandbox, cpython: Sandbox, code: str) -> None:
    assert _one(sandbox, code).status is _one(cpython, code).status is Status.NO_RESULT


FLAT = [("ans = 5\n", 5), ("result = 5\nans = 6\n", 6), ("answer = 1\nresult = 2\n", 1), ("result = [1]\n", [1])]


@pytest.mark.parametrize(("code", "expected"), FLAT)
def test_flat_code_gives_the_first_result_name_that_is_set(
    sandbox: Sandbox, cpython: Sandbox, code: str, expected: Any
) -> None:
    assert _one(sandbox, code, None).value == _one(cpython, code, None).value == expected


@pytest.mark.parametrize("code", ["x = 1\n", "# ans\n", "def ans2(): pass\n", "if False: ans = 1\n"])
def test_flat_code_without_a_result_name_is_no_result(sandbox: Sandbox, cpython: Sandbox, code: str) -> None:
    assert _one(sandbox, code, None).status is _one(cpython, code, None).status is Status.NO_RESULT


def test_another_entry_is_called(sandbox: Sandbox) -> None:
    assert _one(sandbox, "def main():\n    return 3\n", "main").value == 3


def test_an_entry_must_be_a_name() -> None:
    with pytest.raises(ValueError, match="no name"):
        Program("", "__import__('os').system('x')")


def test_many_programs_keep_their_order(sandbox: Sandbox) -> None:
    programs = [f"def solution():\n    return {n}\n" for n in range(500)]
    assert [execution.value for execution in sandbox.run(programs)] == list(range(500))


def test_programs_of_both_tiers_keep_their_order(sandbox: Sandbox) -> None:
    programs = ["import statistics\n" * (n % 3 == 0) + f"def solution():\n    return {n}\n" for n in range(60)]
    executions = sandbox.run(programs)
    assert [execution.value for execution in executions] == list(range(60))
    assert {execution.tier for execution in executions} == {Tier.MONTY, Tier.CPYTHON}


def test_failures_do_not_shift_the_answers_after_them(sandbox: Sandbox) -> None:
    bad = ["while True: pass\n", "print('x' * 10 ** 7)\n", "x = y\n", "def f(:\n", "raise ValueError('x' * 10 ** 7)\n"]
    programs = [text for n in range(10) for text in (bad[n % 5], f"def solution():\n    return {n}\n")]
    assert [execution.value for execution in sandbox.run(programs)[1::2]] == list(range(10))


def test_threads_share_a_sandbox(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        batches = [[f"def solution():\n    return {n * 100 + m}\n" for m in range(30)] for n in range(16)]
        results = list(threads.map(sandbox.run, batches))
    assert [[e.value for e in batch] for batch in results] == [[n * 100 + m for m in range(30)] for n in range(16)]


def test_the_async_form_gives_the_same(sandbox: Sandbox) -> None:
    async def both() -> list[list[Execution]]:
        return await asyncio.gather(*(sandbox.run_async([f"def solution(): return {n}\n"]) for n in range(5)))

    assert [batch[0].value for batch in asyncio.run(both())] == [0, 1, 2, 3, 4]


def test_several_workers_share_a_batch() -> None:
    with Sandbox(workers=2) as pair:
        programs = [f"def solution():\n    return {n}\n" for n in range(1000)]
        assert [execution.value for execution in pair.run(programs)] == list(range(1000))


def test_no_programs_give_no_executions(sandbox: Sandbox) -> None:
    assert sandbox.run([]) == []


def test_an_execution_says_who_ran_it_and_what_held_it(sandbox: Sandbox) -> None:
    execution = _one(sandbox, "def solution(): return 1\n")
    assert execution.interpreter == "monty 1.4.0"
    assert {"rlimits", "closed_descriptors", "empty_environment"} <= set(execution.protections)
    assert execution.wall_s >= execution.cpu_s >= 0


def test_executions_cross_processes(sandbox: Sandbox) -> None:
    executions = sandbox.run(["def solution(): return [1, None]\n", "def solution(:\n"])
    assert pickle.loads(pickle.dumps(executions)) == executions


def test_errors_cross_processes() -> None:
    error = pickle.loads(pickle.dumps(SandboxUnavailable("no kernel", "Get one")))
    assert (type(error), str(error)) == (SandboxUnavailable, "no kernel. Get one")


def test_a_program_that_only_says_it_ran_out_of_time_raised_an_error(sandbox: Sandbox) -> None:
    execution = _one(sandbox, "def solution():\n    raise TimeoutError('feed time limit exceeded: 1s > 1s')\n")
    assert (execution.status, execution.error_class) == (Status.ERROR, "TimeoutError")


def test_a_closed_sandbox_runs_nothing() -> None:
    with pytest.raises(SandboxClosed, match="with Sandbox"):
        Sandbox().run([])


def test_a_text_that_is_too_long_is_not_run(sandbox: Sandbox) -> None:
    assert _one(sandbox, "# " + "x" * 70_000 + "\ndef solution(): return 1\n").status is Status.UNSUPPORTED


ODD = [
    "x = 1 + \\\n",
    "if True:\n    return 5\n",
    "return 5\n",
    "def solution(): return 1\nreturn 2\n",
    "for i in [1]:\n    return i\n",
]


@pytest.mark.parametrize("code", ODD)
def test_what_cpython_refuses_to_parse_is_a_syntax_error(sandbox: Sandbox, code: str) -> None:
    assert _one(sandbox, code, None).status is Status.SYNTAX_ERROR


def test_an_unused_numpy_import_stays_in_the_fast_tier(sandbox: Sandbox) -> None:
    execution = _one(sandbox, "import numpy as np\n\ndef solution():\n    return 5\n")
    assert (execution.value, execution.tier) == (5, Tier.MONTY)


def test_clock_and_random_numbers_are_the_same_in_both_tiers(sandbox: Sandbox, cpython: Sandbox) -> None:
    code = (
        "import datetime, random, time\n"
        "def solution():\n"
        "    now = datetime.datetime.now()\n"
        "    return (str(now), str(datetime.date.today()), time.time(), random.random(), random.randint(1, 6))\n"
    )
    fast, slow = _one(sandbox, code), _one(cpython, code)
    assert (fast.tier, slow.tier) == (Tier.MONTY, Tier.CPYTHON)
    assert fast.value == slow.value
    assert isinstance(fast.value, tuple)
    assert fast.value[:2] == ("2024-01-01 00:00:00", "2024-01-01")


def test_dates_and_libraries_go_together(cpython: Sandbox) -> None:
    code = (
        "import datetime\nfrom dateutil.relativedelta import relativedelta\n"
        "def solution():\n"
        "    day = datetime.date.today() + relativedelta(months=1) + datetime.timedelta(days=1)\n"
        "    later = datetime.datetime.strptime('03/04/2024', '%d/%m/%Y')\n"
        "    assert isinstance(later, datetime.date) and isinstance(day, datetime.date)\n"
        "    return day.strftime('%m/%d/%Y') + later.strftime(' %d %B')\n"
    )
    assert _one(cpython, code).value == "02/02/2024 03 April"
