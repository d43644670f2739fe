"""Runs a Python script as an ordinary user, where the tests run as root. A script of its own:

python ordinary.py script.py arguments...
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NOBODY = 65534
_NEW_MOUNTS = 0x00020000
_PRIVATE, _RECURSIVE, _BIND = 1 << 18, 1 << 14, 1 << 12


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def _open_way(path: Path) -> None:
    """Lets everyone reach a folder that only root can, in this process's own view of the disk."""
    closed = next((p for p in reversed(path.parents) if not p.stat().st_mode & 0o001), None)
    if closed is None:
        return
    held = os.open(path, os.O_PATH)
    _mount("none", str(closed), "tmpfs", 0, "mode=0755")
    path.mkdir(parents=True)
    _mount(f"/proc/self/fd/{held}", str(path), "", _BIND | _RECURSIVE)


def become_ordinary() -> None:
    """Gives up root for good; the interpreter and this checkout stay within reach."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS) == 0:
        _mount("none", "/", "", _PRIVATE | _RECURSIVE)
        for needed in {
            Path(sys.base_prefix).resolve(),
            Path(sys.prefix).resolve(),
            Path(__file__).resolve().parents[2],
        }:
            _open_way(needed)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


if __name__ == "__main__":
    become_ordinary()
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
