"""What came back from an endpoint that speaks OpenAI's protocol, judged: a completion, or a failure and its reason.

No status alone makes a success, and no reply is believed before it was read: servers send errors with status 200,
pages with status 500, another model than asked, and no choices at all. Tokens are counted whatever the judgement, as
they were paid for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Literal

# The longest wait that OpenAI's own client lets a server ask for (openai-python, `MAX_RETRY_AFTER_DELAY`).
LONGEST_WAIT_S = 120.0
ANOTHER_MODEL = "another model answered: "
_PASSING = (408, 409, 429)  # with all from 500: what that client sends again
_MOST_TOKENS = 2**31 - 1  # what the column of a row holds
_DATE = r"[-@](\d{4}|\d{6}|\d{8}|\d{4}-\d\d-\d\d|\d\d-\d\d|\d\d-\d{4})"

Endpoint = Literal["chat", "completions"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The judgement of one reply.

    Attributes:
        text: the completion; None after a failure.
        error: why there is none.
        finish_reason: `stop`, `length` or `error`.
        prompt_tokens: as the endpoint counted; 0 where it says nothing, and then `usage_missing`.
        completion_tokens: the same.
        usage_missing: a reply without a count of tokens, whose cost is therefore unknown and taken for 0.
        retry: whether the failure may pass.
        rate_limited: the endpoint was asked too fast.
        retry_after: seconds to wait, as the endpoint wishes; None where it says nothing.
    """

    text: str | None = None
    error: str = ""
    finish_reason: str = "error"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usage_missing: bool = False
    retry: bool = False
    rate_limited: bool = False
    retry_after: float | None = None


def read_reply(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, model: str, now: float
) -> Reply:
    """Judges a whole reply.

    Args:
        status: HTTP status.
        headers: names in lower case, or of any case in a mapping that does not mind.
        body: as it came, decompressed.
        endpoint: which form is expected.
        model: the name that was asked for.
        now: seconds since the epoch, against which a date in `Retry-After` is read.
    """
    content = _json(body)
    if not 200 <= status < 300:
        return Reply(
            error=f"HTTP {status}{_message(content, body)}",
            retry=status in _PASSING or status >= 500,
            rate_limited=status == 429,
            retry_after=retry_after(headers.get("retry-after"), now),
        )
    if not isinstance(content, dict):
        return Reply(error=f"the reply is no JSON object{_message(content, body)}", retry=True)
    return _with_usage(_judge(content, body, endpoint, model), content.get("usage"))


def _judge(content: dict[str, Any], body: bytes, endpoint: Endpoint, model: str) -> Reply:
    answered = content.get("model")
    if isinstance(answered, str) and not same_model(model, answered):
        return Reply(error=ANOTHER_MODEL + answered)
    choices = content.get("choices")
    if not isinstance(choices, list):
        return Reply(error=f"the reply has no choices{_message(content, body)}", retry=True)
    if not choices:
        return Reply(error="the reply has no choices")
    if not isinstance(choices[0], dict):
        return Reply(error="the reply's choice is no object", retry=True)
    return _judge_choice(choices[0], endpoint)


def _judge_choice(choice: dict[str, Any], endpoint: Endpoint) -> Reply:
    message = choice.get("message") if endpoint == "chat" else choice
    text = message.get("content" if endpoint == "chat" else "text") if isinstance(message, dict) else None
    reason = choice.get("finish_reason")
    if reason not in ("stop", "length"):
        return Reply(error=f"finish_reason {reason}")
    if not isinstance(text, str):
        return Reply(error=f"the reply has no text, finish_reason {reason}")
    # JSON can carry half a surrogate pair, which no table of texts can.
    return Reply(text=text.encode(errors="replace").decode(), finish_reason=reason)


def _with_usage(reply: Reply, usage: Any) -> Reply:
    counts = usage if isinstance(usage, dict) else {}
    prompt, completion = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    missing = prompt is None or completion is None
    return replace(reply, prompt_tokens=prompt or 0, completion_tokens=completion or 0, usage_missing=missing)


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= _MOST_TOKENS else None


def same_model(asked: str, answered: str) -> bool:
    """Whether a name is the one asked for, or that of a dated version of it (`gpt-x` and `gpt-x-2024-08-06`)."""
    if asked == answered:
        return True
    family = re.escape(asked.removesuffix("-latest"))
    # Google's list puts `models/` before each name.
    return re.fullmatch(f"(models/)?{family}({_DATE})?", answered, re.IGNORECASE) is not None


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or as a date (RFC 9110, 10.2.3), up to the longest."""
    if not value:
        return None
    try:
        seconds = float(value) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value) else _until(value, now)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _until(date: str, now: float) -> float:
    moment = parsedate_to_datetime(date)
    # `-0000` says that the zone is unknown; HTTP knows only GMT.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now


def _json(body: bytes) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(content: Any, body: bytes) -> str:
    """What a reply says of its failure, after a colon: the protocol's error message, or plain text; no page."""
    said: Any = content
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and said.get(name):
            said = said[name]
    text = said if isinstance(said, str) else body[:2000].decode(errors="replace")
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f": {words}" if words and not words.startswith("<") else ""


def one_line(text: str, key: str = "", longest: int = 300) -> str:
    """A reason fit for a row: one line, without the key, cut to `longest` characters."""
    hidden = text.replace(key, "[key]") if key else text
    line = " ".join(hidden.split()).encode(errors="replace").decode()
    return line if len(line) <= longest else line[: longest - 1] + "…"
