"""CPU time of a process and all its descendants, those that have ended and those in namespaces included.

As root the processes are put into a control group of their own, whose counter misses nothing. Elsewhere `/proc` is
summed: every living descendant with the children that it has reaped, to the tick (usually 10 ms).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Protocol

_TICK = os.sysconf("SC_CLK_TCK")
# Two grandchildren burn: one is reaped before the counter is read, one still lives. The child tells the sum.
_BURN = """
import json, os, sys, time
def burner(stays):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        while time.process_time() < 0.3:
            pass
        os.write(write, repr(time.process_time()).encode())
        if stays:
            sys.stdin.read()
        os._exit(0)
    used = float(os.read(read, 100))
    if not stays:
        os.waitpid(pid, 0)
    return used
used = burner(False) + burner(True)
while time.process_time() < 0.3:
    pass
print(json.dumps(used + time.process_time()), flush=True)
sys.stdin.read()
"""


class Meter(Protocol):
    """Counts CPU seconds of this process and its descendants."""

    how: str

    def seconds(self) -> float:
        """CPU seconds so far; only differences mean something."""

    def close(self) -> None:
        """Puts everything back as it was."""


class CgroupMeter:
    """A control group that this process enters; what it starts from then on is in it too.

    Raises:
        OSError: this process may not make one.
    """

    def __init__(self) -> None:
        self._parent, self._counter = _own_group()
        self._group = self._parent / f"bench-{os.getpid()}"
        self._group.mkdir(exist_ok=True)
        self.how = f"control group, {self._counter}"
        try:
            _enter(self._group, os.getpid())
            self.seconds()
        except OSError:
            self.close()
            raise

    def seconds(self) -> float:
        text = (self._group / self._counter).read_text()
        if self._counter == "cpuacct.usage":
            return int(text) / 1e9
        return int(text.split("usage_usec", 1)[1].split(maxsplit=1)[0]) / 1e6

    def close(self) -> None:
        groups = [folder for folder in self._group.rglob("*") if folder.is_dir()]
        for group in [*reversed(groups), self._group]:
            with contextlib.suppress(OSError):
                for pid in (group / "cgroup.procs").read_text().split():
                    with contextlib.suppress(OSError):
                        _enter(self._parent, int(pid))
                group.rmdir()


class ProcMeter:
    """Sums `/proc/<pid>/stat` over the process tree. A child that init has adopted is lost to it."""

    how = "/proc sums"

    def seconds(self) -> float:
        used: dict[int, float] = {}
        children: defaultdict[int, list[int]] = defaultdict(list)
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                used[int(folder.name)] = sum(map(int, fields[11:15])) / _TICK
                children[int(fields[1])].append(int(folder.name))
        total, waiting = 0.0, [os.getpid()]
        while waiting:
            pid = waiting.pop()
            total += used.get(pid, 0.0)
            waiting += children[pid]
        return total

    def close(self) -> None:
        pass


def open_meter() -> Meter:
    """The better of the two that this process may use."""
    try:
        return CgroupMeter()
    except OSError:
        return ProcMeter()


def accounted_share(meter: Meter) -> float:
    """What the meter finds of a known burn by a child and two grandchildren: 1.0 when all of it.

    Raises:
        RuntimeError: it is off by more than a tenth, so nothing it says can be used.
    """
    before = meter.seconds()
    command = [sys.executable, "-I", "-S", "-c", _BURN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        known = float(json.loads(child.stdout.readline()))
        share = (meter.seconds() - before) / known
    if not 0.9 < share < 1.1:
        raise RuntimeError(f"{meter.how} finds {share:.0%} of a known burn of {known:.2f} CPU seconds")
    return share


def _own_group() -> tuple[Path, str]:
    """The folder of this process's control group and the name of its counter: version 1, else version 2."""
    groups = Path("/proc/self/cgroup").read_text()
    mounts = Path("/proc/self/mountinfo").read_text()
    for controller, kind, counter in (("cpuacct", "cgroup", "cpuacct.usage"), ("", "cgroup2", "cpu.stat")):
        options = rf"\S*\b{controller}\b\S*" if controller else r"\S+"
        mount = re.search(rf"^\S+ \S+ \S+ \S+ (\S+) .*? - {kind} \S+ {options}$", mounts, re.MULTILINE)
        own = re.search(rf"^\d+:(?:\S*,)?{controller}(?:,\S*)?:(/.*)$", groups, re.MULTILINE)
        if mount and own and (folder := Path(mount[1] + own[1])).is_dir():
            return folder, counter
    raise OSError("no control group with a counter of CPU time")


def _enter(group: Path, pid: int) -> None:
    (group / "cgroup.procs").write_text(str(pid))
