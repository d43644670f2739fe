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
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pad_ray.errors import InputError
from pad_ray.storage import Storage

LOCK = "lock.json"
_BEAT_SECONDS = 20.0
_STALE_SECONDS = 120.0


@contextmanager
def run_lock(storage: Storage) -> Iterator[None]:
    """Holds the lock while the body runs.

    On a local disk or a shared file system the kernel holds it, so that it ends with the process, however that ends.
    In object storage it is an object that is written again every 20 s and counts for 120 s after the last time.

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
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise _taken(storage, file.read()) from None
        file.seek(0)
        file.truncate()
        file.write(_holder(uuid.uuid4().hex))
        file.flush()
        yield


@contextmanager
def _held_object(storage: Storage) -> Iterator[None]:
    token = uuid.uuid4().hex
    found = storage.read_text(LOCK)
    if found and time.time() - json.loads(found)["beat"] < _STALE_SECONDS:
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
        storage.remove(LOCK)


def _beat(storage: Storage, token: str, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_SECONDS):
        storage.write_text(LOCK, _holder(token))


def _holder(token: str) -> str:
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "beat": time.time(), "token": token}) + "\n"


def _taken(storage: Storage, text: str) -> InputError:
    try:
        holder = json.loads(text)
        who = f"process {holder['pid']} on {holder['host']}"
    except (ValueError, KeyError):
        who = "another process"
    return InputError(f"{who} is at work on {storage.uri}", "Wait for it, or give this run another name")
