"""What libraries say goes to a file, our own lines to the console."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pad_ray.ray_logs import WorkerLog, worker_lines
from pad_ray.screen import chatter_to, screen
from pad_ray.storage import Storage

_PROGRAM = """
import logging, os, sys
import logging.handlers
early = logging.StreamHandler()  # as Ray's logger is: it keeps the stream that it found
from pad_ray.screen import chatter_to, screen
from pad_ray.storage import Storage
print("before")
with chatter_to(Storage.open("logs")):
    print("ours", file=screen(), flush=True)
    print("a library's")
    os.write(1, b"from C\\n")
    os.write(2, b"an error from C\\n")
    early.emit(logging.makeLogRecord({"msg": "logged"}))
    os.system("echo of a child")
print("after")
"""


@pytest.fixture
def done(tmp_path: Path) -> tuple[subprocess.CompletedProcess[str], str]:
    """A process that says all kinds of things, and what its log holds."""
    command = [sys.executable, "-c", _PROGRAM]
    path = {"PYTHONPATH": os.environ.get("PYTHONPATH", str(Path(__file__).resolve().parent.parent))}
    ended = subprocess.run(command, cwd=tmp_path, env=os.environ | path, capture_output=True, text=True, check=True)
    [log] = (tmp_path / "logs").glob("*-driver.log")
    return ended, log.read_text()


def test_only_our_lines_reach_the_console(done: tuple[subprocess.CompletedProcess[str], str]) -> None:
    assert (done[0].stdout, done[0].stderr) == ("before\nours\nafter\n", "")


def test_all_else_is_in_the_log(done: tuple[subprocess.CompletedProcess[str], str]) -> None:
    said = {"a library's", "from C", "an error from C", "logged", "of a child"}
    assert set(done[1].splitlines()) == said


def test_the_streams_come_back_after_an_error(tmp_path: Path) -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(RuntimeError, match="work"), chatter_to(Storage.open(str(tmp_path))):
        raise RuntimeError("work")
    assert (sys.stdout, sys.stderr) == before
    assert screen() is sys.stdout


def test_a_line_of_a_worker_says_who_said_it() -> None:
    message = {"actor_name": "Judge", "pid": 12, "ip": "10.0.0.7", "lines": ["one", "two"]}
    assert worker_lines(message) == "Judge pid=12 10.0.0.7: one\nJudge pid=12 10.0.0.7: two\n"


def test_lines_of_workers_are_in_a_file_at_the_end(tmp_path: Path) -> None:
    log = WorkerLog(Storage.open(str(tmp_path)))
    log.take({"task_name": "read", "pid": 12, "ip": "10.0.0.7", "lines": ["one"]})
    log.close()
    [file] = tmp_path.glob("*-workers.log")
    assert file.read_text() == "read pid=12 10.0.0.7: one\n"


def test_a_log_that_cannot_be_written_ends_no_work(tmp_path: Path) -> None:
    log = WorkerLog(Storage.open(str(tmp_path / "nowhere")))
    log.take({"pid": 1, "ip": "10.0.0.7", "lines": ["one"]})
    log.close()
    assert not (tmp_path / "nowhere").exists()
