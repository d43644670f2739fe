"""Prefix checks: the verdict on a next statement is that of running the text from the beginning."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.sandbox import Sandbox, Status, StepVerdict, Tier
from pad_ray.sandbox.layout import EMPTY, closing, extend

DATA = Path(os.environ.get("PAD_RAY_DATA", Path(__file__).parents[3] / "shared" / "data"))

HEAD = "def solution():\n    a = 1\n    xs = [1, 2]\n"


def _one(sandbox: Sandbox, prefix: str, candidate: str) -> StepVerdict:
    (verdict,) = sandbox.check_steps(prefix, [candidate])
    return verdict


VALUES = [
    ("    b = a + 1\n", {"b": 2}),
    ("    a += 1\n", {"a": 2}),
    ("    xs.append(3)\n", {"xs": [1, 2, 3]}),
    ("    a, b = 5, (6, 'x')\n", {"a": 5, "b": (6, "x")}),
    ("    b = [\n        a,\n        2,\n    ]\n", {"b": [1, 2]}),
    ("    b = a + \\\n        1\n", {"b": 2}),
    ("    for x in xs: a += x\n", {"a": 4, "x": 2}),
    ("    for x in xs:\n        a += x\n", {"a": 4, "x": 2}),
    ("    while a < 50:\n        a *= 2\n", {"a": 2}),
    ("    if a > 5:\n", {}),
    ("    for x in xs:\n", {"x": 2}),
    ("    while True:\n", {}),
    ("    try:\n", {}),
    ("    with_tax = a * 1.5  # why not\n", {"with_tax": 1.5}),
    ("    # a comment\n", {}),
    ("\n", {}),
    ("    '''a text'''\n", {}),
    ("    import math\n", {}),
    ("    b = round(2.675, 2)\n", {"b": 2.67}),
    ("    b = None\n", {"b": None}),
    ("    b = 3", {"b": 3}),
    ("    # a comment", {}),
    ("    for x in xs:", {"x": 2}),
]


@pytest.mark.parametrize(("candidate", "changed"), VALUES)
def test_the_variables_after_a_statement(sandbox: Sandbox, candidate: str, changed: dict[str, Any]) -> None:
    verdict = _one(sandbox, HEAD, candidate)
    assert (verdict.status, verdict.values) == (Status.OK, {"a": 1, "xs": [1, 2], **changed})
    assert not verdict.finished


FAILURES = [
    ("    b = c\n", Status.ERROR, "NameError", 4),
    ("    b = a / 0\n", Status.ERROR, "ZeroDivisionError", 4),
    ("    b += 1\n", Status.ERROR, "UnboundLocalError", 4),
    ("    b = xs[7]\n", Status.ERROR, "IndexError", 4),
    ("    b = = 1\n", Status.SYNTAX_ERROR, "SyntaxError", 4),
    ("  b = 1\n", Status.SYNTAX_ERROR, "IndentationError", 4),
    ("      b = 1\n", Status.SYNTAX_ERROR, "IndentationError", 4),
    ("    b = 'x\n", Status.SYNTAX_ERROR, "SyntaxError", 4),
    ("    for x in c:\n", Status.ERROR, "NameError", 4),
    ("    return c\n", Status.ERROR, "NameError", 4),
    ("    else:\n", Status.SYNTAX_ERROR, "SyntaxError", 4),
    ("    while True: pass\n", Status.TIMEOUT, None, None),
]


@pytest.mark.parametrize(("candidate", "status", "error_class", "line"), FAILURES)
def test_a_statement_that_fails(
    sandbox: Sandbox, candidate: str, status: Status, error_class: str | None, line: int | None
) -> None:
    verdict = _one(sandbox, HEAD, candidate)
    assert (verdict.status, verdict.error_class, verdict.line) == (status, error_class, line)
    assert (verdict.values, verdict.fingerprint) == ({}, "")


@pytest.mark.parametrize("candidate", ["    b = (1,\n", "    b = '''x\n", "    b = 1 + \\\n", "    @cached\n"])
def test_a_statement_that_is_not_whole_may_still_become_one(sandbox: Sandbox, candidate: str) -> None:
    verdict = _one(sandbox, HEAD, candidate)
    assert (verdict.status, verdict.incomplete, verdict.tier) == (Status.SYNTAX_ERROR, True, None)


@pytest.mark.parametrize(("rest", "ends"), [("        2)\n", True), ("        2,\n", False)])
def test_a_candidate_may_complete_the_prefix(sandbox: Sandbox, rest: str, ends: bool) -> None:
    assert _one(sandbox, HEAD + "    b = (1,\n", rest).incomplete is not ends


RETURNS = [("    return a\n", 1), ("    return\n", None), ("    return xs\n", [1, 2]), ("    return a / 2\n", 0.5)]


@pytest.mark.parametrize(("candidate", "value"), RETURNS)
def test_a_return_that_ran_finishes(sandbox: Sandbox, candidate: str, value: Any) -> None:
    verdict = _one(sandbox, HEAD, candidate)
    assert (verdict.status, verdict.finished, verdict.value) == (Status.OK, True, value)


def test_a_return_that_did_not_run_does_not(sandbox: Sandbox) -> None:
    assert not _one(sandbox, HEAD + "    if a > 5:\n", "        return a\n").finished


def test_a_return_of_no_value_is_a_bad_value(sandbox: Sandbox) -> None:
    assert _one(sandbox, HEAD, "    return lambda: 1\n").status is Status.BAD_VALUE


def test_nothing_leaks_from_candidate_to_candidate(sandbox: Sandbox) -> None:
    verdicts = sandbox.check_steps(HEAD, ["    xs.append(9)\n"] * 3 + ["    b = len(xs)\n"])
    assert [verdict.values["xs"] for verdict in verdicts] == [[1, 2, 9]] * 3 + [[1, 2]]


def test_a_candidate_that_fails_leaves_its_neighbours_alone(sandbox: Sandbox) -> None:
    verdicts = sandbox.check_steps(HEAD, ["    b = 1\n", "    while True: pass\n", "    b = (\n", "    b = 2\n"])
    assert [verdict.values.get("b") for verdict in verdicts] == [1, None, None, 2]


BLOCKS = HEAD + "    for x in xs:\n"
NESTED = [
    (BLOCKS, "        a += x\n", {"a": 4, "x": 2}),
    (BLOCKS + "        a += x\n", "        a += 10\n", {"a": 24, "x": 2}),
    (BLOCKS + "        if x > 1:\n", "            a = 100\n", {"a": 100, "x": 2}),
    (BLOCKS + "        a += x\n", "    b = a\n", {"a": 4, "x": 2, "b": 4}),
    (HEAD + "    if a > 5:\n        b = 1\n", "    else:\n", {}),
    (HEAD + "    if a > 5:\n        b = 1\n    else:\n", "        b = 2\n", {"b": 2}),
    (HEAD + "    try:\n", "        b = a / 0\n", {}),
    (HEAD + "    try:\n        b = a / 0\n", "    except ZeroDivisionError:\n", {}),
    (HEAD + "    try:\n        b = a / 0\n    except ZeroDivisionError:\n", "        b = 0\n", {"b": 0}),
    (HEAD + "    while a < 9:\n", "        a += 3\n", {"a": 4}),
    (HEAD + "    while a < 9:\n        a += 3\n", "    b = a\n", {"a": 10, "b": 10}),
]


@pytest.mark.parametrize(("prefix", "candidate", "changed"), NESTED)
def test_statements_within_blocks(sandbox: Sandbox, prefix: str, candidate: str, changed: dict[str, Any]) -> None:
    assert _one(sandbox, prefix, candidate).values == {"a": 1, "xs": [1, 2], **changed}


def test_an_open_block_is_named(sandbox: Sandbox) -> None:
    assert _one(sandbox, BLOCKS, "        if x:\n").blocks == ("def solution():", "for x in xs:", "if x:")


FLAT = [("a = 1\n", {"a": 1}), ("import math\nb = math.pi\n", {"b": 3.141592653589793}), ("for i in [1]:\n", {"i": 1})]


@pytest.mark.parametrize(("candidate", "values"), FLAT)
def test_flat_code_is_looked_at_as_a_whole(sandbox: Sandbox, candidate: str, values: dict[str, Any]) -> None:
    assert _one(sandbox, "", candidate).values == values


SAME = [
    ("    b = 2\n", "    b = a + 1\n"),
    ("    b = 2\n", "    b = 2  # two\n"),
    ("    b = 2\n    c = 3\n", "    c = 3\n    b = 2\n"),
    ("    b = 2\n", "\n    # first\n    b = 2\n"),
    ("    xs = [1, 2, 3]\n", "    xs.append(3)\n"),
    ("    for x in xs:\n        a += x\n    b = 1\n", "    a, x = 4, 2\n    b = 1\n"),
    ("    return a\n", "    return 1\n"),
]
DIFFERENT = [
    ("    b = 2\n", "    b = 3\n"),
    ("    b = 2\n", "    c = 2\n"),
    ("    b = 2\n", "    b = 2.0\n"),
    ("    b = 1\n", "    b = True\n"),
    ("    b = 0.0\n", "    b = -0.0\n"),
    ("    b = [1]\n", "    b = (1,)\n"),
    ("    b = xs\n", "    b = list(xs)\n"),
    ("    b = xs\n", "    b = [1, 2]\n"),
    ("    b = [[], []]\n", "    b = [[]] * 2\n"),
    ("    b = 'a'\n", "    b = 2\n"),
    ("    if a > 5:\n", "    b = 1\n"),
    ("    if a > 5:\n", "    if a > 6:\n"),
    ("    for x in xs:\n        a += x\n", "    for x in xs:\n        a += 1.5\n"),
    ("    for x in xs:\n        a += x\n", "    a, x = 4, 2\n"),
    ("    b = iter(xs)\n", "    b = list(xs)\n"),
    ("    b = map(str, xs)\n", "    b = ['1', '2']\n"),
    ("    def f(): return 1\n", "    def f(): return 2\n"),
    ("    import random\n", "    import random\n    random.random()\n"),
    ("    return a\n", "    return a + 1\n"),
    ("    return 1\n", "    return 1.0\n"),
    ("    b = {1: 2}\n", "    b = {1: 3}\n"),
    ("    from collections import deque\n    b = deque([1])\n", "    from collections import deque\n    b = [1]\n"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_state_has_one_fingerprint(sandbox: Sandbox, one: str, other: str) -> None:
    first, second = sandbox.check_steps(HEAD, [one, other])
    assert first.fingerprint == second.fingerprint != ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_state_has_another_fingerprint(sandbox: Sandbox, one: str, other: str) -> None:
    first, second = sandbox.check_steps(HEAD, [one, other])
    assert (first.status, second.status) == (Status.OK, Status.OK)
    assert first.fingerprint != second.fingerprint


def test_branches_of_other_prefixes_meet(sandbox: Sandbox) -> None:
    one = _one(sandbox, "def solution():\n    a = 2\n", "    b = a * 3\n")
    other = _one(sandbox, "def solution():\n    b = 6\n", "    a = 2\n")
    assert one.fingerprint == other.fingerprint


def test_a_state_entered_otherwise_is_another(sandbox: Sandbox) -> None:
    # Both leave y = 0 and x = 0, but one more statement in the body would see the first x of each.
    body = "    for i in [1, 2]:\n        y = x\n"
    one = _one(sandbox, "def solution():\n    x = 5\n" + body, "        x = 0\n")
    other = _one(sandbox, "def solution():\n    x = 6\n" + body, "        x = 0\n")
    assert one.values == other.values
    assert one.fingerprint != other.fingerprint


def test_what_monty_cannot_run_is_judged_by_cpython(sandbox: Sandbox) -> None:
    verdict = _one(sandbox, "import statistics\n" + HEAD, "    b = statistics.mean(xs)\n")
    assert (verdict.tier, verdict.values) == (Tier.CPYTHON, {"a": 1, "xs": [1, 2], "b": 1.5})


def test_both_tiers_see_the_same(sandbox: Sandbox, cpython: Sandbox) -> None:
    for candidate, *_ in VALUES:
        fast, slow = _one(sandbox, HEAD, candidate), _one(cpython, HEAD, candidate)
        assert (fast.status, fast.values, fast.fingerprint) == (slow.status, slow.values, slow.fingerprint)


def test_the_async_form_gives_the_same(sandbox: Sandbox) -> None:
    verdicts = asyncio.run(sandbox.check_steps_async(HEAD, ["    b = 1\n"]))
    assert verdicts[0].values["b"] == 1


def test_a_text_that_is_too_long_is_not_looked_at(sandbox: Sandbox) -> None:
    assert _one(sandbox, HEAD, "    b = '" + "x" * 70_000 + "'\n").status is Status.UNSUPPORTED


def test_no_candidates_give_no_verdicts(sandbox: Sandbox) -> None:
    assert sandbox.check_steps(HEAD, []) == []


# Real programs, cut into statements: each prefix with its own next statement and with the next one of another.


def _statements(code: str) -> Iterator[tuple[str, str]]:
    """Each statement of a program with what stands before it."""
    lines = code.splitlines(keepends=True)
    prefix, piece, layout = "", "", EMPTY
    for line in lines:
        piece += line
        layout = extend(layout, prefix + piece)
        if layout.whole:
            yield prefix, piece
            prefix, piece = prefix + piece, ""


def _rerun(text: str) -> tuple[str, dict[str, Any]]:
    """What running the closed text gives in this very process: how it ended, and its plain variables."""
    blocks = extend(EMPTY, text).blocks
    capture = "return ('seen', locals())"
    function = bool(blocks) and blocks[0].header == "def solution():"
    space: dict[str, Any] = {}
    try:
        exec(compile(text + closing(blocks, capture), "<text>", "exec"), space)
        if not function:
            return "ok", {name: value for name, value in space.items() if _plain(value) and name != "__name__"}
        result = space["solution"]()
    except Exception as error:
        return type(error).__name__, {}
    if isinstance(result, tuple) and len(result) == 2 and result[0] == "seen":
        return "ok", {name: value for name, value in result[1].items() if _plain(value)}
    return "finished", {"": result}


def _plain(value: object) -> bool:
    return type(value) in (int, float, str, bool, type(None), list, tuple)


def _seen(verdict: StepVerdict) -> tuple[str, dict[str, Any]]:
    if verdict.finished:
        return "finished", {"": verdict.value}
    return "ok" if verdict.ok else str(verdict.error_class), dict(verdict.values)


def _real_programs(count: int) -> list[str]:
    programs = []
    for name in ("derived/gsm8k_train_programs.jsonl", "pot_codex/svamp_fewshot.jsonl", "gsm_hard/test.jsonl"):
        lines = (DATA / name).read_text().split("\n")[:count]
        programs += [json.loads(line)["program"] for line in lines]
    return [program for program in programs if "while" not in program]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs PAD_RAY_DATA")
def test_real_steps_have_the_verdict_of_running_again(sandbox: Sandbox) -> None:
    cases = failures = 0
    programs = _real_programs(150)
    for number, code in enumerate(programs):
        alien = programs[number - 1].splitlines(keepends=True)[-1]
        for prefix, statement in _statements(code):
            candidates = [statement, alien, statement.replace("=", "+=", 1)]
            for candidate, verdict in zip(candidates, sandbox.check_steps(prefix, candidates), strict=True):
                expected = _rerun(prefix + candidate)
                if expected[0] == "IndentationError":
                    expected = ("SyntaxError", {}) if verdict.error_class == "SyntaxError" else expected
                assert _seen(verdict) == expected, prefix + candidate
                cases += 1
                failures += not verdict.ok
    assert cases >= 2500
    assert failures >= 200
