"""Ray clusters on this machine, started as `ray start` does it, on free ports: of two nodes, or with an autoscaler."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parent.parent
_RAY = (sys.executable, "-m", "tests.local_nodes")
# For what has no option: how long a process waits for its head before it ends itself.
PATIENCE = {"RAY_gcs_server_port_wait_time_s": "1800", "RAY_gcs_rpc_server_reconnect_timeout_s": "1800"}
_AGENT_PORTS = ("dashboard-agent-listen-port", "dashboard-agent-grpc-port", "runtime-env-agent-port")
_SECONDS = 300


@contextmanager
def ray_cluster(
    cpus: int = 3, head: Sequence[str] = (), worker: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Head and worker with so many logical CPUs each, as two groups of processes.

    Args:
        cpus: of each, where the options name none.
        head, worker: further options of `ray start`.
        variables: further variables of both.

    Yields:
        The address of the dashboard.
    """
    port, dashboard, client = free_ports(3)
    # Short, for the names of sockets may have 107 bytes; one for each, as on two machines: a node unpacks a job's files
    # anew, and in a common folder would take the working directory from under the job on the other.
    folder, other = (tempfile.mkdtemp(prefix="pad-", dir="/tmp") for _ in range(2))
    ports = (f"--port={port}", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}")
    counted = f"--num-cpus={cpus}"
    environment = cluster_environment() | dict(variables or {})
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(shutil.rmtree, other, ignore_errors=True)
        stack.enter_context(_node(environment, "--head", *ports, f"--temp-dir={folder}", counted, *head))
        address = f"http://127.0.0.1:{dashboard}"
        _await(f"{address}/api/version")
        joined = f"--address=127.0.0.1:{port}"
        stack.enter_context(_node(environment, joined, f"--temp-dir={other}", counted, *worker))
        yield address


@contextmanager
def growing_cluster(
    groups: Mapping[str, Mapping[str, float]], most: int = 2, idle_seconds: float = 5, head_cpus: int = 0
) -> Iterator[str]:
    """A head with Ray's own autoscaler (v2), which starts and ends further nodes on this machine.

    Args:
        groups: what a node of each group has, by Ray's names of resources.
        most: nodes of a group at the same time; there are none at first.
        idle_seconds: a node that is idle for so long goes.
        head_cpus: the head's own logical CPUs.

    Yields:
        The cluster's address, for RAY_ADDRESS.
    """
    port, dashboard, client = free_ports(3)
    address = f"{_own_address()}:{port}"
    folder = tempfile.mkdtemp(prefix="pad-", dir="/tmp")
    config = Path(folder) / "autoscaling.json"
    config.write_text(json.dumps(_autoscaling(groups, most, idle_seconds, address)))
    ports = (f"--port={port}", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}")
    environment = cluster_environment() | _OF_AUTOSCALER | {"PYTHONPATH": _with_this_code()}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        options = (
            f"--temp-dir={folder}",
            f"--num-cpus={head_cpus}",
            f"--object-store-memory={_STORE}",
            f"--autoscaling-config={config}",
        )
        stack.enter_context(_node(environment, "--head", *ports, *options, ip=_own_address()))
        _await_head(address)
        yield address


_HEAD = "f" * 51 + "00000"  # the name that the provider of nodes expects
_OF_AUTOSCALER = {
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_CLOUD_INSTANCE_ID": _HEAD,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD,
}
_STORE = 128 * 2**20  # bytes
_PROVIDER = "tests.local_nodes.Provider"


def _autoscaling(
    groups: Mapping[str, Mapping[str, float]], most: int, idle_seconds: float, address: str
) -> dict[str, object]:
    """The configuration of a cluster whose nodes are processes of this machine.

    Ray's own name for such a provider is of no use: the wheel lacks a file that it reads.
    """
    from ray.autoscaler._private.monitor import BASE_READONLY_CONFIG

    provider = {"type": "external", "module": _PROVIDER, "launch_multiple": True, "disable_node_updaters": True}
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    kinds = {
        name: {
            "resources": {"object_store_memory": _STORE, **has},
            "node_config": {},
            "min_workers": 0,
            "max_workers": most,
        }
        for name, has in groups.items()
    }
    return {
        **BASE_READONLY_CONFIG,  # all keys that the autoscaler reads
        "cluster_name": "growing",
        "provider": {**provider, "head_node_id": _HEAD, "gcs_address": address},
        "max_workers": most * len(groups),
        "idle_timeout_minutes": idle_seconds / 60,
        "available_node_types": {"ray.head.default": head, **kinds},
        "head_node_type": "ray.head.default",
    }


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens on; held together, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def cluster_environment() -> dict[str, str]:
    """Of processes that belong to the cluster or speak to it: nothing of another Ray, and no token is asked for."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
        "RAY_AUTH_MODE": "disabled",
        # A node that gets no turn on a busy machine is not dead.
        "RAY_health_check_failure_threshold": "60",
    }


def start_node(
    environment: Mapping[str, str], said: IO[bytes], *options: str, ip: str = "127.0.0.1"
) -> subprocess.Popen[bytes]:
    """Starts a node as a group of processes of its own, on free ports.

    Args:
        environment: of its processes.
        said: file for what it says.
        options: of `ray start`.
        ip: its address.
    """
    ports = [f"--{name}={port}" for name, port in zip(_AGENT_PORTS, free_ports(3), strict=True)]
    command = [*_RAY, "start", *options, *ports, f"--node-ip-address={ip}", "--block", "--disable-usage-stats"]
    return subprocess.Popen(
        command, env={**PATIENCE, **environment}, cwd=_ROOT, stdout=said, stderr=said, start_new_session=True
    )


@contextmanager
def _node(environment: Mapping[str, str], *options: str, ip: str = "127.0.0.1") -> Iterator[None]:
    with tempfile.TemporaryFile() as said:
        node = start_node(environment, said, *options, ip=ip)
        try:
            yield
        finally:
            os.killpg(node.pid, signal.SIGTERM)
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()


def _await_head(address: str) -> None:
    """Until the head has joined its own cluster: a driver that comes before finds no node."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    until = time.monotonic() + _SECONDS
    while True:
        with suppress(Exception):  # nothing answers yet
            if GcsClient(address).get_all_node_info(timeout=5):
                return
        if time.monotonic() > until:
            raise TimeoutError(f"no head at {address} within {_SECONDS} s")
        time.sleep(0.5)


def _with_this_code() -> str:
    return os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])


def _own_address() -> str:
    """Of this machine, as Ray's nodes find it by themselves."""
    from ray.util import get_node_ip_address

    return str(get_node_ip_address())


def _await(address: str) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return  # it answers, and wants a token
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
