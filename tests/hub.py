"""A Hugging Face hub on the loopback: the addresses that list a data set's files and give one."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import pyarrow
from pyarrow import parquet

CONVERTED, MAIN = "refs/convert/parquet", "main"
_COMMIT = "1" * 40

Repositories = Mapping[tuple[str, str], Mapping[str, bytes]]
"""The files of a data set, by its name and revision."""


def parquet_of(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """A Parquet file of these columns."""
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(columns)), buffer)
    return buffer.getvalue()


def environment(url: str, cache: Path) -> dict[str, str]:
    """What a process is given that asks this hub: the hub's address is read when its library is imported."""
    asked = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(cache), "NO_PROXY": "127.0.0.1"}
    return {**asked, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}


class Hub:
    """Runs while its `with` block is open.

    Attributes:
        url: what clients are given.
    """

    def __init__(self, repositories: Repositories) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(repositories))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(repositories: Repositories) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            for (repository, revision), files in repositories.items():
                if path == f"/api/datasets/{repository}/revision/{revision}":
                    siblings = [{"rfilename": file} for file in files]
                    return self.send(json.dumps({"id": repository, "sha": _COMMIT, "siblings": siblings}).encode())
                if path in [f"/api/datasets/{repository}/tree/{place}" for place in (revision, _COMMIT)]:
                    sizes = {file: len(text) for file, text in files.items()}
                    listed = [{"type": "file", "path": file, "size": sizes[file], "oid": "0" * 40} for file in files]
                    return self.send(json.dumps(listed).encode())
                file = path.removeprefix(f"/datasets/{repository}/resolve/{_COMMIT}/")
                if file in files:
                    return self.send(files[file], {"ETag": f'"{abs(hash(path))}"', "X-Repo-Commit": _COMMIT})
            known = any(repository in path for repository, _ in repositories)
            self.send(b"", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"}, status=404)

        do_HEAD = do_GET

        def send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
