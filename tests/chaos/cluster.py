"""A Ray of a head and nodes that are real processes of this machine, and can be killed as a machine dies.

with Cluster() as cluster:
    cluster.fill(2)                  # nodes besides the head, with ports and folders of their own
    ...                              # drivers with `cluster.variables` in their environment
    cluster.kill(cluster.nodes[0])   # all its processes at once
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.processes import MARK, kill_all, marked
from tests.ray_cluster import PATIENCE, cluster_environment, free_ports, start_node

_SECONDS = 1800
_UP = "will now block forever"  # what `ray start` says when its node is there
_STORE = 150 * 2**20  # bytes of a node's object store


class Node:
    """A node of the cluster.

    Args:
        name: by which Ray's own table knows it.
        mark: in the environment of all its processes.
        environment: of its processes besides.
        options: of `ray start`.
    """

    def __init__(self, name: str, mark: str, environment: dict[str, str], options: list[str]) -> None:
        self.name = name
        self.mark = mark
        # Short, for the names of sockets may have 107 bytes.
        self.folder = tempfile.mkdtemp(prefix="pad-", dir="/tmp")
        self._log = Path(self.folder, "said.txt")
        here = [f"--node-name={name}", f"--temp-dir={self.folder}", f"--object-store-memory={_STORE}"]
        with self._log.open("wb") as log:
            options = [*options, *here, "--include-log-monitor=false"]
            self.process = start_node(environment | {MARK: mark}, log, *options)

    def said(self) -> str:
        """What `ray start` wrote."""
        return self._log.read_text(errors="replace")

    def processes(self, words: str) -> list[int]:
        """Its processes whose command line holds `words`."""
        return list(marked(self.mark, words))

    def kill(self) -> None:
        """Kills all its processes, which share the group of `ray start` and its mark."""
        kill_all(self.mark)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    """Here nodes do die, so a node that is silent for half a minute is taken for dead."""
    return cluster_environment() | {"RAY_health_check_failure_threshold": "10"}


class Cluster:
    """Runs while its `with` block is open.

    Args:
        cpus: logical CPUs of each node besides the head, which has none.

    Attributes:
        mark: begins the mark of every process of the cluster.
        address: of the head, `host:port`.
        nodes: those besides the head that were not killed.
    """

    def __init__(self, cpus: int = 2) -> None:
        self.mark = uuid.uuid4().hex
        self.nodes: list[Node] = []
        self._cpus = cpus
        self._started = 0

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a driver of this cluster."""
        return _environment() | PATIENCE | {"RAY_ADDRESS": self.address}

    def __enter__(self) -> Self:
        port, client = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        # Without what no driver needs here: each process takes its time to start.
        without = ["--include-dashboard=false", "--no-monitor"]
        ports = [f"--port={port}", f"--ray-client-server-port={client}"]
        self._head = self._start("--head", *ports, "--num-cpus=0", *without)
        try:
            self._await(self._head)
        except BaseException:
            self._head.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kill_all(self.mark)
        for node in (*self.nodes, self._head):
            node.kill()

    def fill(self, number: int, cpus: int | None = None) -> None:
        """Waits until there are just so many nodes besides the head, of so many CPUs; others are ended."""
        others = bool(cpus and cpus != self._cpus)
        for node in self.nodes[0 if others else number :]:
            self.kill(node)
        self._cpus = cpus or self._cpus
        missing = range(len(self.nodes), number)
        new = [self._start(f"--address={self.address}", f"--num-cpus={self._cpus}") for _ in missing]
        self.nodes += new
        for node in new:
            self._await(node)

    def kill(self, node: Node) -> None:
        """Ends a node without notice."""
        node.kill()
        self.nodes.remove(node)

    def node_of(self, pid: int) -> Node:
        """The node that a process belongs to."""
        return next(node for node in self.nodes if pid in node.processes(""))

    def announce_end(self, node: Node, seconds: int) -> None:
        """Gives notice that a node will be taken away, as `ray drain-node` does for the agent of a cloud.

        In a process of its own: Ray's client ends the whole process when the head is slow to answer.
        """
        command = [sys.executable, "-m", "tests.chaos.cluster", self.address, node.name, str(seconds)]
        subprocess.run(command, env=self.variables, check=True)

    def _start(self, *options: str) -> Node:
        self._started += 1
        name = f"{self._started:04d}"
        return Node(name, f"{self.mark}-{name}", _environment(), list(options))

    def _await(self, node: Node) -> None:
        until = time.monotonic() + _SECONDS
        while _UP not in node.said():
            if node.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"node {node.name} did not come: {node.said()[-2000:]}")
            time.sleep(0.2)


def main() -> None:
    """Drains a node: address of the head, name of the node, seconds until it goes."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.core.generated import autoscaler_pb2

    address, name, seconds = sys.argv[1:]
    head = GcsClient(address=address)
    [row] = [row for row in head.get_all_node_info().values() if row.node_name == name]
    reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
    until = int((time.time() + int(seconds)) * 1000)
    accepted, refusal = head.drain_node(row.node_id.hex(), reason, "notice", until)
    assert accepted, refusal


if __name__ == "__main__":
    main()
