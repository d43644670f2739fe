"""Things outside of the sandbox that a hostile program would like to reach, set up to see whether one did."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .jail.namespaces import NOBODY

SECRET_VARIABLE = "PAD_RAY_SANDBOX_SECRET"


@dataclass
class Outside:
    """A folder, a secret, listeners and a process, all open to the user that programs run as.

    Attributes:
        folder: a folder that everyone may write to.
        secret: the content of a file in it and of an environment variable of this process.
        port: of a TCP listener on this machine's loopback.
        victim: the pid of a process of the user that programs run as.
    """

    folder: Path
    secret: str
    listeners: list[socket.socket]
    process: subprocess.Popen[bytes]
    _before: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.listeners[0].getsockname()[1])

    @property
    def victim(self) -> int:
        return self.process.pid

    @property
    def names(self) -> dict[str, str]:
        """What attempts need to know, by the names that they use."""
        return {
            "secret": str(self.folder / "secret"),
            "spare": str(self.folder / "spare"),
            "folder": str(self.folder),
            "port": str(self.port),
            "socket": str(self.folder / "socket"),
            "abstract": self.listeners[2].getsockname()[1:].decode(),
            "victim": str(self.victim),
            "host": str(os.getpid()),
        }

    def mend(self) -> None:
        """Puts the files as they should be and remembers that state."""
        (self.folder / "escaped").unlink(missing_ok=True)
        for name in ("secret", "spare"):
            path = self.folder / name
            if not path.exists():
                path.write_text(self.secret)
                path.chmod(0o666)
        self.harm()
        self.remember()

    def remember(self) -> None:
        """Takes the state of now for the one that must not change."""
        self._before = self._state()

    def harm(self) -> list[str]:
        """What has changed since, or reached a listener."""
        found = []
        if self._state() != self._before:
            found.append(f"files changed: {sorted(path.name for path in self.folder.iterdir())}")
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                found.append("a connection arrived")
        if self.process.poll() is not None:
            found.append("another process was killed")
        return found

    def _state(self) -> dict[str, Any]:
        files = {}
        for path in sorted(self.folder.rglob("*")):
            stat = path.lstat()
            files[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns)
        return {"files": files, "shared": {str(path) for path in Path("/dev/shm").glob(f"*{os.getpid()}*")}}


@contextlib.contextmanager
def outside() -> Iterator[Outside]:
    """Sets everything up and takes it down again."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
        folder.chmod(0o777)
        secret = secrets.token_hex(16)
        os.environ[SECRET_VARIABLE] = secret
        stack.callback(os.environ.pop, SECRET_VARIABLE, None)
        listeners = [stack.enter_context(listener) for listener in _listeners(folder)]
        user = NOBODY if os.geteuid() == 0 else None
        process = subprocess.Popen(["sleep", "3600"], user=user, group=user, extra_groups=[] if user else None)
        stack.callback(process.wait)
        stack.callback(process.kill)
        made = Outside(folder, secret, listeners, process)
        made.mend()
        yield made


def _listeners(folder: Path) -> list[socket.socket]:
    listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    listeners[1].bind(str(folder / "socket"))
    (folder / "socket").chmod(0o777)
    listeners[2].bind(f"\0sandbox-{secrets.token_hex(8)}")
    for listener in listeners[1:]:
        listener.listen()
    for listener in listeners:
        listener.setblocking(False)
    return listeners
