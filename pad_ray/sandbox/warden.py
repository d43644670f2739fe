"""The host's end of the warden: starts it, asks it for confined workers, has them killed.

The warden (`jail/warden.py`) is a fresh interpreter with an empty environment, started with `Popen` and never
forked from the host, which may hold threads, secrets and open files.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import SandboxUnavailable
from .jail import wire
from .limits import Layer

START_SECONDS = 60.0

# Isolated like `python -I`, which would ignore the fixed hash seed along with the rest of the environment.
_FLAGS = ("-S", "-s", "-P", "-B")
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}
_START = """
import json, sys
folder, descriptor, libraries = sys.argv[1:]
sys.path.insert(0, folder)
from jail.warden import main
sys.path.remove(folder)
main(int(descriptor), json.loads(libraries))
"""


@dataclass
class Worker:
    """A confined process and the host's end of its channel."""

    pid: int
    channel: socket.socket
    protections: tuple[str, ...] = ()
    interpreter: str = ""
    hello: dict[str, Any] = field(default_factory=dict)

    def cpu_clock(self) -> float:
        """CPU seconds that the process has used so far; 0.0 when it is gone."""
        try:
            # The kernel's clock id of another process's CPU time: the pid inverted, and CPUCLOCK_SCHED.
            return time.clock_gettime(((~self.pid) << 3) | 2)
        except OSError:
            return 0.0


class Warden:
    """The warden process of one sandbox. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, self._process = _start()

    @property
    def pid(self) -> int:
        """The warden's process."""
        return self._process.pid

    def spawn(self, kind: str, layers: Iterable[Layer], **settings: Any) -> Worker:
        """A new confined worker that has said hello.

        Without the namespaces when the machine promises them and then refuses a part.

        Raises:
            SandboxUnavailable: no worker could be confined.
        """
        wanted = sorted(layers)
        try:
            return self._spawn(kind, wanted, settings)
        except SandboxUnavailable:
            if Layer.NAMESPACES not in wanted:
                raise
            return self._spawn(kind, [layer for layer in wanted if layer != Layer.NAMESPACES], settings)

    def _spawn(self, kind: str, layers: list[Layer], settings: dict[str, Any]) -> Worker:
        reply, descriptors = self._ask({"do": "spawn", "kind": kind, "layers": layers, **settings})
        if "error" in reply or not descriptors:
            for descriptor in descriptors:
                os.close(descriptor)
            raise SandboxUnavailable(f"no {kind} worker: {reply.get('error', 'the warden sent no channel')}")
        worker = Worker(int(reply["pid"]), socket.socket(fileno=descriptors[0]))
        hello = _hello(worker.channel)
        if "protections" not in hello:
            self.bury(worker)
            raise SandboxUnavailable(f"no {kind} worker: {hello.get('error', 'it ended before it was confined')}")
        worker.protections = tuple(hello["protections"])
        worker.interpreter = str(hello.get("interpreter", ""))
        worker.hello = hello
        return worker

    def seal(self, worker: Worker) -> None:
        """Takes open files and threads from a worker that has started, as a protection of its own."""
        reply, _ = self._ask({"do": "seal", "pid": worker.pid})
        if reply.get("sealed"):
            worker.protections += ("sealed",)

    def bury(self, worker: Worker) -> int:
        """Kills a worker, closes its channel and returns its wait status (0 when the warden is gone)."""
        worker.channel.close()
        try:
            reply, _ = self._ask({"do": "bury", "pid": worker.pid})
        except SandboxUnavailable:
            return 0
        return int(reply.get("status", 0))

    def close(self) -> None:
        """Ends the warden and with it every worker."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, message: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            try:
                return self._exchange(message)
            except OSError as error:
                if message["do"] != "spawn" or self._control.fileno() < 0:
                    raise SandboxUnavailable(f"the sandbox's warden does not answer: {error}") from error
            # It was killed, and its workers with it. A new one can do all that it did.
            self._end()
            self._control, self._process = _start()
            try:
                return self._exchange(message)
            except OSError as error:
                raise SandboxUnavailable(f"the sandbox's warden does not answer: {error}") from error

    def _exchange(self, message: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        self._control.send(json.dumps(message).encode())
        packet, descriptors, _, _ = socket.recv_fds(self._control, wire.MAX_CONTROL_BYTES, 1)
        if not packet:
            raise ConnectionError("it has ended")
        return json.loads(packet), descriptors


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A warden process and the host's end of its control socket.

    Raises:
        SandboxUnavailable: it did not start.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(START_SECONDS)
    libraries = json.dumps([path for path in sys.path if path and os.path.isdir(path)])
    folder, descriptor = str(Path(__file__).parent), str(theirs.fileno())
    try:
        process = subprocess.Popen(
            [sys.executable, *_FLAGS, "-c", _START, folder, descriptor, libraries],
            env=_ENVIRONMENT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        raise SandboxUnavailable(f"the sandbox's warden did not start: {error}") from error
    finally:
        theirs.close()
    return ours, process


def _hello(channel: socket.socket) -> dict[str, Any]:
    """The first frame of a worker, written by our own code before it runs anything."""
    deadline = time.monotonic() + START_SECONDS
    try:
        (size,) = wire.LENGTH.unpack(_receive(channel, wire.LENGTH.size, deadline))
        if size > wire.MAX_CONTROL_BYTES:
            return {}
        hello = json.loads(_receive(channel, size, deadline))
    except (OSError, ValueError):
        return {}
    return hello if isinstance(hello, dict) else {}


def _receive(channel: socket.socket, size: int, deadline: float) -> bytes:
    parts = b""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    while len(parts) < size:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("no hello")
        part = channel.recv(size - len(parts))
        if not part:
            raise ConnectionError("closed")
        parts += part
    return parts
