"""A loopback endpoint that speaks OpenAI's protocol, answers by arithmetic, and counts how often it is asked."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


def completion_of(question: str, k: int = 0) -> str:
    """A program for "What is 3 plus 4?", wrong for every third number."""
    a, b = re.findall(r"(\d+) plus (\d+)\?", question)[-1]
    wrong = 1 if (int(a) + k) % 3 == 0 else 0
    return f"\n    first = {a}\n    second = {b}\n    return first + second + {wrong}\n"


def verdict_on(question: str, k: int = 0) -> str:
    """The verdict on that program."""
    [a] = re.findall(r"What is (\d+) plus", question)
    return "wrong_answer" if (int(a) + k) % 3 == 0 else "ok"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Killed clients leave their connections: nothing to report."""


class Endpoint:
    """Runs while its `with` block is open.

    Attributes:
        url: what a teacher is given.
        counts: how often each question was asked.
        refused: questions that get an error.
        texts: what questions are answered with, where it is not a program for them.
    """

    def __init__(self, seconds: float = 0.05) -> None:
        self.counts: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.texts: dict[str, str] = {}
        self._seconds = seconds
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def asked(self) -> int:
        """Completions that were asked for so far."""
        return self.counts.total()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._reply({"object": "list", "data": [{"id": "counted", "object": "model"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                question = re.findall(r"What is \d+ plus \d+\?", body["prompt"])[-1]
                endpoint.counts[question] += 1
                if question in endpoint.refused:
                    self._reply({"error": {"message": "refused"}}, 400)
                    return
                # A teacher takes time: without it no kill would find a request in flight.
                threading.Event().wait(endpoint._seconds)
                text = endpoint.texts.get(question) or completion_of(body["prompt"])
                self._reply(
                    {
                        "id": "1",
                        "object": "text_completion",
                        "created": 0,
                        "model": body["model"],
                        "choices": [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}],
                        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
                    }
                )

            def _reply(self, payload: dict[str, Any], status: int = 200) -> None:
                data = json.dumps(payload).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *values: object) -> None:
                pass

        return Handler
