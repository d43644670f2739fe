"""Every line of the two lists in the docstring of `pad_ray.sandbox`, kept or admitted.

Each promise is broken on purpose: programs try what it rules out, in both tiers, against things set up outside.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import pad_ray.sandbox  # noqa: E402
from pad_ray.sandbox import Execution, Limits, Sandbox, Status, Tier  # noqa: E402
from pad_ray.sandbox.outside import Outside, outside  # noqa: E402
from tests.sandbox.containment import breaches, processes_below  # noqa: E402
from tests.sandbox.hostile import CORPUS, Hostile  # noqa: E402

STOPS = {
    "reading, writing, listing or removing files": ["files", "disk"],
    "reading the environment or the secrets of the process that holds the sandbox": ["secrets"],
    "connecting to anything, sending, or listening": ["network"],
    "starting a process, a thread or another program": ["processes"],
    "signalling, tracing or looking into another process": ["signals", "ptrace"],
    "running longer than its limit, in a loop, in one long operation, by sleeping or by waiting": ["time"],
    "taking more memory than its limit": ["memory"],
    "printing without end, and returning what is larger or deeper than a value may be": ["output"],
    "writing another program's result, or upsetting the host with what it writes for its own": [
        "descriptors",
        "values",
        "text",
    ],
    "leaving anything behind for the next program": ["inside"],
    "outliving its run, the sandbox, or the process that holds the sandbox": [],
}
DOES_NOT_STOP = [
    "returning what it did not compute",
    "altering, in CPython, the value reported for itself; where there are signs of it, the execution carries them",
    "taking all the time and memory that its limits allow, while others wait",
    "ending its own process, which then has no result",
    "learning which interpreter runs it, and that the clock stands still",
]


def test_the_lists_are_those_of_the_docstring() -> None:
    text = pad_ray.sandbox.__doc__ or ""
    lines = [line[2:] for line in text.splitlines() if line.startswith("* ")]
    assert lines == [*STOPS, *DOES_NOT_STOP]


def test_every_kind_of_the_corpus_belongs_to_a_promise() -> None:
    assert {kind for kinds in STOPS.values() for kind in kinds} == {hostile.kind for hostile in CORPUS}


@pytest.fixture(scope="module")
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made


@pytest.fixture(scope="module", params=[[Tier.MONTY], [Tier.CPYTHON]], ids=["monty", "cpython"])
def tier(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    limits = Limits(monty_seconds=0.1, cpu_seconds=0.3, memory_mb=256)
    with Sandbox(limits, tiers=request.param, warm=True) as opened:
        yield opened


def _some_of(kinds: list[str]) -> list[Hostile]:
    """Every third program of each kind; `test_containment.py` runs them all."""
    return [hostile for kind in kinds for hostile in [h for h in CORPUS if h.kind == kind][::3]]


@pytest.mark.parametrize("promise", [promise for promise, kinds in STOPS.items() if kinds])
def test_it_stops(tier: Sandbox, world: Outside, promise: str) -> None:
    programs = _some_of(STOPS[promise])
    assert {hostile.name: found for hostile in programs if (found := breaches(tier, world, hostile))} == {}


def test_it_stops_a_program_from_outliving_the_sandbox() -> None:
    before = processes_below(os.getpid())
    with Sandbox(warm=True) as opened:
        opened.run(["import os, statistics\ndef solution():\n    os.fork()\n"])
        assert processes_below(os.getpid()) - before
    assert processes_below(os.getpid()) - before == set()


HOLDER = """
import os, sys, threading
sys.path.insert(0, {checkout!r})
from pad_ray.sandbox import Limits, Sandbox
with Sandbox(Limits(monty_seconds=60, cpu_seconds=60), workers=2, warm=True) as sandbox:
    loops = ["def solution():\\n    while True: pass\\n", "import statistics\\nwhile True: pass\\n"]
    for loop in loops:
        threading.Thread(target=sandbox.run, args=([loop],), daemon=True).start()
    while not all(slot._monty._served or slot._light._served for slot in sandbox._pool._slots):
        pass
    print("running", flush=True)
    threading.Event().wait()
"""


def test_it_stops_a_program_from_outliving_the_process_that_holds_the_sandbox() -> None:
    code = HOLDER.replace("while not all(", "while not any(").format(checkout=str(HERE.parents[1]))
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"running\n"
    below = [os.pidfd_open(pid) for pid in processes_below(holder.pid)]
    assert len(below) >= 7
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    for descriptor in below:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(10_000), "a process outlived the holder of the sandbox"
        os.close(descriptor)


def _one(sandbox: Sandbox, code: str) -> Execution:
    (execution,) = sandbox.run([code])
    return execution


def test_it_does_not_stop_a_program_from_returning_what_it_did_not_compute(sandbox: Sandbox) -> None:
    assert _one(sandbox, "def solution():\n    return 42\n").value == 42


FORGING = {
    "os": "import os\ndef solution():\n    os.write(3, b'x')\n    return 1\n",
    "result channel": "def solution():\n    import random\n    random._os.write(3, b'x')\n    return 1\n",
    "builtins": "import builtins\ndef solution():\n    builtins.len = None\n    return 1\n",
    "gc.get_objects": "def solution():\n    import gc\n    gc.get_objects()\n    return 1\n",
    "sys._getframe": "import collections\ndef solution():\n    collections._sys._getframe()\n    return 1\n",
    "object.__getattr__": "def solution():\n    return getattr(solution, '__co' + 'de__').co_name\n",
    "__subclasses__": "def solution():\n    object.__subclasses__()\n    return 1\n",
}


@pytest.mark.parametrize("sign", FORGING)
def test_it_does_not_stop_forging_but_carries_the_signs_of_it(cpython: Sandbox, sign: str) -> None:
    execution = _one(cpython, FORGING[sign])
    assert sign in execution.suspicions
    assert execution.forged


HONEST = [
    "def solution():\n    return 6 * 7\n",
    "from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef solution():\n    return P(1, 2).a\n",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\ndef solution():\n    return A(1).x\n",
    "import sympy\ndef solution():\n    x = sympy.symbols('x')\n    return sympy.solve(x - 2, x)[0]\n",
    "import math, random, statistics\ndef solution():\n    return statistics.mean([1, 2])\n",
    "class A:\n    def __init__(self, x):\n        self.x = x\ndef solution():\n    return A(2).x\n",
    "def solution():\n    return sum(map(int, '123'))\nif __name__ == '__main__':\n    print(solution())\n",
]


@pytest.mark.parametrize("code", HONEST)
def test_an_honest_program_is_under_no_suspicion(sandbox: Sandbox, cpython: Sandbox, code: str) -> None:
    for execution in (_one(sandbox, code), _one(cpython, code)):
        assert (execution.status, execution.suspicions) == (Status.OK, ())


def test_it_does_not_stop_a_program_from_taking_all_that_its_limits_allow() -> None:
    with Sandbox(Limits(cpu_seconds=0.3, memory_mb=64), tiers=[Tier.CPYTHON]) as small:
        assert _one(small, "def solution():\n    return len(bytearray(40 << 20))\n").value == 40 << 20
        greedy = _one(small, "def solution():\n    while True: pass\n")
    assert greedy.status is Status.TIMEOUT
    assert greedy.cpu_s >= 0.25  # the processor's clock and the limit's are read at different moments


def test_it_does_not_stop_a_program_from_ending_its_own_process(cpython: Sandbox) -> None:
    assert _one(cpython, "import os\ndef solution():\n    os._exit(0)\n").status is Status.CRASH


def test_it_does_not_stop_a_program_from_learning_where_it_is(sandbox: Sandbox, cpython: Sandbox) -> None:
    code = "import sys\ndef solution():\n    return sys.version_info[1]\n"
    assert _one(sandbox, code).value != _one(cpython, code).value == sys.version_info[1]
    code = "import time\ndef solution():\n    return time.time() == time.time()\n"
    assert _one(sandbox, code).value is _one(cpython, code).value is True
