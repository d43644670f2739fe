"""A client that hangs up: its job ends at once, at a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import QUESTION, app_of, served

CHAT = {"model": "embedded", "messages": [{"role": "user", "content": QUESTION}]}
WAIT = 60.0  # seconds, of an event that comes at once


class Waiting(Told):
    """Takes a step, then waits for what never comes; tells threads what its task sees."""

    def __init__(self) -> None:
        super().__init__([step(1), asyncio.Event(), ANSWER])
        self.ended = threading.Event()
        self.on_close = self.ended.set


def _send(address: str, path: str, body: dict[str, Any]) -> socket.socket:
    url = urlsplit(address)
    connection = socket.create_connection((url.hostname or "", url.port or 0), timeout=WAIT)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


@pytest.mark.parametrize(("path", "body"), [("/v1/solve", {"question": QUESTION}), ("/v1/chat/completions", CHAT)])
def test_a_stream_that_nobody_reads_ends_its_job(path: str, body: dict[str, Any]) -> None:
    backend = Waiting()
    with served(app_of(backend)) as address:
        connection = _send(address, path, {**body, "stream": True})
        assert b"200 OK" in connection.recv(4096)
        assert not backend.ended.is_set()
        connection.close()
        assert backend.ended.wait(WAIT)


@pytest.mark.parametrize(("path", "body"), [("/v1/solve", {"question": QUESTION}), ("/v1/chat/completions", CHAT)])
def test_an_answer_that_nobody_awaits_ends_its_job(path: str, body: dict[str, Any]) -> None:
    backend = Waiting()
    begun = threading.Event()
    backend.begun.set = begun.set  # type: ignore[method-assign]
    with served(app_of(backend)) as address:
        connection = _send(address, path, body)
        assert begun.wait(WAIT)
        assert not backend.ended.is_set()
        connection.close()
        assert backend.ended.wait(WAIT)


def test_a_client_that_hung_up_gives_its_place_back() -> None:
    import httpx

    backend = Waiting()
    with served(app_of(backend, queue={"in_flight": 1})) as address:
        with httpx.stream("POST", f"{address}/v1/solve", json={"question": QUESTION, "stream": True}, timeout=WAIT):
            pass
        assert backend.ended.wait(WAIT)
        with httpx.stream(
            "POST", f"{address}/v1/solve", json={"question": QUESTION, "stream": True}, timeout=WAIT
        ) as again:
            assert again.status_code == 200
