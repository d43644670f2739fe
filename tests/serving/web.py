"""How tests ask an application: without a network, or at a server of its own on a free port."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import Message

from pad_ray.serving.backend import Backend
from pad_ray.serving.ingress import build_ingress
from pad_ray.serving.settings import ServeConfig

QUESTION = "Tom has 3 boxes of 4 pens. He gives 5 away. How many are left?"


def app_of(backend: Backend, **config: Any) -> FastAPI:
    """The application over a backend."""
    return build_ingress(ServeConfig.model_validate(config), backend)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client without a network; what the application raises after its answer was sent is raised."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pad-ray")


def ask(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    """One request."""

    async def asked() -> httpx.Response:
        async with client_of(app) as client:
            return await client.request(method, path, **request)

    return asyncio.run(asked())


def solve(app: FastAPI, **fields: Any) -> httpx.Response:
    """`POST /v1/solve`."""
    return ask(app, "POST", "/v1/solve", json={"question": QUESTION, **fields})


def chat(app: FastAPI, **fields: Any) -> httpx.Response:
    """`POST /v1/chat/completions`."""
    messages = [{"role": "user", "content": QUESTION}]
    return ask(app, "POST", "/v1/chat/completions", json={"model": "embedded", "messages": messages, **fields})


def sent(app: FastAPI, path: str, body: dict[str, Any], hears: Callable[[bytes], None]) -> list[bytes]:
    """What a stream sends, each piece told as it is sent."""
    content, pieces = json.dumps(body).encode(), list[bytes]()
    received = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> Message:
        for message in received:
            return message
        await asyncio.Future()
        raise AssertionError

    async def send(message: Message) -> None:
        piece = message.get("body", b"")
        pieces.append(piece)
        hears(piece)

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))
    return pieces


def events_of(response: httpx.Response) -> list[tuple[str, Any]]:
    """Names and data of server-sent events; `[DONE]` as text."""
    rows = []
    for block in filter(None, response.text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        rows.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return rows


def error_of(response: httpx.Response) -> dict[str, Any]:
    """What an answer complains of."""
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application at a real server, in a thread; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Listening before the server runs: a client that comes early waits in the kernel.
        listening.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()
