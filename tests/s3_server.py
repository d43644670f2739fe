"""An S3 server on the loopback: `rclone serve s3` over a folder, behind a gate for what rclone has not.

pyarrow leaves an empty object `folder/` wherever it deletes, so that the folder stays. S3 and the servers like it keep
an object of any name; rclone, whose objects are files, would write a file in the folder's place and cannot delete what
it never had. The gate says yes to those objects and passes on everything else as it is, signatures included.
"""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

BUCKET = "bucket"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "padray",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # rclone takes no body of unknown length
}
_FOLDER_NOT_DELETED = re.compile(rb"<Error>(?:(?!</Error>).)*?<Key>[^<]*/</Key>.*?</Error>", re.DOTALL)


def find_rclone() -> str | None:
    """The program, in this environment first."""
    return shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")


class S3Server:
    """Runs while its `with` block is open.

    Attributes:
        url: what clients are given.
        direct: rclone itself, without the gate.
        folder_marks: objects that the gate said yes to.
    """

    def __init__(self, rclone: str, folder: Path) -> None:
        (folder / BUCKET).mkdir(parents=True)
        self.folder_marks: list[str] = []
        self._folder = folder
        self._rclone = rclone
        self._gate = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._gate.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._gate.server_address[1]}"
        self.direct = ""

    def __enter__(self) -> Self:
        keys = f"{ENVIRONMENT['AWS_ACCESS_KEY_ID']},{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}"
        command = [self._rclone, "serve", "s3", "--config", "", "--addr", "127.0.0.1:0", "--auth-key", keys]
        self._process = subprocess.Popen([*command, str(self._folder)], stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        for line in self._process.stderr:
            if found := re.search(r"Starting s3 server on \[(http://[^/]+)/\]", line):
                self.direct = found[1]
                break
        else:
            raise RuntimeError("rclone did not start")
        self._log = threading.Thread(target=self._process.stderr.read, daemon=True)  # read, so that it never blocks
        for thread in (self._log, threading.Thread(target=self._gate.serve_forever, daemon=True)):
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.shutdown()
        self._gate.server_close()
        self._process.kill()
        self._log.join()
        with self._process:  # closes its pipe
            pass

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path
                if self.command == "PUT" and path.endswith("/") and not body:
                    server.folder_marks.append(path)
                    self.reply(200, [("ETag", '"d41d8cd98f00b204e9800998ecf8427e"')], b"")
                else:
                    self.pass_on(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

            def pass_on(self, body: bytes) -> None:
                connection = http.client.HTTPConnection(urlsplit(server.direct).netloc)
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                self.reply(response.status, response.getheaders(), _FOLDER_NOT_DELETED.sub(b"", response.read()))
                connection.close()

            def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                length = [value for name, value in headers if name.lower() == "content-length"]
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length[0] if self.command == "HEAD" and length else str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                pass

        return Handler
