"""What a client of OpenAI's chat completions may ask, and the shapes of what it is told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pad_ray.serving.answers import Usage
from pad_ray.serving.messages import AnswerEvent
from pad_ray.serving.refusals import Refusal
from pad_ray.serving.requests import SEEDS, Count, SearchRequest, SignedSeed, SolveRequest

Finish = Literal["stop", "length"]
_RAN_OUT = ("tokens", "steps", "seconds")


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(strict=True)

    type: str = Field(description="`text`; nothing else can be read.")
    text: str | None = Field(None, description="The text.")


class Message(BaseModel):
    """One of a conversation; all that counts is the last of the user's."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = Field(None, description="Text, or parts of type `text`.")

    @property
    def text(self) -> str:
        """All text of it.

        Raises:
            Refusal: there is something else in it, such as a picture.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.type != "text":
                raise Refusal(f"a part of type `{part.type}` cannot be read", "Send text", param="messages")
        return "\n".join(part.text or "" for part in self.content)


class StreamOptions(BaseModel):
    """How a stream ends."""

    model_config = ConfigDict(strict=True)

    include_usage: bool | None = Field(None, description="Whether a last chunk tells the tokens.")


class ChatRequest(BaseModel):
    """A chat completion, as OpenAI's clients ask for it.

    What a student cannot do (tools, formats, penalties, several choices) is refused; what changes no answer is read
    over.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "embedded",
                    "messages": [
                        {"role": "user", "content": "Tom has 3 boxes of 4 pens. He gives 5 away. How many are left?"}
                    ],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                }
            ]
        },
    )

    model: str = Field(description="The student's name, see `/v1/models`.")
    messages: list[Message] = Field(
        min_length=1, description="The last user message is the question; students know nothing of any other."
    )
    stream: bool | None = Field(None, description="Whether text is sent as soon as it is certain.")
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(
        None, ge=0, le=2, description="0 decodes greedily, so no other decoder goes with it."
    )
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus that candidates are drawn from.")
    seed: SignedSeed | None = Field(None, description="The same seed gives the same search.")
    max_tokens: Count | None = Field(None, description="Older name of `max_completion_tokens`.")
    max_completion_tokens: Count | None = Field(
        None, description="Longest program of those drawn at once; the server's maximum where that is lower."
    )
    pad_ray: SearchRequest | None = Field(None, description="How to search, beyond what OpenAI has words for.")

    n: Literal[1] | None = Field(None, description="One choice.")
    frequency_penalty: float | None = Field(None, ge=0, le=0, description="None.")
    presence_penalty: float | None = Field(None, ge=0, le=0, description="None.")
    logprobs: Literal[False] | None = Field(None, description="Not told.")
    response_format: TextFormat | None = Field(None, description="Text.")
    stop: None = Field(None, description="None: a program ends where it returns.")
    tools: None = Field(None, description="None: students call no tools.")
    tool_choice: None = None
    logit_bias: None = None
    top_logprobs: None = None

    user: Any = Field(None, description="Read over.")
    metadata: Any = Field(None, description="Read over.")
    store: Any = Field(None, description="Read over: nothing is stored.")
    service_tier: Any = Field(None, description="Read over.")
    safety_identifier: Any = Field(None, description="Read over.")
    prompt_cache_key: Any = Field(None, description="Read over.")
    reasoning_effort: Any = Field(None, description="Read over.")
    parallel_tool_calls: Any = Field(None, description="Read over.")

    def as_solve(self, most_tokens: int) -> SolveRequest:
        """The same, as `/v1/solve` has it.

        Args:
            most_tokens: of `max_tokens`: a client that allows more is content with less.

        Raises:
            Refusal: there is no question that can be read, or a decoder that draws has nothing to draw from.
        """
        asked = [message for message in self.messages if message.role == "user"]
        if not asked:
            raise Refusal("`messages` has no message of role `user`", "Ask a question", param="messages")
        allowed = self.max_completion_tokens or self.max_tokens
        search = self.pad_ray.model_dump(exclude_none=True) if self.pad_ray else {}
        if self.temperature == 0 and not search.setdefault("decoder", "greedy").startswith("greedy"):
            problem = f"`temperature` is 0, and decoder `{search['decoder']}` draws"
            raise Refusal(problem, "Take decoder `greedy`, or a temperature above 0", param="temperature")
        try:
            return SolveRequest(
                question=asked[-1].text,
                temperature=self.temperature or None,
                top_p=self.top_p,
                seed=None if self.seed is None else self.seed % SEEDS,
                max_tokens=min(allowed, most_tokens) if allowed else None,
                **search,
            )
        except ValidationError:
            raise Refusal("the last user message is blank, or no text", "Ask a question", param="messages") from None


class TextFormat(BaseModel):
    """How an answer is written."""

    type: Literal["text"]


class Details(BaseModel):
    """What OpenAI has no words for."""

    program: str = Field(description="The chosen program; the best unfinished one where none ran.")
    answer: str | None = Field(description="What it returned.")
    value: Any = Field(description="The same, as JSON has it.")
    ran: bool = Field(description="Whether it came to an answer.")
    verdict: str = Field(description="How running it ended.")
    message: str = Field(description="What the interpreter said, of one that failed.")
    stopped: str = Field(description="Why the search ended.")
    deaths: dict[str, int] = Field(description="How many branches died, by cause.")
    sandbox_seconds: float = Field(description="Time spent waiting for the sandbox.")
    seconds: float = Field(description="Time in all.")

    @classmethod
    def of(cls, answer: AnswerEvent) -> dict[str, Any]:
        """Of an answer, not checked again."""
        return {name: getattr(answer, name) for name in cls.model_fields}


class ChatMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str = Field(description="The program in a fence, and a line that begins with `Answer:` or `No answer:`.")
    refusal: None = None


class Choice(BaseModel):
    """The only one."""

    index: Literal[0]
    message: ChatMessage
    finish_reason: Finish = Field(description="`length` where a budget ran out before an answer.")
    logprobs: None = None


class ChatCompletion(BaseModel):
    """An answer as OpenAI's clients read it."""

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Unix time, in seconds.")
    model: str
    choices: list[Choice]
    usage: Usage
    pad_ray: Details


class ServedModel(BaseModel):
    """A student."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Unix time, in seconds, at which it was served.")
    owned_by: str = "pad-ray"


class ServedModels(BaseModel):
    """All students that are served: one."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


def written(answer: AnswerEvent) -> str:
    """A program and its answer as text of a chat."""
    return f"{opened(answer.program)}\n```\n\n{_last_line(answer)}"


def opened(program: str) -> str:
    """The fence and a program, or the beginning of one, without its last line break."""
    return f"```python\n{program.rstrip()}"


def finish_reason(answer: AnswerEvent) -> Finish:
    """Why there is no more text."""
    return "length" if not answer.ran and answer.stopped in _RAN_OUT else "stop"


def _last_line(answer: AnswerEvent) -> str:
    if answer.answer is not None:
        return f"Answer: {answer.answer}"
    reasons = [answer.message, "" if answer.verdict == "ok" else answer.verdict, answer.stopped]
    return f"No answer: {next(filter(None, reasons), 'no program ran')}"
