"""Confining a worker process: every layer in its order, and the names of those that took hold."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
from collections.abc import Iterable

from . import landlock, namespaces
from .seccomp import forbid_new_privileges
from .syscalls import prctl

LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")

_PR_SET_DUMPABLE = 4


def confine(
    layers: Iterable[str],
    in_namespaces: Iterable[str],
    *,
    executable: int | None = None,
    files_needed: bool = False,
    limits: bool = True,
) -> list[str]:
    """Confines this process as far as the layers go; seccomp comes last and elsewhere.

    Args:
        layers: names of the layers wanted.
        in_namespaces: the namespaces that this process was cloned into; empty for a plain fork.
        executable: open descriptor of a file that the process will become.
        files_needed: whether the C library must still be loaded.
        limits: whether to set rlimits; only the doctor does without.

    Returns:
        the names of the protections now in force.

    Raises:
        OSError: a wanted layer that this kernel has was refused.
    """
    held = ["closed_descriptors", "empty_environment", *(["rlimits"] if limits else [])]
    libraries = LIBRARIES if files_needed else ()
    if in_namespaces:
        namespaces.leave_files(keep=libraries)
        held += in_namespaces
    namespaces.bound_capabilities()
    if namespaces.become_nobody() or os.geteuid() != 0:
        held.append("unprivileged_user")
    namespaces.drop_capabilities()
    namespaces.die_with_parent()
    if limits:
        _limit()
    prctl(_PR_SET_DUMPABLE, 0)
    forbid_new_privileges()
    held.append("no_new_privileges")
    if "landlock" in layers and landlock.version():
        folders = tuple(folder for folder in libraries if os.path.isdir(folder))
        # A container may forbid the call although the kernel has it.
        with contextlib.suppress(OSError):
            landlock.restrict(() if executable is None else (executable,), folders)
            held.append("landlock")
    return held


def _limit() -> None:
    """Bounds what no worker needs, whatever it runs. Each still starts a thread or forks once it is here."""
    for kind in (
        resource.RLIMIT_CORE,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_MEMLOCK,
        resource.RLIMIT_MSGQUEUE,
    ):
        resource.setrlimit(kind, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def limit_program(memory: int, seconds: float) -> None:
    """Bounds the process of one program, which needs nothing but memory and time.

    Args:
        memory: its address space, bytes.
        seconds: its CPU time.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 2))
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):
        resource.setrlimit(kind, (0, 0))
    # Counts user and system time, finer than the whole seconds of RLIMIT_CPU; its signal ends the process.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def own_memory() -> int:
    """The address space of this process, in bytes. Asked before confinement takes /proc away."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def settle_memory() -> None:
    """Keeps what the interpreter holds now out of the collector's way, so that forks share its pages."""
    gc.collect()
    gc.freeze()
