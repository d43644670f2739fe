"""What goes between the ingress and a decoder: a job in, events out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pad_ray.decoding.settings import DecodingConfig

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A question with all its settings; within the server's maxima, so a decoder need not look.

    Attributes:
        id: names the request in logs, and keeps its steps on one engine, where its prompt is cached.
        question: the question itself.
        decoder: one of `STEPWISE`, or one of them with `+repair` behind it.
        settings: widths, weights, budgets.
        max_tokens: longest program of those that are drawn at once, in tokens.
    """

    id: str
    question: str
    decoder: str
    settings: DecodingConfig
    max_tokens: int


@dataclass(frozen=True, slots=True)
class StepEvent:
    """The branches of one more step of the search; the decoders that draw whole programs have none.

    Attributes:
        attempt: 0, or the number of the repair whose tree this is.
        depth: statements that its longest live branch has.
        branches: as `Branch.as_json` gives them; ids and parents are those of one tree.
        live: ids of the beams that are still written.
        shared: the text, whole lines, that every live beam and every finished one begins with; the opening included.
        completion_tokens, prompt_tokens: as `Cost` has them, so far.
        seconds: since the job began.
    """

    attempt: int
    depth: int
    branches: list[JsonObject]
    live: list[int]
    shared: str
    completion_tokens: int
    prompt_tokens: int
    seconds: float
    type: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class Line:
    """A statement of the chosen program.

    Attributes:
        text: the statement, with its indentation and line break.
        branch: id of the branch that it made.
        logprob: its own, in nats; of merged branches with what joined it.
        scores: each scorer's ln ψ of this step alone.
        values: the variables after it, as text; shortened.
    """

    text: str
    branch: int
    logprob: float
    scores: dict[str, float]
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """The end of a job.

    Attributes:
        answer: the value that the program returned, as people write it; None without one.
        value: the same as JSON has it, where JSON has it: a number, text, a list; a number too large for it as text.
        program: the chosen program; the best unfinished one where none ran.
        ran: it came to an answer.
        verdict: how the last run of the whole program ended: `ok` or a status of the sandbox.
        message: what the interpreter said, of one that failed.
        lines: the program, step by step; empty of decoders that draw whole programs.
        branches: all that was considered, as `Branch.as_json` gives it.
        chosen: id of the chosen branch; 0 where none was kept.
        deaths: how many branches died, by cause.
        stopped: why the search ended, see `Trace`.
        attempts: programs that were tried before this one, of a decoder with repair.
        completion_tokens, prompt_tokens, sandbox_seconds, seconds: what it cost, see `Cost`.
    """

    answer: str | None
    value: Any
    program: str
    ran: bool
    verdict: str
    message: str
    lines: list[Line]
    branches: list[JsonObject]
    chosen: int
    deaths: dict[str, int]
    stopped: str
    completion_tokens: int
    prompt_tokens: int
    sandbox_seconds: float
    seconds: float
    attempts: list[JsonObject] = field(default_factory=list)
    type: Literal["answer"] = "answer"


Event = StepEvent | AnswerEvent
