"""The workers of a sandbox, as slots that one thread at a time may use."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .audit import Statistics
from .errors import SandboxUnavailable
from .execution import Tier
from .limits import Layer, Limits
from .slot import Slot
from .warden import Warden


class Overload(Exception):
    """Every worker was busy with others for too long."""


class Pool:
    """All slots of a sandbox and the warden that owns their processes."""

    def __init__(
        self, limits: Limits, workers: int, layers: frozenset[Layer], tiers: frozenset[Tier], audit: float
    ) -> None:
        binary = find_monty() if Tier.MONTY in tiers else ""
        self._warden = Warden()
        self._slots = [Slot(self._warden, limits, layers, tiers, binary, audit) for _ in range(workers)]
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()

    @property
    def statistics(self) -> Statistics:
        """What all slots have done."""
        return sum((slot.statistics for slot in self._slots), Statistics())

    def start(self, warm: bool) -> None:
        """Starts every slot.

        Raises:
            SandboxUnavailable: one could not be confined.
        """
        for slot in reversed(self._slots):
            slot.start(warm)
            self._free.put(slot)

    def close(self) -> None:
        """Ends all processes."""
        self._warden.close()
        for slot in self._slots:
            slot.stop()

    @contextlib.contextmanager
    def slot(self, max_wait_s: float) -> Iterator[Slot]:
        """Lends a slot.

        Raises:
            Overload: none came free in time.
        """
        try:
            if max_wait_s < 0:
                raise queue.Empty
            slot = self._free.get(timeout=max_wait_s)
        except queue.Empty:
            raise Overload("no worker came free in time") from None
        try:
            yield slot
        finally:
            self._free.put(slot)


def find_monty() -> str:
    """The path of Monty's binary.

    Raises:
        SandboxUnavailable: it is not installed.
    """
    for folder in (sysconfig.get_path("scripts"), Path.home() / ".local" / "bin"):
        path = Path(folder) / "monty"
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    if found := shutil.which("monty"):
        return found
    raise SandboxUnavailable("Monty is not installed", "Install it: pip install pydantic-monty==1.4.0")
