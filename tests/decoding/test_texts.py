"""Texts whose final answers vote: what counts as equal is the problem's comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.sampling import ballot
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.texts import Reading, sample_texts, votes
from pad_ray.programs.answers import Comparison, Kind, Mode
from tests.decoding.scripted import ScriptedEngine

NUMBERS = Reading("strict", Kind.NUMBER)


def _vote(texts: Sequence[tuple[str, float]], reading: Reading = NUMBERS, samples: int = 60) -> Outcome:
    draw = ballot(DecodingConfig(samples=samples), 20)
    engine = ScriptedEngine(lambda text: texts)
    return asyncio.run(sample_texts(engine, reading, engine.encode("Question"), draw, stop=("\nQuestion:",)))


def test_the_answer_that_most_texts_give_wins_whatever_the_single_texts() -> None:
    found = _vote([("So 3.\n#### 3", 0.4), ("Five.\n#### 5", 0.3), ("5 in all.\n#### 5.0", 0.3)])
    assert (found.answer, found.ran) == (5, True)
    assert found.program in ("Five.\n#### 5", "5 in all.\n#### 5.0")


def test_the_votes_are_kept_most_first() -> None:
    found = _vote([("#### 5", 0.7), ("#### 3", 0.2), ("I do not know", 0.1)])
    counted = votes(found.trace, NUMBERS)
    assert [vote["answer"] for vote in counted] == ["5", "3"]
    drawn = len(found.trace.branches)
    assert drawn == 60
    assert sum(vote["votes"] for vote in counted) == drawn - sum(one.fate == "ended" for one in found.trace.branches)


def test_the_comparison_says_which_answers_are_equal() -> None:
    texts = [("#### 7.4", 0.3), ("#### 6.9", 0.3), ("#### 2", 0.4)]
    assert _vote(texts).answer == 2
    rounded = Reading("strict", Kind.NUMBER, Comparison(Mode.ROUND))
    assert _vote(texts, rounded).answer in (7.4, 6.9)


def test_words_vote_by_their_meaning() -> None:
    truths = Reading("strict", Kind.TRUTH)
    found = _vote([("The answer is yes.", 0.3), ("The answer is Yes", 0.3), ("The answer is no.", 0.4)], truths)
    assert str(found.answer).lower() == "yes"


def test_of_equal_votes_the_first_text_that_was_drawn_wins() -> None:
    found = _vote([("#### 1", 0.5), ("#### 2", 0.5)], samples=2)
    assert found.branch == 1


def test_where_no_text_states_an_answer_the_first_is_what_was_written() -> None:
    found = _vote([("I do not know", 1.0)], samples=3)
    assert (found.program, found.answer, found.ran) == ("I do not know", None, False)


def test_what_stands_behind_a_stop_does_not_count() -> None:
    assert _vote([("#### 1\nQuestion: more\n#### 2", 1.0)]).answer == 1


def test_a_reading_survives_the_way_through_a_request() -> None:
    reading = Reading("flexible", Kind.CHOICE, Comparison(Mode.EXACT))
    assert Reading.of(reading.as_json()) == reading
    assert Reading.of(Reading("strict").as_json()) == Reading("strict")
