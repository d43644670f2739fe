"""An endpoint on the loopback that speaks OpenAI's protocol and misbehaves as it is told, over real sockets.

A prompt says how its request is to be treated: `kind=hang 17` hangs. A kind that ends in `_once` misbehaves at the
first request of a prompt and answers well at the next. The server notes with its own clock what arrived, and which
replies went out whole with a count of tokens: what a provider would charge for.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "gpt-x"
PROMPT_TOKENS, COMPLETION_TOKENS = 10, 5
RETRY_AFTER_S = 1
_DATED = 2  # seconds ahead; a date knows only whole ones


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request for a completion, as the server saw it."""

    kind: str
    prompt: str
    body: dict[str, Any]
    path: str
    authorization: str
    time: float  # of the monotonic clock


class BadServer:
    """Use as a context manager.

    Args:
        models: the list at `/models`; None has no list.
        hold_until: replies are held back until so many requests have arrived.
        garbage_every: each n-th reply is garbage, whatever the prompt says; 0 for none.
        key: requests without it are refused; empty takes all.
        always: the kind of all requests whose prompt names none.
    """

    def __init__(
        self,
        models: list[str] | None = None,
        hold_until: int = 0,
        garbage_every: int = 0,
        key: str = "",
        always: str = "good",
    ) -> None:
        self.models = models
        self.hold_until = hold_until
        self.garbage_every = garbage_every
        self.key = key
        self.always = always
        self.arrivals: list[Arrival] = []
        self.paid: Counter[str] = Counter()  # whole replies that cost, by prompt
        self.listings = 0
        self.most_in_flight = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._all_here = threading.Event()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"bad": self})
        self._http = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """The `base_url` of its protocol."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> BadServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._all_here.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def arrived(self, kind: str) -> list[Arrival]:
        """Requests of a kind, in order."""
        return [arrival for arrival in self.arrivals if arrival.kind == kind]

    def note(self, path: str, authorization: str, body: dict[str, Any]) -> tuple[Arrival, int, int]:
        """Writes a request down: (itself, how many there were of its prompt before, and in all)."""
        prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        kind = found[1] if (found := re.search(r"kind=(\w+)", prompt)) else self.always
        with self._lock:
            before = sum(arrival.prompt == prompt for arrival in self.arrivals)
            arrival = Arrival(kind, prompt, body, path, authorization, time.monotonic())
            self.arrivals.append(arrival)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            if len(self.arrivals) >= self.hold_until:
                self._all_here.set()
            return arrival, before, len(self.arrivals)

    def hold(self) -> None:
        """Waits until as many requests are here as are to be awaited."""
        if self.hold_until:
            self._all_here.wait(60)

    def left(self) -> None:
        """A request is in flight no more."""
        with self._lock:
            self._in_flight -= 1

    def charge(self, prompt: str) -> None:
        """A reply that costs went out whole."""
        with self._lock:
            self.paid[prompt] += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # of many that connect at once, none may be turned away

    def handle_error(self, *_: object) -> None:
        """A client that went away is what some kinds are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bad: BadServer

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.bad.listings += 1
        if self._refused():
            return
        if self.bad.models is None or not self.path.endswith("/models"):
            self.reply(404, {"error": {"message": "no such page"}})
        else:
            self.reply(200, {"object": "list", "data": [{"id": name} for name in self.bad.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self._refused():
            return
        arrival, before, place = self.bad.note(self.path, self.headers.get("authorization", ""), body)
        try:
            self.bad.hold()
            self._treat(arrival, before, place)
        finally:
            self.bad.left()

    def _refused(self) -> bool:
        if not self.bad.key or self.headers.get("authorization") == f"Bearer {self.bad.key}":
            return False
        self.reply(401, {"error": {"message": f"wrong key: {self.headers.get('authorization')}"}})
        return True

    def _treat(self, arrival: Arrival, before: int, place: int) -> None:
        kind = arrival.kind
        if self.bad.garbage_every and place % self.bad.garbage_every == 0:
            kind = "garbage"
        if kind.endswith("_once"):
            kind = "good" if before else kind.removesuffix("_once")
        KINDS[kind](self, arrival)

    def reply(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        """A whole reply: JSON, or a page if `content` is a string."""
        page = isinstance(content, str)
        data = content.encode() if page else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html" if page else "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def complete(self, arrival: Arrival, **changes: Any) -> None:
        """A reply that costs; `changes` replace fields of it, None leaves one out."""
        content = {key: value for key, value in {**completion(arrival), **changes}.items() if value is not None}
        self.bad.charge(arrival.prompt)
        self.reply(200, content)

    def choose(self, arrival: Arrival, **changes: Any) -> None:
        """A reply that costs, with changes to its only choice."""
        self.complete(arrival, choices=[{**completion(arrival)["choices"][0], **changes}])


def text_of(prompt: str) -> str:
    """What the server answers when it behaves."""
    return f"answer to {prompt}"


def completion(arrival: Arrival) -> dict[str, Any]:
    """A good reply, in the form of the endpoint that was asked."""
    text = text_of(arrival.prompt)
    said = {"message": {"role": "assistant", "content": text}} if "messages" in arrival.body else {"text": text}
    return {
        "id": "cmpl",
        "model": arrival.body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", **said}],
        "usage": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS},
    }


def _with_text(handler: _Handler, arrival: Arrival, text: str | None) -> None:
    chat = "messages" in arrival.body
    handler.choose(arrival, **({"message": {"role": "assistant", "content": text}} if chat else {"text": text}))


def _rate_limited(handler: _Handler, _: Arrival) -> None:
    handler.reply(429, {"error": {"message": "slow down"}}, {"retry-after": str(RETRY_AFTER_S)})


def _rate_limited_by_date(handler: _Handler, _: Arrival) -> None:
    until = int(time.time()) + _DATED
    handler.reply(429, {"error": {"message": "slow down"}}, {"retry-after": formatdate(until, usegmt=True)})


def _truncated(handler: _Handler, arrival: Arrival) -> None:
    data = json.dumps(completion(arrival)).encode()
    handler.send_response(200)
    handler.send_header("content-length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


def _trickle(handler: _Handler, arrival: Arrival) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while not handler.bad.closing.wait(0.05):  # a byte each time, so that no wait for the next one is long
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _hang(handler: _Handler, _: Arrival) -> None:
    handler.bad.closing.wait(60)
    handler.close_connection = True


def _reset(handler: _Handler, _: Arrival) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


# The kinds of misbehaviour. All but those that end without a whole reply, or with a status of failure, cost.
KINDS: dict[str, Callable[[_Handler, Arrival], None]] = {
    "good": lambda handler, arrival: handler.complete(arrival),
    "error_json": lambda handler, arrival: handler.reply(500, completion(arrival)),
    "error_page": lambda handler, _: handler.reply(502, "<html><body>Bad gateway</body></html>"),
    "bad_request": lambda handler, _: handler.reply(400, {"error": {"message": "prompt\nis too long"}}),
    "long_error": lambda handler, _: handler.reply(500, {"error": {"message": "a \u2028\x00 b\n" * 999}}),
    "no_such_model": lambda handler, _: handler.reply(404, {"error": {"message": "no such model"}}),
    "forbidden": lambda handler, _: handler.reply(403, {"error": {"message": "not for you"}}),
    "echo": lambda handler, arrival: handler.reply(500, {"error": {"message": f"got {arrival.authorization}"}}),
    "echo_in_text": lambda handler, arrival: _with_text(handler, arrival, f"I got {arrival.authorization}"),
    "busy": lambda handler, _: handler.reply(503, {"error": "busy"}, {"retry-after": str(RETRY_AFTER_S)}),
    "rate_limited": _rate_limited,
    "rate_limited_by_date": _rate_limited_by_date,
    "hang": _hang,
    "trickle": _trickle,
    "truncated": _truncated,
    "reset": _reset,
    "garbage": lambda handler, _: handler.reply(200, "<html>all is well</html>"),
    "deep_garbage": lambda handler, _: handler.reply(200, "[" * 200_000),
    "error_in_reply": lambda handler, _: handler.reply(200, {"error": {"message": "upstream is down", "code": 502}}),
    "another_model": lambda handler, arrival: handler.complete(arrival, model="gpt-x-mini"),
    "dated_model": lambda handler, arrival: handler.complete(arrival, model=f"{MODEL}-2024-08-06"),
    "no_model": lambda handler, arrival: handler.complete(arrival, model=None),
    "no_choices": lambda handler, arrival: handler.complete(arrival, choices=[]),
    "null_text": lambda handler, arrival: _with_text(handler, arrival, None),
    "empty_text": lambda handler, arrival: _with_text(handler, arrival, ""),
    "half_surrogate": lambda handler, arrival: _with_text(handler, arrival, "half \ud83d pair"),
    "no_usage": lambda handler, arrival: handler.complete(arrival, usage=None),
    "absurd_usage": lambda handler, arrival: handler.complete(
        arrival, usage={"prompt_tokens": 10**12, "completion_tokens": -3}
    ),
    "cut": lambda handler, arrival: handler.choose(arrival, finish_reason="length"),
    "filtered": lambda handler, arrival: handler.choose(arrival, finish_reason="content_filter"),
}


def request_rows(prompts: list[str]) -> list[dict[str, Any]]:
    """Rows as the teacher gets them, one for each prompt."""
    sampling = json.dumps({"temperature": 0.7, "top_p": 1.0, "max_tokens": 64, "stop": ["\n\n"], "seed": 3})
    return [
        {
            "id": f"r{place}-0",
            "rid": f"r{place}",
            "attempt": 0,
            "problem_id": f"p{place}",
            "k": 0,
            "prompt": prompt,
            "gold": "1",
            "sampling": sampling,
        }
        for place, prompt in enumerate(prompts)
    ]
