"""Faults that fail as they are meant to, found by running them.

with Sandbox() as sandbox:
    kept = confirmed(faults, sandbox)
"""

from __future__ import annotations

from collections.abc import Sequence

from pad_ray.programs.answers import Comparison, Gold, parse_gold
from pad_ray.programs.faults import Fault
from pad_ray.sandbox import Execution, Sandbox
from pad_ray.verification import Verdict, verdict_of


def confirmed(faults: Sequence[Fault], sandbox: Sandbox, comparison: Comparison | None = None) -> list[Fault]:
    """Those of the faults whose program gives an answer, and whose faulty program fails in the way of their effect.

    Args:
        faults: of any programs; each right program is run once.
        sandbox: open.
        comparison: when an answer is wrong: the right program's answer is gold.

    Raises:
        SandboxClosed: outside of the sandbox's `with` block.
        SandboxUnavailable: workers were lost and no new ones could be confined.
    """
    return [fault for fault, _ in confirmed_runs(faults, sandbox, comparison)]


def confirmed_runs(
    faults: Sequence[Fault], sandbox: Sandbox, comparison: Comparison | None = None
) -> list[tuple[Fault, Execution]]:
    """As `confirmed`, each fault with what came of running it."""
    right = list(dict.fromkeys(fault.program for fault in faults))
    executions = sandbox.run([*right, *(fault.faulty for fault in faults)])
    golds = {program: _answer(execution) for program, execution in zip(right, executions, strict=False)}
    rule = comparison or Comparison()
    kept = []
    for fault, execution in zip(faults, executions[len(right) :], strict=True):
        gold = golds[fault.program]
        if gold and verdict_of(execution, gold, rule) == Verdict(fault.effect):
            kept.append((fault, execution))
    return kept


def _answer(execution: Execution) -> Gold | None:
    """The answer that a program gave, as gold; None where it gave none, or one that nothing can be compared with."""
    if not execution.ok or execution.forged or execution.value is None or isinstance(execution.value, list | tuple):
        return None
    try:
        return parse_gold(execution.value)
    except ValueError:
        return None
