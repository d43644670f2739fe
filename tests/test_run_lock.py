"""Two drivers never work on one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pad_ray.errors import InputError
from pad_ray.run_lock import LOCK, run_lock
from pad_ray.storage import Storage

_HOLD = """
import sys
from pad_ray.run_lock import run_lock
from pad_ray.storage import Storage
with run_lock(Storage.open(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_driver_is_told_who_is_at_work(tmp_path: Path) -> None:
    with _holder(tmp_path) as process:
        with pytest.raises(InputError, match=f"process {process.pid} on .* is at work on {tmp_path}"):
            run_lock(Storage.open(str(tmp_path))).__enter__()
        process.kill()


def test_a_killed_driver_leaves_no_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as process:
        process.kill()
    with run_lock(Storage.open(str(tmp_path))):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] != process.pid


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    for _ in range(2):
        with run_lock(storage):
            pass
