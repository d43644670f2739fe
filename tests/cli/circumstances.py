"""What is wrong around a command and not in it: a full disk, a port that is taken, a run at work, Ctrl-C.

Each runs a real command in a process of its own, in a folder that `write_folder` has filled.
"""

from __future__ import annotations

import http.server
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pad_ray.run_folder import RunFolder
from pad_ray.run_tables import RunTables, read
from tests.chaos.endpoint import Endpoint

Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = 400
NO_MOUNT = 77  # exit code where no file system may be mounted


def command(*argv: str) -> list[str]:
    """`pad-ray` with these arguments."""
    return [sys.executable, "-m", "pad_ray.cli", *argv]


def run(folder: Path, *words: str) -> Done:
    """Runs a command to its end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)


def on_a_full_disk(folder: Path) -> Done:
    """`full/` is a disk of 64 kB that holds 60; exit code NO_MOUNT where none may be mounted."""
    (folder / "full").mkdir()
    argv = command("run", "run.yaml", "--set", "runs=full", "--dry-run", "--probe", "5")
    mount = f"mount -t tmpfs -o size=64k tmpfs full || exit {NO_MOUNT}\nhead -c 60000 /dev/zero > full/filler"
    script = f"{mount}\nexec {shlex.join(argv)}"
    return run(folder, "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)


@contextmanager
def stranger() -> Iterator[str]:
    """The address of a server that is no Ray."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Hello</h1>")

        def log_message(self, *args: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def at_a_taken_port(folder: Path) -> Done:
    """Something else listens where Ray's dashboard should."""
    with stranger() as address:
        return run(folder, *command("submit", "run.yaml", "--address", address, "--set", "runs=/r"))


def while_it_runs(folder: Path) -> Done:
    """Another process is at work on the run: this one."""
    with RunFolder.open(str(folder / "runs"), "run").locked():
        return run(folder, *command("run", "run.yaml"))


def interrupted(folder: Path, endpoint: Endpoint | None = None) -> Done:
    """Ctrl-C while samples are being written; the endpoint is one of its own by default."""
    if endpoint is None:
        with Endpoint(seconds=0.2) as own:
            return interrupted(folder, own)
    write_sampling(folder, endpoint)
    with start(folder) as process:
        while process.poll() is None and not sampled(folder):
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def write_sampling(folder: Path, endpoint: Endpoint) -> None:
    """A run that takes a while: problems for a teacher that is slow to answer."""
    problems = [{"id": str(n), "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in problems))
    (folder / "run.yaml").write_text(
        "problems: {train: problems.jsonl, holdout: 0}\nevaluation: {shots: [0]}\n"
        "teacher:\n  {kind: http, model: counted, shots: 0, samples: 1,\n"
        f"   http: {{base_url: {endpoint.url}, endpoint: completions, max_in_flight: 16}}}}\n"
    )


def start(folder: Path) -> subprocess.Popen[str]:
    """Begins to sample."""
    environment, pipe = os.environ | {"PYTHONPATH": str(ROOT)}, subprocess.PIPE
    argv = command("sample", "run.yaml")
    return subprocess.Popen(argv, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def sampled(folder: Path) -> list[str]:
    """Problems whose samples are on disk."""
    if not (folder / "runs/run/samples").is_dir():
        return []
    stage = RunTables.find(str(folder / "runs/run")).newest("samples")
    return [row["problem_id"] for row in read(stage, only=["problem_id"])] if stage else []


# Kind, what was typed and what stood around it, and how it is made.
CIRCUMSTANCES: list[tuple[str, str, Callable[[Path], Done]]] = [
    ("space", "run run.yaml --set runs=full --dry-run --probe 5 (a disk with 4 kB left)", on_a_full_disk),
    ("port", "submit run.yaml --address http://127.0.0.1:PORT --set runs=/r (a web server is there)", at_a_taken_port),
    ("lock", "run run.yaml (another process is at work on the run)", while_it_runs),
    ("Ctrl-C", "sample run.yaml (interrupted while samples are being written)", interrupted),
]
