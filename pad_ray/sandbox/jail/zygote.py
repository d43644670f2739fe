"""The zygote: a confined interpreter with everything loaded that forks one process a program.

It has one thread, for a fork copies only the thread that calls it; it reads requests from its channel and
never what a program wrote, which it passes on as bytes. Programs run one after another.
"""

from __future__ import annotations

import json
import os
import platform
import select
import signal
import sys
import time
from typing import Any, NoReturn

from . import modules, wire
from .confine import confine, own_memory, settle_memory
from .program import DESCRIPTOR, Request, run
from .seccomp import Filter, program_rules

_monotonic = time.monotonic


def preload_light() -> None:
    """Loads what every zygote has, in the warden, so that all of them share it."""
    modules.preload(modules.LIGHT + modules.INSIDE)


def serve(request: dict[str, Any], held: list[str], library_paths: list[str]) -> NoReturn:
    """Confines this process and answers requests until the channel closes."""
    allowed = list(modules.LIGHT)
    if request["kind"] == "heavy":
        sys.path.extend(library_paths)
        allowed += modules.preload(modules.HEAVY)
        modules.preload(modules.INSIDE_HEAVY)
    memory = own_memory()
    protections = confine(request["layers"], held)
    filter = Filter(program_rules(DESCRIPTOR))
    _try_filter(filter)
    modules.stop_clock()
    modules.close_imports(frozenset(allowed) | frozenset(modules.INSIDE))
    settle_memory()
    hello = {
        "protections": [*protections, "seccomp"],
        "interpreter": f"cpython {platform.python_version()}",
        "modules": allowed,
    }
    _hide()
    os.write(1, wire.frame(json.dumps(hello).encode()))
    while (body := _read_frame()) is not None:
        _answer(json.loads(body), filter, memory)
    os._exit(0)


def _try_filter(filter: Filter) -> None:
    """Sees that the filter can be installed here, for without it no program is run.

    Raises:
        OSError: it cannot.
    """
    pid = os.fork()
    if pid == 0:
        try:
            filter.install()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError("this kernel or container does not let a process install a seccomp filter")


def _hide() -> None:
    """Takes the jail's own modules off the list of modules, where a program would find them."""
    package = __name__.partition(".")[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def _read_frame() -> bytes | None:
    header = _read_exactly(wire.LENGTH.size)
    return None if header is None else _read_exactly(wire.LENGTH.unpack(header)[0])


def _read_exactly(size: int) -> bytes | None:
    parts = b""
    while len(parts) < size:
        part = os.read(0, size - len(parts))
        if not part:
            return None
        parts += part
    return parts


def _answer(request: Request, filter: Filter, memory: int) -> None:
    began = _monotonic()
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        return _reply(request, wire.NOT_STARTED, 0.0, _monotonic() - began, str(error).encode())
    if pid == 0:
        try:
            os.close(reader)
            if writer != DESCRIPTOR:
                os.dup2(writer, DESCRIPTOR)
            os.closerange(0, DESCRIPTOR)
            os.closerange(DESCRIPTOR + 1, 32)
            run(request, filter, memory)
        finally:
            os._exit(1)
    os.close(writer)
    written, how = _collect(reader, began + float(request["wall"]))
    os.close(reader)
    if how != wire.ENDED:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    if how == wire.ENDED and status != 0:
        how = wire.KILLED_CPU if _cpu_ran_out(status) else wire.DIED
    _reply(request, how, usage.ru_utime + usage.ru_stime, _monotonic() - began, written)


def _cpu_ran_out(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU)


def _collect(reader: int, deadline: float) -> tuple[bytes, int]:
    """What the program's process wrote until it ended, was too slow, or wrote too much."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    written = b""
    while True:
        left = deadline - _monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return written, wire.KILLED_WALL
        part = os.read(reader, 65_536)
        if not part:
            return written, wire.ENDED
        written += part
        if len(written) > wire.MAX_RECORDS_BYTES:
            return written[: wire.MAX_RECORDS_BYTES], wire.OVERFLOWED


def _reply(request: Request, how: int, cpu: float, wall: float, written: bytes) -> None:
    header = wire.REPLY.pack(bytes.fromhex(request["id"]), how, int(cpu * 1e6), int(wall * 1e6))
    data = wire.frame(header + written)
    while data:
        data = data[os.write(1, data) :]
