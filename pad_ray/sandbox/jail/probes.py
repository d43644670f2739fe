"""Attempts to get out, made by our own code from within the jail, to learn which layer stops which.

Each attempt returns when it got through and raises when it was stopped. They ask the kernel directly: what the
Python side of the jail refuses, such as an import, counts for nothing here.
"""

from __future__ import annotations

import _thread
import ctypes
import importlib
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .confine import confine, limit_program
from .program import DESCRIPTOR
from .seccomp import Filter, program_rules
from .syscalls import libc

SECONDS = 5.0
_MIB = 1 << 20
_BIG, _MEMORY, _CPU_SECONDS = 2048 * _MIB, 1024 * _MIB, 0.3

World = dict[str, Any]


def _read_file(world: World) -> None:
    _read(world["secret"])


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    return os.read(descriptor, 100)


def _write_file(world: World) -> None:
    descriptor = os.open(world["folder"] + "/escaped", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, b"x")


def _list_root(world: World) -> None:
    if not os.listdir("/"):
        raise FileNotFoundError("an empty root")


def _remove_file(world: World) -> None:
    os.unlink(world["spare"])


def _own_environment(world: World) -> None:
    if not any(world["marker"] in value for value in os.environ.values()):
        raise LookupError("not there")


def _host_environment(world: World) -> None:
    if world["marker"].encode() not in _read(f"/proc/{world['host']}/environ") + b"":
        raise LookupError("not there")


def _connect_tcp(world: World) -> None:
    socket.create_connection(("127.0.0.1", world["port"]), timeout=2).close()


def _connect_unix(world: World) -> None:
    socket.socket(socket.AF_UNIX).connect(world["socket"])


def _connect_abstract(world: World) -> None:
    socket.socket(socket.AF_UNIX).connect("\0" + world["abstract"])


def _send_datagram(world: World) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", world["port"]))


def _fork(world: World) -> None:
    if os.fork() == 0:
        os._exit(0)


def _fork_many(world: World) -> None:
    for _ in range(20):
        if os.fork() == 0:
            time.sleep(0.2)
            os._exit(0)


def _execute(world: World) -> None:
    # A process that is replaced reports by its exit code: true ends with 0, as an attempt that got through does.
    os.execv("/bin/true", ["true"])


def _start_thread(world: World) -> None:
    _thread.start_new_thread(time.time, ())


def _signal_victim(world: World) -> None:
    os.kill(world["victim"], signal.SIGCONT)


def _signal_host(world: World) -> None:
    os.kill(world["host"], 0)


def _signal_parent(world: World) -> None:
    os.kill(os.getppid(), 0)


def _trace(world: World) -> None:
    seize, detach = 0x4206, 17
    if libc.ptrace(seize, world["victim"], 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    libc.ptrace(detach, world["victim"], 0, 0)


def _read_memory(world: World) -> None:
    _read(f"/proc/{world['victim']}/maps")


def _memory(world: World) -> None:
    # A mapping that is never touched costs the machine nothing, if it is allowed.
    sys.modules["mmap"].mmap(-1, _BIG)


def _disk(world: World) -> None:
    descriptor = os.open(world["folder"] + "/escaped", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, b"x" * (8 * _MIB))


def _anonymous_file(world: World) -> None:
    os.write(os.memfd_create("x"), b"x" * _MIB)


def _output(world: World) -> None:
    # The reader stops reading at its bound; whoever keeps writing is killed.
    for _ in range(1024):
        os.write(DESCRIPTOR, b"x" * 65_536)


def _other_descriptors(world: World) -> None:
    for descriptor in range(256):
        if descriptor != DESCRIPTOR:
            try:
                os.write(descriptor, b"x")
            except OSError:
                continue
            return
    raise OSError("none is open")


def _own_limits(world: World) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _run_on(world: World) -> None:
    while time.process_time() < 2 * _CPU_SECONDS:
        pass


def _become_root(world: World) -> None:
    os.setresuid(0, 0, 0)


def _new_namespace(world: World) -> None:
    if libc.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _mount(world: World) -> None:
    if libc.mount(b"none", b"/", b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def _kernel_keys(world: World) -> None:
    if libc.syscall(ctypes.c_long(world["keyctl"]), 0, -3, 1) < 0:
        raise OSError(ctypes.get_errno(), "keyctl")


# kind: name: attempt
ATTEMPTS: dict[str, dict[str, Callable[[World], None]]] = {
    "files": {
        "read a file": _read_file,
        "write a file": _write_file,
        "remove a file": _remove_file,
        "list the root folder": _list_root,
    },
    "environment": {"read its own environment": _own_environment, "read the host's environment": _host_environment},
    "network": {
        "connect over TCP": _connect_tcp,
        "send over UDP": _send_datagram,
        "connect to a Unix socket": _connect_unix,
        "connect to an abstract socket": _connect_abstract,
    },
    "processes": {
        "fork": _fork,
        "run another program": _execute,
        "start a thread": _start_thread,
        "become root": _become_root,
        "make a namespace": _new_namespace,
        "mount": _mount,
        "use kernel keys": _kernel_keys,
    },
    "fork bomb": {"fork twenty times": _fork_many},
    "memory": {"take 2 GiB": _memory, "raise its own limits": _own_limits},
    "disk": {"write 8 MiB": _disk, "make an anonymous file": _anonymous_file},
    "output": {"flood the result channel": _output},
    "time": {"run on": _run_on},
    "signals": {
        "signal a process of the same user": _signal_victim,
        "signal the host": _signal_host,
        "signal its parent": _signal_parent,
    },
    "ptrace": {"trace a process of the same user": _trace, "look at another's memory": _read_memory},
    "descriptors": {"write to another descriptor": _other_descriptors},
}


def run(request: dict[str, Any], held: list[str]) -> dict[str, Any]:
    """Confines this process and makes every attempt in a child of its own. Returns what a worker says as hello."""
    # What the attempts import, while there are files to import it from.
    for name in ("encodings.idna", "mmap"):
        importlib.import_module(name)
    protections = confine(request["layers"], held, limits=request["rlimits"])
    filter = Filter(program_rules(DESCRIPTOR)) if "seccomp" in request["layers"] else None
    prepare = Preparation(request["rlimits"], filter)
    found = {
        kind: {name: _attempt(attempt, request["world"], prepare) for name, attempt in attempts.items()}
        for kind, attempts in ATTEMPTS.items()
    }
    return {"protections": protections, "attempts": found}


@dataclass(frozen=True)
class Preparation:
    """What is done to the process of an attempt, as to that of a program."""

    limits: bool
    filter: Filter | None

    def __call__(self) -> None:
        if self.limits:
            limit_program(_MEMORY, _CPU_SECONDS)
        if self.filter is not None:
            self.filter.install()


def _attempt(attempt: Callable[[World], None], world: World, prepare: Preparation) -> list[Any]:
    """Whether an attempt got through, and how it ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(attempt, world, prepare, writer)
    os.close(writer)
    told, ended = _listen(reader, time.monotonic() + SECONDS)
    os.close(reader)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not ended:
        return [False, "cut off for its output" if len(told) > _MIB else "killed for its time"]
    if os.WIFSIGNALED(status):
        return [False, f"killed by {signal.Signals(os.WTERMSIG(status)).name}"]
    return [os.WEXITSTATUS(status) == 0, told.decode("utf-8", "replace")[:100]]


def _child(attempt: Callable[[World], None], world: World, prepare: Preparation, writer: int) -> None:
    try:
        os.dup2(writer, DESCRIPTOR)
        os.closerange(0, DESCRIPTOR)
        os.closerange(DESCRIPTOR + 1, 256)
        prepare()
        attempt(world)
        os._exit(0)
    except BaseException as error:
        os.write(DESCRIPTOR, f"{type(error).__name__}: {error}".encode()[:200])
    finally:
        os._exit(1)


def _listen(reader: int, deadline: float) -> tuple[bytes, bool]:
    """What an attempt wrote, and whether it ended by itself."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    told = b""
    while len(told) <= _MIB and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        part = os.read(reader, 65_536)
        if not part:
            return told, True
        told += part
    return told, False
