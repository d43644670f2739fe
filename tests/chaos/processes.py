"""Processes of a test's own, known by a mark in their environment, whoever their parent is now."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "PAD_RAY_CHAOS"


def marked(mark: str, words: str = "") -> Iterator[int]:
    """Processes whose mark begins so, and whose command line holds `words`."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and f"{MARK}={mark}".encode() in (path / "environ").read_bytes():
                yield int(path.name)


def kill_all(mark: str) -> None:
    """Kills -9 until none is left, since those that live start others: as when a machine goes dark."""
    while found := list(marked(mark)):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Processes whose parent this is."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    with suppress(OSError):
        return [int(number) for path in tasks for number in path.read_text().split()]
    return []
