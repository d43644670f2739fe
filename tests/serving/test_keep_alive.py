"""A stream on which nothing happens is kept open by comments, which no client takes for events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pad_ray.serving.backend import Overloaded
from pad_ray.serving.messages import Event
from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import QUESTION, app_of, sent

COMMENT = b": still at work\n\n"
CHAT = {"model": "embedded", "messages": [{"role": "user", "content": QUESTION}]}
ROUTES = pytest.mark.parametrize(
    ("path", "body"), [("/v1/solve", {"question": QUESTION}), ("/v1/chat/completions", CHAT)]
)


def streamed(path: str, body: dict[str, Any], before: Sequence[Event], after: Sequence[Event | Exception]) -> str:
    """A stream whose job goes on only when its client has been sent a comment."""
    go = asyncio.Event()
    app = app_of(Told([*before, go, *after]), keep_alive_seconds=0.01)
    pieces = sent(app, path, {**body, "stream": True}, lambda piece: go.set() if piece == COMMENT else None)
    return b"".join(pieces).decode()


@ROUTES
@pytest.mark.parametrize("before", [[], [step(1)]])
def test_a_silent_stream_is_kept_open_until_its_answer(path: str, body: dict[str, Any], before: list[Event]) -> None:
    text = streamed(path, body, before, [ANSWER])
    assert COMMENT.decode() in text
    assert "Answer: 7" in text or '"answer": "7"' in text


@ROUTES
def test_a_failure_after_a_comment_is_told_by_an_event(path: str, body: dict[str, Any]) -> None:
    text = streamed(path, body, [], [Overloaded("all replicas are full")])
    assert text.startswith(COMMENT.decode())
    assert '"code": "overloaded"' in text.rpartition("data: ")[2]


@ROUTES
def test_a_stream_that_is_never_silent_has_no_comments(path: str, body: dict[str, Any]) -> None:
    pieces = sent(app_of(Told([step(1), ANSWER])), path, {**body, "stream": True}, lambda piece: None)
    assert not any(piece.startswith(b":") for piece in pieces)
