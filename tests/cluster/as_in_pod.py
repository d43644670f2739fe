"""Runs a command confined as the containers of `cluster/` are: no root, no new privileges, and a seccomp filter.

python -m tests.cluster.as_in_pod COMMAND …

The filter refuses what the default profile of containerd and Docker refuses to a container without capabilities and
what a sandbox might want: namespaces, mounts, tracing the kernel. It stands in for that profile and is not the same
text. AppArmor and a read-only /proc/sys are not covered.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from tests.sandbox.ordinary import become_ordinary

# x86-64 numbers of system calls.
_REFUSED = {
    "unshare": 272,
    "setns": 308,
    "mount": 165,
    "umount2": 166,
    "pivot_root": 155,
    "chroot": 161,
    "bpf": 321,
    "perf_event_open": 298,
    "keyctl": 250,
    "add_key": 248,
    "userfaultfd": 323,
    "fsopen": 430,
    "move_mount": 429,
    "open_tree": 428,
}
_CLONE, _CLONE3 = 56, 435
_CLONE_NAMESPACES = 0x7E020000
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06


def _program() -> bytes:
    """The filter, as BPF instructions: what is named in `_REFUSED`, and clone with a flag of a namespace."""
    lines = [(_LOAD, 0, 0, 0)]
    for number in _REFUSED.values():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    # Its flags lie in memory, where no filter sees them; the C library then uses clone.
    lines += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    lines += [(_EQUAL, 0, 3, _CLONE), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _CLONE_NAMESPACES)]
    lines += [(_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine() -> None:
    """Confines this process and all that come of it.

    Raises:
        OSError: the kernel refused a part of it.
    """
    if os.geteuid() == 0:
        become_ordinary()
    libc = ctypes.CDLL(None, use_errno=True)
    text = _program()
    program = _Program(len(text) // 8, text)
    for words in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    confine()
    os.execvp(sys.argv[1], sys.argv[1:])
