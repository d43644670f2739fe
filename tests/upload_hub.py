"""A model hub on the loopback that takes uploads: repositories, commits, and large files by the LFS protocol."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

TOKEN = "hf_writes"
_LARGE = (".safetensors", ".bin")


class UploadHub:
    """Runs while its `with` block is open.

    Attributes:
        url: what clients are given as HF_ENDPOINT.
        repos: what each repository was made with.
        files: content by repository and path.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, Any]] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        name = f"{body['organization']}/{body['name']}"
        self.repos[name] = body
        self.files.setdefault(name, {})
        return {"url": f"{self.url}/{name}", "name": name, "id": name}

    def choose(self, body: dict[str, Any]) -> dict[str, Any]:
        """How each file shall come: within the commit, or by LFS."""
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(_LARGE) else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for file in body["files"]
        ]
        return {"files": files}

    def places(self, body: dict[str, Any]) -> dict[str, Any]:
        """Where large files are to be put."""
        objects = [
            {**file, "actions": {"upload": {"href": f"{self.url}/blobs/{file['oid']}"}}} for file in body["objects"]
        ]
        return {"transfer": "basic", "objects": objects}

    def commit(self, name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.files[name][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[name][value["path"]] = self.blobs[value["oid"]]
        oid = "1" * 40
        return {"success": True, "commitOid": oid, "commitUrl": f"{self.url}/{name}/commit/{oid}", "hookOutput": ""}


def _handler(hub: UploadHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            hub.blobs[self.path.rpartition("/")[2]] = self._body()
            self._reply(200, {})

        def do_POST(self) -> None:
            body = self._body()
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._reply(401, {"error": "Invalid username or password."})
            path = self.path.partition("?")[0]
            name = "/".join(path.split("/")[3:5])
            if path == "/api/validate-yaml":
                return self._reply(200, {"errors": [], "warnings": []})
            if path == "/api/repos/create":
                return self._reply(200, hub.create(json.loads(body)))
            if "/preupload/" in path:
                return self._reply(200, hub.choose(json.loads(body)))
            if path.endswith("/info/lfs/objects/batch"):
                return self._reply(200, hub.places(json.loads(body)))
            if "/commit/" in path:
                return self._reply(200, hub.commit(name, [json.loads(line) for line in body.splitlines()]))
            return self._reply(404, {"error": f"no {path}"})

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _reply(self, status: int, facts: dict[str, Any]) -> None:
            body = json.dumps(facts).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            pass

    return Handler
