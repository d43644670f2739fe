"""Steps from transformers, of both architectures, with tiny random models."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.generation.step_transformers import TransformersStepEngine
from tests.training.tiny import KINDS, make_student

PROMPT = "Question: How many?\nSolution:\ndef solution():"


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TransformersStepEngine:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return TransformersStepEngine(make_student(request.param, folder))


def _propose(engine: TransformersStepEngine, beams: list[Tokens], **draw: object) -> Proposals:
    settings = Draw(**{"count": 3, "max_tokens": 12, **draw})  # type: ignore[arg-type]
    return asyncio.run(engine.propose(engine.encode(PROMPT), beams, settings))


def _logprob(engine: TransformersStepEngine, beam: Tokens, tokens: Tokens) -> float:
    """By one forward pass over everything."""
    import torch

    with torch.inference_mode():
        if engine.encoder_decoder:
            ids = torch.tensor([[engine.start, *beam, *tokens]])
            prompt = torch.tensor([engine.encode(PROMPT)])
            logits = engine.model(input_ids=prompt, decoder_input_ids=ids).logits
        else:
            ids = torch.tensor([[*engine.encode(PROMPT), *beam, *tokens]])
            logits = engine.model(input_ids=ids).logits
    chances = logits[0].float().log_softmax(-1)[-len(tokens) - 1 : -1]
    return float(chances.gather(-1, torch.tensor(tokens).unsqueeze(-1)).sum())


def test_a_proposal_carries_the_models_own_log_probability_whatever_the_temperature(
    engine: TransformersStepEngine,
) -> None:
    beams: list[Tokens] = [(), engine.encode("a b c")[:3]]
    found = _propose(engine, beams, temperature=2.0, lines=False, max_tokens=6)
    for beam, proposals in zip(beams, found.of, strict=True):
        assert len(proposals) == 3
        for one in proposals:
            ends = tuple(engine.ends)[:1] if one.ended else ()
            assert one.logprob == pytest.approx(_logprob(engine, beam, one.tokens + ends), abs=0.02)


def test_a_step_ends_with_the_token_that_holds_the_line_break(engine: TransformersStepEngine) -> None:
    found = _propose(engine, [()], count=40, temperature=3.0, max_tokens=30)
    breaks = [[token in engine.line_breaks for token in one.tokens] for one in found.of[0]]
    assert any(any(row) for row in breaks)
    assert not any(any(row[:-1]) for row in breaks)


def test_the_same_seed_draws_the_same(engine: TransformersStepEngine) -> None:
    first, second, other = (_propose(engine, [()], seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert first.of != other.of


def test_the_first_proposal_is_the_greedy_one(engine: TransformersStepEngine) -> None:
    found = _propose(engine, [()], count=4)
    [[greedy]] = _propose(engine, [()], count=1, temperature=0.0).of
    assert found.of[0][0].tokens == greedy.tokens


def test_a_beam_without_room_is_not_continued(engine: TransformersStepEngine) -> None:
    [full, fresh] = _propose(engine, [(5,) * 600, ()], count=2).of
    assert (len(full), len(fresh)) == (0 if engine._longest else 2, 2)


def test_all_that_was_written_is_counted(engine: TransformersStepEngine) -> None:
    found = _propose(engine, [(), ()], count=3)
    assert found.completion_tokens == sum(len(one.tokens) + one.ended for of in found.of for one in of)
