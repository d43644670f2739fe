"""The load that a bench puts on a server, and what it calls lost, on a scripted model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest

from pad_ray.sandbox import Sandbox
from tests.bench.load import Client, Turn, percentile
from tests.bench.server import scripted
from tests.serving.page_server import QUESTION, Gated, served, shopping


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def asked(sandbox: Sandbox, count: int, refusals: int = 0, **fields: Any) -> Turn:
    engine = Gated(shopping)
    engine.allow()
    with served(engine, sandbox, refusals, queue={"retry_after": 1}) as url:
        return asyncio.run(Client(url, **fields).turn([QUESTION] * count, 4))


def test_every_question_is_answered(sandbox: Sandbox) -> None:
    turn = asked(sandbox, 6)
    assert (len(turn.asked), turn.lost, len(turn.answers())) == (6, [], 6)
    assert all(one.ran for one in turn.asked)


def test_first_step_comes_before_the_answer(sandbox: Sandbox) -> None:
    [one] = asked(sandbox, 1).asked
    assert one.first is not None
    assert one.first <= one.seconds


def test_a_question_that_was_turned_away_and_then_answered_is_not_lost(sandbox: Sandbox) -> None:
    turn = asked(sandbox, 2, refusals=2)
    assert (turn.lost, sum(one.refused for one in turn.asked)) == ([], 2)


def test_a_question_that_is_refused_is_lost(sandbox: Sandbox) -> None:
    turn = asked(sandbox, 1, beams=1000)
    assert [one.lost.startswith("status 400") for one in turn.lost] == [True]


def test_nothing_is_at_work_after_all_hung_up() -> None:
    with scripted() as server:
        assert asyncio.run(Client(server.url).abandon([QUESTION] * 12, 4)) == 12
        assert server.settles() == 0


def test_memory_of_all_processes_is_told() -> None:
    with scripted() as server:
        assert min(server.memory().values()) > 0


@pytest.mark.parametrize(("values", "median"), [([], math.nan), ([3.0], 3.0), ([1.0, 2.0, 9.0], 2.0)])
def test_median(values: list[float], median: float) -> None:
    assert percentile(values, 50) == pytest.approx(median, nan_ok=True)
