"""A job as a replica of the decoder works it off, on a scripted model and the real sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pad_ray.asking import Asking
from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.decoding.settings import REPAIR, STEPWISE, BudgetConfig, DecodingConfig
from pad_ray.errors import ConfigError, EngineLost
from pad_ray.recipes import recipe_named
from pad_ray.sandbox import Sandbox
from pad_ray.serving.backend import DecoderLost
from pad_ray.serving.messages import AnswerEvent, Event, Job, StepEvent
from pad_ray.serving.search import Searcher
from tests.decoding.scripted import ScriptedEngine

ASKING = Asking(recipe_named("pad"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def apples(text: str) -> list[tuple[str, float]]:
    """Two ways to the same number of apples, and one that breaks."""
    if not text.strip():
        return [("\n    apples = 3\n", 0.6), ("\n    apples = 1 + 2\n", 0.3), ("\n    apples = pears\n", 0.1)]
    return [("    return apples + 4", 1.0)]


def broken(text: str) -> list[tuple[str, float]]:
    return [("\n    return pears", 1.0)]


def job(decoder: str = "step-beam", **settings: Any) -> Job:
    settings = {"certain": 1.0, "samples": 3, **settings}
    return Job("one", "How many apples?", decoder, DecodingConfig(**settings), 64)


async def events_of(searcher: Searcher, asked: Job) -> list[Event]:
    return [event async for event in searcher.solve(asked)]


def solved(sandbox: Sandbox, script: Any, asked: Job) -> tuple[list[StepEvent], AnswerEvent]:
    *steps, answer = asyncio.run(events_of(Searcher(ScriptedEngine(script), sandbox, ASKING), asked))
    assert isinstance(answer, AnswerEvent)
    return [step for step in steps if isinstance(step, StepEvent)], answer


@pytest.mark.parametrize("decoder", [*STEPWISE, *(name + REPAIR for name in STEPWISE)])
def test_every_decoder_ends_in_an_answer(sandbox: Sandbox, decoder: str) -> None:
    _, answer = solved(sandbox, apples, job(decoder))
    assert (answer.answer, answer.value, answer.ran, answer.verdict) == ("7", 7, True, "ok")


def test_each_step_is_told_while_the_search_goes_on(sandbox: Sandbox) -> None:
    steps, answer = solved(sandbox, apples, job())
    assert [step.depth for step in steps] == [1, 2]
    assert [branch for step in steps for branch in step.branches] == answer.branches
    assert steps[0].completion_tokens < steps[-1].completion_tokens == answer.completion_tokens


def test_the_shared_text_is_what_every_beam_begins_with(sandbox: Sandbox) -> None:
    steps, answer = solved(sandbox, apples, job())
    assert all(answer.program.startswith(step.shared) for step in steps)
    assert steps[-1].shared == answer.program


def test_the_lines_are_the_program(sandbox: Sandbox) -> None:
    _, answer = solved(sandbox, apples, job())
    assert answer.program.endswith("".join(line.text for line in answer.lines))
    assert answer.lines[0].values == {"apples": "3"}
    assert answer.lines[-1].branch == answer.chosen


def test_a_program_that_breaks_has_its_verdict(sandbox: Sandbox) -> None:
    _, answer = solved(sandbox, broken, job("greedy"))
    assert (answer.answer, answer.ran, answer.verdict) == (None, False, "error")
    assert "pears" in answer.message


def test_programs_before_a_repair_are_told(sandbox: Sandbox) -> None:
    _, answer = solved(sandbox, broken, job("greedy+repair"))
    assert [attempt["status"] for attempt in answer.attempts] == ["error", "error"]


def test_events_of_a_repair_say_whose_tree_they_are(sandbox: Sandbox) -> None:
    steps, _ = solved(sandbox, broken, job("step-beam+repair"))
    assert {step.attempt for step in steps} == {0, 1}


class Hanging(ScriptedEngine):
    """Never answers, and tells when it is asked and when it is left."""

    def __init__(self) -> None:
        super().__init__(apples)
        self.begun, self.left = asyncio.Event(), asyncio.Event()

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        self.begun.set()
        try:
            return await asyncio.Future()
        finally:
            self.left.set()


def test_closing_leaves_the_engine(sandbox: Sandbox) -> None:
    async def close() -> bool:
        engine = Hanging()
        events = Searcher(engine, sandbox, ASKING).solve(job())
        waiting = asyncio.ensure_future(anext(events))
        await engine.begun.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await events.aclose()
        return engine.left.is_set()

    assert asyncio.run(close())


@pytest.mark.parametrize("decoder", STEPWISE)
def test_no_decoder_takes_more_than_its_time(sandbox: Sandbox, decoder: str) -> None:
    async def ask() -> list[Event]:
        return await events_of(Searcher(Hanging(), sandbox, ASKING), job(decoder, budget=BudgetConfig(seconds=0.05)))

    [answer] = asyncio.run(ask())
    assert isinstance(answer, AnswerEvent)
    assert (answer.stopped, answer.ran) == ("seconds", False)


class Dying(ScriptedEngine):
    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        raise EngineLost("the engine died")


def test_an_engine_that_died_is_a_lost_decoder(sandbox: Sandbox) -> None:
    with pytest.raises(DecoderLost, match="the engine died"):
        asyncio.run(events_of(Searcher(Dying(apples), sandbox, ASKING), job()))


def test_a_decoder_that_there_is_not_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="`paper`"):
        asyncio.run(events_of(Searcher(ScriptedEngine(apples), sandbox, ASKING), job("paper")))


def test_a_student_that_writes_no_programs_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="`cot` writes no programs"):
        Searcher(ScriptedEngine(apples), sandbox, Asking(recipe_named("cot")))


def test_many_jobs_at_once_keep_their_accounts(sandbox: Sandbox) -> None:
    async def ask() -> list[list[Event]]:
        searcher = Searcher(ScriptedEngine(apples), sandbox, ASKING)
        return await asyncio.gather(*(events_of(searcher, job()) for _ in range(8)))

    costs = {answer.completion_tokens for *_, answer in asyncio.run(ask())}
    assert len(costs) == 1
