"""What every teacher gives back for a request: a row of the record `completion`, whether it answered or failed."""

from __future__ import annotations

from pad_ray.records import Row, columns

_FROM_REQUEST = tuple(name for name in columns("completion") if name in columns("request"))


def answered(
    request: Row,
    text: str,
    *,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    finish_reason: str = "stop",
    seconds: float = 0.0,
    cost: float = 0.0,
) -> Row:
    """The completion of a request.

    Args:
        request: a row of the record `request`.
        text: what the teacher wrote after the prompt, stop string left out.
        finish_reason: `stop`, or `length` where the limit of tokens cut it.
        seconds: from asking to the answer, other requests going on beside it.
        cost: money that it cost.
    """
    return {
        **{key: request[key] for key in _FROM_REQUEST},
        "completion": text,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "finish_reason": finish_reason,
        "teacher_error": None,
        "seconds": seconds,
        "cost": cost,
    }


def failed(request: Row, error: str, *, cost: float = 0.0) -> Row:
    """The row of a request that the teacher did not answer; the next run asks again."""
    return {**answered(request, "", finish_reason="error", cost=cost), "completion": None, "teacher_error": error}
