"""Tries to get out of the sandbox on this machine, live, and says what held.

Two kinds of attempt. Our own code within the jail asks the kernel for what a program must not have, under each
layer alone and under all together, which shows what rests on what. And programs, as text, go through the front
door in both tiers, as a stranger's would.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .errors import SandboxUnavailable
from .execution import Execution, Tier
from .jail.syscalls import number
from .limits import ALL_LAYERS, Layer, Limits
from .outside import Outside, outside
from .sandbox import Sandbox
from .warden import Warden

# The process that every program runs in, before any layer: no descriptors, no environment, no privileges.
PROCESS = "process"
RLIMITS = "rlimits"
FRONT_DOOR = "front door"

ANSWER_SECONDS = 4.0
_LIMITS = Limits(monty_seconds=0.1, cpu_seconds=0.3, memory_mb=256)
_CONTROLS = {
    "def solution():\n    return 3 + 4\n": 7,
    "import statistics\ndef solution():\n    return statistics.mean([1.0, 3.0])\n": 2.0,
}


@dataclass(frozen=True, slots=True)
class Escape:
    """One attempt to get out.

    Attributes:
        kind: what it is after: files, environment, network, processes, ...
        name: what it tries.
        tier: "kernel" for an attempt by our own code within the jail, else the tier that ran a program.
        held: it did not get through.
        layers: what stops it by itself; empty for a program, which meets all layers at once.
        detail: how it ended.
    """

    kind: str
    name: str
    tier: str
    held: bool
    layers: tuple[str, ...]
    detail: str


def examine(layers: Iterable[Layer | str] = ALL_LAYERS) -> list[Escape]:
    """Makes every attempt. Takes a few seconds.

    Args:
        layers: the layers to use where the machine has them.

    Raises:
        SandboxUnavailable: the sandbox does not start here.
    """
    wanted = frozenset(Layer(layer) for layer in layers)
    with outside() as world:
        found = list(_ask_kernel(wanted, world))
        for tier in Tier:
            found += _front_door(tier, wanted, world)
    return found


def _ask_kernel(layers: frozenset[Layer], world: Outside) -> Iterator[Escape]:
    warden = Warden()
    try:
        alone = {PROCESS: _probe(warden, (), False, world), RLIMITS: _probe(warden, (), True, world)}
        for layer in sorted(layers):
            alone[str(layer)] = _probe(warden, (layer,), False, world)
        together = _probe(warden, layers, True, world)
    finally:
        warden.close()
    for kind, attempts in together.items():
        for name, (through, detail) in attempts.items():
            stopped = tuple(layer for layer, found in alone.items() if not found[kind][name][0])
            # What the bare process stops, every layer seems to stop.
            yield Escape(kind, name, "kernel", not through, stopped[:1] if PROCESS in stopped else stopped, detail)


def _probe(warden: Warden, layers: Iterable[Layer], rlimits: bool, world: Outside) -> dict[str, Any]:
    """What the attempts came to under these layers."""
    names: dict[str, Any] = dict(world.names)
    names |= {name: int(names[name]) for name in ("port", "victim", "host")}
    names |= {"marker": world.secret, "keyctl": number("keyctl")}
    worker = warden.spawn("probe", layers, rlimits=rlimits, world=names)
    warden.bury(worker)
    world.mend()
    attempts: dict[str, Any] = worker.hello["attempts"]
    return attempts


def _front_door(tier: Tier, layers: frozenset[Layer], world: Outside) -> Iterator[Escape]:
    """Programs that try to get out, and whether they did, answered in time and left the next program alone."""
    world.mend()
    try:
        with Sandbox(_LIMITS, layers=layers, tiers=(tier,)) as sandbox:
            for kind, programs in _PROGRAMS.items():
                for name, code in programs.items():
                    began = time.monotonic()
                    (execution,) = sandbox.run([code.format(**world.names)])
                    faults = _faults(sandbox, execution, time.monotonic() - began, world)
                    detail = "; ".join(faults) or _ending(execution)
                    yield Escape(kind, name, str(tier), not faults, (), detail)
    except SandboxUnavailable as error:
        # A tier that refuses to run holds everything.
        yield Escape("start", "start without the layers it needs", str(tier), True, (), str(error))


def _faults(sandbox: Sandbox, execution: Execution, seconds: float, world: Outside) -> list[str]:
    faults = world.harm()
    if seconds > ANSWER_SECONDS:
        faults.append(f"answered after {seconds:.1f} s")
    if world.secret in repr(execution):
        faults.append("a secret came back")
    for code, expected in _CONTROLS.items():
        (control,) = sandbox.run([code])
        if control.ok and control.value != expected:
            faults.append(f"the next program gave {control.value!r}")
    return faults


def _ending(execution: Execution) -> str:
    words = (str(execution.status), execution.error_class or "", execution.message)
    return " ".join(word for word in words if word)[:120]


def _program(*lines: str) -> str:
    return "def solution():\n" + "".join(f"    {line}\n" for line in lines)


_PROGRAMS = {
    "files": {
        "read a file": _program("return open('{secret}').read()"),
        "write a file": _program("open('{folder}/escaped', 'w').write('x')", "return 1"),
        "remove a file": _program("import os", "os.remove('{spare}')", "return 1"),
        "list a folder": _program("import os", "return str(os.listdir('{folder}'))"),
    },
    "environment": {
        "read the environment": _program("import os", "return str(dict(os.environ))"),
        "read the host's environment": _program("return open('/proc/{host}/environ').read()"),
    },
    "network": {
        "connect over TCP": _program("import socket", "socket.create_connection(('127.0.0.1', {port}))", "return 1"),
        "connect to a Unix socket": _program("import socket", "socket.socket(1, 1).connect('{socket}')", "return 1"),
    },
    "processes": {
        "run a command": _program("import os", "return os.system('touch {folder}/escaped')"),
        "fork": _program("import os", "return os.fork()"),
    },
    "fork bomb": {"fork for ever": _program("import os", "while True: os.fork()")},
    "memory": {
        "a huge string": _program("return len('x' * 10 ** 11)"),
        "a growing list": _program("a = [1]", "while True: a += a"),
    },
    "disk": {"fill the disk": _program("f = open('{folder}/escaped', 'wb')", "while True: f.write(b'x' * 2**20)")},
    "output": {
        "print for ever": _program("while True: print('x' * 1000)"),
        "return a megabyte": _program("return 'x' * 10 ** 6"),
    },
    "time": {
        "run for ever": _program("while True: pass"),
        "sleep": _program("import time", "time.sleep(3600)", "return 1"),
        "a tower of powers": _program("return 9 ** 9 ** 9"),
    },
    "signals": {
        "kill another process": _program("import os", "os.kill({victim}, 9)", "return 1"),
        "kill the host": _program("import os", "os.kill({host}, 9)", "return 1"),
        "kill its parent": _program("import os", "os.kill(os.getppid(), 9)", "return 1"),
    },
    "ptrace": {
        "trace another process": _program("import ctypes", "return ctypes.CDLL(None).ptrace(16, {victim}, 0, 0)"),
    },
    "descriptors": {
        "write to every descriptor": _program(
            "import os",
            "for fd in range(256):",
            "    try: os.write(fd, b'evil')",
            "    except OSError: pass",
            "return 1",
        ),
        "forge its result": _program("import os", "os.write(3, b'R' + bytes(36))", "os._exit(0)"),
    },
}
