"""Token beams against transformers' own, and PaD's rule for scoring lines."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pad_ray.decoding.engine import Proposals
from pad_ray.generation.step_transformers import TransformersStepEngine
from pad_ray.generation.token_beam import LineScore, TokenBeam
from tests.training.tiny import KINDS, make_student

PROMPT = "Question: How many?\nSolution:\ndef solution():"


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TransformersStepEngine:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return TransformersStepEngine(make_student(request.param, folder))


def _search(
    engine: TransformersStepEngine, width: int, length: int, score: LineScore | None = None
) -> tuple[Proposals, list[float]]:
    return asyncio.run(TokenBeam(engine, width, length).search(engine.encode(PROMPT), score))


def test_without_a_line_score_it_is_the_beam_search_of_transformers(engine: TransformersStepEngine) -> None:
    import torch

    ids = torch.tensor([engine.encode(PROMPT)])
    theirs: Any = engine.model.generate(
        ids,
        num_beams=3,
        num_return_sequences=1,
        max_new_tokens=8,
        do_sample=False,
        length_penalty=0.0,
        early_stopping=True,
    )
    start = 1 if engine.encoder_decoder else ids.shape[1]
    expected = [token for token in theirs[0, start:].tolist() if token not in engine.ends]
    found, _ = _search(engine, 3, 8)
    assert list(found.of[0][0].tokens) == expected


def test_a_score_is_the_log_probability_and_each_line_of_the_beam_once(engine: TransformersStepEngine) -> None:
    asked: list[int] = []

    def score(lines: Any) -> list[float]:
        asked.append(len(lines))
        return [-0.5] * len(lines)

    found, scores = _search(engine, 3, 40, score)
    going = [(one, value) for one, value in zip(found.of[0], scores, strict=True) if not one.ended]
    assert asked or not going or all("\n" not in engine.decode(one.tokens) for one, _ in going)
    for one, value in going:
        assert value == pytest.approx(one.logprob - 0.5 * len(asked), abs=1e-3)
