"""The whole application on Ray Serve, with the embedded model on a real vLLM engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pad_ray.decoding.settings import BudgetConfig, DecodingConfig
from pad_ray.serving.decoder import ServeBackend
from pad_ray.serving.messages import AnswerEvent, Event, Job, StepEvent
from pad_ray.serving.settings import ServeConfig
from tests.ray_cluster import free_ports

# Ray and vLLM warn of much that is theirs.
pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.filterwarnings("default")]
QUESTION = "Ann has 3 nuts and finds 4. How many has she?"
SETTINGS = DecodingConfig(beams=2, candidates=2, budget=BudgetConfig(tokens=1024, steps=8))


def config_for(port: int) -> ServeConfig:
    resources: Any = {"kv_cache_gib": 1, "max_model_len": 512, "engine_rows": 16}
    return ServeConfig(port=port, resources=resources)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from pad_ray.serving.launch import serving

    with serving(config_for(*free_ports(1))) as answered:
        yield answered


def backend() -> ServeBackend:
    from ray import serve

    return ServeBackend(serve.get_deployment_handle("Decoder", app_name="pad-ray"))


def job(decoder: str, name: str = "one") -> Job:
    return Job(name, QUESTION, decoder, SETTINGS, 64)


async def events_of(asked: Job) -> list[Event]:
    return [event async for event in backend().solve(asked)]


@pytest.mark.parametrize("decoder", ["greedy", "self-consistency", "step-beam", "step-beam+repair"])
def test_every_decoder_answers(address: str, decoder: str) -> None:
    *_, answer = asyncio.run(events_of(job(decoder)))
    assert isinstance(answer, AnswerEvent)
    assert answer.program
    assert answer.completion_tokens > 0


def test_steps_are_streamed_before_the_answer(address: str) -> None:
    *steps, answer = asyncio.run(events_of(job("step-beam")))
    assert steps
    assert all(isinstance(step, StepEvent) for step in steps)
    assert isinstance(answer, AnswerEvent)


def test_a_prompt_that_was_read_is_not_read_again(address: str) -> None:
    first, second = (asyncio.run(events_of(job("greedy", "again")))[-1] for _ in range(2))
    assert isinstance(first, AnswerEvent)
    assert isinstance(second, AnswerEvent)
    assert second.prompt_tokens <= first.prompt_tokens
    assert second.prompt_tokens < 64


def test_closing_leaves_the_application_able_to_answer(address: str) -> None:
    async def close() -> bool:
        events = backend().solve(job("step-beam", "left"))
        await anext(events)
        await events.aclose()
        return await backend().ready()

    assert asyncio.run(close())
