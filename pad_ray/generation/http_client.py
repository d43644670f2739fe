"""One request to an endpoint that speaks OpenAI's protocol, over httpx2.

Not over OpenAI's own client, though that stands on httpx2 as well: it sends again inside one call, where no pace,
limit or count sees it; its timeout begins anew with each byte; and it hands on a page with status 200 as the reply.
"""

from __future__ import annotations

import asyncio
import json
import time

from pad_ray.generation.http_reply import Reply, read_reply
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.records import Row

_SAMPLING = ("temperature", "top_p", "max_tokens", "stop", "seed")
_PATHS = {"chat": "chat/completions", "completions": "completions"}
_CHARACTERS_PER_TOKEN = 3  # rather too many tokens than too few


def request_body(config: HttpConfig, model: str, request: Row) -> Row:
    """The JSON of one request.

    Args:
        config: endpoint and further fields.
        model: name at the endpoint.
        request: has `prompt` and `sampling`.
    """
    sampling = json.loads(request["sampling"])
    sent = {name: sampling[name] for name in _SAMPLING if sampling.get(name) not in (None, [])}
    if config.endpoint == "chat":
        body = {"model": model, "messages": _messages(request["prompt"]), **sent, **config.extra_body}
    else:
        body = {"model": model, "prompt": request["prompt"], **sent, **config.extra_body}
    return {name: value for name, value in body.items() if value is not None}


def _messages(prompt: str) -> list[Row]:
    """A prompt's messages: it is their JSON, or else what the user says."""
    if prompt.startswith('[{"role"'):
        try:
            messages: list[Row] = json.loads(prompt)
            return messages
        except ValueError:
            pass
    return [{"role": "user", "content": prompt}]


def most_tokens(body: Row) -> int:
    """About how many tokens a request can use up, which is what providers count against their limit."""
    prompt = body.get("messages") or body.get("prompt")
    longest = body.get("max_tokens") or body.get("max_completion_tokens") or 0
    return len(json.dumps(prompt, ensure_ascii=False)) // _CHARACTERS_PER_TOKEN + int(longest)


def headers(key: str) -> dict[str, str]:
    """What identifies us."""
    return {"Authorization": f"Bearer {key}"} if key else {}


class Client:
    """Sends requests, each once, and judges the replies.

    Args:
        config: the endpoint.
        model: name at the endpoint.
        key: empty for none.
    """

    def __init__(self, config: HttpConfig, model: str, key: str) -> None:
        import httpx2

        # Waiting for a connection would count as waiting for the reply; the guard alone limits requests in flight.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=config.max_in_flight)
        self._client = httpx2.AsyncClient(headers=headers(key), timeout=None, limits=limits)
        self._url = url(config)
        self._config = config
        self._model = model

    async def send(self, body: Row) -> Reply:
        """The reply to one request; whatever fails on the way is a reply too."""
        import httpx2

        try:
            # Over the whole request: a timeout of the library would begin anew with each byte that trickles in.
            async with asyncio.timeout(self._config.timeout_s):
                response = await self._client.post(self._url, json=body)
        except TimeoutError:
            return Reply(error=f"no whole reply within {self._config.timeout_s:g} s", retry=True)
        except (httpx2.HTTPError, OSError) as error:
            return Reply(error=f"connection failed: {described(error)}", retry=True)
        return read_reply(
            response.status_code, response.headers, response.content, self._config.endpoint, self._model, time.time()
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()


def url(config: HttpConfig) -> str:
    """Where requests are sent."""
    return f"{config.base_url}/{_PATHS[config.endpoint]}"


def described(error: Exception) -> str:
    """An error's name and words."""
    return f"{type(error).__name__} {error}".rstrip()
