"""Counters that many Ray tasks add to and the driver reads: what live progress is made of."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any


class Tally:
    """Named sums. Used as a Ray actor by stages that run spread over a cluster, and plainly by those that do not."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._records: list[dict[str, float]] = []
        self._failure: Exception | None = None

    def add(self, counts: Mapping[str, float]) -> None:
        """Adds each count to the sum of its name."""
        for name, count in counts.items():
            self._sums[name] = self._sums.get(name, 0) + count

    def put(self, values: Mapping[str, float]) -> None:
        """Replaces sums by values (a step number, the loss)."""
        for name, value in values.items():
            self._sums[name] = value

    def log(self, record: Mapping[str, float]) -> None:
        """Keeps a record (the metrics of one training step)."""
        self._records.append(dict(record))

    def logged(self, start: int = 0) -> list[dict[str, float]]:
        """All records from the one at place `start` on, in order."""
        return self._records[start:]

    def fail(self, error: Exception) -> None:
        """Keeps the first error that ended the work for good."""
        self._failure = self._failure or error

    def failure(self) -> Exception | None:
        """That error, or None."""
        return self._failure

    def read(self) -> dict[str, float]:
        """All sums so far."""
        return dict(self._sums)


def tally_actor(name: str = "") -> Any:
    """A handle to a new tally that lives as an actor on the driver's node, without reserving a CPU.

    There it is lost with the driver alone, and not with a node that only works for it.

    Args:
        name: what is counted, for Ray's dashboard.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor: Any = ray.remote(num_cpus=0)(Tally)
    # A name is one actor's, so each tally has its own, of however many runs.
    called = {"name": f"{name} tally {uuid.uuid4().hex[:8]}"} if name else {}
    return actor.options(scheduling_strategy=here, **called).remote()
