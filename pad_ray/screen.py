"""The console is for our own lines: what libraries print or log in the run's process goes into a file of the run.

Ray, vLLM and DeepSpeed write to the process's own descriptors, some from C++, so these are what is turned away.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pad_ray.storage import Storage

_screen: TextIO | None = None


def screen() -> TextIO:
    """Where our own lines go: the console, also while everything else is kept off it."""
    return _screen or sys.stdout


@contextmanager
def chatter_to(logs: Storage) -> Iterator[None]:
    """Sends all that this process writes to stdout and stderr to `<time>-driver.log` in `logs`, but for `screen()`."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-driver.log"
    with ExitStack() as stack:
        if logs.scheme:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / name
            stack.callback(_upload, path, logs, name)
        else:
            logs.make()
            path = Path(logs.path) / name
        stack.enter_context(_turned_to(path))
        yield


def _upload(path: Path, logs: Storage, name: str) -> None:
    with suppress(Exception):  # the log of a run that cannot reach its store is worth less than the run's own error
        logs.write_text(name, path.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def _turned_to(path: Path) -> Iterator[None]:
    """Descriptors 1 and 2, and with them `sys.stdout` and `sys.stderr`, lead to a file."""
    global _screen
    before = sys.stdout, sys.stderr, _screen
    _flush()
    kept = {1: os.dup(1), 2: os.dup(2)}
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    own = kept.get(_descriptor(sys.stdout), kept[1])
    encoding = getattr(sys.stdout, "encoding", None)
    with open(own, "w", encoding=encoding, errors="replace", closefd=False) as console:
        _screen = _screen or (console if _descriptor(sys.stdout) in kept else sys.stdout)
        with open(file, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False) as log:
            os.dup2(file, 1)
            os.dup2(file, 2)
            sys.stdout = sys.stderr = log
            try:
                yield
            finally:
                _flush()
                sys.stdout, sys.stderr, _screen = before
                for descriptor, copy in kept.items():
                    os.dup2(copy, descriptor)
    for descriptor in (*kept.values(), file):
        os.close(descriptor)


def _descriptor(stream: TextIO) -> int:
    """What a stream writes to; -1 where a caller put something without a descriptor in its place."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return -1


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
