"""Runs hostile programs and says what they did to the world outside. Also a script, to be run as another user:

python containment.py '{"layers": ["seccomp"], "tiers": ["monty", "cpython"]}'
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.sandbox import Execution, Limits, Sandbox
from pad_ray.sandbox.outside import Outside, outside
from tests.sandbox.hostile import CORPUS, Hostile

ANSWER_SECONDS = 4.0
LIMITS = Limits(monty_seconds=0.1, cpu_seconds=0.3, memory_mb=256)

# Run after every hostile program: one for Monty, one that only CPython can run.
CONTROLS = {
    "def solution():\n    a = 3\n    return a + 4\n": 7,
    "import statistics\ndef solution():\n    return statistics.mean([1.0, 3.0])\n": 2.0,
}
PARTS_OF_SECRETS = ("root:x:0",)


def processes_below(root: int) -> set[int]:
    """All processes that descend from one, those left out that have ended."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry)] = int(fields[1])
    found: set[int] = set()
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        children = {pid for pid, above in parents.items() if above == parent} - found
        found |= children
        waiting += children
    return found


def breaches(sandbox: Sandbox, world: Outside, hostile: Hostile) -> list[str]:
    """Runs one program and the controls after it. Everything that went wrong; nothing if it was contained."""
    code = hostile.code
    for name, value in world.names.items():
        code = code.replace(f"@{name.upper()}@", value)
    execution, took = _timed(sandbox, code)
    if took > ANSWER_SECONDS:
        # The machine may have stood still; a program that takes too long does so again.
        execution, took = _timed(sandbox, code)
    found = world.harm()
    if took > ANSWER_SECONDS:
        found.append(f"the answer took {took:.1f} s")
    if any(part in repr(execution) for part in (world.secret, *PARTS_OF_SECRETS)):
        found.append("a secret came back")
    for program, expected in CONTROLS.items():
        (after,) = sandbox.run([program])
        # A tier that is switched off leaves its control alone.
        if after.tier is not None and after.value != expected:
            found.append(f"the next program gave {after}")
    return found


def _timed(sandbox: Sandbox, code: str) -> tuple[Execution, float]:
    began = time.monotonic()
    (execution,) = sandbox.run([code])
    return execution, time.monotonic() - began


def contain(layers: list[str], tiers: list[str]) -> dict[str, Any]:
    """Runs the corpus. Returns the breaches by program and the protections that were in force."""
    results: dict[str, list[str]] = {}
    protections: dict[str, tuple[str, ...]] = {}
    with outside() as world:
        with Sandbox(LIMITS, layers=layers, tiers=tiers, warm=True) as sandbox:
            for hostile in CORPUS:
                if found := breaches(sandbox, world, hostile):
                    results[f"{hostile.kind}: {hostile.name}"] = found
            for execution in sandbox.run(list(CONTROLS)):
                protections[str(execution.tier)] = execution.protections
        left = processes_below(os.getpid()) - {world.victim}
    if left:
        results["orphans"] = [f"{len(left)} processes outlived the sandbox"]
    return {"programs": len(CORPUS), "breaches": results, "protections": protections, "user": os.geteuid()}


if __name__ == "__main__":
    print(json.dumps(contain(**json.loads(sys.argv[1]))))
