"""Whole programs at once: greedy, and self-consistency (arXiv 2203.11171) over executed answers.

They have the trace and the accounts of the step beam, so that all can be compared at equal token budgets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.choose import choose
from pad_ray.decoding.engine import Draw, Proposal, StepEngine, Tokens
from pad_ray.decoding.running import Run, run_texts
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch, Fate, Trace
from pad_ray.sandbox import Execution, Status, StepVerdict


async def sample(
    engine: StepEngine, run: Run, prompt: Tokens, draw: Draw, *, opening: str = "", stop: Sequence[str] = ()
) -> Outcome:
    """Draws programs, runs them all, and takes the answer that most of them give; of one program, its own.

    Args:
        engine: the model.
        run: runs programs, such as `Sandbox.run_async`.
        prompt: ids of what the model goes on from.
        draw: how many, and how; `lines` is left out of account.
        opening: the end of the prompt that is the beginning of the program.
        stop: a program ends where one of these would begin.
    """
    begun = time.monotonic()
    found = await engine.propose(prompt, [()], replace(draw, lines=False))
    trace = await judged(engine, run, found.of[0], opening=opening, stop=stop)
    trace.cost.completion_tokens, trace.cost.prompt_tokens = found.completion_tokens, found.prompt_tokens
    for branch in trace.branches:
        branch.score = 0.0  # one program, one vote
    return outcome_of(trace, begun, "vote")


async def judged(
    engine: StepEngine, run: Run, proposals: Sequence[Proposal], *, opening: str = "", stop: Sequence[str] = ()
) -> Trace:
    """Whole programs with what running them gave, as branches whose score is their log-probability."""
    texts = [opening + cut(engine.decode(one.tokens), stop) for one in proposals]
    begun = time.monotonic()
    verdicts = [_verdict(execution) for _, execution in await run_texts(run, texts)]
    trace = Trace()
    trace.cost.sandbox_seconds = time.monotonic() - begun
    for number, (one, text, verdict) in enumerate(zip(proposals, texts, verdicts, strict=True), 1):
        fate = Fate.FINISHED if verdict.finished else Fate.BROKEN
        trace.branches.append(Branch(number, 0, 1, one.tokens, text, text, one.logprob, {}, one.logprob, verdict, fate))
    return trace


def outcome_of(trace: Trace, begun: float, how: str, answer: Callable[[Branch], str] | None = None) -> Outcome:
    """The choice among whole programs: by `vote`, or the best by `score` whether it ran or not.

    Args:
        trace: all of them.
        begun: when, by `time.monotonic`.
        how: see above.
        answer: which of them vote together, see `choose`.
    """
    trace.stopped = "done"
    trace.cost.seconds = time.monotonic() - begun
    if not trace.branches:
        return Outcome("", None, False, 0, trace)
    finished = [one for one in trace.branches if one.fate is Fate.FINISHED]
    best = max(trace.branches, key=lambda one: (one.score, -one.id))
    chosen = choose(finished, "vote", answer) if how == "vote" and finished else best
    return Outcome.of(chosen, trace)


def ballot(settings: DecodingConfig, max_tokens: int) -> Draw:
    """What self-consistency votes over."""
    return Draw(settings.samples, settings.temperature, settings.top_p, max_tokens, settings.seed, greedy_first=False)


def cut(text: str, stop: Sequence[str]) -> str:
    """The text up to the first of the stop strings."""
    places = [place for one in stop if (place := text.find(one)) >= 0]
    return text[: min(places)] if places else text


def _verdict(execution: Execution) -> StepVerdict:
    ran = execution.status is Status.OK
    return StepVerdict(
        execution.status,
        execution.error_class,
        execution.message,
        execution.line,
        finished=ran,
        value=execution.value if ran else None,
        cpu_s=execution.cpu_s,
        tier=execution.tier,
    )
