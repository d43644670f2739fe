"""Whether an endpoint is there, takes our key and has the model: asked once, before anything starts."""

from __future__ import annotations

import difflib
import time
from typing import Any

from pad_ray.errors import ConfigError, ModelError
from pad_ray.generation.http_client import described, headers, request_body, url
from pad_ray.generation.http_reply import ANOTHER_MODEL, one_line, read_reply, same_model
from pad_ray.generation.http_settings import HttpConfig

_LONGEST_S = 30.0
_MEND = "Check `teacher.http.base_url`, and that the endpoint runs"


def check_endpoint(config: HttpConfig, model: str) -> None:
    """Sends one cheap request: the list of models, or one token where an endpoint has no list.

    Raises:
        ConfigError: no key, or one that the endpoint refuses.
        ModelError: nothing answers there, it is out of order, or it has not the model.
    """
    key = config.key()
    listed = _get(config, key, "GET", f"{config.base_url}/models")
    _check_key(config, listed.status_code)
    if listed.status_code == 429:
        return  # it is there, and busy
    if listed.status_code >= 500 and listed.status_code != 501:
        raise _out_of_order(config, model, listed, key)
    names = _names(listed) if listed.status_code == 200 else None
    if names is None:
        _ask_one_token(config, model, key)
    elif not any(same_model(model, name) for name in names):
        raise ModelError(f"the endpoint {config.base_url} has no model {model}", _near(model, names))


def _get(config: HttpConfig, key: str, method: str, address: str, body: Any = None) -> Any:
    """A response (`httpx2.Response`), whatever its status."""
    import httpx2

    try:
        with httpx2.Client(headers=headers(key), timeout=min(config.timeout_s, _LONGEST_S)) as client:
            return client.request(method, address, json=body)
    except (httpx2.HTTPError, OSError) as error:
        words = one_line(described(error), key, 200)
        raise ModelError(f"the endpoint {config.base_url} does not answer: {words}", _MEND) from None


def _check_key(config: HttpConfig, status: int) -> None:
    if status not in (401, 403):
        return
    if config.api_key_env is None:
        problem = f"the endpoint {config.base_url} wants a key (HTTP {status})"
        raise ConfigError(problem, "Name the environment variable that holds it in `teacher.http.api_key_env`")
    raise ConfigError(
        f"the endpoint {config.base_url} refuses the key (HTTP {status}) in the environment variable "
        f"{config.api_key_env}",
        "Set it to a key that may use the model",
    )


def _names(response: Any) -> list[str] | None:
    """Names of models; None where the response is no list of them."""
    try:
        models = response.json()["data"]
        return [model["id"] for model in models if isinstance(model["id"], str)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _near(model: str, names: list[str]) -> str:
    if not names:
        return "It lists none"
    near = difflib.get_close_matches(model, names, n=3, cutoff=0.4)
    shown = ", ".join(near or sorted(names)[:3])
    return f"Did you mean one of: {shown}?" if near else f"It has {len(names)}, such as {shown}"


def _ask_one_token(config: HttpConfig, model: str, key: str) -> None:
    body = request_body(config, model, {"prompt": "1", "sampling": '{"max_tokens": 1}'})
    response = _get(config, key, "POST", url(config), body)
    _check_key(config, response.status_code)
    if response.status_code == 429:
        return
    reply = read_reply(
        response.status_code, response.headers, response.content, config.endpoint, model, now=time.time()
    )
    # One token may be too short for a text, but not for the model's name.
    if not response.is_success or reply.retry or reply.error.startswith(ANOTHER_MODEL):
        raise _out_of_order(config, model, response, key)


def _out_of_order(config: HttpConfig, model: str, response: Any, key: str) -> ModelError:
    reply = read_reply(response.status_code, {}, response.content, config.endpoint, model, now=0.0)
    words = one_line(reply.error, key, 200)
    return ModelError(f"the endpoint {config.base_url} cannot answer as {model}: {words}", _MEND)
