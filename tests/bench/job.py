"""The quickstart as a Ray job on a head and a worker node: its log, its status, and the run folder that it leaves.

python -m tests.bench.job RUNS [--cpus 3] [--set key=value ...]

It is sent with `ray job submit`; sent once more with `pad-ray submit`, it finds everything done in the same folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.ray_cluster import cluster_environment, ray_cluster

ROOT = Path(__file__).resolve().parents[2]
_RAY = (sys.executable, "-m", "ray.scripts.scripts", "job")


def run(*words: str) -> None:
    """Shows a command and what it says."""
    shown = [word.replace(f"{ROOT}/", "") for word in words]
    print(f"\n$ {' '.join(shown).replace(f'{sys.executable} -m ray.scripts.scripts', 'ray')}", flush=True)
    began = time.monotonic()
    done = subprocess.run(words, cwd=ROOT, env=cluster_environment() | {"PYTHONPATH": str(ROOT)})
    print(f"exit code {done.returncode}, {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Starts both nodes, and sends the run twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--cpus", type=int, default=3, help="logical CPUs of each node")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    settings = [f"runs={arguments.runs.resolve()}", *arguments.set]
    sets = [word for setting in settings for word in ("--set", setting)]
    with ray_cluster(arguments.cpus) as address:
        time.sleep(10)  # for the worker node to join
        where = ("--address", address)
        environment = ("--working-dir", ".", "--runtime-env", "jobs/runtime_env.yaml")
        entry = ("python", "jobs/pipeline.py", "jobs/quickstart.yaml", *sets)
        run(*_RAY, "submit", *where, "--submission-id", "quickstart", *environment, "--", *entry)
        run(*_RAY, "status", *where, "quickstart")
        pad_ray = (sys.executable, "-m", "pad_ray.cli")
        run(*pad_ray, "status", f"{arguments.runs.resolve()}/quickstart")
        run(*pad_ray, "submit", "jobs/quickstart.yaml", *where, *sets, "--id", "again")


if __name__ == "__main__":
    os.environ.pop("RAY_ADDRESS", None)
    main()
