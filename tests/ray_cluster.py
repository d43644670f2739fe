"""A Ray cluster of a head and a worker node on this machine, started as `ray start` starts them, on free ports."""

from __future__ import annotations

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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parent.parent
_RAY = (sys.executable, "-m", "tests.patient_ray")
# For what has no option: how long a process waits for its head before it ends itself.
PATIENCE = {"RAY_gcs_server_port_wait_time_s": "1800", "RAY_gcs_rpc_server_reconnect_timeout_s": "1800"}
_AGENT_PORTS = ("dashboard-agent-listen-port", "dashboard-agent-grpc-port", "runtime-env-agent-port")
_SECONDS = 180


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
        "RAY_AUTH_MODE": "disabled"
    }


def start_node(environment: Mapping[str, str], said: IO[bytes], *options: str) -> subprocess.Popen[bytes]:
    """Starts a node as a group of processes of its own, on free ports.

    Args:
        environment: of its processes.
        said: file for what it says.
        options: of `ray start`.
    """
    ports = [f"--{name}={port}" for name, port in zip(_AGENT_PORTS, free_ports(3), strict=True)]
    command = [*_RAY, "start", *options, *ports, "--node-ip-address=127.0.0.1", "--block", "--disable-usage-stats"]
    return subprocess.Popen(
        command, env={**PATIENCE, **environment}, cwd=_ROOT, stdout=said, stderr=said, start_new_session=True
    )


@contextmanager
def _node(environment: Mapping[str, str], *options: str) -> Iterator[None]:
    with tempfile.TemporaryFile() as said:
        node = start_node(environment, said, *options)
        try:
            yield
        finally:
            os.killpg(node.pid, signal.SIGTERM)
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()


def _await(address: str) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it answers, and wants a token
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
