"""A lock on a run's folder, so that two drivers do not buy the same rows at the same time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pad_ray.errors import InputError, PadRayError
from pad_ray.storage import Storage

LOCK = "lock.json"
_BEAT_SECONDS = 20.0
_STALE_SECONDS = 120.0


@contextmanager
def run_lock(storage: Storage) -> Iterator[None]:
    """Holds the lock while the body runs.

    On a local disk or a shared file system the kernel holds it, so that it ends with the process, however that ends.
    In object storage it is an object that is written again every 20 s and counts for 120 s after the last time, or
    until the process that wrote it is gone, where that can be seen.

    Raises:
        InputError: another driver holds the lock; the message says which, and since when.
    """
    with ExitStack() as stack:
        stack.enter_context(_held_object(storage) if storage.scheme else _held_file(storage))
        yield


@contextmanager
def _held_file(storage: Storage) -> Iterator[None]:
    storage.make()
    path = Path(storage.path) / LOCK
    with path.open("a+") as file:
        if not _locked(file):
            file.seek(0)
            raise _taken(storage, file.read())
        file.seek(0)
        file.truncate()
        file.write(_holder(uuid.uuid4().hex))
        file.flush()
        yield


def _locked(file: Any) -> bool:
    for pause in (0.0, 0.1, 0.2):  # somebody may only be asking who holds it
        time.sleep(pause)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            continue
    return False


@contextmanager
def _held_object(storage: Storage) -> Iterator[None]:
    storage.make()
    token = uuid.uuid4().hex
    found = storage.read_text(LOCK)
    if found and _is_alive(found):
        raise _taken(storage, found)
    storage.write_text(LOCK, _holder(token))
    # Two drivers that start together both write; the one whose object is there afterwards has it.
    time.sleep(1.0)
    now = storage.read_text(LOCK) or ""
    if token not in now:
        raise _taken(storage, now)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(storage, token, ended), daemon=True)
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join()
        with suppress(PadRayError, OSError):  # a lock that cannot be removed ends by itself
            if token in (storage.read_text(LOCK) or ""):
                storage.remove(LOCK)


def holder(storage: Storage) -> dict[str, Any] | None:
    """Who is at work on the run: `host`, `pid` and `beat` (seconds since 1970, of the last sign). None if nobody is."""
    text = storage.read_text(LOCK)
    try:
        found: dict[str, Any] = json.loads(text or "{}")
    except ValueError:
        found = {}
    held = _is_alive(text or "") if storage.scheme else _is_locked(Path(storage.path) / LOCK)
    return found if held else None


def _is_locked(path: Path) -> bool:
    """Whether a process holds the file. Asking takes the lock for an instant, which `_held_file` allows for."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # there is no such file, or nothing can be locked here
    return False


def _beat(storage: Storage, token: str, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_SECONDS):
        with suppress(PadRayError):  # the store is away for a moment: the next beat tells
            if token not in (storage.read_text(LOCK) or token):
                return  # it slept so long that another driver took the lock over
            storage.write_text(LOCK, _holder(token))


def _holder(token: str) -> str:
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "processes": _processes(), "beat": time.time()}
    return json.dumps({**holder, "token": token}) + "\n"


def _is_alive(text: str) -> bool:
    """Whether the holder counts: it gave a sign lately, and its process, if it can be seen from here, is there."""
    try:
        holder = json.loads(text)
        fresh = time.time() - holder["beat"] < _STALE_SECONDS
        return fresh and (holder.get("processes") != _processes() or Path(f"/proc/{holder['pid']}").exists())
    except (ValueError, KeyError, TypeError):
        return False


def _processes() -> str:
    """Names the set of processes that this one sees: a boot of a machine, and a container on it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _taken(storage: Storage, text: str) -> InputError:
    try:
        holder = json.loads(text)
        who = f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return InputError(f"{who} is at work on {storage.uri}", "Wait for it, or give this run another name")
