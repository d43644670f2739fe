"""An answer as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel, Field
from pydantic_core import to_jsonable_python

from pad_ray.serving.messages import AnswerEvent


class Usage(BaseModel):
    """Tokens, counted as OpenAI counts them."""

    prompt_tokens: int = Field(description="Tokens read that no cache held.")
    completion_tokens: int = Field(description="Tokens generated, those of dropped candidates included.")
    total_tokens: int = Field(description="Both.")

    @classmethod
    def of(cls, answer: AnswerEvent) -> Usage:
        """What an answer cost."""
        read, written = answer.prompt_tokens, answer.completion_tokens
        return cls(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveAnswer(AnswerEvent):
    """The answer to a question.

    Attributes:
        id: of the request.
        model: who answered.
        usage: tokens.
    """

    id: str
    model: str
    usage: Usage

    @classmethod
    def of(cls, answer: AnswerEvent, id: str, model: str) -> SolveAnswer:
        """An event with what the ingress knows besides."""
        known = {one.name: getattr(answer, one.name) for one in fields(answer)}
        return cls(**known, id=id, model=model, usage=Usage.of(answer))


def json_text(value: Any) -> str:
    """Any value as JSON that every reader takes: what is no number is null, what UTF-8 cannot hold is escaped."""
    return json.dumps(to_jsonable_python(value, inf_nan_mode="null"), allow_nan=False)
