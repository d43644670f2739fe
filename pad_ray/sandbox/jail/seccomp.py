"""A system call filter (seccomp-bpf), assembled here and installed with seccomp(2).

The filters are allow-lists: what is not named returns EPERM, which a Python program sees as PermissionError.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from .syscalls import call, machine, number, prctl

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JEQ = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JGE = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RET = 0x06  # BPF_RET | BPF_K

_INSTRUCTION = struct.Struct("<HBBI")
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1


@dataclass(frozen=True)
class Rule:
    """One allowed system call: any arguments, or `argument & mask` equal to one of `values`.

    `whole` asks that the argument's upper 32 bits are 0 as well, for pointers.
    """

    name: str
    argument: int | None = None
    mask: int = 0xFFFFFFFF
    values: tuple[int, ...] = ()
    whole: bool = False


_PROT_EXEC = 4
_CLONE_THREAD_VM = 0x00010100
_WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY
_PR_SET_NAME = 15
# Wakes only: a process with one thread that waits on a futex waits for ever.
_FUTEX_COMMAND, _FUTEX_WAKES = 0x7F, (1, 5, 10)

_MEMORY = (
    Rule("brk"),
    Rule("madvise"),
    Rule("mremap"),
    Rule("munmap"),
)
_HARMLESS = (
    Rule("clock_getres"),
    Rule("clock_gettime"),
    Rule("exit"),
    Rule("exit_group"),
    Rule("getpid"),
    Rule("getrandom"),
    Rule("gettid"),
    Rule("gettimeofday"),
    Rule("rt_sigprocmask"),
    Rule("rt_sigreturn"),
    Rule("sched_getaffinity"),
    Rule("sched_yield"),
    Rule("time"),
)


_TO_LOAD = """
access arch_prctl close execve execveat faccessat fstat getegid geteuid getgid getuid lseek membarrier
newfstatat poll ppoll pread64 readlink readlinkat restart_syscall rseq rt_sigaction set_robust_list
set_tid_address sigaltstack uname
"""


def program_rules(result_descriptor: int) -> tuple[Rule, ...]:
    """What a Python program may ask of the kernel: memory, the time, and writing to its one descriptor."""
    return (
        Rule("write", 0, values=(result_descriptor,)),
        *_MEMORY,
        Rule("mmap", 2, mask=_PROT_EXEC, values=(0,)),
        Rule("mprotect", 2, mask=_PROT_EXEC, values=(0,)),
        Rule("futex", 1, mask=_FUTEX_COMMAND, values=_FUTEX_WAKES),
        *_HARMLESS,
    )


def monty_rules() -> tuple[Rule, ...]:
    """What the Monty worker may ask: to be loaded, a thread, memory, and the two ends of its channel.

    The loader must open the C library, so reading files is left to the other layers and, once the worker
    runs, to its limit of open files, which the warden lowers to the three it has.
    """
    return (
        Rule("read"),
        Rule("write", 0, values=(1, 2)),
        Rule("futex"),
        *_MEMORY,
        Rule("mmap"),
        Rule("mprotect"),
        *_HARMLESS,
        Rule("openat", 2, mask=_WRITING, values=(0,)),
        Rule("prlimit64", 2, values=(0,), whole=True),
        Rule("clone", 0, mask=_CLONE_THREAD_VM, values=(_CLONE_THREAD_VM,)),
        Rule("prctl", 0, values=(_PR_SET_NAME,)),
        *map(Rule, _TO_LOAD.split()),
    )


def assemble(rules: Iterable[Rule]) -> bytes:
    """The filter as BPF instructions.

    Raises:
        OSError: the machine is neither x86_64 nor aarch64.
    """
    out = [
        (_LOAD, 0, 0, 4),
        (_JEQ, 1, 0, _AUDIT_ARCH.get(machine(), 0)),
        (_RET, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, 0),
    ]
    if machine() == "x86_64":
        out += [(_JGE, 0, 1, _X32_BIT), (_RET, 0, 0, _ERRNO | errno.EPERM)]
    for rule in rules:
        if (wanted := number(rule.name)) is not None:
            checks = _checks(rule)
            out += [(_JEQ, 0, len(checks), wanted), *checks]
    # clone3 hides its flags behind a pointer; ENOSYS makes the C library fall back to clone.
    out += [(_JEQ, 0, 1, number("clone3") or 0), (_RET, 0, 0, _ERRNO | errno.ENOSYS)]
    out += [(_RET, 0, 0, _ERRNO | errno.EPERM)]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in out)


def _checks(rule: Rule) -> list[tuple[int, int, int, int]]:
    """The instructions after the call's number matched; each path through them returns."""
    if rule.argument is None:
        return [(_RET, 0, 0, _ALLOW)]
    low = 16 + 8 * rule.argument
    out = []
    if rule.whole:
        out += [(_LOAD, 0, 0, low + 4), (_JEQ, 1, 0, 0), (_RET, 0, 0, _ERRNO | errno.EPERM)]
    out += [(_LOAD, 0, 0, low), (_AND, 0, 0, rule.mask)]
    for value in rule.values:
        out += [(_JEQ, 0, 1, value), (_RET, 0, 0, _ALLOW)]
    return [*out, (_RET, 0, 0, _ERRNO | errno.EPERM)]


class Filter:
    """A filter ready to be installed, so that a fresh fork spends no time on it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        code = assemble(rules)
        self._code = ctypes.create_string_buffer(code, len(code))
        size = len(code) // _INSTRUCTION.size
        packed = struct.pack("<HxxxxxxQ", size, ctypes.addressof(self._code))
        self._program = ctypes.create_string_buffer(packed, len(packed))

    def install(self) -> None:
        """Confines the calling thread and all that it starts; there is no way back.

        Raises:
            OSError: the kernel has no seccomp filters, or forbids them here.
        """
        forbid_new_privileges()
        call("seccomp", _SET_MODE_FILTER, 0, self._program)


def forbid_new_privileges() -> None:
    """Makes execve give no more rights than the process has; seccomp and Landlock ask for it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
