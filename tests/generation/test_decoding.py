"""Decoders as what answers requests, with a tiny random student: a row for each, its trace beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.settings import DECODERS, NAMES, DecodingConfig, repairs
from pad_ray.decoding.texts import Reading
from pad_ray.generation.decoding import DecoderTeacher, decoding_request
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, table
from pad_ray.synthesis.requests import make_request
from tests.training.tiny import KINDS, make_student

RECIPE = recipe_named("pad")
SETTINGS = DecodingConfig.model_validate(
    {
        "beams": 2,
        "candidates": 2,
        "samples": 3,
        "step_tokens": 12,
        "budget": {"steps": 3},
        "weights": {"faithfulness": 1},
    }
)


@pytest.fixture(scope="module", params=[KINDS[0], KINDS[-1]])
def teacher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderTeacher]:
    folder = make_student(request.param, Path(tmp_path_factory.mktemp(request.param)))
    teacher = DecoderTeacher("transformers", folder, None, ResourcesConfig(), "pad")
    yield teacher
    teacher.close()


def _request(decoder: str, number: int) -> Row:
    question = f"Ann has {number} nuts. How many?"
    asked = decoding_request(decoder, SETTINGS, question, 12, RECIPE.stop)
    problem = {"id": f"p{number}", "question": question, "gold": None}
    return make_request(problem, 0, RECIPE.prompt(question), asked, "model")


def _answers(teacher: DecoderTeacher, requests: list[Row]) -> list[Row]:
    async def ask() -> list[Any]:
        return [out async for out in teacher(table("request", requests))]

    [out] = asyncio.run(ask())
    rows: list[Row] = out.to_pylist()
    return rows


@pytest.mark.parametrize("decoder", DECODERS)
def test_each_request_has_a_completion_and_the_trace_of_how_it_was_found(teacher: DecoderTeacher, decoder: str) -> None:
    requests = [_request(decoder, number) for number in range(3)]
    rows = _answers(teacher, requests)
    assert [row["id"] for row in rows] == [request["id"] for request in requests]
    for row in rows:
        trace = json.loads(row["trace"])
        assert trace["completion_tokens"] == row["completion_tokens"] > 0
        assert trace["branches"]
        assert row["teacher_error"] is None


@pytest.mark.parametrize("decoder", [name for name in NAMES if repairs(name)])
def test_with_repair_every_attempt_is_in_the_trace_and_counts(teacher: DecoderTeacher, decoder: str) -> None:
    for row in _answers(teacher, [_request(decoder, number) for number in range(3)]):
        attempts = json.loads(row["trace"])["attempts"]
        assert [attempt["attempt"] for attempt in attempts] == list(range(len(attempts)))
        assert len(attempts) <= 1 + SETTINGS.repairs
        assert sum(attempt["completion_tokens"] for attempt in attempts) == row["completion_tokens"]
        assert all(attempt["trace"]["branches"] for attempt in attempts)
        assert all(attempt["status"] in ("error", "syntax_error") for attempt in attempts[:-1])


def test_the_same_seed_grows_the_same_tree(teacher: DecoderTeacher) -> None:
    """One problem in flight: others beside it would share its batches, and sums in another order round otherwise."""
    first, again = (_tree(_answers(teacher, [_request("step-beam", 1)])[0]) for _ in range(2))
    assert first == again


def _tree(row: Row) -> Any:
    trace = json.loads(row["trace"])
    return {name: value for name, value in trace.items() if "seconds" not in name}


def test_what_shapes_the_answer_is_in_the_requests_identity() -> None:
    other = SETTINGS.model_copy(update={"beams": 3})
    problem = {"id": "p", "question": "How many?", "gold": None}
    rids = {
        make_request(problem, 0, "How many?", decoding_request(decoder, settings, "How many?", 12, ()), "m")["rid"]
        for decoder in ("greedy", "step-beam")
        for settings in (SETTINGS, other)
    }
    assert len(rids) == 4


def test_answers_of_texts_vote_and_the_votes_are_kept(tmp_path: Path) -> None:
    cot = recipe_named("cot")
    made = DecoderTeacher("transformers", make_student("t5", tmp_path), None, ResourcesConfig(), "cot")
    asked = decoding_request("self-consistency", SETTINGS, "How many?", 12, cot.stop, Reading("flexible"))
    problem = {"id": "p", "question": "How many?", "gold": None}
    [row] = _answers(made, [make_request(problem, 0, cot.prompt("How many?"), asked, "model")])
    made.close()
    trace = json.loads(row["trace"])
    assert len(trace["branches"]) == SETTINGS.samples
    assert row["completion"] == trace["branches"][trace["chosen"] - 1]["step"]
    assert sum(vote["votes"] for vote in trace["votes"]) == sum(one["fate"] == "finished" for one in trace["branches"])
