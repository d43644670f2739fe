"""Runs untrusted Python programs, thousands a second on a core, confined, and says what held each of them.

    with Sandbox(workers=2) as sandbox:
        executions = sandbox.run(["def solution():\\n    return 6 * 7\\n"])

Most programs run in Monty, a Python interpreter made for untrusted code, in a jailed worker. What Monty cannot do
runs in CPython, in a process forked and confined for that one program.

It stops a program from

* reading, writing, listing or removing files
* reading the environment or the secrets of the process that holds the sandbox
* connecting to anything, sending, or listening
* starting a process, a thread or another program
* signalling, tracing or looking into another process
* running longer than its limit, in a loop, in one long operation, by sleeping or by waiting
* taking more memory than its limit
* printing without end, and returning what is larger or deeper than a value may be
* writing another program's result, or upsetting the host with what it writes for its own
* leaving anything behind for the next program
* outliving its run, the sandbox, or the process that holds the sandbox

It does not stop a program from

* returning what it did not compute
* altering, in CPython, the value reported for itself; where there are signs of it, the execution carries them
* taking all the time and memory that its limits allow, while others wait
* ending its own process, which then has no result
* learning which interpreter runs it, and that the clock stands still

Nor does it claim to withstand a flaw in the kernel; each layer is there to leave less of the kernel in reach.
Every line of both lists has a test in `tests/sandbox/test_promises.py`; `doctor.examine` tries the escapes on the
machine at hand.
"""

from __future__ import annotations

from .audit import Disagreement, Statistics
from .errors import SandboxClosed, SandboxError, SandboxUnavailable
from .execution import Execution, Program, Status, Tier, Value
from .limits import ALL_LAYERS, DEFAULT_LIMITS, Layer, Limits
from .sandbox import Sandbox
from .steps import StepVerdict

__all__ = [
    "ALL_LAYERS",
    "DEFAULT_LIMITS",
    "Disagreement",
    "Execution",
    "Layer",
    "Limits",
    "Program",
    "Sandbox",
    "SandboxClosed",
    "SandboxError",
    "SandboxUnavailable",
    "Statistics",
    "Status",
    "StepVerdict",
    "Tier",
    "Value",
]
