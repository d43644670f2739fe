"""What stands before all routes: who may ask, how much may be sent, and what a browser may load.

All are plain ASGI, so that a body that is refused is not read and a client that hangs up is noticed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pad_ray.errors import ConfigError
from pad_ray.serving.refusals import Refusal

Refused = Callable[[Scope, Refusal], None]  # hears of each request that a guard turns away
TOKENS = "PAD_RAY_SERVE_TOKENS"
_OPEN = ("/", "/healthz", "/readyz", "/docs", "/openapi.json")
_PAGE = "/page/"
_SLOWEST_BODY = 30.0  # seconds
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def read_tokens(file: str | None) -> list[str]:
    """The tokens that open the service; none where neither file nor environment is given, and then all may ask.

    Args:
        file: with a token a line.

    Raises:
        ConfigError: the file cannot be read, or one of the two is there and holds no token.
    """
    tokens: list[str] = []
    if file is not None:
        try:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"token_file {file} cannot be read: {error}") from None
        tokens += _some(lines, f"token_file {file}")
    if (given := os.environ.get(TOKENS)) is not None:
        tokens += _some(given.split(","), TOKENS)
    return tokens


def _some(lines: Sequence[str], place: str) -> list[str]:
    tokens = [line.strip() for line in lines if line.strip()]
    if not tokens:
        raise ConfigError(f"{place} holds no token", "Put one in, or leave it out to let everybody ask")
    return tokens


class BearerTokens:
    """Lets those through that show a token; all may see the page, the documents and the health.

    Args:
        app: what is behind.
        tokens: any of them opens; with none everything is open.
        refused: hears of those that do not come through.
    """

    def __init__(self, app: ASGIApp, tokens: Sequence[str], refused: Refused) -> None:
        self._app, self._digests, self._refused = app, [_digest(token) for token in tokens], refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._digests or _is_open(scope) or self._opens(Headers(scope=scope)):
            return await self._app(scope, receive, send)
        refusal = Refusal("no valid bearer token", "Send `Authorization: Bearer …`", 401, code="invalid_api_key")
        self._refused(scope, refusal)
        await refusal.response(0)(scope, receive, send)

    def _opens(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        shown = _digest(token.strip())
        # All are compared, so the time tells nothing of which token it was.
        opens = [hmac.compare_digest(shown, digest) for digest in self._digests]
        return scheme.lower() == "bearer" and any(opens)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_open(scope: Scope) -> bool:
    """What is not known to be open is not: below a route prefix too."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path in _OPEN or path.startswith(_PAGE)


class BodyLimit:
    """Refuses long bodies: those that say so unread, others as soon as they are too long.

    Args:
        app: what is behind.
        most: bytes.
        refused: hears of those that do not come through.
        slowest: seconds in which a body must be here.
    """

    def __init__(self, app: ASGIApp, most: int, refused: Refused, slowest: float = _SLOWEST_BODY) -> None:
        self._app, self._most, self._refused, self._slowest = app, most, refused, slowest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            declared = Headers(scope=scope).get("content-length", "0")
            if not declared.isdecimal() or int(declared[:20]) > self._most:
                raise self._too_long()
            async with asyncio.timeout(self._slowest):
                messages = await self._read(receive)
        except Refusal as refusal:
            return await self._close(refusal, scope, receive, send)
        except TimeoutError:
            slow = Refusal(f"the body was not here within {self._slowest:g} s", status=408, code="too_slow")
            return await self._close(slow, scope, receive, send)

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, again, send)

    async def _read(self, receive: Receive) -> list[Message]:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return [message]
            body += message.get("body", b"")
            if len(body) > self._most:
                raise self._too_long()
            if not message.get("more_body", False):
                return [{"type": "http.request", "body": bytes(body), "more_body": False}]

    def _too_long(self) -> Refusal:
        return Refusal(f"the body is too long: at most {self._most} bytes are read", status=413, code="body_too_large")

    async def _close(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses and hangs up: what else the client has to send is not read."""
        self._refused(scope, refusal)
        response = refusal.response(0)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


class BrowserHeaders:
    """Tells browsers to load nothing from elsewhere, and to guess no types."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
