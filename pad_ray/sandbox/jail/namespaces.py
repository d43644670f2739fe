"""Namespaces: a process that sees no other process, no network, no file, and holds no rights.

All without root where the kernel lets an ordinary user make a user namespace. Containers often do not
(containers/bubblewrap#505): then `clone` raises and the caller goes on without this layer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
from pathlib import Path

from .syscalls import call, libc, number, prctl

NOBODY = 65534

_NEW = {
    "mount_namespace": 0x00020000,
    "uts_namespace": 0x04000000,
    "ipc_namespace": 0x08000000,
    "user_namespace": 0x10000000,
    "pid_namespace": 0x20000000,
    "network_namespace": 0x40000000,
}
NAMES = tuple(_NEW)

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_CAPBSET_DROP = 24
_PR_SET_PDEATHSIG = 1
_CAPABILITY_VERSION_3 = 0x20080522


def clone(with_user_namespace: bool) -> int:
    """fork() into new namespaces: returns the child's pid in the parent and 0 in the child.

    The child must wait until the parent has called `map_user` before it does anything as a user.

    Raises:
        OSError: this user may not make namespaces here.
    """
    flags = sum(flag for name, flag in _NEW.items() if with_user_namespace or name != "user_namespace")
    # ctypes.PyDLL keeps the interpreter's lock over the call, so the child's only thread holds it.
    pid = int(_syscall_with_lock(number("clone"), flags | signal.SIGCHLD, 0, 0, 0, 0))
    if pid < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"clone: {os.strerror(code)}")
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return pid


def _syscall_with_lock(*arguments: int | None) -> int:
    function = ctypes.PyDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    return int(function(*[ctypes.c_long(a or 0) for a in arguments]))


def map_user(pid: int) -> None:
    """Gives a cloned child its users: itself, and nobody besides when the parent is root.

    Raises:
        OSError: the kernel refused the map.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        _write(pid, "setgroups", "deny")
    for name, own in (("gid_map", gid), ("uid_map", uid)):
        own_line = f"{own} {own} 1\n"
        try:
            _write(pid, name, own_line + (f"{NOBODY} {NOBODY} 1\n" if uid == 0 else ""))
        except OSError:
            if name == "gid_map":
                with contextlib.suppress(OSError):
                    _write(pid, "setgroups", "deny")
            _write(pid, name, own_line)


def _write(pid: int, name: str, text: str) -> None:
    descriptor = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def die_with_parent() -> None:
    """Asks the kernel to kill this process when the thread that started it ends."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def become_nobody() -> bool:
    """Root gives itself up for good; False where it cannot (65534 is not mapped) or is not root."""
    if os.geteuid() != 0:
        return False
    try:
        with contextlib.suppress(PermissionError):
            os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return False
    return True


def bound_capabilities() -> None:
    """Empties the set of capabilities that a process could ever gain, where it may."""
    for capability in range(64):
        with contextlib.suppress(OSError):
            prctl(_PR_CAPBSET_DROP, capability)


def drop_capabilities() -> None:
    """Gives up every capability, those of the user namespace included.

    Raises:
        OSError: the kernel refused.
    """
    header = struct.pack("<II", _CAPABILITY_VERSION_3, 0)
    if libc.capset(ctypes.create_string_buffer(header, 8), ctypes.create_string_buffer(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def encoded(text: str | None) -> bytes | None:
        return None if text is None else text.encode()

    if libc.mount(encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {target}: {os.strerror(code)}")


def leave_files(keep: tuple[str, ...] = ()) -> None:
    """Makes an empty, read-only file system the root, with the folders of `keep` in it, read-only too.

    Raises:
        OSError: the kernel refused a mount.
    """
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    root = next(folder for folder in ("/tmp", "/var/tmp", "/run", "/mnt", "/dev") if os.path.isdir(folder))
    _mount("none", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64k,mode=0755")
    for folder in keep:
        _keep(folder, root)
    os.chdir(root)
    call("pivot_root", b".", b".")
    if libc.umount2(b".", _MNT_DETACH) != 0:
        raise OSError(ctypes.get_errno(), "umount2")
    os.chdir("/")
    _mount("none", "/", None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def _keep(folder: str, root: str) -> None:
    """Shows a folder, or the link that it is, at the same place under the new root."""
    path = Path(folder)
    if not path.is_dir():
        return
    inside = Path(root + folder)
    inside.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        inside.symlink_to(os.readlink(folder))
        return
    inside.mkdir()
    _mount(folder, str(inside), None, _MS_BIND | _MS_REC)
    # Flags that the folder's own mount carries are locked and must be repeated.
    locked = os.statvfs(folder).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)
    _mount("none", str(inside), None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | locked)
