"""Landlock: no file, no TCP, no signal or abstract socket out of the jail, by the kernel's own rules.

Needs Linux 5.13 with the module enabled, and no rights. Newer kernels know more to forbid; what an old one
does not know is left to the other layers. https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct

from .seccomp import forbid_new_privileges
from .syscalls import call

_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
# All file rights by the version that brought them: 1 had thirteen, then refer, truncate, device ioctl.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_RIGHTS = {4: 0b11}  # bind and connect, TCP
_SCOPES = {6: 0b11}  # abstract sockets, signals


def version() -> int:
    """The kernel's version of Landlock; 0 where there is none."""
    try:
        return call("landlock_create_ruleset", None, 0, _VERSION)
    except OSError:
        return 0


def _known(rights: dict[int, int]) -> int:
    return sum(bits for since, bits in rights.items() if since <= version())


def restrict(executable: tuple[int, ...] = (), readable: tuple[str, ...] = ()) -> None:
    """Confines the calling thread and all that it starts; there is no way back.

    Args:
        executable: open descriptors of files that may still be run and read.
        readable: folders beneath which files may still be read and run.

    Raises:
        OSError: the kernel has no Landlock, or forbids it here.
    """
    attributes = struct.pack("<QQQ", _known(_FILE_RIGHTS), _known(_NETWORK_RIGHTS), _known(_SCOPES))
    length = 24 if version() >= 6 else 16 if version() >= 4 else 8
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    ruleset = call("landlock_create_ruleset", buffer, length, 0)
    try:
        for descriptor in executable:
            _allow(ruleset, descriptor, _EXECUTE | _READ_FILE)
        for folder in readable:
            descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            _allow(ruleset, descriptor, _EXECUTE | _READ_FILE | _READ_DIR)
            os.close(descriptor)
        forbid_new_privileges()
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("<Qi", rights, descriptor)
    call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
