"""The settings of the teacher `http`: an endpoint that speaks OpenAI's protocol.

What defines the result is who is asked and in which words: `base_url`, `endpoint` and `extra_body` (the model stands
beside them, in `teacher.model`). `HttpConfig.identity` gives it to stage ids and rids. All else is execution: the key,
how fast, how often and for how much money. It never changes an id, so a run goes on under another key or limit.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from pad_ray.errors import ConfigError
from pad_ray.section import Section

# Set for each request, or changing the number of answers that one is.
_RESERVED = ("model", "messages", "prompt", "stream", "n", "best_of")


class HttpConfig(Section):
    """An endpoint, and how it is asked. Holds the name of the key's variable, never the key."""

    # Whoever puts the key itself here must not read it back in an error.
    model_config = ConfigDict(hide_input_in_errors=True)

    base_url: str = Field(description="Where the protocol begins, such as `https://host/v1`.")
    api_key_env: str | None = Field(None, description="Environment variable that holds the key; none sends no key.")
    endpoint: Literal["chat", "completions"] = Field(
        "chat", description="`chat` sends messages, `completions` a text to go on with."
    )
    requests_per_minute: int | None = Field(None, ge=1, description="Requests are evenly spaced so as not to pass it.")
    tokens_per_minute: int | None = Field(None, ge=1, description="The same for tokens of prompt and completion.")
    max_in_flight: int = Field(32, ge=1, description="Requests that wait for their reply at once.")
    timeout_s: float = Field(120.0, gt=0, description="Seconds for one request, from connecting to the last byte.")
    retries: int = Field(4, ge=0, description="How often a request is sent again after a failure that may pass.")
    breaker_failures: int = Field(20, ge=1, description="So many failed rows in a row, and no more are asked.")
    spending_limit: float | None = Field(
        None, gt=0, description="Money after which no more are asked; requests in flight may pass it."
    )
    price_per_million_prompt_tokens: float = Field(0.0, ge=0, description="In `currency`, as the limit is.")
    price_per_million_completion_tokens: float = Field(0.0, ge=0, description="In `currency`, as the limit is.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="Of prices and limit, as ISO 4217 writes it.")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of each request; null leaves out one that is sent otherwise."
    )

    @field_validator("base_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good or re.search(r"\s", url):
            raise ValueError("must be an address such as `https://host/v1`")
        # It stands in the run's folder and in errors, so it must be fit to be shown.
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("must hold no user, password or query; name the key's variable in `api_key_env`")
        return url.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        # Upper case only: keys such as `hf_…` are names of variables too, and must not pass for one.
        if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise ValueError("must be the name of an environment variable in upper case, not the key")
        return name

    @field_validator("extra_body")
    @classmethod
    def _check_extra(cls, extra: dict[str, Any]) -> dict[str, Any]:
        for name in _RESERVED:
            if name in extra:
                raise ValueError(f"must not hold `{name}`, which is set for each request")
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError("must be what JSON can hold") from None
        return extra

    @model_validator(mode="after")
    def _check_limit(self) -> HttpConfig:
        if self.spending_limit is not None and not self.cost(1, 1):
            raise ValueError("`spending_limit` needs the prices per million tokens")
        return self

    def identity(self) -> dict[str, Any]:
        """What defines the result, for stage ids and rids."""
        return {"base_url": self.base_url, "endpoint": self.endpoint, "extra_body": self.extra_body}

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for so many tokens."""
        prompt = prompt_tokens * self.price_per_million_prompt_tokens
        return (prompt + completion_tokens * self.price_per_million_completion_tokens) / 1e6

    def paced_hours(self, requests: float, tokens: float) -> float:
        """Hours that so many requests and tokens take at least, at the pace allowed."""
        by_requests = requests / self.requests_per_minute if self.requests_per_minute else 0.0
        by_tokens = tokens / self.tokens_per_minute if self.tokens_per_minute else 0.0
        return max(by_requests, by_tokens) / 60

    def key(self) -> str:
        """The key; empty when none is sent.

        Raises:
            ConfigError: its variable is not set, or holds what cannot be sent.
        """
        if self.api_key_env is None:
            return ""
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise ConfigError(
                f"the environment variable {self.api_key_env}, named in `teacher.http.api_key_env`, is not set",
                "Set it to the endpoint's key, on every machine of the cluster",
            )
        # An HTTP library would name the key in its error.
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigError(f"the environment variable {self.api_key_env} holds a key that no header can carry")
        return key
