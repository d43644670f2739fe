"""What the workers of a run print, on all nodes: brought to the driver by Ray, and there into a file of the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from pad_ray.storage import Storage

_NAME = "pad_ray"
_PAUSE_SECONDS = 10.0


class WorkerLog:
    """`<time>-workers.log` in a folder, each line with the process that said it, from `open` until `close`.

    Args:
        folder: the run's folder of logs.
    """

    def __init__(self, folder: Storage) -> None:
        self._folder = folder
        self._file = f"{time.strftime('%Y%m%d-%H%M%S')}-workers.log"
        self._text, self._new = "", ""
        self._lock = threading.Lock()
        self._written = time.monotonic()

    def open(self) -> None:
        """Takes the place of Ray's own printing on the console."""
        from ray._private.ray_logging import global_worker_stdstream_dispatcher as dispatcher

        dispatcher.remove_handler("ray_print_logs")
        dispatcher.remove_handler(_NAME)
        dispatcher.add_handler(_NAME, self.take)

    def close(self) -> None:
        """Writes what is left."""
        from ray._private.ray_logging import global_worker_stdstream_dispatcher as dispatcher

        dispatcher.remove_handler(_NAME)
        self._write()

    def take(self, data: Mapping[str, Any]) -> None:
        """One message of Ray's log monitor."""
        with self._lock:
            self._new += worker_lines(data)
        if time.monotonic() - self._written > _PAUSE_SECONDS:
            self._write()

    def _write(self) -> None:
        with self._lock:
            new, self._new = self._new, ""
            self._written = time.monotonic()
            if not new:
                return
            try:
                self._append(new)
            except Exception:  # a log that cannot be written must not end the work that it tells of
                return

    def _append(self, new: str) -> None:
        if not self._folder.scheme:
            with open(f"{self._folder.path}/{self._file}", "a", encoding="utf-8", errors="replace") as file:
                file.write(new)
            return
        self._text += new  # nothing can be appended to an object
        self._folder.write_text(self._file, self._text)


def worker_lines(data: Mapping[str, Any]) -> str:
    """One message of Ray's log monitor as text: `Judge pid=123 10.0.0.7: it says this`, a line for each."""
    who = data.get("actor_name") or data.get("task_name") or "process"
    return "".join(f"{who} pid={data.get('pid')} {data.get('ip')}: {line}\n" for line in data.get("lines", ()))
