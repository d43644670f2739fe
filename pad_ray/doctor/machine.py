"""Cores, memory, GPUs and disk, as far as this process may use them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pad_ray.config import RunConfig
from pad_ray.doctor.check import Check
from pad_ray.models import cache_folder
from pad_ray.storage import Storage

GIB = 2**30
_LEAST_MEMORY = 8 * GIB  # engine of the embedded model with its cache, or two training workers
_LEAST_DISK = 5 * GIB
_LEAST_SHARED = GIB


def machine_checks(config: RunConfig) -> Iterator[Check]:
    """The machine, by what the run asks for."""
    yield _system()
    yield _cores()
    yield _memory()
    yield _gpus(config)
    runs = "" if "://" in config.runs else config.runs
    if not runs:
        yield _store(config.runs)
    for what, place in (("runs", runs), ("models", str(cache_folder())), ("temp files", "/tmp")):
        if place:
            yield _disk(what, Path(place))
    yield _shared_memory()


def _system() -> Check:
    says = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    if platform.system() != "Linux":
        return Check("system", "bad", says, "Linux is needed")
    right = sys.version_info[:2] == (3, 11)
    return Check("system", "good" if right else "note", says, "" if right else "The pinned set is for Python 3.11")


def usable_cores() -> float:
    """Cores that this process may use: by its affinity, and by the share that its control group has."""
    found = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return found if quota == "max" else min(found, int(quota) / int(period))
    except (OSError, ValueError):
        return found


def _cores() -> Check:
    usable, there = usable_cores(), os.cpu_count() or 1
    says = f"{usable:g} usable" + (f" of {there}" if usable < there else "")
    return Check("cores", "good" if usable >= 2 else "note", says, "" if usable >= 2 else "Two or more make it faster")


def usable_memory() -> tuple[int, int]:
    """Bytes of memory that are free for use, and all; by the machine and by the control group."""
    lines = (line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    known = {name: int(value.split()[0]) * 1024 for name, value in lines}
    free, total = known["MemAvailable"], known["MemTotal"]
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        return min(free, limit - used), min(total, limit)
    except (OSError, ValueError):
        return free, total


def _memory() -> Check:
    free, total = usable_memory()
    says = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    if free < _LEAST_MEMORY:
        return Check("memory", "note", says, "The quickstart takes up to 8 GiB: lower `resources.kv_cache_gib`")
    return Check("memory", "good", says)


def _gpus(config: RunConfig) -> Check:
    found = gpus()
    wanted = bool(config.resources.engine_gpus or config.resources.train_gpus)
    if found:
        return Check("GPUs", "good", ", ".join(found))
    if wanted:
        return Check("GPUs", "bad", "none, and the run asks for some", "Set resources.engine_gpus=0, train_gpus=false")
    return Check("GPUs", "note", "none: models run on the CPU")


def gpus() -> list[str]:
    """Names and memory of NVIDIA's GPUs."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    command = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _disk(what: str, place: Path) -> Check:
    there = next(path for path in (place.resolve(), *place.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    says = f"{free / GIB:.0f} GiB free in {place}"
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError:
        return Check(f"disk for {what}", "bad", f"{place} cannot be written to", "Choose another folder")
    if free < _LEAST_DISK:
        return Check(
            f"disk for {what}", "note", says, "A run of the embedded model takes about 2 GiB; larger ones more"
        )
    return Check(f"disk for {what}", "good", says)


def _store(uri: str) -> Check:
    from pad_ray.errors import InputError

    try:
        Storage.open(uri).make()
    except InputError as error:
        return Check("storage for runs", "bad", error.problem, error.mend)
    return Check("storage for runs", "good", f"{uri} can be reached")


def _shared_memory() -> Check:
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        return Check("shared memory", "note", "there is no /dev/shm", "Ray will use the disk, which is slow")
    says = f"{free / GIB:.1f} GiB free in /dev/shm"
    if free < _LEAST_SHARED:
        return Check(
            "shared memory", "note", says, "Ray's object store will use the disk: start the container with more"
        )
    return Check("shared memory", "good", says)
