"""Two usual ways to run model-written programs, to be measured beside the sandbox. Neither of them confines anything.

    python -I tests/bench/rivals.py (subprocess|humaneval) < calls > results

`subprocess` starts an interpreter for each program. `humaneval` forks a process for each one with `multiprocessing`,
in which destructive functions are taken away, output is swallowed and a timer runs, as the public harnesses of code
benchmarks do. Each input line is a JSON list of program texts that print or set their result; the answer is one line,
a JSON list of `[seconds, repr of the result or null]`. A process of its own, so that forking copies nothing large.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from typing import Any

SECONDS = 2.0
MEMORY = 512 << 20
RESULT = "bench_result"
_FORK = multiprocessing.get_context("fork")
_TAKEN_AWAY = """
abort chdir chmod chown chroot fchdir fchmod fchown fork forkpty getcwd kill killpg lchown link listdir mkdir nice open
popen putenv remove removedirs rename renames replace rmdir setuid symlink system truncate unlink
"""


def by_subprocess(text: str) -> str | None:
    """One interpreter without site packages, which prints the result."""
    command = [sys.executable, "-I", "-S", "-c", f"{text}\nprint(repr({RESULT}))"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, env={}, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.decode().strip().rpartition("\n")[2] if done.returncode == 0 else None


def by_forked_process(text: str) -> str | None:
    """One forked process with its destructive functions gone."""
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_guarded, args=(text, sender))
    process.start()
    sender.close()
    process.join(SECONDS + 1)
    if process.is_alive():
        process.kill()
        process.join()
    try:
        return str(receiver.recv()) if receiver.poll() else None
    except EOFError:
        return None
    finally:
        receiver.close()


def _guarded(text: str, sender: Connection) -> None:
    """The child: a folder of its own, limits, a timer, no output; sends the repr of the result."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    remove = shutil.rmtree
    restore = {name: getattr(os, name) for name in ("listdir", "open", "unlink", "rmdir")}
    _take_away()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    names: dict[str, Any] = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(text, names)
        sender.send(repr(names[RESULT]))
    except BaseException:
        sender.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        vars(os).update(restore)
        remove(folder, ignore_errors=True)


def _take_away() -> None:
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        resource.setrlimit(kind, (MEMORY, MEMORY))
    for name in _TAKEN_AWAY.split():
        if hasattr(os, name):
            setattr(os, name, None)
    for holder, names in (
        (shutil, ("rmtree", "move", "chown")),
        (subprocess, ("Popen",)),
        (builtins, ("quit", "exit")),
    ):
        for name in names:
            setattr(holder, name, None)


def _out_of_time(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Serves lists of programs until the input ends."""
    way = {"subprocess": by_subprocess, "humaneval": by_forked_process}[sys.argv[1]]
    for line in sys.stdin:
        results = []
        for text in json.loads(line):
            start = time.perf_counter()
            result = way(text)
            results.append([time.perf_counter() - start, result])
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
