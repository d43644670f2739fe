"""Watches a Ray cluster from outside: the nodes that are alive, by group, and the samples of a run, over time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE_SECONDS = 1


@dataclass(frozen=True)
class Look:
    """What there was at one moment.

    Attributes:
        seconds: since the watch began.
        nodes: how many are alive, by the name of their group; the head is not among them.
        rows: samples on disk.
    """

    seconds: float
    nodes: dict[str, int]
    rows: int


@dataclass
class Watch:
    """Looks at a cluster and a folder of runs, about once a second.

    Attributes:
        address: of the cluster.
        runs: the folder.
        looks: what was seen so far.
    """

    address: str
    runs: Path
    looks: list[Look] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def until(self, enough: Callable[[Look], bool], seconds: float) -> Look:
        """Looks until something is so.

        Raises:
            TimeoutError: it is not, after so many seconds.
        """
        last = time.monotonic() + seconds
        while not enough(seen := self._look()):
            if time.monotonic() > last:
                raise TimeoutError(f"after {seconds:g} s there was still {seen}")
            time.sleep(_PAUSE_SECONDS)
        return seen

    def most(self, group: str) -> int:
        """Nodes of a group at the same time, at most."""
        return max((look.nodes.get(group, 0) for look in self.looks), default=0)

    def _look(self) -> Look:
        from ray.exceptions import RpcError

        nodes = self.looks[-1].nodes if self.looks else {}
        with suppress(RpcError):  # a head that is busy says nothing for a moment
            nodes = nodes_alive(self.address)
        seen = Look(time.monotonic() - self.begun, nodes, rows_in(self.runs))
        self.looks.append(seen)
        return seen


def nodes_alive(address: str) -> dict[str, int]:
    """Nodes besides the head, by group."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.core.generated.gcs_pb2 import GcsNodeInfo  # type: ignore[attr-defined]

    found = GcsClient(address).get_all_node_info(timeout=60).values()
    alive = [node for node in found if node.state == GcsNodeInfo.ALIVE and not node.is_head_node]
    return dict(Counter(node.node_type_name for node in alive))


def rows_in(runs: Path) -> int:
    """Samples on disk, of all runs in a folder."""
    import pyarrow.parquet as parquet

    rows = 0
    for file in runs.glob("*/samples/*/*.parquet"):
        with suppress(OSError):  # it went while we looked
            rows += parquet.read_metadata(file).num_rows
    return rows
