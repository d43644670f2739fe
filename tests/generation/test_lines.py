"""Lines by transformers, of both architectures, with tiny random models."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from pad_ray.decoding.engine import Draw
from pad_ray.generation.lines import TransformersLines
from pad_ray.recipes.turns import Turn
from tests.training.tiny import KINDS, make_student

TURNS = [
    Turn("Question: How many?\nSubquestion:"),
    Turn("Question: How many nuts are there now?\nSubquestion:", " Who?\nSolution: Ann. #### Ann\nSubquestion:"),
    Turn("Question: Why?\nSubquestion:", " What?\nSubquestion:"),
]


@pytest.fixture(scope="module", params=KINDS)
def lines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TransformersLines:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return TransformersLines(make_student(request.param, folder))


def _write(lines: TransformersLines, turns: Sequence[Turn], max_tokens: int = 12) -> list[str | None]:
    return asyncio.run(lines.write(turns, max_tokens))


def _greedy(lines: TransformersLines, turn: Turn) -> str:
    """By the step engine, which sees one prompt at a time."""
    beam = lines.encode_on(turn.written)
    found = asyncio.run(lines.propose(lines.encode(turn.prompt), [beam], Draw(1, 0.0, max_tokens=12)))
    return lines.decode(found.of[0][0].tokens)


def test_many_are_written_as_each_would_be_alone(lines: TransformersLines) -> None:
    assert _write(lines, TURNS) == [_greedy(lines, turn) for turn in TURNS]


def test_a_turn_without_room_has_no_line_and_the_others_have_theirs(lines: TransformersLines) -> None:
    full = Turn("Question: Why?\nSubquestion:", " so it goes on" * 600)
    written = _write(lines, [full, TURNS[0]])
    assert written[0] is None or lines._longest is None
    assert written[1] == _write(lines, TURNS[:1])[0]


def test_nothing_asked_is_nothing_written(lines: TransformersLines) -> None:
    assert _write(lines, []) == []
