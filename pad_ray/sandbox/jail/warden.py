"""The warden: a small process of its own that starts, seals and buries the confined workers of one sandbox.

It exists so that workers are forked from a process with one thread, no environment and none of the host's
memory. It ends with the host: its control socket closes, or the kernel says that its parent is gone. Its
workers end with it, for the kernel kills them when their parent dies.

Started by `pad_ray/sandbox/warden.py`; the host never imports this module.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
from typing import Any

from . import namespaces, probes, wire
from .confine import confine, settle_memory
from .seccomp import Filter, monty_rules
from .zygote import preload_light, serve

Message = dict[str, Any]

# Above any descriptor; the control socket keeps the number that it has in the host.
_MANY = 1 << 20


class Warden:
    """Serves the control socket until the host is gone."""

    def __init__(self, control: socket.socket, library_paths: list[str]) -> None:
        self._control = control
        self._library_paths = library_paths
        self._workers: set[int] = set()

    def run(self) -> None:
        """Answers one request after another; returns when the host closed the socket or died."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        with contextlib.suppress(OSError, AttributeError):
            poll.register(os.pidfd_open(os.getppid()), select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._control.fileno() not in ready:
                return
            packet = self._control.recv(wire.MAX_CONTROL_BYTES)
            if not packet:
                return
            self._answer(json.loads(packet))

    def end(self) -> None:
        """Kills every worker that is left."""
        for pid in list(self._workers):
            self.bury(pid)

    def _answer(self, request: Message) -> None:
        do = request["do"]
        if do == "spawn":
            reply, worker = self._spawn(request)
            descriptors = [worker.fileno()] if worker else []
            socket.send_fds(self._control, [json.dumps(reply).encode()], descriptors)
            if worker:
                worker.close()
            return
        reply = {"seal": self.seal, "bury": self.bury}[do](int(request["pid"]))
        self._control.send(json.dumps(reply).encode())

    def _spawn(self, request: Message) -> tuple[Message, socket.socket | None]:
        outside, inside = socket.socketpair()
        go_read, go_write = os.pipe()
        try:
            pid, held = self._fork(request["layers"])
        except OSError as error:
            inside.close()
            os.close(go_read)
            os.close(go_write)
            return {"error": str(error)}, outside
        if pid == 0:
            self._become_worker(request, inside, go_read, held)
        os.close(go_read)
        inside.close()
        self._workers.add(pid)
        try:
            if held:
                namespaces.map_user(pid)
            os.write(go_write, b"g")
        except OSError as error:
            self.bury(pid)
            return {"error": f"user map: {error}"}, outside
        finally:
            os.close(go_write)
        return {"pid": pid}, outside

    def _fork(self, layers: list[str]) -> tuple[int, list[str]]:
        """A child and the namespaces it is in: all of them, those that root gets without a user, or none."""
        if "namespaces" in layers:
            for with_user in (True, False):
                if with_user or os.geteuid() == 0:
                    with contextlib.suppress(OSError):
                        pid = namespaces.clone(with_user)
                        return pid, [n for n in namespaces.NAMES if with_user or n != "user_namespace"]
        return os.fork(), []

    def _become_worker(self, request: Message, channel: socket.socket, go: int, held: list[str]) -> None:
        """Never returns: the child becomes the worker that was asked for, or says why not and ends."""
        try:
            if os.read(go, 1) != b"g":
                os._exit(1)
            namespaces.die_with_parent()
            os.dup2(channel.detach(), 0)
            os.dup2(0, 1)
            os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
            if request["kind"] == "monty":
                _become_monty(request, held)
            os.closerange(3, _MANY)
            if request["kind"] == "probe":
                hello = probes.run(request, held)
                os.write(1, wire.frame(json.dumps(hello).encode()))
                os._exit(0)
            serve(request, held, self._library_paths)
        except BaseException as error:
            hello = {"error": f"{type(error).__name__}: {error}"}
            with contextlib.suppress(OSError):
                os.write(1, wire.frame(json.dumps(hello).encode()))
        finally:
            os._exit(1)

    def seal(self, pid: int) -> Message:
        """Takes from a running Monty worker what it needed only to start: open files and threads."""
        if _close_off(pid):
            return {"sealed": True}
        # Root without CAP_SYS_RESOURCE may not limit nobody's process; nobody may.
        helper = os.fork()
        if helper == 0:
            os._exit(0 if namespaces.become_nobody() and _close_off(pid) else 1)
        return {"sealed": os.waitpid(helper, 0)[1] == 0}

    def bury(self, pid: int) -> Message:
        """Kills a worker if it still lives and says how it ended."""
        if pid not in self._workers:
            return {"error": f"no worker {pid}"}
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended == 0:
            os.kill(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
        self._workers.discard(pid)
        return {"status": status, "cpu_s": usage.ru_utime + usage.ru_stime}


def _close_off(pid: int) -> bool:
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_NPROC, (0, 0))
    except OSError:
        return False
    return True


def _become_monty(request: Message, held: list[str]) -> None:
    executable = os.open(request["binary"], os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(executable, 3, inheritable=False)
    os.closerange(4, _MANY)
    names = confine(request["layers"], held, executable=3, files_needed=True)
    size = request["address_space"]
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if "seccomp" in request["layers"]:
        with contextlib.suppress(OSError):
            Filter(monty_rules()).install()
            names.append("seccomp")
    os.write(1, wire.frame(json.dumps({"protections": names}).encode()))
    os.execve(3, ["monty", "subprocess"], {})


def main(descriptor: int, library_paths: list[str]) -> None:
    """Takes over this process until the host ends."""
    os.environ.clear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    preload_light()
    settle_memory()
    warden = Warden(control, library_paths)
    try:
        warden.run()
    finally:
        warden.end()
